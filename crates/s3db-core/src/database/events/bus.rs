//! The queues between those who tell events and those who listen.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use tokio::sync::Notify;

use super::{Event, EventFilter};
use crate::op::Registration;

/// Receives events in the order in which they happened. A listener that falls behind loses the oldest; nobody waits for it.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
    /// Tells of calls, for as long as somebody listens to them.
    calls: Option<Registration>,
}

impl Events {
    /// Waits for the next event; `None` once the database is closed. Cancellation safe.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let arrived = self.queue.arrived.notified();
            {
                let mut state = self.queue.lock();
                if let Some(event) = state.waiting.pop_front() {
                    return Some(event);
                }
                if state.ended {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// The next event if one is waiting.
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.lock().waiting.pop_front()
    }

    /// Events that this listener did not get because it was too slow.
    pub fn missed(&self) -> u64 {
        self.queue.missed()
    }

    pub(super) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    pub(crate) fn set_calls(&mut self, calls: Registration) {
        self.calls = Some(calls);
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.end();
        if let Some(calls) = self.calls.take() {
            calls.remove();
        }
    }
}

/// The sending end.
#[derive(Debug, Default)]
pub(crate) struct EventSender {
    queues: Mutex<Vec<Weak<Queue>>>,
    /// Number of queues, so that a database that nobody listens to pays one load.
    listeners: AtomicUsize,
    /// What happened while the database was opened, when few could listen: every listener gets it first.
    opening: OnceLock<Vec<Event>>,
}

impl EventSender {
    pub(crate) fn emit(&self, event: Event) {
        if self.listeners.load(Ordering::Relaxed) > 0 {
            for queue in self.alive() {
                queue.push(&event);
            }
        }
    }

    /// Whether anybody listens to changes of documents of a resource.
    pub(crate) fn wants_changes(&self, resource: &str) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0
            && self.alive().iter().any(|queue| queue.filter.wants_changes(resource))
    }

    /// Ends the opening; `heard` has listened from its beginning.
    pub(crate) fn opened(&self, mut heard: Events) {
        self.opening.get_or_init(|| std::iter::from_fn(|| heard.try_next()).collect());
    }

    pub(crate) fn subscribe(&self, filter: EventFilter) -> Events {
        let queue = Arc::new(Queue { filter, state: Mutex::default(), arrived: Notify::new() });
        for event in self.opening.get().into_iter().flatten() {
            queue.push(event);
        }
        let mut queues = lock(&self.queues);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        self.listeners.store(queues.len(), Ordering::Relaxed);
        Events { queue, calls: None }
    }

    fn alive(&self) -> Vec<Arc<Queue>> {
        lock(&self.queues).iter().filter_map(Weak::upgrade).collect()
    }
}

impl Drop for EventSender {
    fn drop(&mut self) {
        for queue in self.alive() {
            queue.end();
        }
    }
}

/// Events that wait for one listener.
#[derive(Debug)]
pub(super) struct Queue {
    filter: EventFilter,
    state: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    waiting: VecDeque<Event>,
    missed: u64,
    ended: bool,
}

impl Queue {
    pub(super) fn push(&self, event: &Event) {
        if !self.filter.wants(event) {
            return;
        }
        {
            let mut state = self.lock();
            if state.ended {
                return;
            }
            if state.waiting.len() >= self.filter.queue_capacity() {
                state.waiting.pop_front();
                state.missed += 1;
            }
            state.waiting.push_back(event.clone());
        }
        self.arrived.notify_one();
    }

    pub(super) fn missed(&self) -> u64 {
        self.lock().missed
    }

    fn end(&self) {
        self.lock().ended = true;
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
