//! Brings changes to one target.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, select};
use s3db_core::plugin::{Context, Shutdown};
use s3db_core::{Database, Document, Error, ErrorKind, Result};

use crate::change::RecordedChange;
use crate::letters::Letters;
use crate::options::Pace;
use crate::outbox::Outbox;
use crate::route::Routes;
use crate::stats::Counters;
use crate::target::{Batch, Delivery, Outcome, Routed, Target};

/// Brings changes to one target, one batch at a time, until the target has them or they are put aside.
#[derive(Debug)]
pub(crate) struct Courier {
    pub(crate) name: String,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) routes: Routes,
    pub(crate) counters: Counters,
    context: Context,
    letters: Arc<Letters>,
    pace: Pace,
    turn: tokio::sync::Mutex<()>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Delivered {
    /// The target has all, but for so many documents that were put aside. Those of `look_again` are to be delivered once more.
    All { put_aside: u64, look_again: Vec<Arc<RecordedChange>> },
    /// Some are not delivered: the plugin stops, or the target is down and is not waited for.
    Stopped,
}

/// What became of a try.
#[derive(Debug, Default)]
struct Sorted {
    left: Vec<(Delivery, u32)>,
    /// Whether any of those was refused, and is not put aside yet.
    has_refused: bool,
    put_aside: u64,
    look_again: Vec<Arc<RecordedChange>>,
}

/// Whether a target that is down is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Endless,
    Once,
}

impl Courier {
    pub(crate) fn new(
        name: String,
        target: Arc<dyn Target>,
        routes: Routes,
        context: Context,
        letters: Arc<Letters>,
        pace: Pace,
    ) -> Self {
        let counters = Counters::default();
        counters.with(|stats| {
            stats.name = name.clone();
            stats.driver = target.driver().to_owned();
        });
        Self { name, target, routes, counters, context, letters, pace, turn: tokio::sync::Mutex::default() }
    }

    /// Connects to the target, and shows it the resources that there are.
    pub(crate) async fn open(&self) -> Result<()> {
        let db = self.context.database()?;
        let names = db.resource_names();
        let routed: Vec<Routed> =
            names.iter().filter_map(|name| self.route(&db, name)).map(Arc::unwrap_or_clone).collect();
        let opened = self.guard(self.target.open(&routed)).await;
        opened.map_err(|error| self.at(error))
    }

    /// Delivers what this process commits, until the plugin stops; then what is left, once.
    pub(crate) async fn relay(&self, place: usize, outbox: &Outbox, shutdown: &Shutdown) -> Result<()> {
        loop {
            let due = outbox.due(place, self.pace.batch_max);
            let has_more = !due.changes.is_empty();
            if has_more {
                match self.deliver(&due.changes, shutdown, Patience::Endless).await {
                    Delivered::All { look_again, .. } => outbox.linger(&look_again),
                    Delivered::Stopped => return Ok(()),
                }
            }
            outbox.done(place, due.up_to);
            if let Err(error) = outbox.clean(!has_more).await {
                self.context.report("cleaning the outbox", &error);
            }
            if has_more {
                continue;
            }
            if shutdown.is_requested() {
                return Ok(());
            }
            select(pin!(outbox.beyond(due.up_to)), pin!(shutdown.requested())).await;
        }
    }

    /// Delivers changes, with growing pauses for as long as the target fails.
    pub(crate) async fn deliver(
        &self,
        changes: &[Arc<RecordedChange>],
        shutdown: &Shutdown,
        patience: Patience,
    ) -> Delivered {
        let mut failures = 0;
        let db = loop {
            let Ok(db) = self.context.database() else {
                return Delivered::Stopped;
            };
            match self.know_resources(&db, changes).await {
                Ok(()) => break db,
                Err(error) => self.context.report("reading the catalogue", &error),
            }
            // What is not known is not gone.
            if shutdown.is_requested() || patience == Patience::Once {
                return Delivered::Stopped;
            }
            drop(db);
            let pause = self.pace.pause(failures);
            failures += 1;
            select(self.context.env().sleep(pause), pin!(shutdown.requested())).await;
        };
        let mut routes = HashMap::new();
        let mut orphans: Vec<Arc<RecordedChange>> = Vec::new();
        for change in changes {
            if routes.contains_key(&change.resource) {
                continue;
            }
            match self.route(&db, &change.resource) {
                Some(routed) => drop(routes.insert(change.resource.clone(), routed)),
                // Of a resource that goes elsewhere, or is gone with its documents.
                None => orphans.push(change.clone()),
            }
        }
        for orphan in orphans.iter().filter(|orphan| db.resource(&orphan.resource).is_err()) {
            let (resource, id) = (&orphan.resource, &orphan.id);
            tracing::warn!(resource, id, target = self.name, "the resource of a change is gone");
        }
        drop(db);
        self.deliver_batch(Batch::of(changes, &routes), shutdown, patience).await
    }

    /// Reads the catalogue where it lacks the resource of a change, which another process may have made.
    async fn know_resources(&self, db: &Database, changes: &[Arc<RecordedChange>]) -> Result<()> {
        match changes.iter().all(|change| db.resource(&change.resource).is_ok()) {
            true => Ok(()),
            false => db.refresh().await,
        }
    }

    pub(crate) async fn deliver_batch(
        &self,
        batch: Batch,
        shutdown: &Shutdown,
        patience: Patience,
    ) -> Delivered {
        // Those of one process never at the same time.
        let _turn = self.turn.lock().await;
        let mut waiting: Vec<(Delivery, u32)> =
            batch.deliveries().iter().map(|delivery| (delivery.clone(), 0)).collect();
        let (mut attempt, mut put_aside, mut look_again) = (0, 0, Vec::new());
        while !waiting.is_empty() {
            let is_down;
            let tried = Batch::new(waiting.iter().map(|(delivery, _)| delivery.clone()).collect());
            match self.attempt(&tried).await {
                Ok(outcomes) => {
                    let sorted = self.sort(std::mem::take(&mut waiting), outcomes).await;
                    // What was refused is tried a few times, whoever waits; the rest is an outage.
                    is_down = !sorted.has_refused;
                    waiting = sorted.left;
                    put_aside += sorted.put_aside;
                    look_again.extend(sorted.look_again);
                }
                Err(error) => {
                    is_down = true;
                    self.failed(&error);
                }
            }
            if waiting.is_empty() {
                break;
            }
            if shutdown.is_requested() || (is_down && patience == Patience::Once) {
                return Delivered::Stopped;
            }
            self.counters.with(|stats| stats.retries += 1);
            let pause = self.pace.pause(attempt);
            attempt += 1;
            // A stop ends the pause, and gives it one more try.
            select(self.context.env().sleep(pause), pin!(shutdown.requested())).await;
        }
        self.counters.with(|stats| {
            stats.is_failing = false;
            stats.last_delivery_ms = Some(self.context.env().now_ms());
        });
        Delivered::All { put_aside, look_again }
    }

    /// Delivers one document, once. Whether the target took it.
    ///
    /// Errors: what keeps the target from taking anything.
    pub(crate) async fn deliver_once(&self, delivery: Delivery) -> Result<bool> {
        let _turn = self.turn.lock().await;
        let changes = delivery.changes.len() as u64;
        let outcomes = self.attempt(&Batch::new(vec![delivery])).await.map_err(|error| self.at(error))?;
        let is_taken = matches!(outcomes.first(), Some(Outcome::Done | Outcome::LookAgain));
        if is_taken {
            self.counters.with(|stats| stats.delivered += changes);
        }
        Ok(is_taken)
    }

    async fn attempt(&self, batch: &Batch) -> Result<Vec<Outcome>> {
        self.counters.with(|stats| stats.batches += 1);
        let outcomes = self.guard(self.target.deliver(batch)).await?;
        if outcomes.len() != batch.deliveries().len() {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "a target told of fewer or more documents than it got",
            )
            .with("given", batch.deliveries().len())
            .with("told", outcomes.len()));
        }
        Ok(outcomes)
    }

    /// Parts what is to be tried again from what is over.
    async fn sort(&self, tried: Vec<(Delivery, u32)>, outcomes: Vec<Outcome>) -> Sorted {
        let mut sorted = Sorted::default();
        for ((delivery, refusals), outcome) in tried.into_iter().zip(outcomes) {
            let error = match outcome {
                Outcome::Done | Outcome::LookAgain => {
                    self.counters.with(|stats| stats.delivered += delivery.changes.len() as u64);
                    if matches!(outcome, Outcome::LookAgain) {
                        sorted.look_again.extend(delivery.changes);
                    }
                    continue;
                }
                Outcome::Failed(error) => {
                    error.with("resource", delivery.routed.resource.name()).with("id", &delivery.id)
                }
            };
            self.failed(&error);
            let refusals = if error.is_retryable() { refusals } else { refusals + 1 };
            if refusals < self.pace.attempts {
                sorted.has_refused |= !error.is_retryable();
                sorted.left.push((delivery, refusals));
                continue;
            }
            match self.letters.put_aside(&self.name, &delivery, &error).await {
                Ok(()) => {
                    sorted.put_aside += 1;
                    self.counters.with(|stats| stats.dead_letters += 1);
                    let mut detail = Document::new();
                    for (name, value) in
                        [("target", &self.name), ("id", &delivery.id), ("error", &error.to_string())]
                    {
                        detail.insert(name.to_owned(), value.as_str().into());
                    }
                    detail.insert("resource".to_owned(), delivery.routed.resource.name().into());
                    self.context.announce("dead_letter", detail);
                }
                // Not forgotten for want of a place to put it.
                Err(error) => {
                    self.context.report("putting a change aside", &error);
                    sorted.left.push((delivery, refusals));
                }
            }
        }
        sorted
    }

    fn failed(&self, error: &Error) {
        let was_failing = self.counters.with(|stats| {
            stats.last_error = Some(error.to_string());
            std::mem::replace(&mut stats.is_failing, true)
        });
        // Once an outage, not once a try.
        if !was_failing {
            self.context.report(&format!("delivering to {}", self.name), error);
        }
    }

    /// A call of the target that takes too long, or panics, has failed.
    async fn guard<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let call = AssertUnwindSafe(call).catch_unwind();
        match select(pin!(call), self.context.env().sleep(self.pace.timeout)).await {
            Either::Left((Ok(result), _)) => result,
            Either::Left((Err(_), _)) => {
                Err(Error::new(ErrorKind::Unavailable, "the target panicked").retryable(true))
            }
            Either::Right(_) => Err(Error::new(ErrorKind::Unavailable, "the target did not answer in time")
                .with("timeout_ms", self.pace.timeout.as_millis())
                .retryable(true)),
        }
    }

    /// The route of a resource that is there.
    pub(crate) fn route(&self, db: &Database, resource: &str) -> Option<Arc<Routed>> {
        let resource = db.resource(resource).ok()?;
        let route = self.routes.of(resource.name(), || resource.is_internal())?;
        Some(Arc::new(Routed::new(resource, route)))
    }

    pub(crate) fn at(&self, error: Error) -> Error {
        error.with("target", &self.name).with("driver", self.target.driver())
    }
}

impl Pace {
    /// The pause after so many failures in a row.
    fn pause(&self, failures: u32) -> Duration {
        let doubled =
            self.pause_first.saturating_mul(1_u32.checked_shl(failures.min(20)).unwrap_or(u32::MAX));
        doubled.min(self.pause_max)
    }
}
