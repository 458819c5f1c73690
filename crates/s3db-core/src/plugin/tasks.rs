//! Tasks of one plugin: owned, bounded, and joined when it stops.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, poll_fn, select};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::env::Env;
use crate::{Error, ErrorKind, Result};

/// Tasks that one plugin may have at a time.
const TASKS_MAX: usize = 256;

/// In how many slices a limit of time is slept: a simulated clock jumps when somebody sleeps, and must leave the others
/// their turn.
const SLICES: u32 = 128;

/// How long a task that was cut off may take to notice.
const ABORT: Duration = Duration::from_secs(1);

/// Tells a task that its plugin stops.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Waits until the plugin is asked to stop. Cancellation safe.
    pub async fn requested(&self) {
        // An error means that the plugin is gone, which is as good a reason.
        let _ = self.0.clone().wait_for(|stops| *stops).await;
    }

    /// Whether the plugin was asked to stop.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// The tasks of a plugin.
#[derive(Debug)]
pub(super) struct Tasks {
    set: Mutex<JoinSet<()>>,
    running: Arc<Mutex<Running>>,
    stop: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Running {
    last: u64,
    names: BTreeMap<u64, String>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { set: Mutex::default(), running: Arc::default(), stop: watch::Sender::new(false) }
    }

    pub(super) fn shutdown(&self) -> Shutdown {
        Shutdown(self.stop.subscribe())
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.running).names.len()
    }

    /// Starts a task. `failed` hears of an error or a panic of it.
    pub(super) fn spawn<F>(
        &self,
        name: &str,
        task: F,
        failed: impl FnOnce(Error) + Send + 'static,
    ) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let refused = |why: &str| Error::new(ErrorKind::Config, why).with("task", name);
        let runtime = Handle::try_current().map_err(|_| refused("a task needs a tokio runtime"))?;
        if *self.stop.borrow() {
            return Err(refused("the plugin stops, and starts no task any more"));
        }
        let running = self.running.clone();
        let number = {
            let mut running = lock(&running);
            if running.names.len() >= TASKS_MAX {
                return Err(refused("the plugin has as many tasks as it may").with("tasks_max", TASKS_MAX));
            }
            running.last += 1;
            let number = running.last;
            running.names.insert(number, name.to_owned());
            number
        };
        let entry = Entry { running, number };
        let mut set = lock(&self.set);
        // Those that have ended are taken out here, so that a plugin that starts many keeps none.
        while set.try_join_next().is_some() {}
        set.spawn_on(
            async move {
                let _entry = entry;
                match AssertUnwindSafe(task).catch_unwind().await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed(error),
                    Err(_) => failed(panicked()),
                }
            },
            &runtime,
        );
        Ok(())
    }

    /// Asks all to end and waits for them; returns the names of those that had to be cut off. Cancelled, it cuts off all.
    pub(super) async fn join(&self, env: &dyn Env, limit: Duration) -> Vec<String> {
        self.stop.send_replace(true);
        let mut set = std::mem::take(&mut *lock(&self.set));
        let ended = bounded(env, limit, async { while set.join_next().await.is_some() {} }).await;
        if ended.is_some() {
            return Vec::new();
        }
        let names = lock(&self.running).names.values().cloned().collect();
        set.abort_all();
        bounded(env, ABORT, async { while set.join_next().await.is_some() {} }).await;
        names
    }

    /// Cuts off all.
    pub(super) fn abort(&self) {
        self.stop.send_replace(true);
        lock(&self.set).abort_all();
    }
}

/// A task's name in the list, for as long as it runs.
struct Entry {
    running: Arc<Mutex<Running>>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.running).names.remove(&self.number);
    }
}

/// The error of code that panicked.
pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Unsupported, "the plugin panicked").hint("the panic's message is on standard error")
}

/// Runs `work` for at most `limit`.
pub(super) async fn bounded<T>(env: &dyn Env, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let clock = async {
        for _ in 0..SLICES {
            env.sleep(limit / SLICES).await;
            yield_once().await;
        }
    };
    match select(pin!(work), pin!(clock)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Lets other tasks have a turn.
pub(super) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
