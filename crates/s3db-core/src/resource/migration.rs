//! Functions of the program that bring documents of older versions to the current one when they are read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{Record, Resource, State};
use crate::catalog::version_number;
use crate::query::Filter;
use crate::{Document, Error, ErrorKind, Result};

type Migrate = dyn Fn(Document) -> BoxFuture<'static, Result<Document>> + Send + Sync;

/// How a document of one version becomes one of a later version, for [`Resource::migrate`].
///
/// ```
/// use s3db_core::resource::Migration;
///
/// let split = Migration::new(1, 2, |mut user| {
///     let name = user["name"].as_str().unwrap_or("").to_owned();
///     let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
///     user.insert("first".into(), first.into());
///     user.insert("last".into(), last.into());
///     user.shift_remove("name");
///     Ok(user)
/// })
/// .keeps(["email"]);
/// ```
#[derive(Clone)]
pub struct Migration {
    from: u64,
    to: u64,
    keeps: Vec<String>,
    run: Arc<Migrate>,
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, keeps, .. } = self;
        write!(f, "Migration(v{from} to v{to}, keeps {keeps:?})")
    }
}

impl Migration {
    /// From version `v<from>` to `v<to>`, by a function that only computes.
    pub fn new(
        from: u64,
        to: u64,
        migrate: impl Fn(Document) -> Result<Document> + Send + Sync + 'static,
    ) -> Self {
        Self::with(from, to, move |document| std::future::ready(migrate(document)))
    }

    /// From version `v<from>` to `v<to>`, by a function that may wait, for example for another document.
    pub fn with<F, R>(from: u64, to: u64, migrate: F) -> Self
    where
        F: Fn(Document) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Document>> + Send + 'static,
    {
        let run = Arc::new(move |document| migrate(document).boxed());
        Self { from, to, keeps: Vec::new(), run }
    }

    /// Says which fields, by dotted path, the migration leaves as they are. Queries go on using partitions of these
    /// fields; a migration that changes one all the same fails.
    #[must_use]
    pub fn keeps<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.keeps.extend(paths.into_iter().map(Into::into));
        self
    }

    async fn run(&self, document: Document) -> Result<Document> {
        let kept: Vec<_> = self.keeps.iter().map(|path| Filter::lookup(&document, path).cloned()).collect();
        let run = AssertUnwindSafe(async { (self.run)(document).await }).catch_unwind();
        let document = match run.await {
            Ok(result) => result?,
            Err(_) => {
                return Err(Error::new(ErrorKind::Unsupported, "the migration panicked")
                    .hint("the panic's message is on standard error"));
            }
        };
        for (path, before) in self.keeps.iter().zip(kept) {
            if Filter::lookup(&document, path) != before.as_ref() {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the migration has changed a field that it keeps",
                )
                .with("field", path));
            }
        }
        Ok(document)
    }
}

/// The migrations of one resource, by the version that they begin with.
#[derive(Debug, Default)]
pub(crate) struct Migrations(RwLock<Arc<BTreeMap<u64, Migration>>>);

impl Migrations {
    fn current(&self) -> Arc<BTreeMap<u64, Migration>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn add(&self, migration: Migration) {
        let mut migrations = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::make_mut(&mut migrations).insert(migration.from, migration);
    }
}

impl Resource {
    /// Brings documents that were written under version `v<version>` to the next version whenever they are read, for all
    /// handles of this resource in this process. It is short for [`migrate`](Self::migrate) with
    /// [`Migration::new`]`(version, version + 1, …)`.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/migrate_from").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"age": "string"}))).await?;
    /// users.insert(json!({"id": "ann", "age": "30"})).await?;
    ///
    /// users.update_attributes(json!({"age": "number"})).await?;
    /// assert_eq!(users.get("ann").await?.data["age"], "30", "as it was written");
    /// users.migrate_from(1, |mut user| {
    ///     let age: f64 = user["age"].as_str().unwrap_or("").parse().unwrap_or(0.0);
    ///     user.insert("age".into(), age.into());
    ///     Ok(user)
    /// });
    /// assert_eq!(users.get("ann").await?.data["age"], 30.0);
    /// # Ok(()) }) }
    /// ```
    pub fn migrate_from(
        &self,
        version: u64,
        migrate: impl Fn(Document) -> Result<Document> + Send + Sync + 'static,
    ) {
        self.shared.migrations.add(Migration::new(version, version.saturating_add(1), migrate));
    }

    /// Adds a migration, in place of one that begins with the same version.
    ///
    /// A document goes through the migrations from the version that it was written under to the current one, one after
    /// the other; a version that none begins with is passed as it is. Reading changes nothing on the bucket: the document
    /// becomes one of the current version when it is next written, or by
    /// [`migrate_documents`](Self::migrate_documents). [`RecordMeta::version`](super::RecordMeta::version) tells the
    /// version that it was written under.
    ///
    /// Until then index entries and claims of unique values are those of the stored document. So queries use only
    /// partitions of fields that every migration [keeps](Migration::keeps), and a unique value that a migration makes is
    /// claimed when the document is written.
    ///
    /// A migration that fails, or panics, is an error of its document, of kind `Corrupt` unless it is retryable; it
    /// names both versions.
    ///
    /// Errors: `Config` for a migration that does not lead to a later version.
    pub fn migrate(&self, migration: Migration) -> Result<()> {
        if migration.to <= migration.from {
            return Err(Error::new(ErrorKind::Config, "a migration leads to a later version")
                .with("resource", self.name())
                .with("from", format!("v{}", migration.from))
                .with("to", format!("v{}", migration.to)));
        }
        self.shared.migrations.add(migration);
        Ok(())
    }

    /// A record as the current version has it.
    pub(super) async fn migrated(&self, state: &State, mut record: Record) -> Result<Record> {
        let migrations = self.shared.migrations.current();
        if migrations.is_empty() || record.meta.version == state.version {
            return Ok(record);
        }
        let (Some(mut at), Some(current)) =
            (version_number(&record.meta.version), version_number(&state.version))
        else {
            return Ok(record);
        };
        while at < current
            && let Some((_, migration)) = migrations.range(at..current).next()
        {
            if migration.to > current {
                // One for a definition that the catalogue does not have yet.
                at = migration.from + 1;
                continue;
            }
            let migrated = migration.run(record.data).await;
            record.data = migrated.map_err(|error| self.at(failed(error, migration), &record.id))?;
            record.data.shift_remove("id");
            at = migration.to;
        }
        Ok(record)
    }

    /// The partitions that a query may rely on: complete, and of fields that no migration changes.
    pub(super) fn trusted_partitions<'s>(&self, state: &'s State) -> Cow<'s, BTreeSet<String>> {
        let migrations = self.shared.migrations.current();
        let current = version_number(&state.version).unwrap_or(0);
        let mut changing = migrations.range(..current).map(|(_, migration)| migration).peekable();
        if changing.peek().is_none() {
            return Cow::Borrowed(&state.complete);
        }
        let changing: Vec<&Migration> = changing.collect();
        let is_kept = |path: &str| changing.iter().all(|m| m.keeps.iter().any(|kept| kept == path));
        let trusted = state.partitions.iter().filter(|partition| {
            let mut fields = partition.fields.iter();
            state.complete.contains(&partition.name)
                && fields.all(|field| field.path == "_v" || is_kept(&field.path))
        });
        Cow::Owned(trusted.map(|partition| partition.name.clone()).collect())
    }
}

fn failed(error: Error, migration: &Migration) -> Error {
    let (kind, retryable) = (error.kind(), error.is_retryable());
    // A `NotFound` of what the migration looks for must not look like that of the document.
    Error::new(if retryable { kind } else { ErrorKind::Corrupt }, "the document could not be migrated")
        .with("from", format!("v{}", migration.from))
        .with("to", format!("v{}", migration.to))
        .with("reason", &error)
        .hint("correct the migration, or the document")
        .retryable(retryable)
        .caused_by(error)
}
