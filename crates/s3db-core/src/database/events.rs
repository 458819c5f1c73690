//! What a database tells those who listen.

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
    /// The catalogue was damaged and has been mended; a backup was written first.
    CatalogHealed {
        /// One line for each repair.
        mended: Vec<String>,
        /// Key of the backup.
        backup: String,
    },
    /// A resource of the catalogue has something that this library does not understand; its data stays readable.
    SchemaWarning {
        /// Resource.
        resource: String,
        /// What is not understood.
        warning: String,
    },
}

/// Receives the events of a database. A listener that falls behind by more than 1,024 loses the oldest.
#[derive(Debug)]
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    /// Waits for the next event; `None` once the database is closed. Cancellation safe.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(lost)) => tracing::warn!(lost, "events were dropped"),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// The next event if one is waiting.
    pub fn try_next(&mut self) -> Option<Event> {
        loop {
            match self.0.try_recv() {
                Ok(event) => return Some(event),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return None,
            }
        }
    }
}

/// The sending end.
#[derive(Debug)]
pub(crate) struct EventSender(broadcast::Sender<Event>);

impl EventSender {
    pub(crate) fn new() -> Self {
        Self(broadcast::channel(QUEUE_EVENTS_MAX).0)
    }

    pub(crate) fn emit(&self, event: Event) {
        // No listener is fine.
        let _ = self.0.send(event);
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events(self.0.subscribe())
    }
}
