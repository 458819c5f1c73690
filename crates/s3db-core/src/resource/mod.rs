//! Resources: collections of documents of one schema, and their verbs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::database::Inner;
use crate::encoding::KeyRing;
use crate::op::Stage;
use crate::schema::FieldInfo;
use crate::store::Store;
use crate::{Document, Error, ErrorKind, Result};

mod adopt;
mod attributes;
mod batch;
mod calls;
mod checked;
mod codec;
mod commit;
mod config;
mod content;
mod decode_ahead;
mod delete;
mod folders;
mod history;
mod indexes;
mod insert;
mod layers;
mod list;
mod merge;
mod migrate_documents;
mod migration;
mod partition;
mod partitions;
mod query;
mod read;
mod record;
mod references;
mod reindex;
mod replace;
mod select;
mod sequences;
mod snapshot;
mod state;
mod stream;
mod undo;
mod update;
mod validate;
mod version_diff;
mod weigh;

pub use crate::id::ID_SIZE;
pub use attributes::AttributesUpdate;
pub use calls::StoredHook;
pub use checked::IfMatch;
pub use config::ResourceConfig;
pub use content::{Content, ContentStream, NewContent, OpenedContent, ReadContent};
pub use history::{DocumentVersion, HistoryOptions};
pub(crate) use layers::Layers;
pub use list::ListOptions;
pub use merge::apply as merge_into;
pub use migrate_documents::{DocumentsMigrated, MigrationFailure};
pub use migration::Migration;
pub use partition::PartitionView;
pub use partitions::PartitionInfo;
pub use query::Query;
pub use record::{BatchError, BatchResult, Listing, Page, Record, RecordMeta, Unreadable, WriteCheck};
pub use reindex::{ReindexFailure, ReindexOptions, ReindexProgress, Reindexed};
pub use select::{Row, Select, Selection};
pub(crate) use state::{Older, Shared, State};
pub use stream::{DocumentSink, Documents, Ids, Pages, Reader, WriteSummary, Writer, Written};
pub use version_diff::{DocumentDiff, FieldChange, changed_fields};

/// A collection of documents of one schema. Cheap to clone; clones share everything.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::{Database, ResourceConfig};
/// use serde_json::json;
///
/// let db = Database::connect("memory://shop/docs").await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string", "age": "number|optional"}))).await?;
///
/// let ann = users.insert(json!({"id": "ann", "name": "Ann", "age": 30})).await?;
/// users.update("ann", json!({"age": 31})).await?;
/// assert_eq!(users.get("ann").await?.data["age"], 31);
///
/// let adults = users.query(json!({"age": {"$gte": 18}})).run().await?;
/// assert_eq!(adults.records.len(), 1);
/// users.delete("ann").await?;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone)]
pub struct Resource {
    pub(crate) db: Arc<Inner>,
    pub(crate) shared: Arc<Shared>,
    /// The store of the database, or what a handle has wrapped around it.
    pub(crate) store: Arc<dyn Store>,
    pub(crate) layers: Layers,
    /// Whether calls skip all layers and hooks.
    pub(crate) is_bare: bool,
    /// The stage whose layers calls skip.
    pub(crate) skipped: Option<Stage>,
}

impl Resource {
    pub(crate) fn new(db: Arc<Inner>, shared: Arc<Shared>) -> Self {
        let store = db.store.clone();
        Self { db, shared, store, layers: Layers::default(), is_bare: false, skipped: None }
    }

    /// Name of the resource.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Version of the current schema, such as `v1`.
    pub fn version(&self) -> String {
        self.state().version.clone()
    }

    /// Who made the resource: `user`, or the name of a plugin.
    pub fn created_by(&self) -> String {
        self.state().created_by.clone()
    }

    /// Whether the resource belongs to a plugin: by who [made](Self::created_by) it, or by its name, which begins with
    /// `plg_`. Plugins leave such resources alone unless they are asked for by name.
    pub fn is_internal(&self) -> bool {
        self.shared.name.starts_with(crate::plugin::RESOURCE_PREFIX) || self.state().created_by != "user"
    }

    /// Whether documents of this schema, or of an older version of it, may hold secrets or passwords. Answers of reads hold
    /// the secrets in the clear.
    pub fn has_secrets(&self) -> bool {
        let state = self.state();
        state.mapper.has_sealed() || state.older.values().any(|older| older.mapper.has_sealed())
    }

    /// What the schema of the moment says of each field, nested ones too. Sends nothing.
    pub fn fields(&self) -> Vec<FieldInfo> {
        self.state().schema.fields().to_vec()
    }

    /// Number of the last [change](crate::database::Change::number) of this resource that was told of; 0 before the first. A
    /// change whose call has returned is not after it. Sends nothing.
    pub fn last_change(&self) -> u64 {
        self.shared.last_change.load(Ordering::SeqCst)
    }

    /// Puts `"[redacted]"` in the place of every secret and password of a document, by the schema of the moment. For what is
    /// written down elsewhere.
    pub fn redact(&self, document: &mut Document) {
        self.state().mapper.redact(document);
    }

    /// As [`redact`](Self::redact), by the schema of the moment and by that which the record was written under: what was
    /// secret in an old version stays so.
    pub fn redact_record(&self, record: &mut Record) {
        let state = self.state();
        state.mapper.redact(&mut record.data);
        if let Some(older) = state.older.get(&record.meta.version) {
            older.mapper.redact(&mut record.data);
        }
    }

    /// What is not understood of the stored schema; empty for resources that this library made.
    pub fn warnings(&self) -> Vec<String> {
        self.state().warnings.clone()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.shared.current()
    }

    pub(crate) fn keyring(&self) -> Option<Arc<KeyRing>> {
        self.db.keyring.clone()
    }

    pub(crate) fn document_key(&self, id: &str) -> Result<String> {
        self.db.keys.document(&self.shared.name, id).map_err(|error| error.with("resource", self.name()))
    }

    fn at(&self, error: Error, id: &str) -> Error {
        error.with("resource", self.name()).with("id", id)
    }

    /// An error of reading a document; a damaged one is told by its key as well, for whoever looks into the bucket.
    fn at_object(&self, error: Error, id: &str) -> Error {
        let error = self.at(error, id);
        match self.document_key(id) {
            Ok(key) if error.kind() == ErrorKind::Corrupt => error.with("key", key),
            _ => error,
        }
    }

    fn not_found(&self, id: &str) -> Error {
        self.at(Error::new(ErrorKind::NotFound, "document not found"), id)
    }
}

/// Takes a JSON object as a document.
fn document(value: serde_json::Value) -> Result<Document> {
    match value {
        serde_json::Value::Object(document) => Ok(document),
        _ => Err(Error::new(ErrorKind::Validation, "a document is a JSON object")
            .hint("for example {\"name\": \"Ann\"}")),
    }
}
