//! Creating resources and changing their definitions.

use serde_json::Value;

use super::Database;
use crate::catalog::{Catalog, ResourceDefinition};
use crate::encoding::{PluginRegistries, SchemaRegistry};
use crate::key::Partition;
use crate::resource::{Resource, ResourceConfig};
use crate::schema::{Schema, SchemaOptions, Strictness};
use crate::{Document, Error, ErrorKind, Result};

/// Longest generated id: with the rest of its key it must stay below the limit of keys.
const ID_SIZE_MAX: usize = 255;

impl Database {
    /// Creates a resource, or gives one of this name a new version of its definition. The same definition again changes
    /// nothing.
    ///
    /// Requests: 1 GET, and 1 conditional PUT when something changed; again for each lost race.
    /// Errors: `Config` listing every unknown type and rule of the schema, a bad name, or a partition whose field does
    /// not exist.
    pub async fn create_resource(&self, config: ResourceConfig) -> Result<Resource> {
        let name = config.name.clone();
        let definition = self.define(config).map_err(|error| error.with("resource", &name))?;
        let now = self.inner.now();
        self.inner
            .change_catalog(|catalog| {
                let mut definition = definition.clone();
                evolve_registries(catalog, &mut definition, &now)?;
                let upserted = catalog.upsert(&definition, &now);
                Ok(((), upserted.changed))
            })
            .await?;
        let state = self.inner.compile(&name)?;
        Ok(self.install(&name, state))
    }

    fn define(&self, config: ResourceConfig) -> Result<ResourceDefinition> {
        if config.id_size == 0 || config.id_size > ID_SIZE_MAX {
            return Err(Error::new(ErrorKind::Config, "idSize is from 1 to 255").with("got", config.id_size));
        }
        let mut definition = ResourceDefinition::new(&config.name, &config.attributes)?;
        definition.behavior = config.behavior.to_string();
        definition.timestamps = config.timestamps;
        definition.paranoid = config.paranoid;
        definition.all_nested_objects_optional = config.all_nested_objects_optional;
        definition.auto_decrypt = config.auto_decrypt;
        definition.id_size = config.id_size;
        definition.created_by = config.created_by;
        let options = SchemaOptions {
            all_nested_objects_optional: config.all_nested_objects_optional,
            strictness: Strictness::Create,
        };
        Schema::compile(&definition.attributes, options)?;
        definition.set_partitions(&config.partitions)?;
        definition.complete(self.inner.options.versioning);
        for (name, partition) in &definition.partitions {
            for field in Partition::parse(name, partition)?.fields {
                if !exists(&definition.attributes, &field.path) {
                    let known: Vec<&str> = definition.attributes.keys().map(String::as_str).collect();
                    return Err(Error::new(
                        ErrorKind::Config,
                        "a partition names a field that the resource does not have",
                    )
                    .with("partition", name)
                    .with("field", field.path)
                    .hint(format!("the fields are: {}", known.join(", "))));
                }
            }
        }
        Ok(definition)
    }
}

/// Gives every path of the new definition its short key: those of the bucket stay, new paths get fresh ones.
fn evolve_registries(catalog: &Catalog, definition: &mut ResourceDefinition, now: &str) -> Result<()> {
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

/// Whether attributes declare a field: by its dotted name, inside nested objects, or below one of free form.
fn exists(attributes: &Document, path: &str) -> bool {
    if matches!(path, "id" | "_v") || attributes.contains_key(path) {
        return true;
    }
    let Some((first, rest)) = path.split_once('.') else {
        return false;
    };
    match attributes.get(first) {
        Some(Value::Object(nested)) => {
            let props = nested.get("props").or_else(|| nested.get("properties")).and_then(Value::as_object);
            exists(nested, rest) || props.is_some_and(|props| exists(props, rest))
        }
        Some(Value::String(rule)) => matches!(rule.split('|').next(), Some("object" | "json" | "any")),
        _ => false,
    }
}
