//! Changing the attributes of a resource.

use serde_json::Value;

use super::Resource;
use crate::catalog::{Catalog, ResourceDefinition};
use crate::database::{check_partitions, evolve_registries};
use crate::schema::{Schema, SchemaOptions, Strictness, portable_form};
use crate::unique::Unique;
use crate::{Error, ErrorKind, Result};

/// What [`Resource::update_attributes`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttributesUpdate {
    /// The version before, such as `v1`.
    pub old_version: String,
    /// The version now; the same when the definition is the same.
    pub new_version: String,
}

impl AttributesUpdate {
    /// Whether there is a new version.
    pub fn is_new_version(&self) -> bool {
        self.old_version != self.new_version
    }
}

impl Resource {
    /// Gives the resource other attributes, all of them, in schema notation. Everything else of its definition stays.
    ///
    /// When that changes the definition it gets a new version, and the old ones stay in the catalogue. Documents are not
    /// touched: each is read with the schema and the keys of the version that it was written under, and then by the
    /// functions of [`migrate`](Self::migrate). A field that the new attributes lack stays in such documents.
    /// [`Event::VersionUpdated`](crate::Event::VersionUpdated) tells of the new version.
    ///
    /// Processes that hold the older definition must [`refresh`](crate::Database::refresh) before they keep it.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/update_attributes").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// let update = users.update_attributes(json!({"name": "string", "age": "number|optional"})).await?;
    /// assert_eq!((update.old_version.as_str(), update.new_version.as_str()), ("v1", "v2"));
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 GET, and 1 conditional PUT when the definition changes; again for each lost race. Where fields become
    /// unique, each document is read twice, and 1 PUT sent a value.
    /// Errors: `Config` listing every unknown type and rule, or for a partition whose field would be gone; `Unique` with
    /// the duplicates when stored documents share a value that is to be unique.
    pub async fn update_attributes(&self, attributes: Value) -> Result<AttributesUpdate> {
        let at = |error: Error| error.with("resource", self.name());
        let schema = self.schema_of(&self.with_attributes(self.definition()?, &attributes).map_err(at)?)?;
        let mut constraints = Unique::all_of(&schema);
        constraints.retain(|constraint| !self.state().unique.contains(constraint));
        let began_ms = if constraints.is_empty() { None } else { Some(self.adopt(&constraints).await?) };
        let now = self.db.now();
        let changed = self.db.change_catalog(|catalog: &mut Catalog| {
            let stored = catalog.definition(self.name())?.ok_or_else(|| self.no_longer_there())?;
            let old_version = stored.version.clone();
            let mut definition = self.with_attributes(stored, &attributes).map_err(at)?;
            evolve_registries(catalog, &mut definition, &now)?;
            let upserted = catalog.upsert(&definition, &now);
            Ok((AttributesUpdate { old_version, new_version: upserted.version }, upserted.changed))
        });
        let update = changed.await?;
        self.recompile()?;
        if let Some(began_ms) = began_ms {
            self.adopt_since(&constraints, began_ms).await?;
        }
        Ok(update)
    }

    fn with_attributes(
        &self,
        mut definition: ResourceDefinition,
        attributes: &Value,
    ) -> Result<ResourceDefinition> {
        let attributes =
            attributes.as_object().filter(|attributes| !attributes.is_empty()).ok_or_else(|| {
                Error::new(ErrorKind::Config, "the attributes are not an object with members")
                    .hint(r#"give an object such as {"name": "string"}"#)
            })?;
        definition.attributes = portable_form(attributes, definition.all_nested_objects_optional);
        definition.complete(self.db.options.versioning);
        self.schema_of(&definition)?;
        check_partitions(&definition, self.db.options.strict_validation)?;
        Ok(definition)
    }

    fn schema_of(&self, definition: &ResourceDefinition) -> Result<Schema> {
        let options = SchemaOptions {
            all_nested_objects_optional: definition.all_nested_objects_optional,
            strictness: Strictness::Create,
        };
        Schema::compile(&definition.attributes, options)
    }
}
