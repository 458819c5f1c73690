//! Writing under a condition, and changing by compare-and-swap.

use std::time::Duration;

use serde_json::Value;

use super::value::{self, Stored, WriteMode};
use super::{PluginStorage, SetOptions};
use crate::exec::{pause, put_stamped};
use crate::id;
use crate::store::{Condition, ETag};
use crate::{Document, Error, ErrorKind, Result};

/// How often a change that lost a race is tried again. Counters are where many writers meet.
const ATTEMPTS_MAX: u32 = 64;

/// The member that counters count in, as in s3db.js.
const COUNTER: &str = "value";

impl PluginStorage {
    /// Writes a value if the key has none; `None` when it has. An expired value is none.
    ///
    /// Requests: 1 PUT; 1 GET more when the key is taken, and 1 PUT more when what is there has expired.
    /// Errors: as [`set`](Self::set); the condition of the options is not looked at.
    pub async fn set_if_absent(&self, key: &str, value: Value, options: SetOptions) -> Result<Option<ETag>> {
        let value = value::document(value)?;
        let expires_at_ms = self.expiry(options.ttl);
        let mut condition = Condition::IfAbsent;
        for attempt in 0..ATTEMPTS_MAX {
            match self.write(key, &value, options.mode, expires_at_ms, condition).await {
                Err(error) if is_lost_race(&error) => {}
                result => return result.map(Some),
            }
            condition = match self.object(key).await? {
                None => Condition::IfAbsent,
                Some(found) if self.is_expired(&self.read(key, &found)?) => {
                    Condition::IfMatch(found.head.etag)
                }
                Some(_) => return Ok(None),
            };
            pause(self.shared.env.as_ref(), attempt).await;
        }
        Err(self.lost_races(key))
    }

    /// Writes a value if the key still holds the version that was read; `None` when it does not.
    ///
    /// Requests: 1 PUT. Errors: as [`set`](Self::set); the condition of the options is not looked at.
    pub async fn set_if_version(
        &self,
        key: &str,
        value: Value,
        version: &ETag,
        options: SetOptions,
    ) -> Result<Option<ETag>> {
        let value = value::document(value)?;
        let condition = Condition::IfMatch(version.clone());
        match self.write(key, &value, options.mode, self.expiry(options.ttl), condition).await {
            Err(error) if is_lost_race(&error) => Ok(None),
            result => result.map(Some),
        }
    }

    /// Deletes a value if the key still holds the version that was read. Returns whether it did: of several callers with
    /// one version, one gets true.
    ///
    /// Requests: 1 DELETE; on a store without conditional deletes 1 PUT, which leaves an object that reads as absent.
    /// Errors: `Conflict` with an [unknown outcome](Error::is_outcome_unknown) when the answer was lost and the value is
    /// gone: somebody has deleted it, perhaps this call.
    pub async fn delete_if_version(&self, key: &str, version: &ETag) -> Result<bool> {
        let full = self.key(key)?;
        let (store, condition) = (self.shared.store.as_ref(), Condition::IfMatch(version.clone()));
        let deleted = if store.capability().conditional_delete {
            store.delete(&full, condition).await
        } else {
            let stamp = id::stamp(self.shared.env.as_ref());
            put_stamped(store, &full, value::tombstone(&stamp), condition, Some(&stamp)).await.map(drop)
        };
        match deleted {
            Ok(()) => Ok(true),
            Err(error) if is_lost_race(&error) => Ok(false),
            Err(error) if error.is_outcome_unknown() && store.head(&full).await?.is_none() => {
                Err(error.into_kind(ErrorKind::Conflict).retryable(false))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a value, changes it and writes it if nobody else has, again and again until it succeeds. Absent and expired
    /// values start as an empty object; the time to live stays as it is.
    ///
    /// `edit` may run several times, so that it must only compute. An error from it ends the call, and nothing is
    /// written.
    ///
    /// Requests: 1 GET + 1 PUT, and as many for each lost race.
    /// Errors: as [`set`](Self::set), and those of `edit`; `Conflict` after 64 lost races.
    pub async fn update_with(
        &self,
        key: &str,
        edit: impl Fn(&mut Document) -> Result<()>,
    ) -> Result<Document> {
        let changed = self.change(key, |before| {
            let mut after = before.unwrap_or_else(nothing);
            edit(&mut after.value)?;
            value::check(&after.value)?;
            Ok(Some(after))
        });
        Ok(changed.await?.unwrap_or_default())
    }

    /// Adds to the whole number in the member `value`, and returns the sum. An absent counter counts from 0.
    ///
    /// Requests and errors: as [`update_with`](Self::update_with); `Validation` when the member is no whole number or the
    /// sum has no room.
    pub async fn increment(&self, key: &str, by: i64) -> Result<i64> {
        self.add(key, by, None).await
    }

    /// Takes away from the whole number in the member `value`. As [`increment`](Self::increment).
    pub async fn decrement(&self, key: &str, by: i64) -> Result<i64> {
        let by = by.checked_neg().ok_or_else(no_room)?;
        self.add(key, by, None).await
    }

    /// The same as [`increment`](Self::increment), and the counter expires after `ttl` from now.
    pub async fn increment_for(&self, key: &str, by: i64, ttl: Duration) -> Result<i64> {
        self.add(key, by, Some(ttl)).await
    }

    /// Lets a value live `longer`. Returns false, and changes nothing, when it is absent, has expired or never does.
    ///
    /// Requests: 1 GET + 1 PUT. Errors: `Conflict` after 64 lost races.
    pub async fn touch(&self, key: &str, longer: Duration) -> Result<bool> {
        let more_ms = i64::try_from(longer.as_millis()).unwrap_or(i64::MAX);
        let changed = self.change(key, |before| {
            Ok(before.and_then(|stored| {
                let at = stored.expires_at_ms?;
                Some(Stored { expires_at_ms: Some(at.saturating_add(more_ms)), ..stored })
            }))
        });
        Ok(changed.await?.is_some())
    }

    pub(super) async fn write(
        &self,
        key: &str,
        value: &Document,
        mode: WriteMode,
        expires_at_ms: Option<i64>,
        condition: Condition,
    ) -> Result<ETag> {
        let full = self.key(key)?;
        let stamp = id::stamp(self.shared.env.as_ref());
        let at = |error: Error| error.with("plugin", self.slug()).with("key", key);
        let object =
            value::place(value, mode, expires_at_ms, &stamp, self.shared.metadata_bytes_max).map_err(at)?;
        let put = put_stamped(self.shared.store.as_ref(), &full, object, condition, Some(&stamp)).await;
        Ok(put.map_err(at)?.etag)
    }

    /// One compare-and-swap after the other. `edit` gets nothing for a value that is absent or has expired, and gives
    /// nothing to leave all as it is.
    async fn change(
        &self,
        key: &str,
        edit: impl Fn(Option<Stored>) -> Result<Option<Stored>>,
    ) -> Result<Option<Document>> {
        for attempt in 0..ATTEMPTS_MAX {
            let (before, condition) = match self.object(key).await? {
                None => (None, Condition::IfAbsent),
                Some(object) => {
                    let stored = self.read(key, &object)?;
                    let alive = !self.is_expired(&stored);
                    (alive.then_some(stored), Condition::IfMatch(object.head.etag))
                }
            };
            let Some(Stored { value, expires_at_ms, mode, .. }) = edit(before)? else {
                return Ok(None);
            };
            match self.write(key, &value, mode, expires_at_ms, condition).await {
                Err(error) if is_lost_race(&error) => pause(self.shared.env.as_ref(), attempt).await,
                result => return result.map(|_| Some(value)),
            }
        }
        Err(self.lost_races(key))
    }

    async fn add(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64> {
        let changed = self.change(key, |before| {
            let mut after = before.unwrap_or_else(nothing);
            let sum = count(&after.value)?.checked_add(by).ok_or_else(no_room)?;
            after.value.insert(COUNTER.to_owned(), sum.into());
            after.expires_at_ms = self.expiry(ttl).or(after.expires_at_ms);
            Ok(Some(after))
        });
        let changed = changed.await.map_err(|error| error.with("key", key))?;
        count(&changed.unwrap_or_default())
    }

    fn lost_races(&self, key: &str) -> Error {
        Error::new(ErrorKind::Conflict, "other writers kept changing the value")
            .with("plugin", self.slug())
            .with("key", key)
            .with("attempts", ATTEMPTS_MAX)
            .retryable(true)
    }
}

/// Whether another writer was surely faster. Where the outcome is unknown, trying again could do things twice.
fn is_lost_race(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) && !error.is_outcome_unknown()
}

fn nothing() -> Stored {
    Stored { value: Document::new(), expires_at_ms: None, is_checked: true, mode: WriteMode::default() }
}

fn count(value: &Document) -> Result<i64> {
    let number = match value.get(COUNTER) {
        None | Some(Value::Null) => return Ok(0),
        Some(number) => number,
    };
    let whole = |n: &f64| n.fract() == 0.0 && n.abs() <= 9e15;
    number.as_i64().or_else(|| number.as_f64().filter(whole).map(|n| n as i64)).ok_or_else(|| {
        Error::new(ErrorKind::Validation, "the counter holds no whole number").with("field", COUNTER)
    })
}

fn no_room() -> Error {
    Error::new(ErrorKind::Validation, "the counter has no room for the sum").with("field", COUNTER)
}
