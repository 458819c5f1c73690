//! A held lease: renewing it, giving it back, and knowing whether it still holds.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::body::LockBody;
use super::{Fence, Leases, milliseconds};
use crate::env::Env;
use crate::store::{Condition, ETag, PutObject, Store};
use crate::{Error, ErrorKind, Result};

/// How often a write of the holder is tried again after its own earlier write, whose answer was lost, got in the way.
const TRIES_MAX: u32 = 4;

/// What an acquisition is about to write.
pub(super) struct Claim {
    pub(super) name: String,
    pub(super) key: String,
    pub(super) body: LockBody,
    pub(super) ttl: Duration,
    pub(super) skew: Duration,
}

/// A held lease. Clones are the same lease.
///
/// Dropping it gives nothing back: the lease then ends with its ttl. Call [`release`](Self::release), or let
/// [`Leases::with_lock`] do it.
#[derive(Clone)]
pub struct Lease(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    env: Arc<dyn Env>,
    claim: Claim,
    state: Mutex<State>,
    /// One write of this handle at a time, so that a renewal cannot overtake a release.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct State {
    etag: ETag,
    expires_at_ms: i64,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Valid until then, by our monotonic clock.
    Held(Duration),
    /// A release has begun, and may have failed.
    GivingBack,
    GivenBack,
    /// Another holder has it, or nobody.
    Lost,
}

impl Lease {
    /// `started` is the monotonic time before the request that wrote the claim was sent.
    pub(super) fn new(leases: &Leases, claim: Claim, etag: ETag, started: Duration) -> Self {
        let state = State {
            etag,
            expires_at_ms: claim.body.expires_at_ms.unwrap_or(i64::MAX),
            standing: Standing::Held(valid_until(&claim, started)),
        };
        Self(Arc::new(Inner {
            store: leases.store.clone(),
            env: leases.env.clone(),
            claim,
            state: Mutex::new(state),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// Name of the lease.
    pub fn name(&self) -> &str {
        &self.0.claim.name
    }

    /// Fencing number of this holder: above that of every holder before.
    pub fn epoch(&self) -> u64 {
        self.0.claim.body.epoch
    }

    /// The epoch, as a check for protected writes.
    pub fn fence(&self) -> Fence {
        Fence::new(self.epoch())
    }

    /// Names this acquisition. Whoever knows it can [give the lease back](Leases::release).
    pub fn token(&self) -> &str {
        &self.0.claim.body.token
    }

    /// When the lease ends unless it is renewed, in milliseconds since 1970, by this machine's clock.
    pub fn expires_at_ms(&self) -> i64 {
        self.state().expires_at_ms
    }

    /// ETag of the lock object, as last written by this handle.
    pub fn etag(&self) -> ETag {
        self.state().etag.clone()
    }

    /// Whether nobody else can hold the lease, if no clock differs by more than the skew. Sends nothing.
    ///
    /// By the monotonic clock, counted from before the last request that acquired or renewed was sent. It can become
    /// false right after this call, so that writes need the [fence](Self::fence) all the same.
    pub fn is_valid(&self) -> bool {
        self.valid_for().is_some()
    }

    /// How long the lease [holds](Self::is_valid) without a renewal; `None` when it does not.
    pub fn valid_for(&self) -> Option<Duration> {
        let Standing::Held(until) = self.state().standing else {
            return None;
        };
        until.checked_sub(self.0.env.monotonic()).filter(|left| !left.is_zero())
    }

    /// Lets the lease last for its ttl from now. A lease that has expired is renewed too, if nobody took it over.
    ///
    /// Requests: 1 PUT.
    /// Errors: `Conflict` when it was taken over, purged or given back: it is lost then, and stays so.
    pub async fn renew(&self) -> Result<()> {
        let _turn = self.0.writing.lock().await;
        let claim = &self.0.claim;
        let State { mut etag, standing, .. } = self.state().clone();
        if !matches!(standing, Standing::Held(_)) {
            return Err(self.lost());
        }
        for _ in 0..TRIES_MAX {
            let started = self.0.env.monotonic();
            let expires_at_ms = self.0.env.now_ms().saturating_add(milliseconds(claim.ttl));
            let body = LockBody { expires_at_ms: Some(expires_at_ms), ..claim.body.clone() };
            let condition = Condition::IfMatch(etag);
            let etag_now = match self.0.store.put(&claim.key, lock_object(&body), condition).await {
                Ok(put) => put.etag,
                Err(error) if error.kind() == ErrorKind::Conflict || error.is_outcome_unknown() => {
                    match self.0.store.get(&claim.key).await.map_err(|error| self.at(error))? {
                        Some(found) => match LockBody::parse(&found.body) {
                            Some(lock) if lock == body => found.head.etag,
                            // An earlier write of ours, whose answer we never saw.
                            Some(lock) if lock.token == claim.body.token => {
                                etag = found.head.etag;
                                continue;
                            }
                            _ => return Err(self.lose()),
                        },
                        None => return Err(self.lose()),
                    }
                }
                Err(error) => return Err(self.at(error)),
            };
            let mut state = self.state();
            (state.etag, state.expires_at_ms) = (etag_now, expires_at_ms);
            // A release that began meanwhile comes next.
            if matches!(state.standing, Standing::Held(_)) {
                state.standing = Standing::Held(valid_until(claim, started));
            }
            return Ok(());
        }
        Err(self.at(Error::new(ErrorKind::Unavailable, "the lease could not be renewed")))
    }

    /// Gives the lease back, so that the next holder does not have to wait. Returns whether it was still ours: a lease
    /// that another holder has taken over stays with that holder, and one that was given back already stays so.
    ///
    /// Requests: 1 PUT. It is not valid any more from the moment of the call, also when the request fails; it then ends
    /// with its ttl.
    pub async fn release(&self) -> Result<bool> {
        let standing = std::mem::replace(&mut self.state().standing, Standing::GivingBack);
        match standing {
            Standing::Held(_) | Standing::GivingBack => {}
            ended @ (Standing::GivenBack | Standing::Lost) => {
                self.state().standing = ended;
                return Ok(false);
            }
        }
        // A renewal that is under way ends first.
        let _turn = self.0.writing.lock().await;
        let claim = &self.0.claim;
        let held = Some((claim.body.clone(), self.etag()));
        let released = release(self.0.store.as_ref(), &claim.key, &claim.body.token, held).await;
        let released = released.map_err(|error| self.at(error))?;
        self.state().standing = Standing::GivenBack;
        Ok(released)
    }

    pub(super) fn env(&self) -> &dyn Env {
        self.0.env.as_ref()
    }

    pub(super) fn ttl(&self) -> Duration {
        self.0.claim.ttl
    }

    pub(super) fn was_given_back(&self) -> bool {
        matches!(self.state().standing, Standing::GivingBack | Standing::GivenBack)
    }

    pub(super) fn lost(&self) -> Error {
        Error::new(ErrorKind::Conflict, "the lease is lost or was given back")
            .with("lease", self.name())
            .with("epoch", self.epoch())
            .hint("stop what it protects; acquire it again before going on")
    }

    /// Takes note that the lease is not ours any more.
    fn lose(&self) -> Error {
        let mut state = self.state();
        if matches!(state.standing, Standing::Held(_)) {
            state.standing = Standing::Lost;
        }
        drop(state);
        self.lost()
    }

    fn at(&self, error: Error) -> Error {
        error.with("lease", self.name())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl fmt::Debug for Lease {
    /// Without the token, which gives the right to release.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("name", &self.name())
            .field("epoch", &self.epoch())
            .field("expires_at_ms", &self.expires_at_ms())
            .finish_non_exhaustive()
    }
}

/// Overwrites the lock of `token` with its released form, if it still is the lock. `held` spares the look at it.
pub(super) async fn release(
    store: &dyn Store,
    key: &str,
    token: &str,
    mut held: Option<(LockBody, ETag)>,
) -> Result<bool> {
    let mut sent: Option<LockBody> = None;
    let mut last = None;
    for _ in 0..TRIES_MAX {
        let (body, etag) = match held.take() {
            Some(held) => held,
            None => {
                let Some(found) = store.get(key).await? else {
                    return Ok(false);
                };
                match LockBody::parse(&found.body) {
                    // Our release, whose answer was lost.
                    Some(lock) if sent.as_ref() == Some(&lock) => return Ok(true),
                    Some(lock) if lock.token == token => (lock, found.head.etag),
                    _ => return Ok(false),
                }
            }
        };
        let released = body.released();
        match store.put(key, lock_object(&released), Condition::IfMatch(etag)).await {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict || error.is_outcome_unknown() => {
                last = Some(error)
            }
            Err(error) => return Err(error),
        }
        sent = Some(released);
    }
    Err(last.unwrap_or_else(|| Error::new(ErrorKind::Unavailable, "the lease could not be given back")))
}

pub(super) fn lock_object(body: &LockBody) -> PutObject {
    PutObject { body: body.to_json(), content_type: Some("application/json".into()), ..PutObject::default() }
}

fn valid_until(claim: &Claim, started: Duration) -> Duration {
    started.saturating_add(claim.ttl.saturating_sub(claim.skew))
}
