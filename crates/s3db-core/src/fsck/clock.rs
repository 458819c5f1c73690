//! How old objects are, by the clock that dates them.

use std::time::Duration;

use crate::exec::server_now_ms;
use crate::key::Keys;
use crate::store::Store;
use crate::{ErrorKind, Result};

/// The time of the store when the check began.
#[derive(Debug)]
pub(super) struct Clock {
    now_ms: i64,
    grace_ms: i64,
}

impl Clock {
    /// Asks the store by a small write. Who may not write, and does not want to repair, gets the date of the newest
    /// object instead: ages are then too small, never too large.
    pub(super) async fn of(
        store: &dyn Store,
        keys: &Keys,
        grace: Duration,
        repair: bool,
        newest_ms: i64,
    ) -> Result<Self> {
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let now_ms = match server_now_ms(store, keys).await {
            Ok(now_ms) => now_ms,
            Err(error) if !repair && error.kind() == ErrorKind::Denied => newest_ms,
            Err(error) => return Err(error),
        };
        Ok(Self { now_ms, grace_ms })
    }

    pub(super) fn age_ms(&self, last_modified_ms: i64) -> i64 {
        self.now_ms.saturating_sub(last_modified_ms).max(0)
    }

    /// Whether no write that was signed before the object was written can land any more.
    pub(super) fn is_old(&self, age_ms: i64) -> bool {
        age_ms >= self.grace_ms
    }
}
