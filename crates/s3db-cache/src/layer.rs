//! The layer that answers reads and watches writes.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use s3db_core::env::Env;
use s3db_core::op::{Answer, Next, Op, OpLayer};
use s3db_core::{Document, Result};

use crate::epoch::{Epoch, Epochs, Touched, Writing};
use crate::flight::{Flights, Lead, Part};
use crate::options::CacheOptions;
use crate::size;
use crate::stats::{CacheStats, Counters};
use crate::store::{Found, Held, Kept, Key, Store};
use crate::tier::{Lower, Slot, Tables, TierStats, pack, partition_of, unpack};

/// What a cache holds, shared by its layer and the handles of the program.
#[derive(Debug)]
pub(crate) struct Shared {
    env: Arc<dyn Env>,
    options: CacheOptions,
    store: Store,
    flights: Flights,
    counters: Counters,
    lower: Lower,
    resources: RwLock<HashMap<String, Arc<Watched>>>,
}

/// One resource.
#[derive(Debug)]
struct Watched {
    number: u32,
    is_cached: bool,
    epochs: Epochs,
    /// What is known of its slots in tiers.
    tables: Tables,
}

impl Shared {
    pub(crate) fn new(env: Arc<dyn Env>, options: CacheOptions, bytes_max: u64, lower: Lower) -> Self {
        let store = Store::new(options.items_max, bytes_max);
        let (flights, counters, resources) = (Flights::default(), Counters::default(), RwLock::default());
        Self { env, options, store, flights, counters, lower, resources }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let (entries, bytes) = self.store.size();
        self.counters.snapshot(entries, bytes)
    }

    pub(crate) fn tier_stats(&self) -> Vec<TierStats> {
        self.lower.stats()
    }

    /// Forgets a document and what is about many, or a resource.
    pub(crate) async fn invalidate(&self, resource: &str, id: Option<&str>) {
        Counters::add(&self.counters.invalidations);
        let slots = match id {
            Some(id) => vec![Slot::Many, Slot::of(id)],
            None => Slot::all().collect(),
        };
        match self.known(resource) {
            Some(watched) => {
                let moves = || match id {
                    Some(id) => watched.epochs.moves(id),
                    None => watched.epochs.moves_all(),
                };
                // Before, for reads that are under way, and after, for those that have met the tiers meanwhile.
                moves();
                self.lower.change(resource, &watched.tables, &slots).await;
                moves();
            }
            // Nobody has called it yet: only tiers can have anything.
            None => self.lower.change(resource, &self.lower.tables(), &slots).await,
        }
    }

    /// Forgets what is about one partition.
    pub(crate) async fn clear_partition(&self, resource: &str, name: &str, values: &Document) -> Result<()> {
        let moves = || {
            if let Some(watched) = self.known(resource) {
                watched.epochs.moves_many();
            }
        };
        moves();
        let done = self.lower.clear_partition(resource, name, values).await;
        moves();
        done
    }

    /// Deletes what tiers hold.
    pub(crate) async fn clear_tiers(&self) -> Result<()> {
        let done = self.lower.clear().await;
        self.clear();
        done
    }

    /// Forgets all, since writes have gone by unseen.
    pub(crate) fn was_out(&self) {
        {
            let resources = self.resources.read().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.lower.was_out(resources.values().map(|watched| &watched.tables));
        }
        self.clear();
    }

    fn known(&self, resource: &str) -> Option<Arc<Watched>> {
        self.resources.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(resource).cloned()
    }

    pub(crate) fn clear(&self) {
        let resources = self.resources.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        resources.values().for_each(|watched| watched.epochs.moves_all());
        self.store.clear();
    }

    fn watched(&self, next: &Next<'_>) -> Arc<Watched> {
        let name = next.resource_name();
        if let Some(watched) =
            self.resources.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name)
        {
            return watched.clone();
        }
        let mut resources = self.resources.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let number = u32::try_from(resources.len()).unwrap_or(u32::MAX);
        let is_cached = self.is_cached(name, next.is_internal());
        let watched = || {
            let (epochs, tables) = (Epochs::new(), self.lower.tables());
            Arc::new(Watched { number, is_cached, epochs, tables })
        };
        resources.entry(name.to_owned()).or_insert_with(watched).clone()
    }

    /// `exclude` beats `include`, which alone decides where it is given; else resources of plugins are left out.
    fn is_cached(&self, name: &str, is_internal: bool) -> bool {
        let CacheOptions { include, exclude, .. } = &self.options;
        let named = |names: &[String]| names.iter().any(|other| other == name);
        !named(exclude) && if include.is_empty() { !is_internal } else { named(include) }
    }

    async fn read(&self, watched: &Watched, ask: Ask, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let epoch = ask.epoch(&watched.epochs);
        let key = Key { resource: watched.number, verb: op.verb(), ask: ask.text().to_owned() };
        match self.store.get(&key, epoch, || self.env.monotonic()) {
            Some(Held::Plain(kept)) => {
                Counters::add(&self.counters.hits);
                return Ok(kept.0.clone());
            }
            Some(Held::Packed(packed)) => {
                if let Ok(answer) = unpack(packed).await {
                    Counters::add(&self.counters.hits);
                    return Ok(answer);
                }
            }
            None => {}
        }
        Counters::add(&self.counters.misses);
        match self.flights.board(&key, epoch) {
            Part::Lead(lead) => self.fetch(watched, Miss { ask, key, epoch, lead }, op, next).await,
            Part::Join(join) => match join.landed().await {
                Some(kept) => {
                    Counters::add(&self.counters.joined);
                    Ok(kept.0.clone())
                }
                // It found nothing, failed, or went away.
                None => next.run(op).await,
            },
        }
    }

    async fn fetch(&self, watched: &Watched, miss: Miss<'_>, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let Miss { ask, key, epoch, lead } = miss;
        let began = self.env.monotonic();
        let resource = next.resource_name().to_owned();
        let asked = self
            .lower
            .asks(&resource, &watched.tables, ask.slot(), key.verb, ask.text(), || partition_of(&op));
        // A resource that gets its first secret later has its answers kept in memory from then on.
        let asked = asked.filter(|_| self.options.secrets_in_tiers || !next.resource().has_secrets());
        let mut looked = match &asked {
            Some(asked) => Some(self.lower.look(asked, &op).await),
            None => None,
        };
        let is_current = || ask.epoch(&watched.epochs) == epoch;
        let found = looked.as_mut().and_then(|looked| looked.found.take()).filter(|_| is_current());
        let (given, left, is_from_tier) = match found {
            Some((answer, left)) => {
                Counters::add(&self.counters.tier_hits);
                (answer, left, true)
            }
            None => (next.run(op).await?, self.options.ttl, false),
        };
        let Some(kept) = kept(&given) else {
            return Ok(given);
        };
        let size = size::of(&kept.0);
        // What a write has put out of date meanwhile would never be served: its place is better kept for others.
        if is_current() {
            let expires = left.map(|left| began.saturating_add(left));
            let held = self.held(&kept, size).await;
            if self.store.put(key, held, epoch, expires) {
                Counters::add(&self.counters.stored);
            }
        }
        lead.land(kept.clone());
        if let (Some(asked), Some(looked)) = (asked, looked.filter(|_| is_current())) {
            self.lower.keep(&asked, looked, &kept, size, is_from_tier).await;
        }
        Ok(given)
    }

    /// An answer as memory holds it.
    async fn held(&self, kept: &Kept, size: usize) -> Held {
        if self.options.compress_bytes_min.is_some_and(|min| size as u64 >= min)
            && let Ok(packed) = pack(kept.clone(), size).await
        {
            return Held::Packed(Arc::new(packed));
        }
        Held::Plain(kept.clone())
    }

    async fn write(&self, watched: &Watched, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let touched = match &op {
            // Which id it gets is known afterwards, and no document of a new one is kept.
            Op::Insert { document } if !document.contains_key("id") => Touched::New,
            Op::DeleteMany { ids } => Touched::Ids(ids.clone()),
            op => op.id().map_or(Touched::All, |id| Touched::Ids(vec![id.to_owned()])),
        };
        self.counters.invalidations.fetch_add(1, Ordering::Relaxed);
        let slots = slots(&touched);
        let _writing = Writing::begin(&watched.epochs, touched);
        if self.lower.is_empty() {
            let answer = next.run(op).await?;
            moved(watched, &answer);
            return Ok(answer);
        }
        let resource = next.resource_name().to_owned();
        let mut changing = self.lower.begin(&resource, &watched.tables, slots).await;
        let answer = next.run(op).await;
        if let Ok(answer) = &answer
            && let Some(id) = moved(watched, answer)
        {
            changing.touches(Slot::of(id));
        }
        changing.end().await;
        answer
    }
}

/// The layer of a cache.
#[derive(Debug)]
pub(crate) struct CacheLayer(pub(crate) Arc<Shared>);

#[async_trait]
impl OpLayer for CacheLayer {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let watched = self.0.watched(&next);
        if !watched.is_cached {
            return next.run(op).await;
        }
        if !op.verb().is_read() {
            return self.0.write(&watched, op, next).await;
        }
        match Ask::of(&op) {
            Some(ask) => self.0.read(&watched, ask, op, next).await,
            None => next.run(op).await,
        }
    }
}

/// What of tiers a write touches.
fn slots(touched: &Touched) -> Vec<Slot> {
    match touched {
        Touched::New => vec![Slot::Many],
        Touched::Ids(ids) => {
            let mut slots = vec![Slot::Many];
            for slot in ids.iter().map(|id| Slot::of(id)) {
                if !slots.contains(&slot) {
                    slots.push(slot);
                }
            }
            slots
        }
        Touched::All => Slot::all().collect(),
    }
}

/// Puts the document that was written out of date: a hook may have given it another id than the call had.
fn moved<'a>(watched: &Watched, answer: &'a Answer) -> Option<&'a str> {
    match answer {
        Answer::Record(record) => {
            watched.epochs.moves(&record.id);
            Some(&record.id)
        }
        _ => None,
    }
}

/// A read that this caller does, for itself and for those who wait.
struct Miss<'a> {
    ask: Ask,
    key: Key,
    epoch: Epoch,
    lead: Lead<'a>,
}

/// What a read asks for.
#[derive(Debug)]
enum Ask {
    /// One document, by its id.
    One(String),
    /// Any number of them, by all that shapes the answer.
    Many(String),
}

impl Ask {
    /// `None` for reads that are not kept: content is read later, and as large as it likes.
    fn of(op: &Op<'_>) -> Option<Self> {
        match op {
            Op::Get { id } | Op::Exists { id } => Some(Self::One(id.clone())),
            Op::Content { .. } | Op::HasContent { .. } => None,
            op => op.read_key().map(Self::Many),
        }
    }

    fn text(&self) -> &str {
        let (Self::One(text) | Self::Many(text)) = self;
        text
    }

    fn slot(&self) -> Slot {
        match self {
            Self::One(id) => Slot::of(id),
            Self::Many(_) => Slot::Many,
        }
    }

    fn epoch(&self, epochs: &Epochs) -> Epoch {
        match self {
            Self::One(id) => epochs.of(id),
            Self::Many(_) => epochs.of_many(),
        }
    }
}

/// What of an answer is kept: nothing that has failed in part, and no document that is absent, which anybody may create.
fn kept(answer: &Answer) -> Option<Kept> {
    let is_kept = match answer {
        Answer::Found(found) => found.is_some(),
        Answer::Exists(exists) => *exists,
        Answer::Record(_) | Answer::Count(_) | Answer::Ids(_) => true,
        Answer::Records(_) | Answer::Listing(_) | Answer::Page(_) | Answer::Selection(_) => answer.is_whole(),
        _ => false,
    };
    is_kept.then(|| Arc::new(Found(answer.clone())))
}
