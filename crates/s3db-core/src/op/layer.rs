//! Layers around calls, and their order.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use async_trait::async_trait;

use super::{Answer, Op, Registration};
use crate::{Resource, Result};

/// Sees each call of a resource's verbs: it may change the arguments, refuse, answer by itself, change the answer, or run
/// the rest again.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use async_trait::async_trait;
/// use s3db_core::op::{Answer, Next, Op, OpLayer, Stage};
/// use s3db_core::{Database, Error, ErrorKind, ResourceConfig, Result};
/// use serde_json::json;
///
/// #[derive(Debug)]
/// struct ReadOnly;
///
/// #[async_trait]
/// impl OpLayer for ReadOnly {
///     async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
///         match op.verb() {
///             verb if verb.is_read() => next.run(op).await,
///             verb => Err(Error::new(ErrorKind::Denied, "this process only reads").with("verb", verb)),
///         }
///     }
/// }
///
/// let db = Database::connect("memory://shop/layers").await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// let layer = users.layer(Stage::Guard, Arc::new(ReadOnly));
/// assert_eq!(users.insert(json!({"name": "Ann"})).await.unwrap_err().kind(), ErrorKind::Denied);
///
/// layer.remove();
/// users.insert(json!({"name": "Ann"})).await?;
/// # Ok(()) }) }
/// ```
#[async_trait]
pub trait OpLayer: Debug + Send + Sync {
    /// Handles a call. `next.run(op)` goes on to the layers inside and the verb; it may be called any number of times.
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer>;
}

/// Where a layer stands, outermost first. Within a stage the layers of the database come before those of the resource, and
/// each in the order in which they were registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Refuses calls before anything else sees them.
    Guard,
    /// Sees what the caller asks for and gets: audit, metrics, costs.
    Observe,
    /// Answers from what it keeps.
    Cache,
    /// Changes what goes in and out.
    Transform,
}

/// The rest of a call's way.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    resource: &'a Resource,
    layers: &'a [Arc<dyn OpLayer>],
}

impl<'a> Next<'a> {
    /// Goes on with a call. Errors: those of the layers inside and of the verb.
    pub async fn run(self, op: Op<'_>) -> Result<Answer> {
        match self.layers.split_first() {
            Some((layer, layers)) => layer.call(op, Next { resource: self.resource, layers }).await,
            // On the heap: the future of every verb would be as large as the largest of all.
            None => Box::pin(self.resource.run_hooked(op)).await,
        }
    }

    /// Name of the resource that was called.
    pub fn resource_name(&self) -> &str {
        self.resource.name()
    }

    /// Whether the resource belongs to a plugin: see [`Resource::is_internal`].
    pub fn is_internal(&self) -> bool {
        self.resource.is_internal()
    }

    /// The resource that was called. Calls of this handle skip all layers and hooks, so that a layer never meets itself.
    pub fn resource(&self) -> Resource {
        self.resource.bare()
    }
}

/// The layers that one call goes through.
pub(crate) struct Chain {
    layers: Vec<(Stage, Arc<dyn OpLayer>)>,
    /// Layers of this stage see no reads.
    blind: Option<Stage>,
}

impl Chain {
    pub(crate) async fn run(self, resource: &Resource, op: Op<'_>) -> Result<Answer> {
        let Self { layers, blind } = self;
        // A write is seen by all, so that none of them goes on with what it knew before.
        let blind = blind.filter(|_| op.verb().is_read());
        let layers = layers.into_iter().filter(|(stage, _)| Some(*stage) != blind);
        let layers: Vec<Arc<dyn OpLayer>> = layers.map(|(_, layer)| layer).collect();
        Next { resource, layers: &layers }.run(op).await
    }
}

/// The layers of a database or a resource.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    is_used: AtomicBool,
    last: AtomicU64,
    entries: RwLock<Vec<Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    number: u64,
    stage: Stage,
    layer: Arc<dyn OpLayer>,
}

impl Layers {
    pub(crate) fn add(self: &Arc<Self>, stage: Stage, layer: Arc<dyn OpLayer>) -> Registration {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let mut entries = self.entries.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        entries.push(Entry { number, stage, layer });
        entries.sort_by_key(|entry| entry.stage);
        self.is_used.store(true, Ordering::Release);
        let layers = Arc::downgrade(self);
        Registration::new(move || {
            if let Some(layers) = layers.upgrade() {
                layers.remove(number);
            }
        })
    }

    fn remove(&self, number: u64) {
        let mut entries = self.entries.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        entries.retain(|entry| entry.number != number);
        self.is_used.store(!entries.is_empty(), Ordering::Release);
    }

    fn read(&self) -> Vec<Entry> {
        if !self.is_used() {
            return Vec::new();
        }
        self.entries.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Whether there is one.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    /// The chain of a call; layers of the stage `blind` see no reads.
    pub(crate) fn chain(database: &Self, resource: &Self, blind: Option<Stage>) -> Chain {
        let mut entries = database.read();
        entries.extend(resource.read());
        entries.sort_by_key(|entry| entry.stage);
        Chain { layers: entries.into_iter().map(|entry| (entry.stage, entry.layer)).collect(), blind }
    }
}
