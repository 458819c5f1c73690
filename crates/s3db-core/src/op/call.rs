//! Calls with their arguments.

use std::fmt;

use serde_json::Value;

use super::{PartitionArgs, QueryArgs, Verb};
use crate::resource::{HistoryOptions, ListOptions, NewContent};
use crate::store::{ByteRange, ETag};
use crate::{Document, Result};

/// One call with its arguments. A layer may change them before it lets the call go on.
#[derive(Clone)]
#[non_exhaustive]
pub enum Op<'a> {
    /// [`insert`](crate::Resource::insert), also each of `insert_many`.
    Insert {
        /// The document, with its `id` if it has one.
        document: Document,
    },
    /// [`get`](crate::Resource::get) and `get_or_none`.
    Get {
        /// Id.
        id: String,
    },
    /// [`get_many`](crate::Resource::get_many).
    GetMany {
        /// Ids.
        ids: Vec<String>,
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
    /// [`list`](crate::Resource::list) and `get_all`, of a resource or a partition.
    List {
        /// The partition, where it is one.
        partition: Option<PartitionArgs>,
        /// Where to begin and how many.
        options: ListOptions,
    },
    /// [`list_ids`](crate::Resource::list_ids), of a resource or a partition.
    ListIds {
        /// The partition, where it is one.
        partition: Option<PartitionArgs>,
        /// Where to begin and how many.
        options: ListOptions,
        /// Whether the documents behind the references of a partition are read.
        verified: bool,
    },
    /// [`page`](crate::Resource::page), of a resource or a partition.
    Page {
        /// The partition, where it is one.
        partition: Option<PartitionArgs>,
        /// Most documents.
        size: usize,
        /// Where to go on.
        cursor: Option<String>,
    },
    /// [`count`](crate::Resource::count), of a resource or a partition.
    Count {
        /// The partition, where it is one.
        partition: Option<PartitionArgs>,
        /// Whether the documents behind the references of a partition are read.
        verified: bool,
    },
    /// [`query`](crate::Resource::query), of a resource or a partition, with `select`, `ids` and `count`.
    Query(Box<QueryArgs>),
    /// [`content`](crate::Resource::content).
    Content {
        /// Id.
        id: String,
        /// Which bytes.
        range: ByteRange,
        /// Whether the caller wants a [stream](crate::resource::ContentStream).
        streamed: bool,
    },
    /// [`has_content`](crate::Resource::has_content).
    HasContent {
        /// Id.
        id: String,
    },
    /// [`set_content`](crate::Resource::set_content).
    SetContent {
        /// Id.
        id: String,
        /// The content.
        content: NewContent,
        /// The ETag that the document must have.
        if_match: Option<ETag>,
    },
    /// [`delete_content`](crate::Resource::delete_content).
    DeleteContent {
        /// Id.
        id: String,
        /// The ETag that the document must have.
        if_match: Option<ETag>,
    },
    /// [`history`](crate::Resource::history).
    History {
        /// Id.
        id: String,
        /// How much of it.
        options: HistoryOptions,
    },
    /// [`get_version`](crate::Resource::get_version), [`get_as_of`](crate::Resource::get_as_of) and
    /// [`snapshot`](crate::Resource::snapshot).
    GetVersion {
        /// Id.
        id: String,
        /// Which version.
        at: VersionAt,
    },
    /// [`undo`](crate::Resource::undo) and [`restore_version`](crate::Resource::restore_version).
    Undo {
        /// Id.
        id: String,
        /// The version to write back; the one before the current one when absent.
        version_id: Option<String>,
    },
}

impl Op<'_> {
    /// The call without anything borrowed; `None` of an update by a function.
    pub(super) fn into_owned(self) -> Option<Op<'static>> {
        Some(match self {
            Self::Insert { document } => Op::Insert { document },
            Self::Get { id } => Op::Get { id },
            Self::GetMany { ids } => Op::GetMany { ids },
            Self::Exists { id } => Op::Exists { id },
            Self::Update { id, change: Edit::Merge(changes), if_match } => {
                Op::Update { id, change: Edit::Merge(changes), if_match }
            }
            Self::Update { .. } => return None,
            Self::Replace { id, document, if_match } => Op::Replace { id, document, if_match },
            Self::Upsert { document } => Op::Upsert { document },
            Self::Delete { id, if_match } => Op::Delete { id, if_match },
            Self::DeleteMany { ids } => Op::DeleteMany { ids },
            Self::DeleteAll { force } => Op::DeleteAll { force },
            Self::List { partition, options } => Op::List { partition, options },
            Self::ListIds { partition, options, verified } => Op::ListIds { partition, options, verified },
            Self::Page { partition, size, cursor } => Op::Page { partition, size, cursor },
            Self::Count { partition, verified } => Op::Count { partition, verified },
            Self::Query(args) => Op::Query(args),
            Self::Content { id, range, streamed } => Op::Content { id, range, streamed },
            Self::HasContent { id } => Op::HasContent { id },
            Self::SetContent { id, content, if_match } => Op::SetContent { id, content, if_match },
            Self::DeleteContent { id, if_match } => Op::DeleteContent { id, if_match },
            Self::History { id, options } => Op::History { id, options },
            Self::GetVersion { id, at } => Op::GetVersion { id, at },
            Self::Undo { id, version_id } => Op::Undo { id, version_id },
        })
    }

    /// What the call does.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Insert { .. } => Verb::Insert,
            Self::Get { .. } => Verb::Get,
            Self::GetMany { .. } => Verb::GetMany,
            Self::Exists { .. } => Verb::Exists,
            Self::Update { .. } => Verb::Update,
            Self::Replace { .. } => Verb::Replace,
            Self::Upsert { .. } => Verb::Upsert,
            Self::Delete { .. } => Verb::Delete,
            Self::DeleteMany { .. } => Verb::DeleteMany,
            Self::DeleteAll { .. } => Verb::DeleteAll,
            Self::List { .. } => Verb::List,
            Self::ListIds { .. } => Verb::ListIds,
            Self::Page { .. } => Verb::Page,
            Self::Count { .. } => Verb::Count,
            Self::Query(_) => Verb::Query,
            Self::Content { .. } => Verb::Content,
            Self::HasContent { .. } => Verb::HasContent,
            Self::SetContent { .. } => Verb::SetContent,
            Self::DeleteContent { .. } => Verb::DeleteContent,
            Self::History { .. } => Verb::History,
            Self::GetVersion { .. } => Verb::GetVersion,
            Self::Undo { .. } => Verb::Undo,
        }
    }

    /// Id of the one document that the call is about, where it names one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Get { id } | Self::Exists { id } => Some(id),
            Self::Content { id, .. } | Self::HasContent { id } => Some(id),
            Self::SetContent { id, .. } | Self::DeleteContent { id, .. } => Some(id),
            Self::History { id, .. } | Self::GetVersion { id, .. } | Self::Undo { id, .. } => Some(id),
            Self::Update { id, .. } | Self::Replace { id, .. } | Self::Delete { id, .. } => Some(id),
            Self::Insert { document } | Self::Upsert { document } => {
                document.get("id").and_then(Value::as_str)
            }
            _ => None,
        }
    }

    /// The partition that a read of many documents is limited to.
    pub fn partition(&self) -> Option<&PartitionArgs> {
        match self {
            Self::List { partition, .. } | Self::ListIds { partition, .. } => partition.as_ref(),
            Self::Page { partition, .. } | Self::Count { partition, .. } => partition.as_ref(),
            Self::Query(args) => args.partition.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Debug for Op<'_> {
    /// Shows no value of a document or filter, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Op").field("verb", &self.verb()).field("id", &self.id()).finish_non_exhaustive()
    }
}

/// Which version of a document is read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionAt {
    /// The one with this id.
    Id(String),
    /// What was there at a time, in milliseconds since 1970.
    Time(i64),
    /// What was there before its schema had a new version.
    Snapshot,
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

impl fmt::Debug for Edit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The values may be secrets.
            Self::Merge(changes) => f.debug_tuple("Merge").field(&changes.keys()).finish(),
            Self::With(_) => f.write_str("With(…)"),
        }
    }
}
