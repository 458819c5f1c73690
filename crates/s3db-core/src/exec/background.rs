//! Index writes that go on after their call has returned: counted, bounded, and waited for.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Writes that may be pending; the next one waits for room.
const PENDING_MAX: usize = 1024;

/// The background work of one database.
#[derive(Debug)]
pub(crate) struct Background {
    tasks: Mutex<JoinSet<()>>,
    room: Arc<Semaphore>,
}

impl Background {
    pub(crate) fn new() -> Self {
        Self { tasks: Mutex::default(), room: Arc::new(Semaphore::new(PENDING_MAX)) }
    }

    /// Starts `work` once there is room. Cancellation safe: dropped before there is room, nothing has started.
    pub(crate) async fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // The semaphore is never closed.
        let permit = self.room.clone().acquire_owned().await.ok();
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Finished tasks are taken out here, so that a database that is never flushed keeps none.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            work.await;
            drop(permit);
        });
    }

    /// Waits until everything that was started before has ended. Cancellation safe.
    pub(crate) async fn flush(&self) {
        // Who holds all permits knows that no task has one. Later work queues behind this call.
        let all = u32::try_from(PENDING_MAX).unwrap_or(u32::MAX);
        drop(self.room.acquire_many(all).await);
    }

    /// Writes that have not ended.
    pub(crate) fn pending(&self) -> usize {
        PENDING_MAX - self.room.available_permits()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        let pending = PENDING_MAX - self.room.available_permits();
        if pending > 0 {
            tracing::error!(
                pending,
                "the database was dropped with index writes pending; call `flush` or `close`"
            );
        }
        // They go on as long as the runtime does, rather than being cut off.
        tasks.detach_all();
    }
}
