//! Removes what an examination has written, and what earlier ones have left behind.

use super::trial::Trial;
use crate::store::{DELETE_MANY_MAX, ListRequest, Requests};

/// Age of what another examination has left: it is not at work any more.
const ABANDONED_MS: i64 = 60 * 60 * 1000;

/// Looks after which what is still there is reported.
const ROUNDS_MAX: usize = 8;

/// Requests when every object is gone after the first try.
pub(super) const REQUESTS: Requests = Requests { delete_many: 1, list: 1, ..Requests::NONE };

/// Removes every object of this examination, and those of abandoned ones. Returns the keys of its own that it could not
/// remove.
pub(super) async fn clean(trial: &Trial<'_>, place: &str) -> Vec<String> {
    let mut keys = trial.written();
    for _ in 0..ROUNDS_MAX {
        for some in keys.chunks(DELETE_MANY_MAX) {
            // Whether it worked is seen by looking.
            let _ = trial.store.delete_many(some).await;
        }
        let Ok(page) = trial.store.list(ListRequest::prefix(place)).await else {
            return trial.written();
        };
        let abandoned_ms = trial.store_ms().map(|now_ms| now_ms.saturating_sub(ABANDONED_MS));
        // The store under examination may well list what was not asked for.
        let is_rubbish = |key: &str, date_ms: i64| {
            key.starts_with(&trial.root)
                || key.starts_with(place) && abandoned_ms.is_some_and(|abandoned_ms| date_ms < abandoned_ms)
        };
        let rubbish = page.entries.iter().filter(|entry| is_rubbish(&entry.key, entry.last_modified_ms));
        keys = rubbish.map(|entry| entry.key.to_string()).collect();
        if keys.is_empty() {
            return keys;
        }
    }
    keys.retain(|key| key.starts_with(&trial.root));
    keys
}
