//! Committed changes, for those who follow them within the process.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::Notify;

use crate::Document;
use crate::store::ETag;

/// Changes that wait for a slow listener, unless it asks for another number.
const QUEUE_CHANGES: usize = 1024;

/// One committed change of one document.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Resource.
    pub resource: String,
    /// Id of the document.
    pub id: String,
    /// What was done.
    pub action: Action,
    /// The document before, where the write has read it.
    pub before: Option<Document>,
    /// The document after; `None` after a delete.
    pub after: Option<Document>,
    /// ETag of the document after.
    pub etag: Option<ETag>,
    /// When, in milliseconds since 1970, by the clock of this process.
    pub at_ms: i64,
    /// On whose behalf, where the program [says so](crate::actor).
    pub actor: Option<Arc<str>>,
    /// Place in the order of all changes that this database has told of, from 1. Listeners get them in this order.
    pub number: u64,
}

/// What a [`Change`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// A document was created.
    Insert,
    /// Fields of a document were changed.
    Update,
    /// A document was written whole.
    Replace,
    /// A document was deleted.
    Delete,
    /// A document got content, in place of what it had. Its fields are as they were.
    SetContent,
    /// The content of a document was deleted. Its fields are as they were.
    DeleteContent,
}

/// What happens when a listener does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// It misses the oldest changes, and [`Changes::missed`] counts them. Writers never wait.
    #[default]
    DropOldest,
    /// Writers wait for it, after their commit.
    Wait,
    /// It is cut off: it gets what is in its queue, then the end.
    Disconnect,
}

/// Which changes a listener gets, and how many may wait for it.
///
/// ```
/// use s3db_core::database::{Action, ChangeOptions, WhenFull};
///
/// let options = ChangeOptions::new().resource("users").action(Action::Delete).when_full(WhenFull::Wait);
/// ```
#[derive(Debug, Clone)]
pub struct ChangeOptions {
    resources: Vec<String>,
    excluded: Vec<String>,
    actions: Vec<Action>,
    capacity: usize,
    when_full: WhenFull,
}

impl Default for ChangeOptions {
    fn default() -> Self {
        Self {
            resources: Vec::new(),
            excluded: Vec::new(),
            actions: Vec::new(),
            capacity: QUEUE_CHANGES,
            when_full: WhenFull::default(),
        }
    }
}

impl ChangeOptions {
    /// All changes of all resources; 1,024 may wait, then the oldest are dropped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only changes of this resource; calls add up.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resources.push(name.into());
        self
    }

    /// No changes of this resource; calls add up. A listener that writes to a resource of its own leaves that one out.
    #[must_use]
    pub fn except_resource(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    /// Only changes of this kind; calls add up.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Changes that may wait, at least 1.
    #[must_use]
    pub fn capacity(mut self, changes: usize) -> Self {
        self.capacity = changes.max(1);
        self
    }

    /// What happens when more would wait.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    fn wants_resource(&self, resource: &str) -> bool {
        !self.excluded.iter().any(|name| name == resource)
            && (self.resources.is_empty() || self.resources.iter().any(|name| name == resource))
    }

    fn wants(&self, change: &Change) -> bool {
        self.wants_resource(&change.resource)
            && (self.actions.is_empty() || self.actions.contains(&change.action))
    }
}

/// Receives committed changes. Those of one document come in the order in which their calls returned.
#[derive(Debug)]
pub struct Changes(Arc<Queue>);

impl Changes {
    /// Waits for the next change; `None` once the database is closed or the listener was cut off. Cancellation safe.
    pub async fn next(&mut self) -> Option<Arc<Change>> {
        loop {
            let arrived = self.0.arrived.notified();
            {
                let mut state = self.0.lock();
                if let Some(change) = state.waiting.pop_front() {
                    drop(state);
                    self.0.room.notify_waiters();
                    return Some(change);
                }
                if state.ended {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// The next change if one is waiting.
    pub fn try_next(&mut self) -> Option<Arc<Change>> {
        let change = self.0.lock().waiting.pop_front();
        self.0.room.notify_waiters();
        change
    }

    /// Changes that this listener did not get because it was too slow.
    pub fn missed(&self) -> u64 {
        self.0.lock().missed
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A change that all who want it have in their queues.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) change: Arc<Change>,
    slow: Vec<Arc<Queue>>,
}

impl Published {
    /// Waits for the listeners that ask for that.
    pub(crate) async fn wait_for_room(self) {
        for queue in self.slow {
            queue.wait_for_room().await;
        }
    }
}

/// The sending end.
#[derive(Debug, Default)]
pub(crate) struct ChangeBus {
    queues: Mutex<Vec<Weak<Queue>>>,
    /// Number of queues, so that a database that nobody listens to pays one load per write.
    listeners: AtomicUsize,
    /// Number of the last change, moved under the lock of `queues`.
    last: AtomicU64,
}

impl ChangeBus {
    pub(crate) fn subscribe(&self, options: ChangeOptions) -> Changes {
        let queue = Arc::new(Queue::new(options));
        let mut queues = lock(&self.queues);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        self.listeners.store(queues.len(), Ordering::Relaxed);
        Changes(queue)
    }

    /// Whether anybody listens to changes of `resource`.
    pub(crate) fn is_heard(&self, resource: &str) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
            && self.alive().iter().any(|queue| queue.options.wants_resource(resource))
    }

    /// Gives a change its number and hands it to all who want it. The writer waits for room afterwards, so that one that is
    /// dropped meanwhile has told everybody.
    pub(crate) fn publish(&self, mut change: Change) -> Published {
        // Under the lock, so that all get the changes in the order of their numbers.
        let queues = lock(&self.queues);
        change.number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        let change = Arc::new(change);
        let wants = |queue: &Arc<Queue>| !queue.lock().ended && queue.options.wants(&change);
        let mut queues: Vec<_> = queues.iter().filter_map(Weak::upgrade).filter(wants).collect();
        queues.iter().for_each(|queue| queue.push(change.clone()));
        queues.retain(|queue| queue.options.when_full == WhenFull::Wait);
        Published { change, slow: queues }
    }

    fn alive(&self) -> Vec<Arc<Queue>> {
        lock(&self.queues).iter().filter_map(Weak::upgrade).filter(|queue| !queue.lock().ended).collect()
    }
}

impl Drop for ChangeBus {
    fn drop(&mut self) {
        for queue in self.alive() {
            queue.end();
        }
    }
}

#[derive(Debug)]
struct Queue {
    options: ChangeOptions,
    state: Mutex<Waiting>,
    arrived: Notify,
    room: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    waiting: VecDeque<Arc<Change>>,
    missed: u64,
    ended: bool,
}

impl Queue {
    fn new(options: ChangeOptions) -> Self {
        Self { options, state: Mutex::default(), arrived: Notify::new(), room: Notify::new() }
    }

    fn push(&self, change: Arc<Change>) {
        {
            let mut state = self.lock();
            if state.ended {
                return;
            }
            let is_full = state.waiting.len() >= self.options.capacity;
            match self.options.when_full {
                WhenFull::Disconnect if is_full => {
                    state.missed += 1;
                    state.ended = true;
                }
                WhenFull::DropOldest if is_full => {
                    state.waiting.pop_front();
                    state.missed += 1;
                    state.waiting.push_back(change);
                }
                // Pushed first, waited after: a writer that is dropped while it waits loses no change.
                _ => state.waiting.push_back(change),
            }
        }
        self.arrived.notify_one();
    }

    async fn wait_for_room(&self) {
        loop {
            let room = self.room.notified();
            let mut room = std::pin::pin!(room);
            // Listening starts before looking, so that no signal in between is missed.
            room.as_mut().enable();
            {
                let state = self.lock();
                if state.ended || state.waiting.len() <= self.options.capacity {
                    return;
                }
            }
            room.await;
        }
    }

    fn end(&self) {
        self.lock().ended = true;
        self.arrived.notify_one();
        self.room.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(resource: &str, id: usize, action: Action) -> Change {
        let (resource, id) = (resource.to_owned(), id.to_string());
        Change {
            resource,
            id,
            action,
            before: None,
            after: None,
            etag: None,
            at_ms: 0,
            actor: None,
            number: 0,
        }
    }

    fn ids(changes: &mut Changes) -> Vec<String> {
        std::iter::from_fn(|| changes.try_next()).map(|change| change.id.clone()).collect()
    }

    #[tokio::test]
    async fn a_slow_listener_misses_waits_or_is_cut_off_as_it_asked() {
        let bus = ChangeBus::default();
        let two = |when_full| ChangeOptions::new().capacity(2).when_full(when_full);
        let mut dropping = bus.subscribe(two(WhenFull::DropOldest));
        let mut cut_off = bus.subscribe(two(WhenFull::Disconnect));
        for id in 0..4 {
            bus.publish(change("users", id, Action::Insert)).wait_for_room().await;
        }
        assert_eq!(ids(&mut dropping), ["2", "3"]);
        assert_eq!(dropping.missed(), 2);
        assert_eq!(ids(&mut cut_off), ["0", "1"]);
        assert!(cut_off.next().await.is_none());

        let mut waiting = bus.subscribe(two(WhenFull::Wait));
        let writer = async {
            for id in 0..100 {
                bus.publish(change("users", id, Action::Insert)).wait_for_room().await;
            }
        };
        let reader = async {
            for id in 0..100 {
                assert_eq!(waiting.next().await.map(|change| change.id.clone()), Some(id.to_string()));
            }
        };
        tokio::join!(writer, reader);
    }

    #[tokio::test]
    async fn a_listener_gets_what_it_asked_for_until_the_database_is_gone() {
        let bus = ChangeBus::default();
        let mut deletes = bus.subscribe(ChangeOptions::new().resource("users").action(Action::Delete));
        assert!(bus.is_heard("users") && !bus.is_heard("orders"));
        bus.publish(change("users", 1, Action::Insert)).wait_for_room().await;
        bus.publish(change("orders", 2, Action::Delete)).wait_for_room().await;
        bus.publish(change("users", 3, Action::Delete)).wait_for_room().await;
        assert_eq!(ids(&mut deletes), ["3"]);
        drop(bus);
        assert!(deletes.next().await.is_none());
    }
}
