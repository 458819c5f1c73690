//! The time of the store, as far as answers have shown it.

use std::sync::Mutex;
use std::time::Duration;

use crate::env::Env;

/// How far a clock may be off before S3 refuses its signatures (`RequestTimeTooSkewed`).
const SIGNATURE_WINDOW_MS: i64 = 15 * 60 * 1000;

/// The newest date that the store has given, and when that was by our monotonic clock.
#[derive(Debug, Default)]
pub(super) struct StoreClock(Mutex<Option<(i64, Duration)>>);

impl StoreClock {
    /// Takes note of a date that the store gave.
    pub(super) fn observe(&self, store_ms: i64, env: &dyn Env) {
        let now = env.monotonic();
        let mut newest = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if newest.is_none_or(|(ms, at)| store_ms > later(ms, at, now)) {
            *newest = Some((store_ms, now));
        }
    }

    /// Whether an object is surely older than `age`.
    ///
    /// The store's time is at least the newest date it gave and what has passed since. Our own clock counts only beyond
    /// the error with which the store would still take our requests.
    pub(super) fn is_older(&self, last_modified_ms: i64, age: Duration, env: &dyn Env) -> bool {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let newest = *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let seen = newest.map_or(last_modified_ms, |(ms, at)| later(ms, at, env.monotonic()));
        let by_store = seen.saturating_sub(last_modified_ms) > age_ms;
        let by_us =
            env.now_ms().saturating_sub(last_modified_ms) > age_ms.saturating_add(SIGNATURE_WINDOW_MS);
        by_store || by_us
    }
}

fn later(ms: i64, at: Duration, now: Duration) -> i64 {
    ms.saturating_add(i64::try_from(now.saturating_sub(at).as_millis()).unwrap_or(i64::MAX))
}
