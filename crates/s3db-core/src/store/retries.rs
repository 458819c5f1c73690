//! Requests that a store sends again by itself, below what its callers see.
//!
//! A store counts them with [`retried`]; whoever wants to know runs its call within [`counted`].

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

tokio::task_local! {
    static RETRIES: AtomicU64;
}

/// Runs a call of a store, and says how many requests it sent again. Within another such call, they count there too.
pub(crate) async fn counted<T>(call: impl Future<Output = T>) -> (T, u64) {
    let (result, retries) = RETRIES
        .scope(AtomicU64::new(0), async {
            let result = call.await;
            (result, RETRIES.with(|retries| retries.load(Ordering::Relaxed)))
        })
        .await;
    retried(retries);
    (result, retries)
}

/// Says that requests were sent again. Nobody need be listening.
pub(crate) fn retried(requests: u64) {
    if requests > 0 {
        let _ = RETRIES.try_with(|retries| retries.fetch_add(requests, Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn retries_are_counted_by_all_who_look() {
        let (inner, outer) = counted(async {
            retried(1);
            let (_, inner) = counted(async { retried(2) }).await;
            inner
        })
        .await;
        assert_eq!((inner, outer), (2, 3));
        retried(1);
    }
}
