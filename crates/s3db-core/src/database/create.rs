//! Creating resources and changing their definitions.

use super::{Database, DatabaseCall, DatabasePoint, Event};
use crate::catalog::{Catalog, ResourceDefinition};
use crate::encoding::{PluginRegistries, SchemaRegistry};
use crate::id::IdGenerator;
use crate::resource::{Resource, ResourceConfig};
use crate::schema::{Schema, SchemaOptions, Strictness, portable_form};
use crate::unique::Unique;
use crate::{Error, ErrorKind, Result};

impl Database {
    /// Creates a resource, or gives one of this name a new version of its definition. The same definition again changes
    /// nothing.
    ///
    /// Requests: 1 GET, and 1 conditional PUT when something changed; again for each lost race. Where fields of stored
    /// documents become unique, each document is read twice, and 1 PUT sent a value.
    /// Errors: `Config` listing every unknown type and rule of the schema, the [validators](Self::validator) that nobody
    /// has registered, a bad name, or a partition whose field does not exist; `Unique` with the duplicates when stored documents share a value that is to be unique. Processes
    /// that hold the older definition must [`refresh`](Self::refresh) before they keep it.
    pub async fn create_resource(&self, config: ResourceConfig) -> Result<Resource> {
        let config = self.hooked_before_create(config).await?;
        let name = config.name.clone();
        let ids = config.id_generator.clone();
        let definition = self.define(config).map_err(|error| error.with("resource", &name))?;
        let now = self.inner.now();
        let adopted = self.adopt(&definition).await?;
        let upserted = self
            .inner
            .change_catalog(|catalog| {
                let mut definition = definition.clone();
                if ids.is_none() {
                    keep_id_generator(catalog, &mut definition)?;
                }
                evolve_registries(catalog, &mut definition, &now)?;
                let upserted = catalog.upsert(&definition, &now);
                let changed = upserted.changed;
                Ok((upserted, changed))
            })
            .await?;
        let state = self.inner.compile(&name)?;
        let resource = self.install(&name, state);
        if upserted.new_resource {
            self.inner.events.emit(Event::ResourceCreated { resource: name });
        } else if upserted.changed {
            self.inner.events.emit(Event::ResourceUpdated { resource: name });
        }
        if let Some(ids) = ids {
            resource.shared.set_custom_ids(matches!(ids, IdGenerator::Custom(_)).then_some(ids));
        }
        if let Some((constraints, began_ms)) = adopted {
            resource.adopt_since(&constraints, began_ms).await?;
        }
        let call = DatabaseCall { resource: Some(resource.name().to_owned()), ..DatabaseCall::default() };
        self.inner.database_hooks.run(DatabasePoint::AfterCreateResource, call).await?;
        Ok(resource)
    }

    async fn hooked_before_create(&self, config: ResourceConfig) -> Result<ResourceConfig> {
        let point = DatabasePoint::BeforeCreateResource;
        if !self.inner.database_hooks.has(point, "") {
            return Ok(config);
        }
        let name = config.name.clone();
        let call = DatabaseCall { config: Some(config), ..DatabaseCall::default() };
        let hooked = self
            .inner
            .database_hooks
            .run(point, call)
            .await
            .map_err(|error| error.with("resource", &name))?;
        hooked.config.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "a hook took the definition away")
                .with("resource", name)
                .with("point", point)
                .hint("a hook gives back the `config` that it was given, changed or not")
        })
    }

    /// Claims the values of stored documents where the new definition makes fields unique that were not.
    async fn adopt(&self, definition: &ResourceDefinition) -> Result<Option<(Vec<Unique>, i64)>> {
        let Ok(existing) = self.resource(&definition.name) else {
            return Ok(None);
        };
        let options = SchemaOptions {
            all_nested_objects_optional: definition.all_nested_objects_optional,
            strictness: Strictness::Open,
        };
        let mut constraints = Unique::all_of(&Schema::compile(&definition.attributes, options)?);
        constraints.retain(|constraint| !existing.state().unique.contains(constraint));
        if constraints.is_empty() {
            return Ok(None);
        }
        let began_ms = existing.adopt(&constraints).await?;
        Ok(Some((constraints, began_ms)))
    }

    pub(crate) fn define(&self, config: ResourceConfig) -> Result<ResourceDefinition> {
        let ids = config.id_generator.unwrap_or_else(|| IdGenerator::nanoid(config.id_size));
        ids.check()?;
        let mut definition = ResourceDefinition::new(&config.name, &config.attributes)?;
        definition.attributes = portable_form(&definition.attributes, config.all_nested_objects_optional);
        definition.behavior = config.behavior.to_string();
        definition.timestamps = config.timestamps;
        definition.paranoid = config.paranoid;
        definition.all_nested_objects_optional = config.all_nested_objects_optional;
        definition.auto_decrypt = config.auto_decrypt;
        definition.id_size = ids.size().unwrap_or(config.id_size);
        definition.id_generator = ids.word().to_owned();
        definition.id_generator_settings = ids.settings();
        definition.created_by = config.created_by;
        let options = SchemaOptions {
            all_nested_objects_optional: config.all_nested_objects_optional,
            strictness: Strictness::Create,
        };
        self.inner.validators.check_known(&Schema::compile(&definition.attributes, options)?)?;
        definition.set_partitions(&config.partitions)?;
        definition.complete(self.inner.options.versioning);
        super::orphans::check(&definition, self.inner.options.strict_validation)?;
        Ok(definition)
    }
}

/// A definition that says nothing of ids must not end a sequence that others count on.
fn keep_id_generator(catalog: &Catalog, definition: &mut ResourceDefinition) -> Result<()> {
    if let Some(existing) = catalog.definition(&definition.name)?.filter(|d| d.id_generator != "default") {
        definition.id_generator = existing.id_generator;
        definition.id_generator_settings = existing.id_generator_settings;
    }
    Ok(())
}

/// Gives every path of the new definition its short key: those of the bucket stay, new paths get fresh ones.
pub(crate) fn evolve_registries(
    catalog: &Catalog,
    definition: &mut ResourceDefinition,
    now: &str,
) -> Result<()> {
    let existing = catalog.definition(&definition.name)?;
    let (registry, plugins) = match &existing {
        None => {
            (SchemaRegistry::fresh(&definition.attributes), PluginRegistries::fresh(&definition.attributes))
        }
        Some(existing) => {
            // Buckets of old releases have no registry: their keys are the positions in the current definition.
            let registry = match &existing.schema_registry {
                Some(json) => SchemaRegistry::from_json(json)?,
                None => SchemaRegistry::fresh(&existing.attributes),
            };
            let plugins = match &existing.plugin_schema_registry {
                Some(json) => PluginRegistries::from_json(json)?,
                None => PluginRegistries::fresh(&existing.attributes),
            };
            (registry.evolve(&definition.attributes, now), plugins.evolve(&definition.attributes, now))
        }
    };
    definition.schema_registry = Some(registry.to_json());
    definition.plugin_schema_registry = Some(plugins.to_json());
    Ok(())
}
