//! Calls of a resource's verbs, as layers and hooks see them.
//!
//! A call goes through the [layers](OpLayer) of its database and its resource, outermost [stage](Stage) first, then
//! through the [hooks](HookPoint), then to the verb. Where nothing is registered a call costs nothing more.

use serde_json::Value;

use crate::resource::{BatchResult, Record};
use crate::store::ETag;
use crate::{Document, Error, ErrorKind, Result};

mod hook;
mod layer;

pub(crate) use hook::Hooks;
pub use hook::{HookCall, HookPoint, Registration};
pub(crate) use layer::{Chain, Layers};
pub use layer::{Next, OpLayer, Stage};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Creates a document.
    Insert,
    /// Reads a document.
    Get,
    /// Asks whether a document is there.
    Exists,
    /// Changes fields of a document; `patch` and `update_with` too.
    Update,
    /// Writes a document whole.
    Replace,
    /// Updates or creates a document.
    Upsert,
    /// Deletes a document.
    Delete,
    /// Deletes several documents with as few requests as can be.
    DeleteMany,
    /// Deletes every document.
    DeleteAll,
}

impl Verb {
    /// Name in lower case, such as `delete_many`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Get => "get",
            Self::Exists => "exists",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::DeleteMany => "delete_many",
            Self::DeleteAll => "delete_all",
        }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One call with its arguments. A layer may change them before it lets the call go on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Op<'a> {
    /// [`insert`](crate::Resource::insert).
    Insert {
        /// The document; it may hold its `id`.
        document: Document,
    },
    /// [`get`](crate::Resource::get) and [`get_or_none`](crate::Resource::get_or_none).
    Get {
        /// Id.
        id: String,
    },
    /// [`exists`](crate::Resource::exists).
    Exists {
        /// Id.
        id: String,
    },
    /// [`update`](crate::Resource::update), `patch` and [`update_with`](crate::Resource::update_with).
    Update {
        /// Id.
        id: String,
        /// What changes.
        change: Edit<'a>,
        /// The ETag that the document must have.
        if_match: Option<ETag>,
    },
    /// [`replace`](crate::Resource::replace).
    Replace {
        /// Id.
        id: String,
        /// The document.
        document: Document,
        /// The ETag that the document must have.
        if_match: Option<ETag>,
    },
    /// [`upsert`](crate::Resource::upsert).
    Upsert {
        /// The document, which holds its `id`.
        document: Document,
    },
    /// [`delete`](crate::Resource::delete).
    Delete {
        /// Id.
        id: String,
        /// The ETag that the document must have.
        if_match: Option<ETag>,
    },
    /// [`delete_many`](crate::Resource::delete_many).
    DeleteMany {
        /// Ids.
        ids: Vec<String>,
    },
    /// [`delete_all`](crate::Resource::delete_all).
    DeleteAll {
        /// Whether a paranoid resource deletes all the same.
        force: bool,
    },
}

impl Op<'_> {
    /// What the call does.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Insert { .. } => Verb::Insert,
            Self::Get { .. } => Verb::Get,
            Self::Exists { .. } => Verb::Exists,
            Self::Update { .. } => Verb::Update,
            Self::Replace { .. } => Verb::Replace,
            Self::Upsert { .. } => Verb::Upsert,
            Self::Delete { .. } => Verb::Delete,
            Self::DeleteMany { .. } => Verb::DeleteMany,
            Self::DeleteAll { .. } => Verb::DeleteAll,
        }
    }

    /// Id of the one document that the call is about, where it names one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Get { id } | Self::Exists { id } => Some(id),
            Self::Update { id, .. } | Self::Replace { id, .. } | Self::Delete { id, .. } => Some(id),
            Self::Insert { document } | Self::Upsert { document } => {
                document.get("id").and_then(Value::as_str)
            }
            Self::DeleteMany { .. } | Self::DeleteAll { .. } => None,
        }
    }
}

/// How an update changes a document.
#[derive(Clone)]
#[non_exhaustive]
pub enum Edit<'a> {
    /// Fields to merge.
    Merge(Document),
    /// A function of the program.
    With(&'a (dyn Fn(&mut Document) -> Result<()> + Send + Sync)),
}

impl Edit<'_> {
    pub(crate) fn apply(&self, data: &mut Document) -> Result<()> {
        match self {
            Self::Merge(changes) => crate::resource::merge_into(data, changes.clone()),
            Self::With(edit) => edit(data),
        }
    }
}

impl std::fmt::Debug for Edit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // The values may be secrets.
            Self::Merge(changes) => f.debug_tuple("Merge").field(&changes.keys()).finish(),
            Self::With(_) => f.write_str("With(…)"),
        }
    }
}

/// What a call gives back.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// A document that was written.
    Record(Box<Record>),
    /// What a read has found.
    Found(Option<Box<Record>>),
    /// Whether a document is there.
    Exists(bool),
    /// A delete has happened.
    Deleted,
    /// What became of several deletes.
    Batch(BatchResult<String>),
    /// Number of documents that were deleted.
    Count(u64),
}

impl Answer {
    pub(crate) fn record(self) -> Result<Record> {
        match self {
            Self::Record(record) | Self::Found(Some(record)) => Ok(*record),
            other => Err(other.is_not("a record")),
        }
    }

    pub(crate) fn found(self) -> Result<Option<Record>> {
        match self {
            Self::Found(found) => Ok(found.map(|record| *record)),
            Self::Record(record) => Ok(Some(*record)),
            other => Err(other.is_not("what was found")),
        }
    }

    pub(crate) fn exists(self) -> Result<bool> {
        match self {
            Self::Exists(exists) => Ok(exists),
            other => Err(other.is_not("whether it exists")),
        }
    }

    pub(crate) fn deleted(self) -> Result<()> {
        match self {
            Self::Deleted => Ok(()),
            other => Err(other.is_not("a delete")),
        }
    }

    pub(crate) fn batch(self) -> Result<BatchResult<String>> {
        match self {
            Self::Batch(batch) => Ok(batch),
            other => Err(other.is_not("a batch")),
        }
    }

    pub(crate) fn count(self) -> Result<u64> {
        match self {
            Self::Count(count) => Ok(count),
            other => Err(other.is_not("a count")),
        }
    }

    fn is_not(&self, wanted: &'static str) -> Error {
        let got = match self {
            Self::Record(_) => "a record",
            Self::Found(_) => "what was found",
            Self::Exists(_) => "whether it exists",
            Self::Deleted => "a delete",
            Self::Batch(_) => "a batch",
            Self::Count(_) => "a count",
        };
        Error::new(ErrorKind::Unsupported, "a layer answered with something that the verb does not give")
            .with("wanted", wanted)
            .with("got", got)
            .hint("a layer returns the answer of `next.run`, or one of the same form")
    }
}
