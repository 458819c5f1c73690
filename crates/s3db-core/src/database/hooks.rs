//! Functions of the program that run around what is done with a database as a whole.

use std::fmt;
use std::future::Future;

use serde_json::Value;

use super::Database;
use crate::op::{HookList, Point, Registration, Subject};
use crate::{ResourceConfig, Result};

/// When a hook of a database runs.
///
/// Several hooks of one point run in the order in which they were registered, each with what the one before gave. An error
/// ends the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatabasePoint {
    /// Before the catalogue is read for the first time. Only hooks of
    /// [`DatabaseBuilder::hook`](super::DatabaseBuilder::hook) can see it.
    BeforeConnect,
    /// When the database is open. An error leaves the caller without it.
    AfterConnect,
    /// Before a resource is created or its definition changed. The hook may change `config`.
    BeforeCreateResource,
    /// After that. An error says that it was written.
    AfterCreateResource,
    /// Before the catalogue is written; `catalog` is what would be. Runs again for each lost race. An error leaves the
    /// stored one as it is. The hook must not change the catalogue itself: that would wait for this change for ever.
    /// Mending a damaged catalogue asks no hook.
    BeforeCatalogWrite,
    /// After that. An error says that it was written.
    AfterCatalogWrite,
    /// Before a handle is closed. An error cannot stop that: [`Event::HookFailed`](super::Event::HookFailed) tells of it.
    BeforeClose,
    /// After that; as before it.
    AfterClose,
}

impl DatabasePoint {
    /// Its name, such as `beforeConnect`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeConnect => "beforeConnect",
            Self::AfterConnect => "afterConnect",
            Self::BeforeCreateResource => "beforeCreateResource",
            Self::AfterCreateResource => "afterCreateResource",
            Self::BeforeCatalogWrite => "beforeCatalogWrite",
            Self::AfterCatalogWrite => "afterCatalogWrite",
            Self::BeforeClose => "beforeClose",
            Self::AfterClose => "afterClose",
        }
    }
}

impl fmt::Display for DatabasePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Point for DatabasePoint {
    fn is_after_write(self) -> bool {
        matches!(self, Self::AfterCreateResource | Self::AfterCatalogWrite)
    }

    fn is_around(self) -> bool {
        false
    }
}

/// What a hook of a database sees, and gives back.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DatabaseCall {
    /// What is to be created.
    pub config: Option<ResourceConfig>,
    /// Name of the resource that was created or changed.
    pub resource: Option<String>,
    /// The catalogue that is to be written, or was.
    pub catalog: Option<Value>,
}

impl Subject for DatabaseCall {
    fn resource(&self) -> &str {
        // These hooks are for the database as a whole.
        ""
    }
}

/// The hooks of one database.
pub(crate) type DatabaseHooks = HookList<DatabasePoint, DatabaseCall>;

impl Database {
    /// Runs `hook` around what is done with the database, for all its handles in this process. `name` stands in errors.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::database::DatabasePoint;
    /// use s3db_core::{Database, Error, ErrorKind, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/database-hooks").await?;
    /// db.hook(DatabasePoint::BeforeCreateResource, "frozen", |_call| async move {
    ///     Err(Error::new(ErrorKind::Denied, "no new resources here"))
    /// })
    /// .keep();
    /// let refused = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await;
    /// assert_eq!(refused.unwrap_err().kind(), ErrorKind::Denied);
    /// # Ok(()) }) }
    /// ```
    pub fn hook<F, R>(&self, point: DatabasePoint, name: &str, hook: F) -> Registration
    where
        F: Fn(DatabaseCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<DatabaseCall>> + Send + 'static,
    {
        self.inner.database_hooks.add(point, name, None, hook)
    }
}
