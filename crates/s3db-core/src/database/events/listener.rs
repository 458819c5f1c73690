//! Functions of the program that are called with each event.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;

use super::bus::Queue;
use super::{Event, Events};
use crate::{Error, ErrorKind, Result};

/// A function that is called with each event.
pub(crate) type Callback = Arc<dyn Fn(Event) -> BoxFuture<'static, ()> + Send + Sync>;

/// A function that is called with one event after the other, in a task of its own, until this is dropped.
///
/// Nobody waits for it: while it runs, events wait in its queue, and the oldest are dropped when that is full. One that
/// panics is called again with the next event.
#[must_use = "dropping it ends the listening; `keep` keeps it"]
pub struct Listener {
    task: Option<JoinHandle<()>>,
    queue: Arc<Queue>,
    panics: Arc<AtomicU64>,
}

impl Listener {
    /// Starts calling. Errors: `Config` outside a Tokio runtime.
    pub(crate) fn start(mut events: Events, callback: Callback) -> Result<Self> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| {
            Error::new(ErrorKind::Config, "a listener needs a Tokio runtime")
                .hint("register it where the runtime runs, or read `events_of` by yourself")
                .caused_by(error)
        })?;
        let (queue, panics) = (events.queue().clone(), Arc::new(AtomicU64::new(0)));
        let counted = panics.clone();
        let task = runtime.spawn(async move {
            while let Some(event) = events.next().await {
                // The closure itself may panic as well as its future.
                let run = AssertUnwindSafe(async { callback(event).await }).catch_unwind();
                if run.await.is_err() {
                    counted.fetch_add(1, Ordering::Relaxed);
                    tracing::error!("a listener of events panicked; it goes on with the next event");
                }
            }
        });
        Ok(Self { task: Some(task), queue, panics })
    }

    /// Events that it was not called with because it was too slow.
    pub fn missed(&self) -> u64 {
        self.queue.missed()
    }

    /// Calls that panicked.
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Ends the listening; a call that is on its way is cut off where it waits.
    pub fn remove(self) {}

    /// Keeps it for as long as the database is open. What waits by then is still told.
    pub fn keep(mut self) {
        self.task.take();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("missed", &self.missed()).field("panics", &self.panics()).finish()
    }
}
