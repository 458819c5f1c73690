//! One read for many callers who ask for the same at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::epoch::Epoch;
use crate::store::{Kept, Key};

/// A read and the state of things that it began in: a caller who comes after a write does not join a read from before it.
type Flight = (Key, Epoch);

/// The reads that are under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<Flight, watch::Receiver<Option<Kept>>>>);

/// The part that a caller has in a read.
pub(crate) enum Part<'a> {
    /// The caller does it.
    Lead(Lead<'a>),
    /// Another caller does it: this is what it found, or nothing when it found nothing that can be shared.
    Join(Join),
}

impl Flights {
    /// Joins a read, or begins it.
    pub(crate) fn board(&self, key: &Key, epoch: Epoch) -> Part<'_> {
        let flight = (key.clone(), epoch);
        let mut flights = self.lock();
        if let Some(landing) = flights.get(&flight) {
            return Part::Join(Join(landing.clone()));
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(flight.clone(), receiver);
        Part::Lead(Lead { flights: self, flight, sender })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Flight, watch::Receiver<Option<Kept>>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The caller who reads. When it goes away, those who wait read for themselves.
#[derive(Debug)]
pub(crate) struct Lead<'a> {
    flights: &'a Flights,
    flight: Flight,
    sender: watch::Sender<Option<Kept>>,
}

impl Lead<'_> {
    /// Gives those who wait what was found.
    pub(crate) fn land(self, found: Kept) {
        self.sender.send_replace(Some(found));
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.flight);
    }
}

/// A caller who waits.
#[derive(Debug)]
pub(crate) struct Join(watch::Receiver<Option<Kept>>);

impl Join {
    pub(crate) async fn landed(mut self) -> Option<Kept> {
        let landed = self.0.wait_for(Option::is_some).await.ok()?;
        landed.as_ref().map(Arc::clone)
    }
}
