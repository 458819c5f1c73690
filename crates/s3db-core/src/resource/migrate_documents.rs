//! Writing the documents of older versions under the current one.

use futures::stream::{self, StreamExt as _};

use super::codec::Operation;
use super::update::lost_race;
use super::{ListOptions, Resource};
use crate::{Error, ErrorKind, Result};

/// Ids that are listed at a time.
const PAGE_IDS: usize = 1000;

/// Failures that are kept to be shown; all are counted.
const FAILURES_SHOWN: usize = 100;

/// What [`Resource::migrate_documents`] did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DocumentsMigrated {
    /// Documents that were looked at.
    pub documents: u64,
    /// Documents that were written under the current version.
    pub migrated: u64,
    /// Documents that could not be; [`failures`](Self::failures) has the first 100.
    pub failed: u64,
    /// Which, and why.
    pub failures: Vec<MigrationFailure>,
}

/// A document that stays under its version.
#[derive(Debug)]
#[non_exhaustive]
pub struct MigrationFailure {
    /// Id.
    pub id: String,
    /// Why.
    pub error: Error,
}

impl Resource {
    /// Writes every document of an older version under the current one, after its [migrations](Self::migrate), and tells
    /// `progress` the number of documents that are done after every 1,000. Index entries and unique values follow.
    ///
    /// It runs beside other writers, and a run that was interrupted is simply started again. A document that fails stays as
    /// it was. Once all have been written, the migrations can be taken out of the program; queries then use all complete
    /// partitions again. Hooks of updates run, and `updatedAt` is set.
    ///
    /// Requests: 1 LIST per 1,000 documents, 1 GET a document; 1 conditional PUT a document of an older version, and those
    /// of its partitions and unique values.
    /// Errors: of the store, and `Budget`, after which a new run goes on.
    pub async fn migrate_documents(
        &self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<DocumentsMigrated> {
        let mut done = DocumentsMigrated::default();
        let mut after = None;
        loop {
            let ids = self.list_ids(ListOptions { after: after.take(), limit: Some(PAGE_IDS) }).await?;
            let last_page = ids.len() < PAGE_IDS;
            after = ids.last().cloned();
            // Not a closure, whose futures the compiler does not take for `Send`.
            let mut writes = Vec::with_capacity(ids.len());
            for id in ids {
                writes.push(self.migrate_document(id));
            }
            let mut running = stream::iter(writes).buffer_unordered(self.db.options.parallelism);
            while let Some((id, result)) = running.next().await {
                done.documents += 1;
                match result {
                    Ok(written) => done.migrated += u64::from(written),
                    Err(error) if error.is_retryable() || is_final(&error) => return Err(error),
                    Err(error) => {
                        done.failed += 1;
                        if done.failures.len() < FAILURES_SHOWN {
                            done.failures.push(MigrationFailure { id, error });
                        }
                    }
                }
            }
            progress(done.documents);
            if last_page {
                return Ok(done);
            }
        }
    }

    async fn migrate_document(&self, id: String) -> (String, Result<bool>) {
        let result = self.migrate_one(&id).await.map_err(|error| self.at(error, &id));
        (id, result)
    }

    /// Whether the document was written; one that is gone or of the current version is not.
    async fn migrate_one(&self, id: &str) -> Result<bool> {
        let key = self.document_key(id)?;
        for attempt in 0..self.db.options.update_attempts_max {
            let state = self.state();
            let Some(object) = self.store.get(&key).await? else { return Ok(false) };
            if object.head.metadata.get("_v").is_none_or(|version| version == state.version) {
                return Ok(false);
            }
            let written = self.change_once(&state, id, &key, object, Operation::Update, |_| Ok(())).await;
            match written {
                Err(error) if lost_race(&error) => self.pause(attempt).await,
                result => return result.map(|_| true),
            }
        }
        Err(self.lost_races())
    }
}

/// Whether the next document would fail alike.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Denied | ErrorKind::Budget)
}
