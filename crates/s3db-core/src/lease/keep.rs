//! Working while a lease is renewed.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, pending, poll_fn, select};

use super::Lease;
use crate::{Error, Result};

impl Lease {
    /// Renews the lease every third of its ttl, for as long as it is polled. Ends only when the lease is lost, with the
    /// reason; never when it was given back.
    ///
    /// Poll it beside the work: `tokio::select! { done = work => …, lost = lease.keep_renewed() => … }`.
    /// [`Leases::with_lock`](super::Leases::with_lock) does that.
    pub async fn keep_renewed(&self) -> Error {
        let (usual, hurried) = (self.ttl() / 3, self.ttl() / 12);
        let mut pause = usual;
        loop {
            // Not beyond the end of validity, so that work ends in time where the store does not answer.
            let Some(left) = self.valid_for() else {
                return self.ended(self.lost()).await;
            };
            self.env().sleep(pause.min(left)).await;
            // A clock of a simulation may not make us wait at all.
            yield_once().await;
            let renewal = pin!(self.renew());
            let end = pin!(self.end_of_validity());
            pause = match select(renewal, end).await {
                Either::Left((Ok(()), _)) => usual,
                Either::Left((Err(error), _)) if error.is_retryable() => hurried,
                Either::Left((Err(error), _)) => return self.ended(error).await,
                Either::Right(_) => Duration::ZERO,
            };
        }
    }

    /// Sleeps in slices, so that a simulated clock that jumps when somebody sleeps does not outrun the renewal.
    async fn end_of_validity(&self) {
        while let Some(left) = self.valid_for() {
            self.env().sleep(left.min(self.ttl() / 24)).await;
            yield_once().await;
        }
    }

    async fn ended(&self, why: Error) -> Error {
        if self.was_given_back() {
            return pending().await;
        }
        why
    }
}

/// Runs `work` beside the renewals, and gives the lease back.
pub(super) async fn run<T, F, W>(lease: Lease, work: W) -> Result<T>
where
    W: FnOnce(Lease) -> F,
    F: Future<Output = Result<T>>,
{
    let outcome = {
        let work = pin!(work(lease.clone()));
        let keeper = pin!(lease.keep_renewed());
        match select(work, keeper).await {
            Either::Left((result, _)) => result,
            Either::Right((lost, _)) => Err(lost),
        }
    };
    // The work is done, or the lease is gone: a release that fails delays the next holder and nothing else.
    if let Err(error) = lease.release().await {
        tracing::debug!(lease = lease.name(), %error, "a lease stays until it expires");
    }
    outcome
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
