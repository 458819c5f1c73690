//! Changes of processes that died, and those that memory had no room for.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use s3db_core::plugin::{Context, Leadership, Shutdown};
use s3db_core::{Error, ErrorKind, Result};

use crate::change::RecordedChange;
use crate::courier::{Courier, Delivered, Patience};
use crate::outbox::Outbox;
use crate::outbox::book::Left;
use crate::outbox::entry::{self, Entry, EntryKey, FOLDER};

/// Objects that one sweep looks at; the rest is for the next.
const OBJECTS_MAX: usize = 10_000;

/// Looks through the outbox. Times are this process's own, from when it first saw an object: no clock has to be right.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) context: Context,
    pub(crate) take_over_after: Duration,
    pub(crate) keep_for: Duration,
    pub(crate) taken_over: AtomicU64,
    seen: Mutex<HashMap<EntryKey, Seen>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Seen {
    since: Duration,
    /// Places of the targets that have it.
    delivered: HashSet<usize>,
}

/// What one sweep works with.
#[derive(Clone, Copy)]
pub(crate) struct With<'a> {
    pub(crate) outbox: &'a Outbox,
    pub(crate) couriers: &'a [Arc<Courier>],
    pub(crate) shutdown: &'a Shutdown,
}

/// What is to be done with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Its writer may still deliver it.
    Wait,
    /// Deliver it, and keep it: the writes of a process that died may still arrive.
    Deliver,
    /// Deliver it, and delete it.
    Finish,
}

impl Sweep {
    pub(crate) fn new(context: Context, take_over_after: Duration, keep_for: Duration) -> Self {
        Self {
            context,
            take_over_after,
            keep_for,
            taken_over: AtomicU64::new(0),
            seen: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Delivers what nobody else does. Where a coordinator is installed, only on the process that leads; what this process
    /// itself has no room for in any case. Returns how many changes were delivered.
    ///
    /// Requests: 1 LIST per 1,000 objects; 1 GET an object that is due, and once it is not needed any more 1 DELETE.
    pub(crate) async fn run(&self, with: With<'_>) -> Result<u64> {
        let _turn = self.turn.lock().await;
        let leads = self.context.service::<Leadership>("coordinator").map(|who| who.epoch().is_some());
        let leads = leads.unwrap_or(true);
        let keys = self.keys().await?;
        self.forget_all_but(&keys);
        let mut delivered = 0;
        // Targets that are down are tried once a sweep.
        let mut down = HashSet::new();
        for key in keys {
            if with.shutdown.is_requested() {
                break;
            }
            let step = if key.source == with.outbox.source() {
                match with.outbox.left(key.first) {
                    Some(Left::Undelivered) => Step::Finish,
                    Some(Left::Lingering) if self.step(&key) == Step::Finish => Step::Finish,
                    _ => Step::Wait,
                }
            } else if leads {
                self.step(&key)
            } else {
                Step::Wait
            };
            if step != Step::Wait {
                match self.take_over(&key, step, with, &mut down).await {
                    Ok(changes) => delivered += changes,
                    Err(error) => self.context.report("taking changes over", &error),
                }
            }
        }
        self.taken_over.fetch_add(delivered, Ordering::Relaxed);
        Ok(delivered)
    }

    async fn keys(&self) -> Result<Vec<EntryKey>> {
        let mut keys = Vec::new();
        let mut listed = pin!(self.context.storage().keys(FOLDER));
        while let Some(key) = listed.next().await {
            keys.extend(EntryKey::parse(&key?));
            if keys.len() == OBJECTS_MAX {
                break;
            }
        }
        Ok(keys)
    }

    fn forget_all_but(&self, keys: &[EntryKey]) {
        let there: HashSet<&EntryKey> = keys.iter().collect();
        lock(&self.seen).retain(|key, _| there.contains(key));
    }

    fn step(&self, key: &EntryKey) -> Step {
        let now = self.context.env().monotonic();
        let mut seen = lock(&self.seen);
        let seen = seen.entry(key.clone()).or_insert(Seen { since: now, delivered: HashSet::new() });
        let age = now.saturating_sub(seen.since);
        if age >= self.keep_for {
            Step::Finish
        } else if age >= self.take_over_after {
            Step::Deliver
        } else {
            Step::Wait
        }
    }

    async fn take_over(
        &self,
        key: &EntryKey,
        step: Step,
        with: With<'_>,
        down: &mut HashSet<usize>,
    ) -> Result<u64> {
        let has = lock(&self.seen).get(key).map(|seen| seen.delivered.clone()).unwrap_or_default();
        let places = (0..with.couriers.len()).filter(|place| step == Step::Finish || !has.contains(place));
        let places: Vec<usize> = places.collect();
        if places.is_empty() {
            return Ok(0);
        }
        let Some(entries) = entry::read(self.context.storage(), key).await? else {
            return Ok(0);
        };
        let is_own = key.source == with.outbox.source();
        let (mut delivered, mut is_complete, mut must_look_again) = (0, true, false);
        for place in places {
            let Some(courier) = with.couriers.get(place) else {
                continue;
            };
            let changes = changes_for(&entries, &courier.name);
            if !changes.is_empty() {
                if down.contains(&place) {
                    is_complete = false;
                    continue;
                }
                match courier.deliver(&changes, with.shutdown, Patience::Once).await {
                    Delivered::All { look_again, .. } => must_look_again |= !look_again.is_empty(),
                    Delivered::Stopped => {
                        down.insert(place);
                        is_complete = false;
                        continue;
                    }
                }
                delivered += changes.len() as u64;
            }
            if let Some(seen) = lock(&self.seen).get_mut(key) {
                seen.delivered.insert(place);
            }
        }
        if step == Step::Finish && must_look_again {
            // From now on once more.
            let since = self.context.env().monotonic();
            let delivered = HashSet::new();
            lock(&self.seen).entry(key.clone()).or_insert(Seen { since, delivered }).since = since;
            if is_own {
                with.outbox.keep(key.first);
            }
        } else if step == Step::Finish && is_complete {
            self.finish(key, &entries, with.couriers).await?;
            if is_own {
                with.outbox.gone(key.first);
            }
        }
        Ok(delivered)
    }

    /// Deletes an object whose changes all have arrived. Requests: 1 DELETE.
    async fn finish(&self, key: &EntryKey, entries: &[Entry], couriers: &[Arc<Courier>]) -> Result<()> {
        let known = |name: &String| couriers.iter().any(|courier| courier.name == *name);
        let stranger = entries.iter().flat_map(|entry| &entry.targets).find(|name| !known(name));
        match stranger {
            None => self.context.storage().delete(&key.key()).await,
            Some(target) => {
                let what = "changes wait for a target that this process does not have";
                Err(Error::new(ErrorKind::Config, what)
                    .with("target", target)
                    .with("key", key.key())
                    .hint("give the target to a process, or delete the object"))
            }
        }
    }
}

fn changes_for(entries: &[Entry], target: &str) -> Vec<Arc<RecordedChange>> {
    let wanted = entries.iter().filter(|entry| entry.targets.iter().any(|name| name == target));
    wanted.map(|entry| Arc::new(RecordedChange { is_certain: false, ..entry.change.clone() })).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
