//! Receipts of a resource's calls.

use super::{Receipt, Receipts};
use crate::Resource;

impl Resource {
    /// Runs calls and says what they have cost.
    ///
    /// `calls` gets a handle of this resource; what is done through other handles is not in the receipt, nor are index
    /// writes that go on in the background after the call ([`PartitionWrites::Background`]).
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/receipt").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    ///
    /// let (ann, receipt) = users.receipt(async |users| users.update("ann", json!({"name": "Anna"})).await).await;
    /// assert_eq!(ann?.data["name"], "Anna");
    /// assert_eq!(receipt.requests.to_string(), "1 GET + 1 PUT");
    /// println!("{receipt}");
    /// # Ok(()) }) }
    /// ```
    ///
    /// [`PartitionWrites::Background`]: crate::plan::PartitionWrites::Background
    pub async fn receipt<T>(&self, calls: impl AsyncFnOnce(Self) -> T) -> (T, Receipt) {
        let (metered, receipts) = self.metered();
        let result = calls(metered).await;
        (result, receipts.take())
    }

    /// A handle of this resource whose costs are written down, and the book: [`Receipts::take`] tells what was spent
    /// since it was asked before. Clones of the handle write into the same book.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/metered").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    ///
    /// let (users, receipts) = users.metered();
    /// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    /// assert_eq!(receipts.take().requests.to_string(), "1 PUT");
    /// users.get("ann").await?;
    /// assert_eq!(receipts.take().requests.to_string(), "1 GET");
    /// # Ok(()) }) }
    /// ```
    pub fn metered(&self) -> (Self, Receipts) {
        let receipts = Receipts::new(self.db.env.clone(), self.db.prices);
        (self.layered(|layers| layers.receipts.push(receipts.clone())), receipts)
    }
}
