//! Leases: at most one holder at a time, for a limited time, with a number that tells holders apart.
//!
//! A lease is one object. It is created with `If-None-Match: *`, taken over with `If-Match` on exactly the object that
//! was seen expired, and given back by overwriting it with an expired body that keeps the epoch. Nothing here deletes a
//! lock but [`Leases::purge`]. `docs/leases.md` says what that promises, with which clocks, and how far locks of s3db.js
//! can be trusted.

mod acquire;
mod body;
mod fence;
mod handle;
mod keep;
mod store_clock;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use fence::Fence;
pub use handle::Lease;

use crate::env::Env;
use crate::key::check_path;
use crate::store::{Condition, Object, Store};
use crate::{Error, ErrorKind, Result, id};
use body::LockBody;
use store_clock::StoreClock;

/// Age from which an object that is no lock, under the name of one, is overwritten.
const UNREADABLE_AGE: Duration = Duration::from_secs(30);

/// How a lease is acquired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquireOptions {
    /// How long the lease holds without being renewed.
    pub ttl: Duration,
    /// How long to wait for another holder; zero tries once.
    pub wait: Duration,
    /// First pause between two looks at another holder; each pause doubles the one before. Half of it is random.
    pub pause_first: Duration,
    /// Longest pause.
    pub pause_max: Duration,
    /// How far the clocks of two machines may differ. A holder stops trusting its lease so long before it expires, and
    /// others wait so long after.
    pub skew: Duration,
}

impl Default for AcquireOptions {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(30),
            wait: Duration::ZERO,
            pause_first: Duration::from_millis(100),
            pause_max: Duration::from_secs(1),
            skew: Duration::from_millis(250),
        }
    }
}

impl AcquireOptions {
    /// The defaults, with a wait.
    pub fn wait(wait: Duration) -> Self {
        Self { wait, ..Self::default() }
    }

    fn check(&self) -> Result<()> {
        if self.ttl <= self.skew {
            return Err(Error::new(ErrorKind::Config, "a lease must last longer than clocks may differ")
                .with("ttl_ms", self.ttl.as_millis())
                .with("skew_ms", self.skew.as_millis())
                .hint("use a ttl of some seconds"));
        }
        Ok(())
    }
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockInfo {
    /// The holder, as it calls itself.
    pub worker_id: String,
    /// Its fencing number; for a holder that runs s3db.js, the time at which it acquired.
    pub epoch: u64,
    /// When it acquired, in milliseconds since 1970, by its clock.
    pub acquired_at_ms: i64,
    /// When the lease ends unless it is renewed, by the holder's clock; `None` for never.
    pub expires_at_ms: Option<i64>,
}

/// Leases under one prefix of keys. Cheap to clone.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::Database;
/// use s3db_core::lease::AcquireOptions;
///
/// let leases = Database::connect("memory://shop/leases").await?.plugin_storage("reports")?.leases();
/// let built = leases
///     .with_lock("nightly", AcquireOptions::default(), |lease| async move {
///         // Renewed while this runs. `lease.fence()` belongs into what is written here.
///         Ok(lease.epoch())
///     })
///     .await?;
/// assert!(built > 0);
/// # Ok(()) }) }
/// ```
#[derive(Clone)]
pub struct Leases {
    store: Arc<dyn Store>,
    prefix: Arc<str>,
    env: Arc<dyn Env>,
    worker_id: Arc<str>,
    clock: Arc<StoreClock>,
}

impl Leases {
    /// Leases whose objects are at `prefix` and the lease's name, held under a random worker id.
    pub fn new(store: Arc<dyn Store>, prefix: &str, env: Arc<dyn Env>) -> Self {
        let worker_id = id::random_id(env.as_ref(), 12).into();
        Self { store, prefix: prefix.into(), env, worker_id, clock: Arc::default() }
    }

    /// Calls this holder by a name that people know, such as that of its host. It does not have to be unique.
    #[must_use]
    pub fn worker(mut self, worker_id: &str) -> Self {
        self.worker_id = worker_id.into();
        self
    }

    /// What this holder calls itself.
    pub fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// Acquires a lease; `None` when another holder kept it for all of [`AcquireOptions::wait`].
    ///
    /// Requests: 1 PUT for a name that was never used; 2 PUT + 1 GET for one that was released or has expired; else
    /// 1 PUT + 1 GET, and 1 GET for each look while waiting.
    ///
    /// Errors: `Config` for a name that no key can hold or a ttl within the skew; `Unsupported` on a store without
    /// conditional writes.
    ///
    /// A call that is dropped, or fails with an [unknown outcome](Error::is_outcome_unknown), may leave a lease that
    /// nobody holds. It ends with its ttl.
    pub async fn acquire(&self, name: &str, options: AcquireOptions) -> Result<Option<Lease>> {
        acquire::acquire(self, name, &options).await
    }

    /// Runs `work` while holding a lease, renews it every third of its ttl, and gives it back at the end, whatever the
    /// result.
    ///
    /// When the lease is lost, because another holder took it over or it could not be renewed in time, `work` is dropped
    /// at the point where it waits, and the call fails. Until then a lost lease is possible at any moment: what `work`
    /// writes should carry the [fence](Lease::fence). `work` must not block its thread, or nothing is renewed.
    ///
    /// Dropping the call drops `work` and stops renewing; the lease then ends with its ttl.
    ///
    /// Errors: those of `work`, and of [`acquire`](Self::acquire); `Conflict` when the lease is held by another, which
    /// [is retryable](Error::is_retryable), or was lost.
    pub async fn with_lock<T, F, W>(&self, name: &str, options: AcquireOptions, work: W) -> Result<T>
    where
        W: FnOnce(Lease) -> F,
        F: Future<Output = Result<T>>,
    {
        let Some(lease) = self.acquire(name, options).await? else {
            return Err(Error::new(ErrorKind::Conflict, "another holder has the lease")
                .with("lease", name)
                .hint("wait longer, or try again later")
                .retryable(true));
        };
        keep::run(lease, work).await
    }

    /// Gives back a lease that is known by its [token](Lease::token) only, for example in another process than the one
    /// that acquired it. Returns whether it was held under that token; a stranger's call does nothing.
    ///
    /// Requests: 1 GET, and 1 PUT when it was held.
    pub async fn release(&self, name: &str, token: &str) -> Result<bool> {
        let key = self.key(name)?;
        if token.is_empty() {
            return Err(Error::new(ErrorKind::Config, "a release needs the token of the lease"));
        }
        handle::release(self.store.as_ref(), &key, token, None).await
    }

    /// Whether somebody holds the lease. Requests: 1 GET.
    pub async fn is_locked(&self, name: &str) -> Result<bool> {
        Ok(self.lock_info(name).await?.is_some())
    }

    /// Who holds the lease; `None` when nobody does. Deletes nothing. Requests: 1 GET.
    pub async fn lock_info(&self, name: &str) -> Result<Option<LockInfo>> {
        let found = self.look(&self.key(name)?).await?;
        let held = found.and_then(|object| LockBody::parse(&object.body));
        let held = held.filter(|lock| !lock.is_released() && !lock.is_free(self.env.now_ms(), 0));
        Ok(held.map(|lock| LockInfo {
            worker_id: lock.worker_id,
            epoch: lock.epoch,
            acquired_at_ms: lock.acquired_at_ms,
            expires_at_ms: lock.expires_at_ms,
        }))
    }

    /// Deletes the object of a lease, held or not, with its epoch. For the owner of a name that is used no more: a holder
    /// loses its lease at the next renewal, and only the clock keeps the next epoch above the last.
    ///
    /// Requests: 1 DELETE.
    pub async fn purge(&self, name: &str) -> Result<()> {
        self.store.delete(&self.key(name)?, Condition::None).await
    }

    fn key(&self, name: &str) -> Result<String> {
        check_path("lease", name)?;
        crate::key::fits(format!("{}{name}", self.prefix))
    }

    async fn look(&self, key: &str) -> Result<Option<Object>> {
        let found = self.store.get(key).await?;
        if let Some(object) = &found {
            self.clock.observe(object.head.last_modified_ms, self.env.as_ref());
        }
        Ok(found)
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leases")
            .field("prefix", &self.prefix)
            .field("worker_id", &self.worker_id)
            .finish_non_exhaustive()
    }
}

/// A duration in whole milliseconds.
fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
