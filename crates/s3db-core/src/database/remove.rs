//! Removing resources whole.

use super::{Database, lock};
use crate::Result;
use crate::store::ListRequest;

impl Database {
    /// Deletes all objects of a resource, then takes it out of the catalogue. Returns the number of objects. A crash in
    /// between leaves a resource with fewer documents, which can be removed again.
    pub(crate) async fn remove_resource(&self, name: &str) -> Result<u64> {
        let keys = &self.inner.keys;
        let mut deleted = 0;
        for prefix in [keys.resource(name)?, keys.claims(name, None)?] {
            deleted += self.delete_below(&prefix).await?;
        }
        let now = self.inner.now();
        self.inner
            .change_catalog(|catalog| {
                let removed = catalog.remove(name, &now);
                Ok(((), removed.is_some()))
            })
            .await?;
        lock(&self.inner.resources).remove(name);
        Ok(deleted)
    }

    async fn delete_below(&self, prefix: &str) -> Result<u64> {
        let mut deleted = 0;
        loop {
            // Always the first page: what it held is gone when the next one is asked for.
            let page = self.inner.store.list(ListRequest::prefix(prefix)).await?;
            let keys: Vec<String> = page.entries.iter().map(|entry| entry.key.to_string()).collect();
            if keys.is_empty() {
                return Ok(deleted);
            }
            for result in self.inner.store.delete_many(&keys).await? {
                result?;
            }
            deleted += keys.len() as u64;
        }
    }
}
