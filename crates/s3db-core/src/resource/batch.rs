//! Creating many documents.

use futures::stream::{self, StreamExt as _};
use serde_json::Value;

use super::{BatchError, BatchResult, Record, Resource};

impl Resource {
    /// Creates documents, several at once. Each succeeds or fails by itself.
    ///
    /// Requests: those of [`insert`](Self::insert) for each.
    pub async fn insert_many(&self, values: impl IntoIterator<Item = Value>) -> BatchResult<Record> {
        let inserts = values.into_iter().enumerate().map(|(index, value)| async move {
            let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
            (index, id, self.insert(value).await)
        });
        let mut results = stream::iter(inserts).buffered(self.db.options.parallelism);
        let mut batch = BatchResult::default();
        while let Some((index, id, result)) = results.next().await {
            match result {
                Ok(record) => batch.ok.push(record),
                Err(error) => batch.failed.push(BatchError { index, id, error }),
            }
        }
        batch
    }
}
