//! Steps on claims of unique values.

use super::{Run, server_now_ms};
use crate::store::{Condition, ETag, Object, PutObject};
use crate::unique::{Claim, ClaimBody};
use crate::{Error, ErrorKind, Result};

/// How often taking a claim is tried while others take and release it.
const ATTEMPTS_MAX: u32 = 8;

impl Run<'_> {
    /// Takes a value for a document, or says who holds it.
    ///
    /// A claim of the same document is taken anew, with this write's stamp: an earlier write of the document may be
    /// about to release it, and must then find it changed. A claim of another document is taken over only if that
    /// document lacks the value and the claim is older than the grace period, so that no write in flight can rely on it.
    pub(super) async fn take_claim(&self, claim: &Claim, object: PutObject) -> Result<()> {
        let store = self.context.store.as_ref();
        if !store.capability().conditional_put {
            return Err(unenforceable(claim));
        }
        let stamp = ClaimBody::parse(&object.body).map(|body| body.stamp);
        let mut is_new = true;
        for _ in 0..ATTEMPTS_MAX {
            match store.put(&claim.key, object.clone(), Condition::IfAbsent).await {
                Ok(put) => {
                    self.remember(|memory| memory.taken.push((claim.key.clone(), put.etag)));
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Conflict || error.is_outcome_unknown() => {}
                Err(error) => return Err(error),
            }
            let Some(found) = store.get(&claim.key).await? else {
                continue;
            };
            let held = ClaimBody::parse(&found.body);
            if held.as_ref().map(|held| &held.stamp) == stamp.as_ref() {
                if is_new {
                    self.remember(|memory| memory.taken.push((claim.key.clone(), found.head.etag)));
                }
                return Ok(());
            }
            if held.as_ref().is_none_or(|held| held.owner != claim.owner) {
                self.check_is_stale(claim, held.as_ref(), &found).await?;
            }
            // What was there before this write must not go if this write fails.
            is_new = false;
            match store.put(&claim.key, object.clone(), Condition::IfMatch(found.head.etag)).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict || error.is_outcome_unknown() => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "other writers kept taking and releasing the unique value")
            .with("field", &claim.field)
            .retryable(true))
    }

    /// Looks at a claim that the document lets go of. One of another document is left alone.
    pub(super) async fn read_claim(&self, key: String, owner: &str) -> Result<()> {
        if let Some(found) = self.context.store.get(&key).await?
            && ClaimBody::parse(&found.body).is_some_and(|held| held.owner == owner)
        {
            self.remember(|memory| memory.claims.insert(key, found.head.etag));
        }
        Ok(())
    }

    /// Releases a claim that was looked at, if nobody has taken it since. Failing leaves a stale claim, which another
    /// document may take over later, so that the committed write does not fail.
    pub(super) async fn release_claim(&self, key: &str) {
        if let Some(etag) = self.remember(|memory| memory.claims.remove(key)) {
            self.delete_claim(key, etag).await;
        }
    }

    /// Gives back what a failed run has taken.
    pub(super) async fn give_back(&self) {
        for (key, etag) in self.remember(|memory| std::mem::take(&mut memory.taken)) {
            self.delete_claim(&key, etag).await;
        }
    }

    async fn delete_claim(&self, key: &str, etag: ETag) {
        let store = self.context.store.as_ref();
        if !store.capability().conditional_delete {
            return;
        }
        if let Err(error) = store.delete(key, Condition::IfMatch(etag)).await {
            tracing::debug!(%key, %error, "a claim stays");
        }
    }

    async fn check_is_stale(&self, claim: &Claim, held: Option<&ClaimBody>, found: &Object) -> Result<()> {
        if let Some(held) = held
            && self.context.holders.holds(&held.owner, &claim.key).await?
        {
            return Err(taken(claim).with("holder", &held.owner));
        }
        let now_ms = server_now_ms(self.context.store.as_ref(), self.context.keys).await?;
        let age_ms = now_ms.saturating_sub(found.head.last_modified_ms);
        let grace_ms = i64::try_from(self.context.grace.as_millis()).unwrap_or(i64::MAX);
        if age_ms > grace_ms {
            return Ok(());
        }
        let error = taken(claim).retryable(true);
        let error = held.map_or(error.with("age_ms", age_ms), |held| {
            taken(claim).retryable(true).with("claimed_for", &held.owner).with("age_ms", age_ms)
        });
        Err(error.hint("a write of that document is under way or was cut off; try again in a while"))
    }
}

fn taken(claim: &Claim) -> Error {
    Error::new(ErrorKind::Unique, "another document holds the unique value")
        .with("field", &claim.field)
        .with("value", &claim.value)
}

fn unenforceable(claim: &Claim) -> Error {
    Error::new(ErrorKind::Unsupported, "the store has no conditional put, so that nothing can be kept unique")
        .with("field", &claim.field)
        .hint("use a store that checks conditions, or leave the rule `unique` out")
}
