//! The layer that answers reads and watches writes.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use s3db_core::Result;
use s3db_core::env::Env;
use s3db_core::op::{Answer, Next, Op, OpLayer};

use crate::epoch::{Epoch, Epochs, Touched, Writing};
use crate::flight::{Flights, Lead, Part};
use crate::options::CacheOptions;
use crate::stats::{CacheStats, Counters};
use crate::store::{Found, Kept, Key, Store};

/// What a cache holds, shared by its layer and the handles of the program.
#[derive(Debug)]
pub(crate) struct Shared {
    env: Arc<dyn Env>,
    options: CacheOptions,
    store: Store,
    flights: Flights,
    counters: Counters,
    resources: RwLock<HashMap<String, Arc<Watched>>>,
}

/// One resource.
#[derive(Debug)]
struct Watched {
    number: u32,
    is_cached: bool,
    epochs: Epochs,
}

impl Shared {
    pub(crate) fn new(env: Arc<dyn Env>, options: CacheOptions, bytes_max: u64) -> Self {
        let store = Store::new(options.items_max, bytes_max);
        let (flights, counters, resources) = (Flights::default(), Counters::default(), RwLock::default());
        Self { env, options, store, flights, counters, resources }
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let (entries, bytes) = self.store.size();
        self.counters.snapshot(entries, bytes)
    }

    pub(crate) fn invalidate(&self, resource: &str, id: Option<&str>) {
        let watched =
            self.resources.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(resource).cloned();
        // Of a resource that nobody has called there is nothing to forget.
        if let Some(watched) = watched {
            Counters::add(&self.counters.invalidations);
            match id {
                Some(id) => watched.epochs.moves(id),
                None => watched.epochs.moves_all(),
            }
        }
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
        let watched = || Arc::new(Watched { number, is_cached, epochs: Epochs::new() });
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
        let (Ask::One(text) | Ask::Many(text)) = &ask;
        let key = Key { resource: watched.number, verb: op.verb(), ask: text.clone() };
        if let Some(kept) = self.store.get(&key, epoch, || self.env.monotonic()) {
            Counters::add(&self.counters.hits);
            return Ok(kept.0.clone());
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
        let given = next.run(op).await?;
        let Some(kept) = kept(&given) else {
            return Ok(given);
        };
        // What a write has put out of date meanwhile would never be served: its place is better kept for others.
        if ask.epoch(&watched.epochs) == epoch {
            let expires = self.options.ttl.map(|ttl| began.saturating_add(ttl));
            if self.store.put(key, kept.clone(), epoch, expires) {
                Counters::add(&self.counters.stored);
            }
        }
        lead.land(kept);
        Ok(given)
    }

    async fn write(&self, watched: &Watched, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let touched = match &op {
            // Which id it gets is known afterwards, and no document of a new one is kept.
            Op::Insert { document } if !document.contains_key("id") => Touched::New,
            Op::DeleteMany { ids } => Touched::Ids(ids.clone()),
            op => op.id().map_or(Touched::All, |id| Touched::Ids(vec![id.to_owned()])),
        };
        self.counters.invalidations.fetch_add(1, Ordering::Relaxed);
        let _writing = Writing::begin(&watched.epochs, touched);
        let answer = next.run(op).await?;
        if let Answer::Record(record) = &answer {
            // A hook may have given it another id.
            watched.epochs.moves(&record.id);
        }
        Ok(answer)
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
