//! Giving stored documents their references in partitions that came later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::{Resource, State};
use crate::key::Partition;
use crate::plan::Reference;
use crate::plugin::storage::{PluginStorage, SetOptions};
use crate::store::{Condition, ListEntry, ListRequest};
use crate::{Document, Error, ErrorKind, Result};

/// Failures that are kept to be shown; all are counted.
const FAILURES_SHOWN: usize = 100;

/// How long an interrupted run can be taken up again.
const CHECKPOINT_TTL: Duration = Duration::from_hours(7 * 24);

/// Slug under which the place of a run is kept.
const SLUG: &str = "s3db-core";

/// What to index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReindexOptions {
    /// Names of the partitions; all that are not orphaned when absent.
    pub partitions: Option<Vec<String>>,
    /// Begins with the first document even where an earlier run was interrupted.
    pub restart: bool,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReindexProgress {
    /// Documents that are done, those of the run that this one takes up included.
    pub done: u64,
    /// Documents that were counted at the beginning.
    pub total: u64,
}

/// What a run has done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Reindexed {
    /// Documents that were looked at by this run.
    pub documents: u64,
    /// References that were missing and are there now.
    pub written: u64,
    /// Documents that could not be indexed in some partition; [`failures`](Self::failures) has the first 100.
    pub failed: u64,
    /// Which, and why.
    pub failures: Vec<ReindexFailure>,
    /// Partitions that are known to be complete now, for queries to use.
    pub complete: Vec<String>,
    /// Whether an interrupted run was taken up.
    pub resumed: bool,
}

/// A document that could not be indexed.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReindexFailure {
    /// Id of the document.
    pub id: String,
    /// The partition; absent for a document that cannot be read.
    pub partition: Option<String>,
    /// Why.
    pub error: Error,
}

/// The place of a run, kept in the plugin storage so that the next one goes on from there.
struct Checkpoint {
    storage: PluginStorage,
    key: String,
    /// What must be the same for a run to be taken up: version and partitions.
    of: Value,
}

/// Where a run begins or goes on.
#[derive(Default)]
struct Place {
    after: Option<String>,
    done: u64,
    /// Documents that failed, by partition; under the empty name those that cannot be read.
    failed: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Indexed {
    written: u64,
    failures: Vec<ReindexFailure>,
}

impl Resource {
    /// Puts the references that stored documents lack in partitions, and tells `progress` after every 1,000 documents.
    ///
    /// It runs beside other writers. Processes that hold an older definition must
    /// [`refresh`](crate::Database::refresh) first: what they write later has no references in new partitions. A document
    /// that moves while it is indexed can keep a reference too many, which readers pass over and `fsck` removes.
    ///
    /// A run that was interrupted is taken up where it was, for seven days and while the definition stays the same. A
    /// partition in which every document could be indexed is then used by queries.
    ///
    /// Requests: 2 LIST per 1,000 documents, 1 GET a document, 1 PUT a reference; 1 PUT per 1,000 documents for the
    /// place; 3 GET, 1 PUT, 1 DELETE.
    /// Errors: `Config` for an unknown or orphaned partition; `Crypto` when a partition has a secret field and there is
    /// no passphrase; of the store, after which a new run goes on.
    pub async fn reindex(
        &self,
        options: ReindexOptions,
        progress: &mut (dyn FnMut(ReindexProgress) + Send),
    ) -> Result<Reindexed> {
        self.db.load_catalog().await?;
        self.recompile()?;
        let state = self.state();
        let partitions = self.to_index(&state, options.partitions.as_deref())?;
        let checkpoint = self.checkpoint(&state, &partitions)?;
        let mut place = if options.restart { None } else { checkpoint.load().await? };
        let mut reindexed = Reindexed { resumed: place.is_some(), ..Reindexed::default() };
        let mut place = place.take().unwrap_or_default();
        let mut total = self.count().await?;
        progress(ReindexProgress { done: place.done, total });

        let prefix = self.db.keys.documents(self.name())?;
        let mut request = Some(ListRequest::prefix(prefix.clone()));
        if let (Some(request), Some(after)) = (&mut request, &place.after) {
            request.start_after = Some(format!("{prefix}{after}"));
        }
        while let Some(list) = request.take() {
            let page =
                self.store.list(list.clone()).await.map_err(|error| error.with("resource", self.name()))?;
            // Not a closure, whose futures the compiler does not take for `Send`.
            let mut reads = Vec::with_capacity(page.entries.len());
            for entry in &page.entries {
                if let Some(id) = id_of(entry, &prefix) {
                    reads.push(self.index(&state, &partitions, entry, id));
                }
            }
            let mut running = stream::iter(reads).buffer_unordered(self.db.options.parallelism);
            while let Some(indexed) = running.next().await {
                let indexed = indexed?;
                reindexed.documents += 1;
                reindexed.written += indexed.written;
                reindexed.failed += u64::from(!indexed.failures.is_empty());
                place.done += 1;
                for failure in indexed.failures {
                    let partition = failure.partition.clone().unwrap_or_default();
                    *place.failed.entry(partition).or_default() += 1;
                    if reindexed.failures.len() < FAILURES_SHOWN {
                        reindexed.failures.push(failure);
                    }
                }
            }
            drop(running);
            total = total.max(place.done);
            progress(ReindexProgress { done: place.done, total });
            if let Some(last) = page.entries.last().and_then(|entry| id_of(entry, &prefix)) {
                place.after = Some(last.to_owned());
            }
            request = page.continuation.map(|next| ListRequest { continuation: Some(next), ..list });
            if request.is_some() {
                checkpoint.save(&place).await?;
            }
        }
        reindexed.complete = self.mark_complete(&state, &partitions, &place).await?;
        checkpoint.remove().await?;
        Ok(reindexed)
    }

    fn to_index(&self, state: &State, names: Option<&[String]>) -> Result<Vec<Partition>> {
        let orphaned = self.find_orphaned_partitions()?;
        let is_orphaned = |partition: &Partition| orphaned.iter().any(|orphan| orphan.name == partition.name);
        let partitions = match names {
            None => state.partitions.iter().filter(|p| !is_orphaned(p)).cloned().collect(),
            Some(names) => {
                let mut partitions: Vec<Partition> = Vec::with_capacity(names.len());
                for name in names {
                    let partition = self.named_partition(state, name)?;
                    if is_orphaned(partition) {
                        return Err(Error::new(ErrorKind::Config, "the partition is orphaned: no document has its fields")
                            .with("resource", self.name())
                            .with("partition", name)
                            .hint("add the field to the schema, or remove the partition with remove_orphaned_partitions"));
                    }
                    if !partitions.contains(partition) {
                        partitions.push(partition.clone());
                    }
                }
                partitions
            }
        };
        let mut paths = partitions.iter().flat_map(|partition| &partition.fields);
        if self.keyring().is_none() && paths.any(|field| state.mapper.is_sealed(&field.path)) {
            return Err(Error::new(ErrorKind::Crypto, "a partition is made of a secret field")
                .with("resource", self.name())
                .hint("open the database with its passphrase"));
        }
        Ok(partitions)
    }

    /// Puts the references that one document lacks.
    async fn index(
        &self,
        state: &Arc<State>,
        partitions: &[Partition],
        entry: &ListEntry,
        id: &str,
    ) -> Result<Indexed> {
        let mut indexed = Indexed::default();
        let Some(object) = self.store.get(&entry.key).await.map_err(|error| self.at(error, id))? else {
            return Ok(indexed);
        };
        let record = match self.decode_for_index(state, id, object).await {
            Ok(record) => record,
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => {
                indexed.failures.push(ReindexFailure { id: id.to_owned(), partition: None, error });
                return Ok(indexed);
            }
        };
        for partition in partitions {
            let version = &record.meta.version;
            match partition.key(&self.db.keys, self.name(), id, &record.data, version) {
                Ok(None) => {}
                Ok(Some(key)) => indexed.written += u64::from(self.put_missing(key, version).await?),
                // What s3db.js has written under a key that we refuse to write is found all the same.
                Err(error) => {
                    let foreign =
                        partition.foreign_key(&self.db.keys, self.name(), id, &record.data, version);
                    let is_there = match foreign {
                        Some(key) => self.store.head(&key).await?.is_some(),
                        None => false,
                    };
                    if !is_there {
                        let partition = Some(partition.name.clone());
                        indexed.failures.push(ReindexFailure { id: id.to_owned(), partition, error });
                    }
                }
            }
        }
        Ok(indexed)
    }

    /// Puts a reference unless one is there. Returns whether it was missing, as far as the store can tell.
    async fn put_missing(&self, key: String, version: &str) -> Result<bool> {
        let stamp = self.db.options.stamps.then(|| crate::id::stamp(self.db.env.as_ref()));
        let Reference { key, object } = Reference::new(key, version, stamp.as_deref());
        let conditional = self.store.capability().conditional_put;
        let condition = if conditional { Condition::IfAbsent } else { Condition::None };
        match self.store.put(&key, object, condition).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error.with("key", key)),
        }
    }

    /// Notes in the catalogue which partitions miss no document.
    async fn mark_complete(
        &self,
        state: &State,
        partitions: &[Partition],
        place: &Place,
    ) -> Result<Vec<String>> {
        let whole = |partition: &&Partition| {
            !place.failed.contains_key("") && !place.failed.contains_key(&partition.name)
        };
        let names: Vec<String> =
            partitions.iter().filter(whole).map(|partition| partition.name.clone()).collect();
        let now = self.db.now();
        let marked = self
            .db
            .change_catalog(|catalog| {
                // Documents of another version may have been written meanwhile, without these references.
                let same = catalog.definition(self.name())?.is_some_and(|now| now.version == state.version);
                if !same {
                    return Ok((false, false));
                }
                let mut changed = false;
                for name in &names {
                    changed |= catalog.mark_complete(self.name(), name, &now);
                }
                Ok((true, changed))
            })
            .await?;
        self.recompile()?;
        Ok(if marked { names } else { Vec::new() })
    }

    fn checkpoint(&self, state: &State, partitions: &[Partition]) -> Result<Checkpoint> {
        let storage = PluginStorage::new(
            self.store.clone(),
            self.db.env.clone(),
            self.db.keys.clone(),
            SLUG,
            self.db.metadata_bytes_max(),
            self.db.options.parallelism,
        )?;
        let names: Vec<&str> = partitions.iter().map(|partition| partition.name.as_str()).collect();
        let of = json!({ "version": state.version, "partitions": names });
        Ok(Checkpoint { storage, key: format!("reindex/{}", self.name()), of })
    }
}

impl Checkpoint {
    async fn load(&self) -> Result<Option<Place>> {
        let Some(stored) = self.storage.get(&self.key).await? else {
            return Ok(None);
        };
        let after = stored.get("after").and_then(Value::as_str);
        let (Some(after), true) = (after, stored.get("of") == Some(&self.of)) else {
            return Ok(None);
        };
        let count = |(name, count): (&String, &Value)| Some((name.clone(), count.as_u64()?));
        let failed = stored.get("failed").and_then(Value::as_object);
        Ok(Some(Place {
            after: Some(after.to_owned()),
            done: stored.get("done").and_then(Value::as_u64).unwrap_or_default(),
            failed: failed.into_iter().flatten().filter_map(count).collect(),
        }))
    }

    async fn save(&self, place: &Place) -> Result<()> {
        let mut value = Document::new();
        value.insert("of".to_owned(), self.of.clone());
        value.insert("after".to_owned(), json!(place.after));
        value.insert("done".to_owned(), json!(place.done));
        value.insert("failed".to_owned(), json!(place.failed));
        self.storage.set(&self.key, value.into(), SetOptions::ttl(CHECKPOINT_TTL)).await.map(drop)
    }

    async fn remove(&self) -> Result<()> {
        self.storage.delete(&self.key).await
    }
}

/// The id of a listed document. Deeper keys are not documents.
fn id_of<'k>(entry: &'k ListEntry, prefix: &str) -> Option<&'k str> {
    entry.key.strip_prefix(prefix).filter(|id| !id.is_empty() && !id.contains('/'))
}
