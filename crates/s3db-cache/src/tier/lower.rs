//! The tiers of a cache, from the first to the last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use s3db_core::env::Env;
use s3db_core::op::{Answer, Op, Verb};
use s3db_core::plugin::Context;
use s3db_core::{Document, Result};

use super::bucket::Bucket;
use super::codec::{self, Entry};
use super::files::Files;
use super::generation::{Slot, Tables};
use super::level::{Level, Look};
use super::path::{self, Partition};
use super::s3db_js::S3dbJs;
use super::{CacheTier, Tier, TierStats};
use crate::store::Found;

/// The tiers.
#[derive(Debug)]
pub(crate) struct Lower {
    env: Arc<dyn Env>,
    /// How long an entry counts.
    ttl: Option<Duration>,
    levels: Vec<Level>,
    foreign: Option<S3dbJs>,
    /// Whether writes may have gone by unseen before now.
    was_out: AtomicBool,
}

/// What a read asks the tiers for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) resource: &'a str,
    pub(crate) tables: &'a Tables,
    pub(crate) slot: Slot,
    key: String,
}

/// What was found, and where what was not found can be kept.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) found: Option<(Answer, Option<Duration>)>,
    /// Numbers of levels, with the generation of each.
    missed: Vec<(usize, String)>,
    read_at_ms: i64,
}

impl Lower {
    /// Opens the tiers. Errors: `Config` naming what cannot be used.
    pub(crate) async fn open(tiers: &[Tier], ttl: Option<Duration>, context: &Context) -> Result<Self> {
        let env = context.env().clone();
        let (mut levels, mut foreign) = (Vec::new(), None);
        for tier in tiers {
            let tier: Arc<dyn CacheTier> = match tier {
                Tier::Files(options) => Arc::new(Files::open(options.clone(), &env).await?),
                Tier::Bucket => Arc::new(Bucket(context.storage().clone())),
                Tier::Custom(tier) => tier.clone(),
                Tier::S3dbJs { key_prefix } => {
                    let storage = context.database()?.plugin_storage("cache")?;
                    foreign = Some(S3dbJs::new(storage, key_prefix.clone(), env.clone()));
                    continue;
                }
            };
            levels.push(Level::new(tier, env.clone()));
        }
        Ok(Self { env, ttl, levels, foreign, was_out: AtomicBool::new(false) })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.foreign.is_none()
    }

    /// Tables for one resource.
    pub(crate) fn tables(&self) -> Tables {
        let tables = Tables::new(self.levels.len() + usize::from(self.foreign.is_some()));
        if self.was_out.load(Ordering::SeqCst) {
            tables.abandon();
        }
        tables
    }

    /// Writes have gone by unseen: nothing that tiers hold now counts, of the resources of `known` tables and of others.
    pub(crate) fn was_out<'a>(&self, known: impl Iterator<Item = &'a Tables>) {
        self.was_out.store(true, Ordering::SeqCst);
        known.for_each(Tables::abandon);
    }

    pub(crate) fn stats(&self) -> Vec<TierStats> {
        let own = self.levels.iter().map(Level::stats);
        own.chain(self.foreign.as_ref().map(S3dbJs::stats)).collect()
    }

    /// What a read asks for; `None` when no tier would keep it.
    pub(crate) fn asks<'a>(
        &self,
        resource: &'a str,
        tables: &'a Tables,
        slot: Slot,
        verb: Verb,
        ask: &str,
        partition: impl FnOnce() -> Option<Partition>,
    ) -> Option<Asked<'a>> {
        let is_kept = |level: &Level| slot == Slot::Many || level.tier.keeps_documents();
        if self.foreign.is_none() && !self.levels.iter().any(is_kept) {
            return None;
        }
        let key = path::of_entry(resource, partition().as_ref(), verb, &format!("{verb} {ask}"));
        Some(Asked { resource, tables, slot, key })
    }

    /// Looks through the tiers. Where one has the answer, those above it get it too.
    pub(crate) async fn look(&self, asked: &Asked<'_>, op: &Op<'_>) -> Looked {
        let mut looked = Looked { read_at_ms: self.env.now_ms(), ..Looked::default() };
        for (number, (level, table)) in self.levels.iter().zip(&asked.tables.0).enumerate() {
            if asked.slot != Slot::Many && !level.tier.keeps_documents() {
                continue;
            }
            match level.look(asked.resource, table, asked.slot, &asked.key).await {
                Look::Off => {}
                Look::Miss(generation) => looked.missed.push((number, generation)),
                Look::Hit(bytes, generation) => {
                    let entry = level.open::<Answer>(bytes, &generation).await;
                    let left = entry.as_ref().and_then(|entry| self.left(entry.read_at_ms));
                    match (entry, left) {
                        (Some(entry), Some(left)) => {
                            looked.read_at_ms = entry.read_at_ms;
                            looked.found = Some((entry.answer, left));
                            return looked;
                        }
                        _ => looked.missed.push((number, generation)),
                    }
                }
            }
        }
        if let (Some(foreign), Some(table)) = (&self.foreign, asked.tables.0.get(self.levels.len()))
            && let Some((answer, left)) = foreign.look(asked.resource, table, op).await
        {
            // When it was read is not told: it is kept in memory only, which knows how long it is good.
            looked.missed.clear();
            let left = match (left, self.ttl) {
                (Some(left), Some(ttl)) => Some(left.min(ttl)),
                (left, ttl) => left.or(ttl),
            };
            looked.found = Some((answer, left));
        }
        looked
    }

    /// Keeps what was read in the tiers that did not have it, under the generations of before it was read.
    pub(crate) async fn keep(
        &self,
        asked: &Asked<'_>,
        looked: Looked,
        found: &Arc<Found>,
        size: usize,
        is_promoted: bool,
    ) {
        for (number, generation) in looked.missed {
            let (Some(level), found) = (self.levels.get(number), found.clone()) else {
                continue;
            };
            let read_at_ms = looked.read_at_ms;
            let bytes = codec::aside(size, move || {
                codec::encode(&Entry { generation, read_at_ms, answer: &found.0 })
            });
            let Ok(bytes) = bytes.await else {
                continue;
            };
            let ttl = self.left(read_at_ms).flatten();
            level.put(&asked.key, bytes, ttl, is_promoted).await;
        }
    }

    /// A write begins: what it touches is worthless from now on, and again when [`Changing::end`] is called or it is dropped.
    pub(crate) async fn begin<'a>(
        &'a self,
        resource: &'a str,
        tables: &'a Tables,
        slots: Vec<Slot>,
    ) -> Changing<'a> {
        let changing = Changing { lower: self, resource, tables, slots, has_ended: false };
        self.change(resource, tables, &changing.slots).await;
        changing
    }

    pub(crate) async fn change(&self, resource: &str, tables: &Tables, slots: &[Slot]) {
        for (level, table) in self.levels.iter().zip(&tables.0) {
            level.change(resource, table, slots).await;
        }
        if let (Some(foreign), Some(table)) = (&self.foreign, tables.0.get(self.levels.len())) {
            foreign.change(resource, table).await;
        }
    }

    /// Deletes all that the tiers hold. Errors: the first that a tier gives, after all have been asked.
    pub(crate) async fn clear(&self) -> Result<()> {
        self.clear_below("").await
    }

    /// Deletes what the tiers hold of one partition.
    pub(crate) async fn clear_partition(&self, resource: &str, name: &str, values: &Document) -> Result<()> {
        self.clear_below(&path::of_partition(resource, &Partition::new(name, values))).await
    }

    async fn clear_below(&self, prefix: &str) -> Result<()> {
        let mut done = Ok(());
        for level in &self.levels {
            done = done.and(level.clear(prefix).await);
        }
        done
    }

    /// How long an entry still counts; `None` when its time is over.
    fn left(&self, read_at_ms: i64) -> Option<Option<Duration>> {
        let Some(ttl) = self.ttl else {
            return Some(None);
        };
        // By a clock that is ahead of ours it may be from the future: then it counts as new.
        let age = u64::try_from(self.env.now_ms().saturating_sub(read_at_ms)).unwrap_or(0);
        let left = ttl.checked_sub(Duration::from_millis(age)).filter(|left| !left.is_zero())?;
        Some(Some(left))
    }
}

/// A write that is under way.
#[derive(Debug)]
pub(crate) struct Changing<'a> {
    lower: &'a Lower,
    resource: &'a str,
    tables: &'a Tables,
    slots: Vec<Slot>,
    has_ended: bool,
}

impl Changing<'_> {
    /// The write has touched one document more than it said.
    pub(crate) fn touches(&mut self, slot: Slot) {
        if !self.slots.contains(&slot) {
            self.slots.push(slot);
        }
    }

    /// The write has ended, whichever way.
    pub(crate) async fn end(mut self) {
        self.lower.change(self.resource, self.tables, &self.slots).await;
        self.has_ended = true;
    }
}

impl Drop for Changing<'_> {
    /// A write that was cut off may have happened: the next read deletes the slots before it believes them.
    fn drop(&mut self) {
        if !self.has_ended {
            for (level, table) in self.lower.levels.iter().zip(&self.tables.0) {
                level.abandon(table, &self.slots);
            }
            if let (Some(foreign), Some(table)) =
                (&self.lower.foreign, self.tables.0.get(self.lower.levels.len()))
            {
                foreign.abandon(table);
            }
        }
    }
}
