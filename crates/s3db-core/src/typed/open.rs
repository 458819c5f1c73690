//! Opening a resource as one of a Rust type.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use super::{SchemaDiff, Typed, TypedDocument};
use crate::catalog::Catalog;
use crate::{Database, Error, ErrorKind, ResourceConfig, Result};

/// Opens a resource of values of `T`: await it. Made by [`Database::resource_of`].
#[must_use = "it opens nothing until it is awaited"]
pub struct OpenTyped<T> {
    database: Database,
    config: ResourceConfig,
    otherwise: Otherwise,
    of: PhantomData<fn() -> T>,
}

/// What happens when the bucket has another schema.
#[derive(Debug, Clone, Copy)]
enum Otherwise {
    Refuse,
    Migrate,
    Accept,
}

impl Database {
    /// Opens the resource of the documents `T`, and creates it when there is none.
    ///
    /// ```ignore
    /// let users = db.resource_of::<User>().await?;             // refuses a bucket with another schema
    /// let users = db.resource_of::<User>().migrate().await?;   // gives it a new version of the schema
    /// let users = db.resource_of::<User>().accept().await?;    // leaves the schema as it is
    /// ```
    ///
    /// Requests: none when the catalogue has the resource with the same schema; else those of
    /// [`create_resource`](Self::create_resource), after 1 GET.
    /// Errors: `Config` when the stored schema is another, with every difference in its message.
    pub fn resource_of<T: TypedDocument>(&self) -> OpenTyped<T> {
        let (database, config) = (self.clone(), T::config());
        OpenTyped { database, config, otherwise: Otherwise::Refuse, of: PhantomData }
    }
}

impl<T: TypedDocument> OpenTyped<T> {
    /// Opens the resource of another name than that of the type.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.config.name = name.into();
        self
    }

    /// Where the stored schema is another, makes that of the type its next version. Stored documents stay as they are,
    /// and are read with the new schema.
    pub fn migrate(mut self) -> Self {
        self.otherwise = Otherwise::Migrate;
        self
    }

    /// Where the stored schema is another, leaves it in force: it decides what is written and how. For types that know
    /// only some of the fields.
    pub fn accept(mut self) -> Self {
        self.otherwise = Otherwise::Accept;
        self
    }

    /// How the stored schema is different from that of the type; empty when it is the same, `None` when there is no
    /// such resource. Sends nothing: [`Database::refresh`] asks the bucket first.
    ///
    /// Errors: `Config` when the type's own schema is not valid.
    pub fn diff(&self) -> Result<Option<SchemaDiff>> {
        let declared = self.database.define(self.config.clone())?;
        let catalog = Catalog::from_json(self.database.catalog())?;
        let stored = catalog.definition(&self.config.name)?;
        stored.map(|stored| SchemaDiff::between(&stored, &declared)).transpose()
    }

    async fn open(self) -> Result<Typed<T>> {
        self.warn_of_size();
        let mut diff = self.diff()?;
        if diff.as_ref().is_none_or(|diff| !diff.is_empty()) {
            // Another process may have created or changed it since.
            self.database.refresh().await?;
            diff = self.diff()?;
        }
        let resource = match (diff, self.otherwise) {
            (None, _) => self.database.create_resource(self.config).await?,
            (Some(diff), Otherwise::Migrate) if !diff.is_empty() => {
                self.database.create_resource(self.config).await?
            }
            (Some(diff), Otherwise::Refuse) if !diff.is_empty() => {
                let name = std::any::type_name::<T>();
                return Err(Error::new(ErrorKind::Config, format!("the stored schema is not that of `{name}`:\n{diff}"))
                    .with("resource", &self.config.name)
                    .hint("`.migrate()` makes the type's schema the next version, `.accept()` leaves the stored one"));
            }
            (Some(_), _) => self.database.resource(&self.config.name)?,
        };
        Ok(Typed::over(resource))
    }

    /// Says at once what would else come as an error or a loss with some document, some day.
    fn warn_of_size(&self) {
        use crate::behavior::Behavior;

        let limit = crate::encoding::size::METADATA_BYTES_MAX;
        let cuts = matches!(self.config.behavior, Behavior::EnforceLimits | Behavior::TruncateData);
        if cuts && !T::SIZE.fits(limit) {
            tracing::warn!(
                resource = self.config.name,
                behavior = %self.config.behavior,
                size = %T::SIZE,
                limit,
                "documents of this type may not fit the metadata"
            );
        }
    }
}

impl<T: TypedDocument + 'static> IntoFuture for OpenTyped<T> {
    type Output = Result<Typed<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl<T> fmt::Debug for OpenTyped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTyped")
            .field("resource", &self.config.name)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}
