//! What a database tells those who listen.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;

/// Events that wait for a slow listener; the oldest are dropped first.
const QUEUE_EVENTS_MAX: usize = 1024;

/// Something that happened beside a call's result.
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
    /// Something in the life of a plugin.
    Plugin {
        /// Slug of the plugin.
        plugin: String,
        /// What happened.
        news: PluginNews,
    },
    /// A resource of the catalogue has something that this library does not understand; its data stays readable.
    SchemaWarning {
        /// Resource.
        resource: String,
        /// What is not understood.
        warning: String,
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
}

/// Receives the events of a database, from what opening it had to tell. A listener that falls behind by more than 1,024
/// loses the oldest.
#[derive(Debug)]
pub struct Events {
    opening: VecDeque<Event>,
    later: broadcast::Receiver<Event>,
}

impl Events {
    /// Waits for the next event; `None` once the database is closed. Cancellation safe.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.opening.pop_front() {
            return Some(event);
        }
        loop {
            match self.later.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(lost)) => tracing::warn!(lost, "events were dropped"),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// The next event if one is waiting.
    pub fn try_next(&mut self) -> Option<Event> {
        if let Some(event) = self.opening.pop_front() {
            return Some(event);
        }
        loop {
            match self.later.try_recv() {
                Ok(event) => return Some(event),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return None,
            }
        }
    }
}

/// The sending end.
#[derive(Debug)]
pub(crate) struct EventSender {
    later: broadcast::Sender<Event>,
    /// What happened while the database was opened, when nobody could listen yet: every listener gets it first.
    opening: OnceLock<Arc<[Event]>>,
}

impl EventSender {
    pub(crate) fn new() -> Self {
        Self { later: broadcast::channel(QUEUE_EVENTS_MAX).0, opening: OnceLock::new() }
    }

    pub(crate) fn emit(&self, event: Event) {
        // No listener is fine.
        let _ = self.later.send(event);
    }

    /// Ends the opening; `heard` has listened from its beginning.
    pub(crate) fn opened(&self, mut heard: Events) {
        self.opening.get_or_init(|| std::iter::from_fn(|| heard.try_next()).collect());
    }

    pub(crate) fn subscribe(&self) -> Events {
        let opening = self.opening.get().map(|events| events.iter().cloned().collect()).unwrap_or_default();
        Events { opening, later: self.later.subscribe() }
    }
}
