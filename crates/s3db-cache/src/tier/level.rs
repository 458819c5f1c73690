//! One tier as it is used: what is believed of it, for how long it may take, and when it is left alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s3db_core::env::Env;
use s3db_core::{Error, ErrorKind, Result};

use super::codec::{self, Entry};
use super::generation::{Slot, State, Table};
use super::stats::{Counters, TierStats};
use super::{CacheTier, path};

/// Longest that one call of a tier may take.
const CALL_MAX: Duration = Duration::from_secs(2);

/// How long a tier is left alone after a call that failed.
const REST: Duration = Duration::from_secs(5);

/// Largest entry.
const ENTRY_BYTES_MAX: usize = 10 << 20;

/// A tier and what has become of it.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) tier: Arc<dyn CacheTier>,
    env: Arc<dyn Env>,
    counters: Counters,
    /// When it is used again, in milliseconds of the monotonic clock.
    reads_again_ms: AtomicU64,
    writes_again_ms: AtomicU64,
}

/// What a level has for a read.
#[derive(Debug)]
pub(super) enum Look {
    /// Nothing can be said, nor kept.
    Off,
    /// Nothing; what is read now can be kept under this generation.
    Miss(String),
    /// An entry, as it was put.
    Hit(Vec<u8>, String),
}

impl Level {
    pub(super) fn new(tier: Arc<dyn CacheTier>, env: Arc<dyn Env>) -> Self {
        let (reads_again_ms, writes_again_ms) = Default::default();
        Self { tier, env, counters: Counters::default(), reads_again_ms, writes_again_ms }
    }

    pub(super) fn stats(&self) -> TierStats {
        self.counters.snapshot(self.tier.name())
    }

    /// Looks for an entry.
    pub(super) async fn look(&self, resource: &str, table: &Table, slot: Slot, key: &str) -> Look {
        let Some(state) = table.state(slot) else {
            return Look::Off;
        };
        let changes = state.now();
        let look = self.look_in(resource, state, changes, slot, key).await.unwrap_or(Look::Off);
        // A write that has begun meanwhile may have ended too: what was seen of the slot is from before.
        let look = if state.now() == changes { look } else { Look::Off };
        match look {
            Look::Hit(..) => {}
            Look::Miss(_) | Look::Off => Counters::add(&self.counters.misses),
        }
        look
    }

    /// `None` when the level cannot be used.
    async fn look_in(
        &self,
        resource: &str,
        state: &State,
        changes: u64,
        slot: Slot,
        key: &str,
    ) -> Option<Look> {
        let of_slot = path::of_slot(resource, slot);
        if state.is_dirty(changes) {
            self.write(self.tier.delete(std::slice::from_ref(&of_slot))).await?;
            state.was_deleted(changes);
        }
        let now = self.env.monotonic();
        let generation = match state.known(changes, now) {
            Some(generation) => generation,
            None => {
                let held = self.read(self.tier.get(&of_slot)).await?;
                let held = held.and_then(|bytes| String::from_utf8(bytes).ok());
                let is_new = held.is_none();
                let generation = held.unwrap_or_else(|| self.generation());
                if is_new {
                    // Before the documents are read, so that a write that comes between is seen to have deleted it.
                    let put = self.tier.put(&of_slot, generation.clone().into_bytes(), None);
                    self.write(put).await?;
                }
                state.learn(&generation, changes, now.saturating_add(self.tier.trust()));
                if is_new {
                    return Some(Look::Miss(generation));
                }
                generation
            }
        };
        Some(match self.read(self.tier.get(key)).await? {
            Some(bytes) => Look::Hit(bytes, generation),
            None => Look::Miss(generation),
        })
    }

    /// The entry that was hit, if it is of the generation and can be read.
    pub(super) async fn open<A>(&self, bytes: Vec<u8>, generation: &str) -> Option<Entry<A>>
    where
        A: for<'de> serde::Deserialize<'de> + Send + 'static,
    {
        let entry =
            codec::aside(bytes.len().saturating_mul(4), move || codec::decode::<Entry<A>>(&bytes)).await;
        match entry {
            Ok(entry) if entry.generation == generation => {
                Counters::add(&self.counters.hits);
                Some(entry)
            }
            Ok(_) => {
                Counters::add(&self.counters.misses);
                None
            }
            Err(_) => {
                Counters::add(&self.counters.errors);
                Counters::add(&self.counters.misses);
                None
            }
        }
    }

    /// Keeps an entry.
    pub(super) async fn put(&self, key: &str, bytes: Vec<u8>, ttl: Option<Duration>, is_promoted: bool) {
        if bytes.len() > ENTRY_BYTES_MAX {
            return;
        }
        if self.write(self.tier.put(key, bytes, ttl)).await.is_some() {
            Counters::add(&self.counters.stored);
            if is_promoted {
                Counters::add(&self.counters.promoted);
            }
        }
    }

    /// Says that slots are worthless, and deletes them. Where that fails the next read does it.
    pub(super) async fn change(&self, resource: &str, table: &Table, slots: &[Slot]) {
        let is_kept = |slot: &&Slot| **slot == Slot::Many || self.tier.keeps_documents();
        let slots: Vec<_> =
            slots.iter().filter(is_kept).filter_map(|slot| Some((*slot, table.state(*slot)?))).collect();
        let keys: Vec<String> = slots.iter().map(|(slot, _)| path::of_slot(resource, *slot)).collect();
        let states: Vec<_> = slots.into_iter().map(|(_, state)| (state, state.changes())).collect();
        if keys.is_empty() || self.write(self.tier.delete(&keys)).await.is_none() {
            return;
        }
        Counters::add(&self.counters.invalidations);
        states.into_iter().for_each(|(state, changes)| state.was_deleted(changes));
    }

    /// Says that slots are worthless, and leaves their deletion to the next read.
    pub(super) fn abandon(&self, table: &Table, slots: &[Slot]) {
        slots.iter().filter_map(|slot| table.state(*slot)).for_each(State::abandon);
    }

    pub(super) async fn clear(&self, prefix: &str) -> Result<()> {
        self.tier.clear(prefix).await
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T>>) -> Option<T> {
        self.call(&self.reads_again_ms, call).await
    }

    async fn write<T>(&self, call: impl Future<Output = Result<T>>) -> Option<T> {
        self.call(&self.writes_again_ms, call).await
    }

    /// A full disk fails writes alone: what is there can still be read.
    async fn call<T>(&self, again_ms: &AtomicU64, call: impl Future<Output = Result<T>>) -> Option<T> {
        if self.now_ms() < again_ms.load(Ordering::Relaxed) {
            return None;
        }
        let done = tokio::select! {
            biased;
            done = call => done,
            () = self.env.sleep(CALL_MAX) => Err(Error::new(ErrorKind::Unavailable, "the tier took too long")),
        };
        match done {
            Ok(done) => Some(done),
            Err(error) => {
                Counters::add(&self.counters.errors);
                let rest = u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
                again_ms.store(self.now_ms().saturating_add(rest), Ordering::Relaxed);
                tracing::warn!(tier = self.tier.name(), %error, "a tier of the cache failed, and rests");
                None
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.env.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn generation(&self) -> String {
        let mut bytes = [0; 12];
        self.env.fill_ahead(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
