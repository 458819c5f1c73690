//! Which process does what only one may do.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::Result;

/// Leadership of one process among those that share a database, as a coordinator knows it. Cheap to clone.
///
/// A plugin that coordinates processes [provides](super::Installer::provide) it; one whose work only one process may do
/// asks for it by its type. The work is tagged with the epoch under which it began, and what cannot be undone is
/// [confirmed](Self::confirm) first:
///
/// ```
/// use s3db_core::Result;
/// use s3db_core::plugin::{Context, Leadership};
///
/// async fn sweep(context: Context) -> Result<()> {
///     let leadership = context.service::<Leadership>("coordinator")?;
///     let Some(epoch) = leadership.epoch() else { return Ok(()) };
///     // … find what is due …
///     if leadership.confirm(epoch).await? {
///         // … and delete it, each document only as it was read.
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Leadership(Arc<dyn Leader>);

/// What stands behind a [`Leadership`]: one elector of one namespace in this process.
#[async_trait]
pub trait Leader: fmt::Debug + Send + Sync + 'static {
    /// See [`Leadership::epoch`].
    fn epoch(&self) -> Option<u64>;

    /// See [`Leadership::leader`].
    fn leader(&self) -> Option<KnownLeader>;

    /// See [`Leadership::confirm`].
    async fn confirm(&self, epoch: u64) -> Result<bool>;

    /// See [`Leadership::changed`].
    async fn changed(&self, seen: Option<u64>) -> Option<u64>;
}

/// The leader that a process last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownLeader {
    /// What the leading process calls itself.
    pub id: String,
    /// The number of its reign. It grows whenever the leader changes.
    pub epoch: u64,
}

impl KnownLeader {
    /// A leader by its id and epoch.
    pub fn new(id: impl Into<String>, epoch: u64) -> Self {
        Self { id: id.into(), epoch }
    }
}

impl Leadership {
    /// Leadership as `leader` knows it.
    pub fn new(leader: Arc<dyn Leader>) -> Self {
        Self(leader)
    }

    /// The epoch under which this process leads now; `None` when it does not, or cannot be sure of it until the end of its
    /// lease. Sends nothing. What was true when this returned may have ended a moment later: see
    /// [`confirm`](Self::confirm).
    pub fn epoch(&self) -> Option<u64> {
        self.0.epoch()
    }

    /// Whether this process leads now, under exactly this epoch. Sends nothing.
    pub fn is_leader(&self, epoch: u64) -> bool {
        self.0.epoch() == Some(epoch)
    }

    /// The leader that was last heard of, this process or another. Sends nothing.
    pub fn leader(&self) -> Option<KnownLeader> {
        self.0.leader()
    }

    /// Whether this process still leads under `epoch`, by what the store says now, with time left on the lease. 1 GET at
    /// most; `false` without one where the clock has already ended the lease.
    ///
    /// Errors: those of the store. Take them for a no.
    pub async fn confirm(&self, epoch: u64) -> Result<bool> {
        self.0.confirm(epoch).await
    }

    /// Waits until [`epoch`](Self::epoch) is another than `seen`, and gives it. Cancellation safe.
    pub async fn changed(&self, seen: Option<u64>) -> Option<u64> {
        self.0.changed(seen).await
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Leadership").field(&self.0).finish()
    }
}
