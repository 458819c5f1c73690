//! Those who see a change before it is committed, and learn how it ended.

use std::any::Any;
use std::fmt;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use futures::FutureExt as _;

use super::Change;
use crate::op::Registration;
use crate::store::ETag;
use crate::{Error, ErrorKind, Result};

#[cfg(test)]
mod tests;

/// Sees each change before its document is written or deleted, and learns how that ended.
///
/// What must survive a crash between a write and its answer is written down by [`prepare`](Self::prepare): the write waits
/// for it, and is refused where it fails. A [`ChangeSink`](crate::plugin::ChangeSink) is simpler, and enough where a change
/// may be lost with the process.
///
/// Each try of a write is a change of its own: when an update loses a race, its ticket is settled as
/// [refused](Ending::Refused), and the next try is prepared anew. While somebody witnesses a resource, its deletes read what
/// they delete, one document at a time, and a `replace` reads what it replaces. `explain` asks no witness.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::sync::{Arc, Mutex};
///
/// use async_trait::async_trait;
/// use s3db_core::database::Change;
/// use s3db_core::plugin::{ChangeWitness, Ending, Installer, Manifest, Plugin, Ticket, WitnessOptions};
/// use s3db_core::{Database, ResourceConfig, Result};
/// use serde_json::json;
///
/// #[derive(Debug, Clone, Default)]
/// struct Notary(Arc<Mutex<Vec<String>>>);
///
/// #[async_trait]
/// impl ChangeWitness for Notary {
///     async fn prepare(&self, change: &Arc<Change>) -> Result<Ticket> {
///         self.0.lock().unwrap().push(format!("{:?} of {}", change.action, change.id));
///         Ok(Ticket::new(self.0.lock().unwrap().len()))
///     }
///
///     fn settle(&self, ticket: Ticket, _: &Arc<Change>, ending: &Ending) {
///         let number = ticket.take::<usize>().unwrap_or_default();
///         let is_done = matches!(ending, Ending::Committed { .. });
///         self.0.lock().unwrap().push(format!("number {number} is done: {is_done}"));
///     }
/// }
///
/// #[async_trait]
/// impl Plugin for Notary {
///     fn manifest(&self) -> Manifest {
///         Manifest::new("notary", "1.0.0")
///     }
///
///     async fn install(&self, installer: &mut Installer) -> Result<()> {
///         installer.witness("notes", WitnessOptions::new(), Arc::new(self.clone()));
///         Ok(())
///     }
/// }
///
/// let notary = Notary::default();
/// let db = Database::builder("memory://shop/witness")?.plugin(notary.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
/// assert_eq!(*notary.0.lock().unwrap(), ["Insert of ann", "number 1 is done: true"]);
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[async_trait]
pub trait ChangeWitness: Debug + Send + Sync + 'static {
    /// Sees a change before the first request that it sends. Its `etag` is `None` and its `number` 0: nobody knows them yet.
    /// Secrets are in the clear, as in every change: [`Resource::redact`](crate::Resource::redact) takes them out.
    ///
    /// The write waits for this. A call that is dropped meanwhile drops this too, and nothing is settled: nothing was written.
    ///
    /// Errors: the write fails with them, tried no more, and nothing of it is sent.
    async fn prepare(&self, change: &Arc<Change>) -> Result<Ticket>;

    /// Learns how a prepared change ended, once for each ticket. Comes before the hooks after the write, and before listeners
    /// hear of the change.
    ///
    /// The caller of the write waits: put what takes time into a queue of the plugin's own. A panic is logged, and the write
    /// stays what it is.
    fn settle(&self, ticket: Ticket, change: &Arc<Change>, ending: &Ending);
}

/// What a witness keeps of a change between [`prepare`](ChangeWitness::prepare) and [`settle`](ChangeWitness::settle).
pub struct Ticket(Option<Box<dyn Any + Send + Sync>>);

impl Ticket {
    /// Keeps a value.
    pub fn new<T: Any + Send + Sync>(value: T) -> Self {
        Self(Some(Box::new(value)))
    }

    /// Keeps nothing; the change is not settled.
    pub fn none() -> Self {
        Self(None)
    }

    /// The value, where it is of this type.
    pub fn take<T: Any>(self) -> Option<T> {
        self.0?.downcast().ok().map(|value| *value)
    }
}

impl Debug for Ticket {
    /// Shows nothing of the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Ticket" } else { "Ticket(none)" })
    }
}

/// How a witnessed change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The document is written, or deleted.
    #[non_exhaustive]
    Committed {
        /// ETag of the document; `None` after a delete.
        etag: Option<ETag>,
        /// Version of the definition that it was written under.
        version: String,
    },
    /// The document is as it was, as far as this write goes.
    Refused,
    /// Nobody knows: the answer was lost, or the call was dropped while a request was under way. The document tells, by its
    /// fields.
    Unknown,
}

/// Which changes a witness sees: without a [`resource`](Self::resource) those of all but the resources of plugins. It never
/// sees those of resources that its own plugin makes.
///
/// ```
/// use s3db_core::plugin::WitnessOptions;
///
/// let options = WitnessOptions::new().resource("users").resource("orders");
/// ```
#[derive(Debug, Clone, Default)]
pub struct WitnessOptions {
    resources: Vec<String>,
    excluded: Vec<String>,
}

impl WitnessOptions {
    /// All changes, but those of resources of plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only changes of this resource, also if it is a plugin's; calls add up.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resources.push(name.into());
        self
    }

    /// No changes of this resource; calls add up.
    #[must_use]
    pub fn except_resource(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    fn wants(&self, resource: &str, is_internal: bool) -> bool {
        let is_in = |names: &[String]| names.iter().any(|name| name == resource);
        let is_named = if self.resources.is_empty() { !is_internal } else { is_in(&self.resources) };
        is_named && !is_in(&self.excluded)
    }
}

/// The witnesses of a database, in the order of installing.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    /// So that a database without witnesses pays one load a write.
    is_used: AtomicBool,
    last: AtomicU64,
    seats: RwLock<Vec<Arc<Seat>>>,
}

#[derive(Debug)]
struct Seat {
    number: u64,
    name: String,
    options: WitnessOptions,
    witness: Arc<dyn ChangeWitness>,
}

impl Witnesses {
    pub(crate) fn add(
        self: &Arc<Self>,
        name: String,
        options: WitnessOptions,
        witness: Arc<dyn ChangeWitness>,
    ) -> Registration {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.change(|seats| seats.push(Arc::new(Seat { number, name, options, witness })));
        let witnesses = Arc::downgrade(self);
        Registration::new(move || {
            if let Some(witnesses) = witnesses.upgrade() {
                witnesses.change(|seats| seats.retain(|seat| seat.number != number));
            }
        })
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Seat>>)) {
        let mut seats = self.seats.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        change(&mut seats);
        self.is_used.store(!seats.is_empty(), Ordering::Release);
    }

    /// Whether somebody witnesses a resource.
    pub(crate) fn watch(&self, resource: &str, is_internal: impl FnOnce() -> bool) -> bool {
        self.is_used.load(Ordering::Acquire) && !self.of(resource, is_internal()).is_empty()
    }

    fn of(&self, resource: &str, is_internal: bool) -> Vec<Arc<Seat>> {
        let seats = self.seats.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        seats.iter().filter(|seat| seat.options.wants(resource, is_internal)).cloned().collect()
    }

    /// Has all see a change. When one refuses it, those before learn so.
    pub(crate) async fn prepare(&self, change: Change, is_internal: bool) -> Result<Witnessed> {
        let seats = self.of(&change.resource, is_internal);
        let mut witnessed =
            Witnessed { change: Arc::new(change), tickets: Vec::new(), if_dropped: Ending::Refused };
        for seat in seats {
            let prepared = AssertUnwindSafe(seat.witness.prepare(&witnessed.change)).catch_unwind().await;
            let ticket = prepared.unwrap_or_else(|_| Err(panicked()));
            let ticket = ticket.map_err(|error| error.with("witness", &seat.name))?;
            if ticket.0.is_some() {
                witnessed.tickets.push((seat, ticket));
            }
        }
        Ok(witnessed)
    }
}

/// Whether a witness has refused, whatever kind of error it has chosen to do so.
pub(crate) fn is_of_witness(error: &Error) -> bool {
    error.context("witness").is_some()
}

/// A change that all have seen. Settles their tickets, at the latest when it is dropped.
#[must_use]
pub(crate) struct Witnessed {
    change: Arc<Change>,
    tickets: Vec<(Arc<Seat>, Ticket)>,
    if_dropped: Ending,
}

impl Witnessed {
    /// Notes that requests are sent from now on.
    pub(crate) fn sends(&mut self) {
        self.if_dropped = Ending::Unknown;
    }

    pub(crate) fn committed(mut self, etag: Option<ETag>, version: &str) {
        self.settle(&Ending::Committed { etag, version: version.to_owned() });
    }

    pub(crate) fn failed(mut self, error: &Error) {
        self.settle(if error.is_outcome_unknown() { &Ending::Unknown } else { &Ending::Refused });
    }

    fn settle(&mut self, ending: &Ending) {
        for (seat, ticket) in std::mem::take(&mut self.tickets) {
            let settle = AssertUnwindSafe(|| seat.witness.settle(ticket, &self.change, ending));
            if catch_unwind(settle).is_err() {
                let (resource, id) = (&self.change.resource, &self.change.id);
                tracing::error!(
                    witness = seat.name,
                    resource,
                    id,
                    "a witness panicked as it learnt of an ending"
                );
            }
        }
    }
}

impl Drop for Witnessed {
    fn drop(&mut self) {
        let ending = std::mem::replace(&mut self.if_dropped, Ending::Unknown);
        self.settle(&ending);
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::Unsupported, "a witness panicked, and nothing was written")
        .hint("the panic's message is on standard error")
}
