//! A partition as folders: which there are, and taking documents out of one without reading them.

use super::{PartitionView, Resource};
use crate::store::{DELETE_MANY_MAX, ListRequest};
use crate::{Error, ErrorKind, Result};

impl Resource {
    /// The values that the first field of a partition has in its keys, each once, in the order of the keys. Whether the
    /// references below them still hold is not looked at.
    ///
    /// Requests: 1 LIST per 1,000 values. Errors: `Config` for a partition that there is not.
    pub async fn partition_folders(&self, name: &str) -> Result<Vec<String>> {
        let state = self.state();
        let partition = self.named_partition(&state, name)?;
        let prefix = self.db.keys.partitions(self.name(), Some(&partition.name))?;
        let mut request =
            ListRequest { delimiter: Some("/".to_owned()), ..ListRequest::prefix(prefix.clone()) };
        let mut folders = Vec::new();
        loop {
            let page = self.store.list(request.clone()).await.map_err(|e| e.with("resource", self.name()))?;
            folders.extend(page.common_prefixes.iter().filter_map(|folder| {
                let segment = folder.strip_prefix(&prefix)?.strip_suffix('/')?;
                segment.split_once('=').map(|(_, value)| value.to_owned())
            }));
            match page.continuation {
                Some(continuation) => request.continuation = Some(continuation),
                None => return Ok(folders),
            }
        }
    }
}

impl PartitionView {
    /// Deletes documents with their references in this view, without reading them: for queues, whose documents are in one
    /// partition at a time. Absent ids count as deleted. Hooks and those who follow changes hear nothing of it.
    ///
    /// Requests: 1 DELETE of many per 500 documents.
    /// Errors: `Unsupported` where a document has more than this one reference: other partitions, or unique fields; `Config`
    /// when the view does not give all fields of its partition.
    pub async fn drop_documents(&self, ids: &[String]) -> Result<()> {
        let state = self.resource.state();
        if state.partitions.len() != 1 || !state.unique.is_empty() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "documents have references that are not known unread",
            )
            .with("resource", self.resource.name())
            .hint("delete them by `delete_many`"));
        }
        let mut keys = Vec::with_capacity(ids.len() * 2);
        for id in ids {
            let reference = self.partition.foreign_key(
                &self.resource.db.keys,
                self.resource.name(),
                id,
                &self.values,
                "",
            );
            let reference = reference.ok_or_else(|| {
                Error::new(ErrorKind::Config, "the view gives not all fields of its partition")
                    .with("partition", &self.partition.name)
            })?;
            // The reference comes last: what is left of a delete that was cut off is found by it.
            keys.push(self.resource.document_key(id)?);
            keys.push(reference);
        }
        for some in keys.chunks(DELETE_MANY_MAX) {
            self.resource.store.delete_many(some).await?.into_iter().collect::<Result<()>>()?;
        }
        Ok(())
    }
}
