//! Observers of the requests of a database.

use std::sync::Arc;

use async_trait::async_trait;

use super::Database;
use crate::Result;
use crate::op::{Answer, Next, Op, OpLayer, Registration, Stage};
use crate::store::RequestObserver;
use crate::store::layers::within;

impl Database {
    /// Has `observer` be told of each request that this database sends from now on, once it is over: those of calls, of index
    /// writes in the background, of plugins and of tools that use [`store`](Self::store). Each request is told once, with the
    /// numbers that receipts have, also one that fails and one whose caller goes away. While nobody observes, a request costs
    /// nothing more.
    ///
    /// Sends nothing.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use std::sync::{Arc, Mutex};
    /// use s3db_core::store::{Request, RequestObserver};
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// #[derive(Debug, Default)]
    /// struct Log(Mutex<Vec<String>>);
    ///
    /// impl RequestObserver for Log {
    ///     fn request(&self, request: &Request<'_>) {
    ///         let (resource, operation) = (request.resource().unwrap_or("-"), request.operation.unwrap_or("-"));
    ///         self.0.lock().unwrap().push(format!("{} of {resource} for {operation}", request.kind));
    ///     }
    /// }
    ///
    /// let db = Database::connect("memory://shop/observed").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// let log = Arc::new(Log::default());
    /// let observing = db.observe_requests(log.clone());
    /// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    /// users.count().await?;
    /// observing.remove();
    /// users.get("ann").await?;
    /// assert_eq!(*log.0.lock().unwrap(), ["PUT of users for insert", "LIST of users for count"]);
    /// # Ok(()) }) }
    /// ```
    pub fn observe_requests(&self, observer: Arc<dyn RequestObserver>) -> Registration {
        let observers = self.inner.observers.clone();
        let number = observers.add(observer);
        let naming = self.layer(Stage::Guard, Arc::new(NameOperation));
        Registration::new(move || {
            observers.remove(number);
            naming.remove();
        })
    }
}

/// Tells requests which verb they are sent for.
#[derive(Debug)]
struct NameOperation;

#[async_trait]
impl OpLayer for NameOperation {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        within(op.verb().as_str(), next.run(op)).await
    }
}
