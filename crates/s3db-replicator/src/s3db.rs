//! Another database of this kind as a target.

use std::fmt;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use s3db_core::connection::Connection;
use s3db_core::encoding::Passphrase;
use s3db_core::{Database, Document, Error, ErrorKind, Record, Resource, ResourceConfig, Result};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use crate::change::without_marks;
use crate::target::{Batch, Delivery, Outcome, Routed, Target, Write};

/// Documents that are written at once.
const PARALLELISM: usize = 32;

/// How often a document is looked at anew that others write at the same time.
const ROUNDS_MAX: usize = 16;

/// Another s3db database.
///
/// Each document is looked at in the target, read in the source, and then written only if the target still has what was looked
/// at; nothing is written where it is the same already. So two databases may be targets of each other.
///
/// Requests for a change: in the source 1 GET; in the target 1 GET, and those of an insert, replace or delete; after an insert
/// 1 HEAD in the source.
pub struct S3dbTarget {
    to: To,
    creates: bool,
    /// Resources are made one at a time.
    making: Mutex<()>,
}

enum To {
    Given(Database),
    Opened { connection: Box<Connection>, passphrase_env: Option<String>, database: OnceCell<Database> },
}

impl S3dbTarget {
    /// The database of a connection string. It is opened when it is first needed.
    ///
    /// Errors: `Config` for a connection string that is none.
    pub fn connect(connection: &str) -> Result<Self> {
        let connection = Box::new(Connection::parse(connection)?);
        Ok(Self::to(To::Opened { connection, passphrase_env: None, database: OnceCell::new() }))
    }

    /// A database that is open already, for example with a passphrase. The target keeps it open.
    pub fn on(database: Database) -> Self {
        Self::to(To::Given(database))
    }

    fn to(to: To) -> Self {
        Self { to, creates: true, making: Mutex::default() }
    }

    /// Sets whether resources that the target lacks are made as the source has them; true by default. Attributes that the route
    /// leaves out are left out, and times of documents are plain fields, so that they are those of the source.
    #[must_use]
    pub fn creates_resources(mut self, creates: bool) -> Self {
        self.creates = creates;
        self
    }

    /// Reads `connection` (or `connectionString`, as s3db.js calls it), `passphrase_env`, the name of the environment variable
    /// that holds the passphrase for secrets, and `create_resources`.
    ///
    /// Errors: `Config` naming what is wrong.
    pub fn from_json(config: &Document) -> Result<Self> {
        let wrong = |option: &str, wanted: &str| {
            Error::new(ErrorKind::Config, "an option of the target is wrong")
                .with("option", option)
                .with("wanted", wanted)
        };
        let (mut target, mut passphrase, mut creates) = (None, None, true);
        for (name, value) in config {
            let text = || value.as_str().ok_or_else(|| wrong(name, "a text"));
            match name.as_str() {
                "connection" | "connectionString" => target = Some(Self::connect(text()?)?),
                "passphrase_env" => passphrase = Some(text()?.to_owned()),
                "create_resources" => {
                    creates = value.as_bool().ok_or_else(|| wrong(name, "true or false"))?;
                }
                _ => return Err(wrong(name, "connection, passphrase_env or create_resources")),
            }
        }
        let mut target = target.ok_or_else(|| wrong("connection", "a connection string"))?;
        if let To::Opened { passphrase_env, .. } = &mut target.to {
            *passphrase_env = passphrase;
        }
        Ok(target.creates_resources(creates))
    }

    async fn database(&self) -> Result<&Database> {
        match &self.to {
            To::Given(database) => Ok(database),
            To::Opened { connection, passphrase_env, database } => {
                let open = || async {
                    let mut builder = Database::builder_for(connection.as_ref().clone());
                    if let Some(name) = passphrase_env {
                        let passphrase = std::env::var(name).map_err(|_| {
                            Error::new(
                                ErrorKind::Config,
                                "the environment variable of the passphrase is not set",
                            )
                            .with("passphrase_env", name)
                        })?;
                        builder = builder.passphrase(Passphrase::new(passphrase));
                    }
                    builder.connect().await
                };
                database.get_or_try_init(open).await
            }
        }
    }

    /// The resource of the target, which is made if it may be.
    async fn resource(&self, routed: &Routed) -> Result<Resource> {
        let db = self.database().await?;
        if let Ok(resource) = db.resource(&routed.to) {
            return Ok(resource);
        }
        let _making = self.making.lock().await;
        // Another process may have made it.
        db.refresh().await?;
        match db.resource(&routed.to) {
            Err(error) if error.kind() == ErrorKind::NotFound && self.creates => {
                db.create_resource(copy_of(routed)?).await
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error
                .hint("make the resource in the target, or let the replicator do so by `create_resources`")),
            found => found,
        }
    }

    async fn deliver_one(&self, batch: &Batch, delivery: &Delivery) -> Result<Outcome> {
        let resource = self.resource(&delivery.routed).await?.uncached();
        let id = delivery.id.as_str();
        for _ in 0..ROUNDS_MAX {
            let there = resource.get_or_none(id).await?;
            let write = batch.read(delivery).await?;
            match write_as_seen(&resource, id, there, write).await {
                // Whoever deletes the document after it was read, and looks at the target before it is written, finds nothing to
                // delete there.
                Ok(Done::Inserted) => {
                    if delivery.routed.resource.uncached().exists(id).await? {
                        return Ok(Outcome::Done);
                    }
                }
                // An insert that was sent before, and sent again, may arrive late and find nothing in its way.
                Ok(Done::Deleted) => return Ok(Outcome::LookAgain),
                Ok(Done::Replaced | Done::Nothing) => return Ok(Outcome::Done),
                Err(error) if lost_race(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others write the document in the target all the time")
            .retryable(true))
    }
}

/// What was done to a document of the target.
enum Done {
    Inserted,
    Replaced,
    Deleted,
    Nothing,
}

/// Writes only onto what was seen.
async fn write_as_seen(resource: &Resource, id: &str, there: Option<Record>, write: Write) -> Result<Done> {
    match (there, write) {
        (Some(record), Write::Upsert(document) | Write::UpdateOnly(document)) => {
            if is_same(resource, &record, &document) {
                return Ok(Done::Nothing);
            }
            resource
                .if_match(&record.meta.etag)
                .replace(id, Value::Object(document))
                .await
                .map(|_| Done::Replaced)
        }
        (None, Write::Upsert(document) | Write::InsertOnly(document)) => {
            resource.insert(Value::Object(document)).await.map(|_| Done::Inserted)
        }
        (Some(record), Write::Delete) => {
            resource.if_match(&record.meta.etag).delete(id).await.map(|()| Done::Deleted)
        }
        _ => Ok(Done::Nothing),
    }
}

/// Whether the document was changed, made or deleted since it was looked at.
fn lost_race(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists | ErrorKind::NotFound)
}

/// Whether the target has a document already, but for the times that it keeps itself.
fn is_same(resource: &Resource, there: &Record, document: &Document) -> bool {
    let keeps_times = resource.definition().is_ok_and(|definition| definition.timestamps);
    let plain = |document: &Document| {
        let mut document = without_marks(document.clone());
        document.retain(|name, value| {
            !value.is_null()
                && name != "id"
                && !(keeps_times && matches!(name.as_str(), "createdAt" | "updatedAt"))
        });
        document
    };
    plain(&there.data) == plain(document)
}

/// The resource as the source has it.
fn copy_of(routed: &Routed) -> Result<ResourceConfig> {
    let definition = routed.resource.definition()?;
    let fields = routed.fields();
    let goes = |name: &str| fields.iter().any(|field| field.path == name);
    let mut attributes = definition.attributes;
    attributes.retain(|name, _| goes(name));
    let mut partitions = definition.partitions;
    let is_kept = |partition: &Value| {
        let fields = partition.get("fields").and_then(Value::as_object);
        fields.is_some_and(|fields| {
            fields.keys().all(|path| attributes.contains_key(path.split('.').next().unwrap_or_default()))
        })
    };
    // The target makes those of its own for times and versions.
    partitions.retain(|_, partition| is_kept(partition));
    let behavior = definition.behavior.parse()?;
    let partitions = if partitions.is_empty() { Value::Null } else { Value::Object(partitions) };
    Ok(ResourceConfig::new(&routed.to, Value::Object(attributes))
        .behavior(behavior)
        .paranoid(definition.paranoid)
        .all_nested_objects_optional(definition.all_nested_objects_optional)
        .partitions(partitions))
}

#[async_trait]
impl Target for S3dbTarget {
    fn driver(&self) -> &'static str {
        "s3db"
    }

    async fn open(&self, resources: &[Routed]) -> Result<()> {
        for routed in resources {
            self.resource(routed).await.map_err(|error| error.with("resource", &routed.to))?;
        }
        self.database().await.map(drop)
    }

    async fn deliver(&self, batch: &Batch) -> Result<Vec<Outcome>> {
        self.database().await?;
        let calls: Vec<_> =
            batch.deliveries().iter().map(|delivery| self.deliver_one(batch, delivery)).collect();
        Ok(stream::iter(calls)
            .buffered(PARALLELISM)
            .map(|outcome| outcome.unwrap_or_else(Outcome::Failed))
            .collect()
            .await)
    }

    async fn check(&self) -> Result<()> {
        self.database().await?.refresh().await
    }
}

impl fmt::Debug for S3dbTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3dbTarget").field("creates", &self.creates).finish_non_exhaustive()
    }
}
