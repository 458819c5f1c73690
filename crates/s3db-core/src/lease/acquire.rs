//! Acquiring: create, or take over what was seen free, or wait.

use std::time::Duration;

use super::body::{LockBody, next_epoch};
use super::handle::{Claim, Lease, lock_object};
use super::{AcquireOptions, Leases, UNREADABLE_AGE, milliseconds};
use crate::env::Env;
use crate::store::{Condition, ETag, Object};
use crate::{Error, ErrorKind, Result, id};

/// How often a call without a wait goes on after others were faster, before it calls the lease held.
const LOST_RACES_MAX: u32 = 8;

/// Characters of a token, as many as in those of s3db.js: 132 random bits.
const TOKEN_CHARS: usize = 22;

/// What to do next.
enum Turn {
    /// Try to write the lock, with an epoch above `before`.
    Put { condition: Condition, before: u64 },
    /// Somebody else holds it.
    Held,
}

pub(super) async fn acquire(leases: &Leases, name: &str, options: &AcquireOptions) -> Result<Option<Lease>> {
    options.check()?;
    let key = leases.key(name)?;
    if !leases.store.capability().conditional_put {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the store has no conditional writes, which leases need",
        )
        .with("lease", name));
    }
    let at = |error: Error| error.with("lease", name);
    let env = leases.env.as_ref();
    let deadline = env.monotonic().saturating_add(options.wait);
    let (mut looks, mut lost) = (0, 0);
    // A name that nobody has used is taken with one request; only then is it worth looking.
    let mut turn = Turn::Put { condition: Condition::IfAbsent, before: 0 };
    loop {
        match turn {
            Turn::Put { condition, before } => {
                let claim = claim(leases, name, &key, options, before);
                match put(leases, claim, condition).await.map_err(at)? {
                    Put::Won(lease) => return Ok(Some(lease)),
                    Put::Lost(found) => turn = judge(leases, found, options),
                }
                lost += 1;
            }
            Turn::Held => {
                let Some(pause) = pause(env, options, looks, deadline) else {
                    return Ok(None);
                };
                env.sleep(pause).await;
                looks += 1;
                turn = judge(leases, leases.look(&key).await.map_err(at)?, options);
            }
        }
        // Losing again and again to others, who thereby make progress, is the same as finding the lease held.
        if lost >= LOST_RACES_MAX && env.monotonic() >= deadline {
            return Ok(None);
        }
    }
}

/// How a try to write the lock ended.
enum Put {
    Won(Lease),
    /// Another writer was faster, and left this.
    Lost(Option<Object>),
}

async fn put(leases: &Leases, claim: Claim, condition: Condition) -> Result<Put> {
    let started = leases.env.monotonic();
    let error = match leases.store.put(&claim.key, lock_object(&claim.body), condition).await {
        Ok(put) => return Ok(Put::Won(Lease::new(leases, claim, put.etag, started))),
        Err(error) => error,
    };
    if error.kind() != ErrorKind::Conflict && !error.is_outcome_unknown() {
        return Err(error);
    }
    // The answer may have been lost, and a retry refused by its own success. The token tells: each try has its own.
    match leases.look(&claim.key).await {
        Ok(Some(found))
            if LockBody::parse(&found.body).is_some_and(|lock| lock.token == claim.body.token) =>
        {
            Ok(Put::Won(Lease::new(leases, claim, found.head.etag, started)))
        }
        Ok(found) if error.kind() == ErrorKind::Conflict => Ok(Put::Lost(found)),
        _ => Err(error),
    }
}

fn claim(leases: &Leases, name: &str, key: &str, options: &AcquireOptions, before: u64) -> Claim {
    let now_ms = leases.env.now_ms();
    let body = LockBody {
        worker_id: leases.worker_id.as_ref().to_owned(),
        token: id::random_id(leases.env.as_ref(), TOKEN_CHARS),
        acquired_at_ms: now_ms,
        expires_at_ms: Some(now_ms.saturating_add(milliseconds(options.ttl))),
        epoch: next_epoch(before, now_ms),
    };
    Claim { name: name.to_owned(), key: key.to_owned(), body, ttl: options.ttl, skew: options.skew }
}

fn judge(leases: &Leases, found: Option<Object>, options: &AcquireOptions) -> Turn {
    let Some(found) = found else {
        return Turn::Put { condition: Condition::IfAbsent, before: 0 };
    };
    let take = |etag: ETag, before| Turn::Put { condition: Condition::IfMatch(etag), before };
    match LockBody::parse(&found.body) {
        Some(lock) if lock.is_free(leases.env.now_ms(), milliseconds(options.skew)) => {
            take(found.head.etag, lock.epoch)
        }
        Some(_) => Turn::Held,
        // No holder writes such a thing. Its age keeps us from racing with whoever puts it right.
        None if leases.clock.is_older(found.head.last_modified_ms, UNREADABLE_AGE, leases.env.as_ref()) => {
            take(found.head.etag, u64::try_from(found.head.last_modified_ms).unwrap_or(0))
        }
        None => Turn::Held,
    }
}

/// How long to wait before the next look; `None` when the deadline has passed.
fn pause(env: &dyn Env, options: &AcquireOptions, looks: u32, deadline: Duration) -> Option<Duration> {
    let left = deadline.checked_sub(env.monotonic()).filter(|left| !left.is_zero())?;
    let doubled = options.pause_first.saturating_mul(1_u32 << looks.min(16));
    let ceiling = doubled.min(options.pause_max).max(Duration::from_millis(1));
    let mut bytes = [0_u8; 4];
    env.fill(&mut bytes);
    let share = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    Some((ceiling / 2 + (ceiling / 2).mul_f64(share)).min(left))
}
