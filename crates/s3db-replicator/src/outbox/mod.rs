//! Changes are written down before they are committed, and kept until every target has them.

pub(crate) mod book;
pub(crate) mod entry;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use s3db_core::Result;
use s3db_core::database::Change;
use s3db_core::plugin::{ChangeWitness, Context, Ending, Ticket};
use tokio::sync::watch;

use crate::change::{Operation, RecordedChange};
use crate::route::Routes;
use book::{Book, Due, Left, State};
use entry::Entry;

/// Changes that are written down as one object.
const SEGMENT_CHANGES: usize = 256;

/// Objects that are deleted together, while there is more to deliver.
const DELETED_TOGETHER: usize = 100;

/// The outbox of one process.
pub(crate) struct Outbox {
    context: Context,
    /// Names of the targets, and what goes to them.
    targets: Vec<(String, Routes)>,
    /// Whether changes that come at the same time are written down together.
    batches: bool,
    source: String,
    book: Mutex<Book>,
    waiting: Mutex<VecDeque<Arc<Slot>>>,
    /// Whoever has it writes down what waits.
    pen: tokio::sync::Mutex<()>,
    settled: watch::Sender<u64>,
    /// Tells that a target has got on.
    done: watch::Sender<()>,
    recorded: AtomicU64,
    objects: AtomicU64,
}

/// A change that waits to be written down.
struct Slot {
    change: RecordedChange,
    targets: Arc<[usize]>,
    fate: Mutex<Fate>,
}

enum Fate {
    Waits,
    /// It has this number, or could not be written.
    Written(Result<u64>),
    /// Its caller has gone.
    Abandoned,
}

impl Slot {
    fn written(&self) -> Option<Result<u64>> {
        let mut fate = lock(&self.fate);
        match std::mem::replace(&mut *fate, Fate::Waits) {
            Fate::Written(written) => {
                *fate = Fate::Abandoned;
                Some(written)
            }
            other => {
                *fate = other;
                None
            }
        }
    }

    fn give(&self, outbox: &Outbox, written: Result<u64>) {
        let mut fate = lock(&self.fate);
        match (&*fate, written) {
            // Nobody will say how it ended: it never began.
            (Fate::Abandoned, Ok(number)) => outbox.close(number, State::Refused),
            (Fate::Abandoned, Err(_)) => {}
            (_, written) => *fate = Fate::Written(written),
        }
    }
}

impl Outbox {
    pub(crate) fn new(
        context: Context,
        targets: Vec<(String, Routes)>,
        batches: bool,
        memory_max: usize,
    ) -> Self {
        let env = context.env();
        let mut random = [0; 8];
        env.fill(&mut random);
        // Sources sort by their start, for people who look into the bucket.
        let source = format!("{:011x}-{:016x}", env.now_ms().max(0), u64::from_be_bytes(random));
        let book = Mutex::new(Book::new(source.clone(), targets.len(), memory_max));
        Self {
            context,
            targets,
            batches,
            source,
            book,
            waiting: Mutex::default(),
            pen: tokio::sync::Mutex::default(),
            settled: watch::Sender::new(0),
            done: watch::Sender::new(()),
            recorded: AtomicU64::new(0),
            objects: AtomicU64::new(0),
        }
    }

    /// Writes a change down. Returns its number.
    async fn record(&self, change: RecordedChange, targets: Arc<[usize]>) -> Result<u64> {
        if !self.batches {
            return self.write(vec![(change, targets)]).await;
        }
        let slot = Arc::new(Slot { change, targets, fate: Mutex::new(Fate::Waits) });
        lock(&self.waiting).push_back(slot.clone());
        let place = Place { outbox: self, slot };
        // While one object is written, the changes that come meanwhile gather for the next.
        let _pen = self.pen.lock().await;
        loop {
            if let Some(written) = place.slot.written() {
                return written;
            }
            let slots: Vec<Arc<Slot>> = {
                let mut waiting = lock(&self.waiting);
                let count = waiting.len().min(SEGMENT_CHANGES);
                waiting.drain(..count).collect()
            };
            let mut taken = Taken { outbox: self, slots };
            let changes = taken.slots.iter().map(|slot| (slot.change.clone(), slot.targets.clone()));
            let first = self.write(changes.collect()).await;
            for (at, slot) in std::mem::take(&mut taken.slots).into_iter().enumerate() {
                slot.give(self, first.clone().map(|first| first + at as u64));
            }
        }
    }

    /// Writes changes down as one object. Returns the number of the first. Requests: 1 PUT.
    async fn write(&self, changes: Vec<(RecordedChange, Arc<[usize]>)>) -> Result<u64> {
        let name = |target: &usize| self.targets.get(*target).map(|(name, _)| name.clone());
        let entries: Vec<Entry> = changes
            .iter()
            .map(|(change, targets)| Entry {
                change: change.clone(),
                targets: targets.iter().filter_map(name).collect(),
            })
            .collect();
        let key = lock(&self.book).reserve(changes);
        let mut numbers = Numbers { outbox: self, first: key.first, count: key.count };
        entry::write(self.context.storage(), &key, &entries)
            .await
            .map_err(|error| error.with("plugin", self.context.slug()))?;
        // From here on each change is over when its caller says so.
        numbers.count = 0;
        self.recorded.fetch_add(key.count as u64, Ordering::Relaxed);
        self.objects.fetch_add(1, Ordering::Relaxed);
        Ok(key.first)
    }

    fn close(&self, number: u64, state: State) {
        let settled = lock(&self.book).settle(number, state);
        if let Some(settled) = settled {
            self.settled.send_if_modified(|last| {
                let is_more = settled > *last;
                *last = settled.max(*last);
                is_more
            });
        }
    }

    /// What a target is to get next.
    pub(crate) fn due(&self, target: usize, max: usize) -> Due {
        lock(&self.book).due(target, max)
    }

    /// Notes that a target is done up to this number.
    pub(crate) fn done(&self, target: usize, up_to: u64) {
        lock(&self.book).done(target, up_to);
        self.done.send_replace(());
    }

    /// Keeps the objects of these changes for a sweep that looks at them once more.
    pub(crate) fn linger(&self, changes: &[Arc<RecordedChange>]) {
        if !changes.is_empty() {
            lock(&self.book).linger(changes);
        }
    }

    /// Deletes what every target has. Requests: none, or 1 DELETE.
    pub(crate) async fn clean(&self, is_idle: bool) -> Result<()> {
        let keys = lock(&self.book).take_finished(if is_idle { 1 } else { DELETED_TOGETHER });
        if keys.is_empty() {
            return Ok(());
        }
        let deleted = self.context.storage().delete_many(&keys).await;
        if deleted.is_err() {
            lock(&self.book).keep_finished(keys);
        }
        deleted
    }

    /// Waits until a change after this number is over.
    pub(crate) async fn beyond(&self, number: u64) {
        let mut settled = self.settled.subscribe();
        // The sender is this outbox itself.
        let _ = settled.wait_for(|settled| *settled > number).await;
    }

    /// Waits until a target is done up to this number.
    pub(crate) async fn caught_up(&self, target: usize, number: u64) {
        let mut done = self.done.subscribe();
        let _ = done.wait_for(|()| lock(&self.book).is_done(target, number)).await;
    }

    /// Number of the last change that was written down.
    pub(crate) fn last(&self) -> u64 {
        lock(&self.book).last()
    }

    /// Who this process is in the outbox.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// How an object of this process is left to the sweeps, if it is.
    pub(crate) fn left(&self, first: u64) -> Option<Left> {
        lock(&self.book).left(first)
    }

    /// Notes that an object is gone.
    pub(crate) fn gone(&self, first: u64) {
        lock(&self.book).gone(first);
    }

    /// Keeps an object that a sweep has delivered, to be looked at once more.
    pub(crate) fn keep(&self, first: u64) {
        lock(&self.book).keep(first);
    }

    /// How many changes a target does not have, and the time of the oldest.
    pub(crate) fn lag(&self, target: usize) -> (u64, Option<i64>) {
        lock(&self.book).lag(target)
    }

    /// Changes that were written down, objects that took, and changes that memory had no room for.
    pub(crate) fn numbers(&self) -> (u64, u64, u64) {
        let left_behind = lock(&self.book).left_behind();
        (self.recorded.load(Ordering::Relaxed), self.objects.load(Ordering::Relaxed), left_behind)
    }
}

/// Ends changes that never began, for their object could not be written.
struct Numbers<'a> {
    outbox: &'a Outbox,
    first: u64,
    count: usize,
}

impl Drop for Numbers<'_> {
    fn drop(&mut self) {
        for at in 0..self.count {
            self.outbox.close(self.first + at as u64, State::Refused);
        }
    }
}

/// The place of a change among those that wait. A caller that goes away takes its change along.
struct Place<'a> {
    outbox: &'a Outbox,
    slot: Arc<Slot>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.outbox.waiting).retain(|other| !Arc::ptr_eq(other, &self.slot));
        let fate = std::mem::replace(&mut *lock(&self.slot.fate), Fate::Abandoned);
        if let Fate::Written(Ok(number)) = fate {
            self.outbox.close(number, State::Refused);
        }
    }
}

/// Changes that somebody is writing down. If that is dropped half-way, they wait again.
struct Taken<'a> {
    outbox: &'a Outbox,
    slots: Vec<Arc<Slot>>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.outbox.waiting);
        for slot in std::mem::take(&mut self.slots).into_iter().rev() {
            waiting.push_front(slot);
        }
    }
}

#[async_trait]
impl ChangeWitness for Outbox {
    async fn prepare(&self, change: &Arc<Change>) -> Result<Ticket> {
        let Some(operation) = Operation::of(change.action) else {
            return Ok(Ticket::none());
        };
        let resource = self.context.database()?.resource(&change.resource)?;
        let wants = |(at, (_, routes)): (usize, &(String, Routes))| {
            let route = routes.of(&change.resource, || resource.is_internal())?;
            route.allows(operation).then_some(at)
        };
        let targets: Arc<[usize]> = self.targets.iter().enumerate().filter_map(wants).collect();
        if targets.is_empty() {
            return Ok(Ticket::none());
        }
        let change = RecordedChange::of(change, operation, &resource);
        Ok(Ticket::new(self.record(change, targets).await?))
    }

    fn settle(&self, ticket: Ticket, _: &Arc<Change>, ending: &Ending) {
        if let Some(number) = ticket.take::<u64>() {
            let state = match ending {
                Ending::Committed { .. } => State::Committed,
                Ending::Refused => State::Refused,
                _ => State::Unknown,
            };
            self.close(number, state);
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("source", &self.source).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
