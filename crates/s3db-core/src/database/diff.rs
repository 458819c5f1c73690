//! How a definition differs from the one in the catalogue.

use serde_json::{Map, Value, json};

use super::Database;
use crate::Result;
use crate::catalog::ResourceDefinition;
use crate::resource::ResourceConfig;

/// What [`Database::create_resource`] would change in the definition of a resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DefinitionDiff {
    /// Name of the resource.
    pub resource: String,
    /// Its current version; `None` when the catalogue has no such resource.
    pub stored_version: Option<String>,
    /// The version that it would have.
    pub wanted_version: String,
    /// Members that differ; all of them for a new resource.
    pub changes: Vec<DefinitionChange>,
}

/// A member of a definition that differs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DefinitionChange {
    /// Its dotted path, such as `attributes.profile.city`, `partitions.byCity` or `behavior`.
    pub member: String,
    /// What the catalogue has.
    pub stored: Option<Value>,
    /// What is wanted.
    pub wanted: Option<Value>,
}

impl DefinitionDiff {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Database {
    /// Says what [`create_resource`](Self::create_resource) would change, against the catalogue as it was last read. Sends
    /// nothing.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/diff").await?;
    /// db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// let wanted = ResourceConfig::new("users", json!({"name": "string", "age": "number|optional"}));
    /// let diff = db.diff_resource(&wanted)?;
    /// assert_eq!((diff.stored_version.as_deref(), diff.wanted_version.as_str()), (Some("v1"), "v2"));
    /// assert_eq!(diff.changes[0].member, "attributes.age");
    /// # Ok(()) }) }
    /// ```
    ///
    /// Errors: `Config`, as [`create_resource`](Self::create_resource).
    pub fn diff_resource(&self, config: &ResourceConfig) -> Result<DefinitionDiff> {
        let says_ids = config.id_generator.is_some();
        let name = config.name.clone();
        let mut wanted = self.define(config.clone()).map_err(|error| error.with("resource", &name))?;
        let mut catalog = self.inner.loaded().catalog.clone();
        let stored = catalog.definition(&name)?;
        if let Some(stored) = stored.as_ref().filter(|stored| !says_ids && stored.id_generator != "default") {
            wanted.id_generator.clone_from(&stored.id_generator);
            wanted.id_generator_settings.clone_from(&stored.id_generator_settings);
        }
        let wanted_version = catalog.upsert(&wanted, &self.inner.now()).version;
        let none = Map::new();
        let (before, after) = (stored.as_ref().map(members), members(&wanted));
        let before = before.unwrap_or(none);
        let changed = |(member, wanted): (&String, &Value)| {
            let stored = before.get(member);
            (stored != Some(wanted)).then(|| DefinitionChange {
                member: member.clone(),
                stored: stored.cloned(),
                wanted: Some(wanted.clone()),
            })
        };
        let gone = before.iter().filter(|(member, _)| !after.contains_key(*member));
        let gone = gone.map(|(member, stored)| DefinitionChange {
            member: member.clone(),
            stored: Some(stored.clone()),
            wanted: None,
        });
        let changes = after.iter().filter_map(changed).chain(gone).collect();
        let stored_version = stored.map(|stored| stored.version);
        Ok(DefinitionDiff { resource: name, stored_version, wanted_version, changes })
    }
}

/// The members of a definition, each under its path.
fn members(definition: &ResourceDefinition) -> Map<String, Value> {
    let mut out = Map::new();
    flatten("attributes", &definition.attributes, &mut out);
    for (name, partition) in &definition.partitions {
        out.insert(format!("partitions.{name}"), partition.clone());
    }
    let others = [
        ("behavior", json!(definition.behavior)),
        ("timestamps", json!(definition.timestamps)),
        ("paranoid", json!(definition.paranoid)),
        ("allNestedObjectsOptional", json!(definition.all_nested_objects_optional)),
        ("autoDecrypt", json!(definition.auto_decrypt)),
        ("idSize", json!(definition.id_size)),
        ("idGenerator", definition.id_generator_settings.clone().unwrap_or(json!(definition.id_generator))),
    ];
    out.extend(others.map(|(name, value)| (name.to_owned(), value)));
    out
}

fn flatten(path: &str, object: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (name, value) in object {
        let path = format!("{path}.{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => flatten(&path, inner, out),
            value => drop(out.insert(path, value.clone())),
        }
    }
}
