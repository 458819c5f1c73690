//! What can happen.

use std::sync::Arc;

use super::super::{Action, Change, DatabasePoint};
use crate::Document;
use crate::op::Verb;

/// Something that happened.
///
/// [`Database::events`](crate::Database::events) tells of the first group, which no result of a call shows; the others are
/// told to those whose [`EventFilter`](super::EventFilter) asks for them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A `user-managed` document did not fit the metadata and went to the body as a whole.
    ExceedsLimit {
        /// Resource.
        resource: String,
        /// Id of the document.
        id: String,
        /// `insert`, `update` or `replace`.
        operation: &'static str,
        /// Bytes that the document needs.
        size_bytes: usize,
        /// Bytes that it may have.
        limit_bytes: usize,
    },
    /// A document overflowed into the body, under `body-overflow`.
    Overflowed {
        /// Resource.
        resource: String,
        /// Id of the document.
        id: String,
    },
    /// Fields were cut or dropped to fit, under `truncate-data`.
    Truncated {
        /// Resource.
        resource: String,
        /// Id of the document.
        id: String,
        /// The fields.
        fields: Vec<String>,
    },
    /// A document was written, and an index entry of it was not: it is missing from a partition until `fsck`.
    PartitionIndexError {
        /// Resource.
        resource: String,
        /// Id of the document.
        id: String,
        /// `insert`, `update`, `replace` or `delete`.
        operation: &'static str,
        /// Why.
        error: String,
    },
    /// The definition of a resource has another version than this process knew: it was changed here, or by another
    /// process and seen when the catalogue was read again.
    VersionUpdated {
        /// Resource.
        resource: String,
        /// The version before, such as `v1`.
        old_version: String,
        /// The version in force now.
        new_version: String,
    },
    /// Orphaned partitions were taken out of the definition of a resource.
    OrphanedPartitionsRemoved {
        /// Resource.
        resource: String,
        /// Names of the partitions.
        partitions: Vec<String>,
    },
    /// The catalogue was damaged and has been mended; a backup was written first.
    CatalogHealed {
        /// One line for each repair.
        mended: Vec<String>,
        /// Key of the backup.
        backup: String,
        /// What may be lost: one line for each resource that has objects but no definition, or one that says why they
        /// could not be looked for.
        missing: Vec<String>,
    },
    /// A resource of the catalogue has something that this library does not understand; its data stays readable.
    SchemaWarning {
        /// Resource.
        resource: String,
        /// What is not understood.
        warning: String,
    },
    /// Something in the life of a plugin.
    Plugin {
        /// Slug of the plugin.
        plugin: String,
        /// What happened.
        news: PluginNews,
    },
    /// A hook of the database failed where it could stop nothing.
    HookFailed {
        /// When it ran.
        point: DatabasePoint,
        /// Why.
        error: String,
    },

    /// The database is open. Only what was given to
    /// [`on_event`](crate::database::DatabaseBuilder::on_event) hears of it.
    Connected,
    /// A handle was [closed](crate::Database::close), after its pending index writes.
    Closed,
    /// The catalogue was written.
    CatalogWritten,
    /// A resource was created by this process.
    ResourceCreated {
        /// Resource.
        resource: String,
    },
    /// The definition of a resource was changed by this process, perhaps within its version.
    ResourceUpdated {
        /// Resource.
        resource: String,
    },
    /// [`Database::refresh`](crate::Database::refresh) found what other processes have done to the definitions.
    DefinitionsChanged {
        /// What is different, by name of the resource.
        changes: Vec<ChangedDefinition>,
    },

    /// A document was written or deleted by this process.
    Changed(Arc<Change>),

    /// A call has ended well. It is told for the call as a whole, not for each document.
    Called {
        /// Resource.
        resource: String,
        /// What was called.
        verb: Verb,
        /// Id, where the call was about one document.
        id: Option<String>,
        /// Documents that were written, deleted, read, listed or counted.
        documents: u64,
        /// Items of it that failed, or could not be read.
        failed: u64,
    },
}

/// What happened to a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PluginNews {
    /// Its layers and hooks are in force.
    Installed,
    /// It runs.
    Started,
    /// It has stopped, and its tasks have ended.
    Stopped,
    /// Nothing of it is left in this process.
    Uninstalled,
    /// Its objects and resources were deleted.
    Purged {
        /// Objects.
        deleted: u64,
    },
    /// Something that it does in the background, or when it is taken out, has failed.
    Failed {
        /// A task, a schedule, a change sink, or `stop` and `uninstall`.
        what: String,
        /// Why.
        error: String,
    },
    /// Something of its own has happened, which its documentation names.
    Told {
        /// Its name, such as `leader-changed`.
        what: String,
        /// What belongs to it.
        detail: Document,
    },
}

/// A definition that another process has made, changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedDefinition {
    /// Resource.
    pub resource: String,
    /// Version before; `None` of a new resource.
    pub from: Option<String>,
    /// Version now; `None` of a resource that is gone.
    pub to: Option<String>,
}

/// What an [`Event`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// [`Event::ExceedsLimit`].
    ExceedsLimit,
    /// [`Event::Overflowed`].
    Overflowed,
    /// [`Event::Truncated`].
    Truncated,
    /// [`Event::PartitionIndexError`].
    PartitionIndexError,
    /// [`Event::VersionUpdated`].
    VersionUpdated,
    /// [`Event::OrphanedPartitionsRemoved`].
    OrphanedPartitionsRemoved,
    /// [`Event::CatalogHealed`].
    CatalogHealed,
    /// [`Event::SchemaWarning`].
    SchemaWarning,
    /// [`Event::Plugin`].
    Plugin,
    /// [`Event::HookFailed`].
    HookFailed,
    /// [`Event::Connected`].
    Connected,
    /// [`Event::Closed`].
    Closed,
    /// [`Event::CatalogWritten`].
    CatalogWritten,
    /// [`Event::ResourceCreated`].
    ResourceCreated,
    /// [`Event::ResourceUpdated`].
    ResourceUpdated,
    /// [`Event::DefinitionsChanged`].
    DefinitionsChanged,
    /// [`Event::Changed`], of one action.
    Changed(Action),
    /// [`Event::Called`], of one verb.
    Called(Verb),
}

impl EventKind {
    /// Whether it is about something that no result of a call shows.
    pub fn is_notice(self) -> bool {
        matches!(
            self,
            Self::ExceedsLimit
                | Self::Overflowed
                | Self::Truncated
                | Self::PartitionIndexError
                | Self::VersionUpdated
                | Self::OrphanedPartitionsRemoved
                | Self::CatalogHealed
                | Self::SchemaWarning
                | Self::Plugin
                | Self::HookFailed
        )
    }
}

impl Event {
    /// What it is about.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::ExceedsLimit { .. } => EventKind::ExceedsLimit,
            Self::Overflowed { .. } => EventKind::Overflowed,
            Self::Truncated { .. } => EventKind::Truncated,
            Self::PartitionIndexError { .. } => EventKind::PartitionIndexError,
            Self::VersionUpdated { .. } => EventKind::VersionUpdated,
            Self::OrphanedPartitionsRemoved { .. } => EventKind::OrphanedPartitionsRemoved,
            Self::CatalogHealed { .. } => EventKind::CatalogHealed,
            Self::SchemaWarning { .. } => EventKind::SchemaWarning,
            Self::Plugin { .. } => EventKind::Plugin,
            Self::HookFailed { .. } => EventKind::HookFailed,
            Self::Connected => EventKind::Connected,
            Self::Closed => EventKind::Closed,
            Self::CatalogWritten => EventKind::CatalogWritten,
            Self::ResourceCreated { .. } => EventKind::ResourceCreated,
            Self::ResourceUpdated { .. } => EventKind::ResourceUpdated,
            Self::DefinitionsChanged { .. } => EventKind::DefinitionsChanged,
            Self::Changed(change) => EventKind::Changed(change.action),
            Self::Called { verb, .. } => EventKind::Called(*verb),
        }
    }

    /// The resource that it is about, where it is about one.
    pub fn resource(&self) -> Option<&str> {
        match self {
            Self::ExceedsLimit { resource, .. }
            | Self::Overflowed { resource, .. }
            | Self::Truncated { resource, .. }
            | Self::PartitionIndexError { resource, .. }
            | Self::VersionUpdated { resource, .. }
            | Self::OrphanedPartitionsRemoved { resource, .. }
            | Self::SchemaWarning { resource, .. }
            | Self::ResourceCreated { resource }
            | Self::ResourceUpdated { resource }
            | Self::Called { resource, .. } => Some(resource),
            Self::Changed(change) => Some(&change.resource),
            _ => None,
        }
    }

    /// The id of the document that it is about, where it is about one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::ExceedsLimit { id, .. }
            | Self::Overflowed { id, .. }
            | Self::Truncated { id, .. }
            | Self::PartitionIndexError { id, .. } => Some(id),
            Self::Changed(change) => Some(&change.id),
            Self::Called { id, .. } => id.as_deref(),
            _ => None,
        }
    }
}
