//! Sequences: numbers that all writers of a resource share, each given once.
//!
//! A sequence is one object, which holds the next number. Taking numbers is a compare-and-swap on it: read, add, write
//! on the condition that nobody has written since. There is no lock, so that none can be left behind. A process that
//! dies, and an answer that is lost for good, leave a gap; no number is given twice.

mod batch;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::env::Env;
use crate::id::{Incremental, NUMBER_MAX, NUMBER_MIN, SequenceMode};
use crate::store::{Condition, Object, PutObject, Store};
use crate::{Error, ErrorKind, Result};

use batch::Reserved;
pub use batch::{BatchStatus, IdBatch};
pub use value::SequenceInfo;
use value::{SequenceValue, carries};

/// How often a lost race is tried again. With the pauses between, that is several seconds.
const ATTEMPTS_MAX: u32 = 64;

/// Most numbers of one [`reserve_batch`](crate::Resource::reserve_batch).
const RESERVE_MAX: u32 = 100_000;

/// What the handles of a resource share of its sequences, by field.
#[derive(Debug, Default)]
pub(crate) struct Sequences(Mutex<HashMap<String, Arc<Local>>>);

/// What this process knows of one sequence.
#[derive(Debug, Default)]
pub(crate) struct Local {
    /// One compare-and-swap at a time in this process, so that its callers do not compete with each other. Held across
    /// requests; a caller that is dropped lets the next one in.
    turn: tokio::sync::Mutex<()>,
    /// The batch of fast mode. Never held across requests.
    batch: Mutex<Option<Reserved>>,
}

impl Sequences {
    pub(crate) fn of(&self, field: &str) -> Arc<Local> {
        lock(&self.0).entry(field.to_owned()).or_default().clone()
    }

    /// A copy from which numbers can be taken without taking them here.
    pub(crate) fn snapshot(&self) -> Self {
        let fields = lock(&self.0);
        Self(Mutex::new(
            fields.iter().map(|(name, local)| (name.clone(), Arc::new(local.snapshot()))).collect(),
        ))
    }
}

impl Local {
    /// A copy from which numbers can be taken without taking them here.
    fn snapshot(&self) -> Self {
        Self { turn: tokio::sync::Mutex::default(), batch: Mutex::new(lock(&self.batch).clone()) }
    }

    /// The batch that numbers are taken from, where there is one.
    pub(crate) fn batch_status(&self) -> Option<BatchStatus> {
        lock(&self.batch).as_ref().map(Reserved::status)
    }

    /// Gives up what is left of the batch.
    pub(crate) fn release_batch(&self) -> Option<BatchStatus> {
        lock(&self.batch).take().map(|batch| batch.status())
    }

    fn take_from_batch(&self) -> Option<i64> {
        lock(&self.batch).as_mut().and_then(Reserved::take)
    }
}

/// One sequence of a resource, ready for requests.
#[derive(Debug)]
pub(crate) struct Sequence<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) env: &'a dyn Env,
    pub(crate) key: String,
    pub(crate) field: &'a str,
    pub(crate) local: Arc<Local>,
}

impl Sequence<'_> {
    /// The next number.
    ///
    /// Requests: 1 GET + 1 conditional PUT, again for each lost race; in fast mode for each batch only.
    pub(crate) async fn next(&self, settings: &Incremental) -> Result<i64> {
        if settings.mode == SequenceMode::Standard {
            let _turn = self.local.turn.lock().await;
            return self.take(settings, 1).await;
        }
        if let Some(number) = self.local.take_from_batch() {
            return Ok(number);
        }
        let _turn = self.local.turn.lock().await;
        // Another caller may have fetched a batch while this one waited.
        if let Some(number) = self.local.take_from_batch() {
            return Ok(number);
        }
        let start = self.take(settings, settings.batch_size).await?;
        let batch = IdBatch::new(start, settings.batch_size, settings);
        *lock(&self.local.batch) = Some(Reserved::after_first(&batch, self.env.now_ms()));
        Ok(start)
    }

    /// Takes `count` numbers that nobody else gets.
    pub(crate) async fn reserve(&self, settings: &Incremental, count: u32) -> Result<IdBatch> {
        if !(1..=RESERVE_MAX).contains(&count) {
            return Err(Error::new(ErrorKind::Config, "a batch has from 1 to 100000 ids").with("got", count));
        }
        let _turn = self.local.turn.lock().await;
        let start = self.take(settings, count).await?;
        Ok(IdBatch::new(start, count, settings))
    }

    /// Sets the next number. What this process has of a batch is given up.
    pub(crate) async fn reset(&self, next: i64) -> Result<()> {
        if !(NUMBER_MIN..=NUMBER_MAX).contains(&next) {
            return Err(Error::new(ErrorKind::Config, "the number is beyond what JavaScript can count")
                .with("got", next)
                .hint("from -9007199254740991 to 9007199254740991"));
        }
        let _turn = self.local.turn.lock().await;
        let now = self.now();
        self.swap(|found| {
            // Also of an object that cannot be understood: this is how it is mended.
            let mut value = match found.map(|object| SequenceValue::parse(&self.key, &object.body)) {
                Some(Ok(value)) => value,
                _ => SequenceValue::new(self.field, next, &now),
            };
            value.reset(next, &now);
            Ok((value, ()))
        })
        .await?;
        self.local.release_batch();
        Ok(())
    }

    /// The sequence as it stands; `None` before its first number. Requests: 1 GET.
    pub(crate) async fn read(&self) -> Result<Option<SequenceInfo>> {
        let Some(object) = self.store.get(&self.key).await? else {
            return Ok(None);
        };
        Ok(Some(SequenceValue::parse(&self.key, &object.body)?.info(self.field)))
    }

    /// Takes `count` numbers and returns the first.
    async fn take(&self, settings: &Incremental, count: u32) -> Result<i64> {
        let now = self.now();
        self.swap(|found| {
            let mut value = match found {
                Some(object) => SequenceValue::parse(&self.key, &object.body)?,
                None => SequenceValue::new(self.field, settings.start, &now),
            };
            let first = value.next;
            let next = settings.increment.checked_mul(count.into()).and_then(|step| first.checked_add(step));
            let next = next.filter(|next| (NUMBER_MIN..=NUMBER_MAX).contains(next)).ok_or_else(|| {
                Error::new(ErrorKind::TooLarge, "the sequence has run out of numbers")
                    .with("key", &self.key)
                    .with("next", first)
                    .with("increment", settings.increment)
                    .hint("JavaScript counts to ±9007199254740991; set another number with reset_sequence")
            })?;
            match found {
                Some(_) => value.advance(next, &now),
                None => value.set(next),
            }
            Ok((value, first))
        })
        .await
    }

    /// Reads the object, lets `change` make the next one of it, and writes that if nobody has written since; again
    /// otherwise.
    ///
    /// A write can be refused by its own success, when its answer was lost and it was sent again. The next read tells:
    /// the object carries the stamp of that write.
    async fn swap<T>(&self, change: impl Fn(Option<&Object>) -> Result<(SequenceValue, T)>) -> Result<T> {
        let mut tried: Option<(String, T, Error)> = None;
        for attempt in 0..ATTEMPTS_MAX {
            let found = match (self.store.get(&self.key).await, &tried) {
                (Ok(found), _) => found,
                (Err(error), None) => return Err(error),
                // The first error says more.
                (Err(_), Some(_)) => break,
            };
            if let Some((stamp, taken, error)) = tried.take() {
                if found.as_ref().is_some_and(|object| carries(&object.body, &stamp)) {
                    return Ok(taken);
                }
                if error.kind() != ErrorKind::Conflict {
                    return Err(error);
                }
            }
            let (value, taken) = change(found.as_ref())?;
            let stamp = crate::id::stamp(self.env);
            let object = PutObject {
                body: value.stamped(&stamp).into(),
                content_type: Some("application/json".into()),
                ..PutObject::default()
            };
            let condition = match found {
                None => Condition::IfAbsent,
                Some(object) => Condition::IfMatch(object.head.etag),
            };
            let error = match self.store.put(&self.key, object, condition).await {
                Ok(_) => return Ok(taken),
                Err(error) => error,
            };
            let lost_race = error.kind() == ErrorKind::Conflict;
            if !lost_race && !error.is_outcome_unknown() {
                return Err(error);
            }
            if lost_race && !error.is_outcome_unknown() {
                crate::exec::pause(self.env, attempt).await;
            }
            tried = Some((stamp, taken, error));
        }
        Err(match tried {
            Some((_, _, error)) if error.kind() != ErrorKind::Conflict => error,
            tried => self.lost_races(tried.map(|(_, _, error)| error)),
        })
    }

    fn lost_races(&self, last: Option<Error>) -> Error {
        let error = Error::new(ErrorKind::Conflict, "other writers kept taking numbers of the sequence")
            .with("key", &self.key)
            .with("attempts", ATTEMPTS_MAX)
            .hint("try again later, or let ids be taken in batches: incremental:fast")
            .retryable(true);
        match last {
            Some(last) => error.caused_by(last),
            None => error,
        }
    }

    fn now(&self) -> String {
        crate::encoding::time::iso_from_ms(self.env.now_ms()).unwrap_or_default()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
