//! What a system must do to get changes.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use s3db_core::schema::FieldInfo;
use s3db_core::{Document, Error, Resource, Result};

use crate::change::{Operation, RecordedChange, plain, without_marks};
use crate::route::Route;

/// Documents that are read from the source at once.
const PARALLELISM: usize = 32;

/// A system that changes are copied to.
///
/// A change is delivered at least once, those of one document in order, those of one process never at the same time. Several
/// processes may deliver changes of the same document at the same time, and a process that was frozen may come late. A target
/// that keeps the state of documents is true in the end all the same, if it takes these steps for each document, in this
/// order: look at what it has, or lock it; [read](Batch::read) the document from the source; write that, only if what it has
/// is still what it looked at. A target that keeps a record of changes tells those that come twice by
/// [`RecordedChange::change_id`].
///
/// ```
/// use async_trait::async_trait;
/// use s3db_core::Result;
/// use s3db_replicator::{Batch, Outcome, Target};
///
/// /// Prints each change.
/// #[derive(Debug)]
/// struct Printer;
///
/// #[async_trait]
/// impl Target for Printer {
///     fn driver(&self) -> &'static str {
///         "printer"
///     }
///
///     async fn deliver(&self, batch: &Batch) -> Result<Vec<Outcome>> {
///         for change in batch.deliveries().iter().flat_map(|delivery| &delivery.changes) {
///             println!("{} of {} in {}", change.operation, change.id, change.resource);
///         }
///         Ok(batch.deliveries().iter().map(|_| Outcome::Done).collect())
///     }
/// }
/// ```
#[async_trait]
pub trait Target: fmt::Debug + Send + Sync + 'static {
    /// What it is called in configurations and messages, such as `postgres`.
    fn driver(&self) -> &'static str;

    /// Connects, and makes ready for these resources; others may follow with a delivery. Called at the start of the plugin.
    ///
    /// Errors: those that [are retryable](Error::is_retryable) are told of and the plugin starts, for the target may be down;
    /// any other, such as tables that do not fit, fails the start.
    async fn open(&self, resources: &[Routed]) -> Result<()> {
        let _ = resources;
        Ok(())
    }

    /// Takes changes, and tells of each delivery, in their order, what became of it. May be dropped at any point, and is then
    /// called again.
    ///
    /// Errors: what concerns all of them, such as a lost connection. All are delivered again, after a pause, without end.
    async fn deliver(&self, batch: &Batch) -> Result<Vec<Outcome>>;

    /// Whether the target can be reached.
    async fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Gives up connections. Called when the plugin stops.
    async fn close(&self) {}
}

/// What became of one delivery.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The target has it.
    Done,
    /// The target has it for now; but a request that was sent before may still arrive and undo it. It is delivered once more,
    /// [some minutes](crate::ReplicatorOptions::keep_for) later.
    LookAgain,
    /// The target did not take it. Where the error [is retryable](Error::is_retryable) it is delivered again without end; else
    /// some times, and then put aside among the dead letters.
    Failed(Error),
}

impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Failed(error),
        }
    }
}

/// A resource that goes to a target.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Routed {
    /// The resource in the source.
    pub resource: Resource,
    /// Its name in the target.
    pub to: String,
    /// In what form it goes.
    pub route: Route,
}

impl Routed {
    pub(crate) fn new(resource: Resource, route: Route) -> Self {
        let to = route.to.clone().unwrap_or_else(|| resource.name().to_owned());
        Self { resource, to, route }
    }

    /// The fields that go out, by the schema of the moment, nested ones too: without what the route leaves out, and without
    /// secrets and passwords unless it sends them. What a transform adds is not among them.
    pub fn fields(&self) -> Vec<FieldInfo> {
        let route = &self.route;
        let mut fields = self.resource.fields();
        fields.retain(|field| {
            let top = field.path.split(['.', '[']).next().unwrap_or_default();
            (route.only.is_empty() || route.only.iter().any(|only| only == top))
                && !route.without.iter().any(|without| without == top)
                && (route.sends_secrets || !matches!(word(&field.type_word), "secret" | "password"))
        });
        fields
    }
}

/// The type without its argument.
fn word(type_word: &str) -> &str {
    type_word.split(':').next().unwrap_or_default()
}

/// The changes of one document that wait for a target, oldest first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// Where the document goes.
    pub routed: Arc<Routed>,
    /// Id of the document.
    pub id: String,
    /// What was done to it, in order; empty when it is sent without a change, as by a replay.
    pub changes: Vec<Arc<RecordedChange>>,
}

impl Delivery {
    /// A document of a change in the form of its route: `change.before` or `change.after`.
    pub fn shape(&self, document: &Document) -> Option<Document> {
        let hidden = without_marks(document.clone());
        self.routed.route.shape(&self.id, hidden)
    }
}

/// What is to be done in a target so that it has a document as the source does.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Write {
    /// Write the document, whether one of this id is there or not.
    Upsert(Document),
    /// Write it only if there is none.
    InsertOnly(Document),
    /// Write it only if there is one.
    UpdateOnly(Document),
    /// Delete what is there of this id.
    Delete,
    /// Leave the target as it is.
    Nothing,
}

/// Changes that are delivered together: each document is in it once.
#[derive(Debug, Clone)]
pub struct Batch {
    deliveries: Vec<Delivery>,
}

impl Batch {
    pub(crate) fn new(deliveries: Vec<Delivery>) -> Self {
        Self { deliveries }
    }

    /// Joins the changes of each document; documents in the order of their first one.
    pub(crate) fn of(changes: &[Arc<RecordedChange>], routes: &HashMap<String, Arc<Routed>>) -> Self {
        let mut deliveries: Vec<Delivery> = Vec::new();
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        for change in changes {
            let Some(routed) = routes.get(&change.resource) else {
                continue;
            };
            let place = *places.entry((&change.resource, &change.id)).or_insert_with(|| {
                deliveries.push(Delivery {
                    routed: routed.clone(),
                    id: change.id.clone(),
                    changes: Vec::new(),
                });
                deliveries.len() - 1
            });
            if let Some(delivery) = deliveries.get_mut(place)
                && routed.route.allows(change.operation)
            {
                delivery.changes.push(change.clone());
            }
        }
        // A route without `delete` need not look at a document that was deleted, and so on.
        deliveries.retain(|delivery| !delivery.changes.is_empty());
        Self { deliveries }
    }

    /// The deliveries, each of another document.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Reads one document from the source, and says what is to be done with it. 1 GET, past every cache.
    ///
    /// Errors: those of the source, for [`Outcome::Failed`].
    pub async fn read(&self, delivery: &Delivery) -> Result<Write> {
        let Routed { resource, route, .. } = delivery.routed.as_ref();
        let found = resource.uncached().get_or_none(&delivery.id).await?;
        let allows = |operation| route.allows(operation);
        let Some(record) = found else {
            return Ok(if allows(Operation::Delete) { Write::Delete } else { Write::Nothing });
        };
        let document =
            if route.sends_secrets { without_marks(record.data) } else { plain(record.data, resource) };
        let Some(document) = route.shape(&delivery.id, document) else {
            return Ok(Write::Nothing);
        };
        Ok(match (allows(Operation::Insert), allows(Operation::Update)) {
            (true, true) => Write::Upsert(document),
            (true, false) => Write::InsertOnly(document),
            (false, true) => Write::UpdateOnly(document),
            (false, false) => Write::Nothing,
        })
    }

    /// Reads the documents of all deliveries, up to 32 at once, in their order. 1 GET each.
    pub async fn read_all(&self) -> Vec<Result<Write>> {
        stream::iter(&self.deliveries)
            .map(|delivery| self.read(delivery))
            .buffered(PARALLELISM)
            .collect()
            .await
    }
}
