//! Writing a definition into the catalogue.

use serde_json::{Map, Value, json};

use super::definition::ID_GENERATOR_SETTINGS;
use super::{Catalog, ResourceDefinition, edit_object};

/// What [`Catalog::upsert`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upserted {
    /// The version that the definition has now.
    pub version: String,
    /// Whether the resource is new.
    pub new_resource: bool,
    /// Whether the version is new.
    pub new_version: bool,
    /// Whether the catalogue has changed, and must be written.
    pub changed: bool,
}

impl Catalog {
    /// Writes a definition: under the current version when its hash is the same, else as the next version, `v<max+1>`.
    /// `now` is an ISO time with milliseconds.
    ///
    /// Members of the resource and of its version that this crate does not know stay, as do hooks; a new version takes
    /// them over from the current one. `createdBy` and `createdAt`, once written, stay. Registries that the definition
    /// does not carry stay as they are.
    pub fn upsert(&mut self, definition: &ResourceDefinition, now: &str) -> Upserted {
        let upserted = edit_object(&mut self.root, "resources", |resources| {
            let before = resources.get(&definition.name).cloned();
            let (version, same) =
                edit_object(resources, &definition.name, |entry| upsert_entry(entry, definition, now));
            let changed = before.as_ref() != resources.get(&definition.name);
            Upserted { version, new_resource: before.is_none(), new_version: !same, changed }
        });
        if upserted.changed {
            self.touch(now);
        }
        upserted
    }
}

/// Returns the version, and whether the definition is the same as before.
fn upsert_entry(
    entry: &mut Map<String, Value>,
    definition: &ResourceDefinition,
    now: &str,
) -> (String, bool) {
    let current = entry.get("currentVersion").and_then(Value::as_str).unwrap_or("v1").to_owned();
    let versions = entry.get("versions").and_then(Value::as_object);
    let existing = versions.and_then(|v| v.get(&current)).and_then(Value::as_object).cloned();
    let hash = definition.definition_hash();
    let same = existing.as_ref().is_some_and(|data| has_hash(data, &hash));
    let version = if same { current } else { next_version(versions) };
    let data = version_data(definition, &hash, existing.as_ref(), same, now);

    entry.insert("currentVersion".into(), version.as_str().into());
    entry.insert("partitions".into(), definition.partitions.clone().into());
    super::partitions::forget_marks(entry);
    if !entry.get("createdBy").is_some_and(Value::is_string) {
        entry.insert("createdBy".into(), definition.created_by.as_str().into());
    }
    edit_object(entry, "versions", |versions| versions.insert(version.clone(), data.into()));
    for (name, registry) in [
        ("schemaRegistry", &definition.schema_registry),
        ("pluginSchemaRegistry", &definition.plugin_schema_registry),
    ] {
        if let Some(registry) = registry {
            entry.insert(name.into(), registry.clone());
        }
    }
    (version, same)
}

/// The number of a version name; names of another form come first.
pub(crate) fn version_number(name: &str) -> Option<u64> {
    let rest = name.strip_prefix('v')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits)?.parse().ok()
}

/// `v<max+1>`; the first one is `v1`.
pub(super) fn next_version(versions: Option<&Map<String, Value>>) -> String {
    let numbers = versions.into_iter().flat_map(Map::keys).filter_map(|name| version_number(name));
    format!("v{}", numbers.max().unwrap_or(0).saturating_add(1))
}

/// Whether a version entry has this hash: as stored, or computed again, since some releases hashed differently.
fn has_hash(data: &Map<String, Value>, hash: &str) -> bool {
    data.get("hash").and_then(Value::as_str) == Some(hash) || stored_hash(data).as_deref() == Some(hash)
}

/// The hash of what a version entry holds.
pub(super) fn stored_hash(data: &Map<String, Value>) -> Option<String> {
    let attributes = data.get("attributes")?.as_object()?;
    let behavior =
        data.get("behavior").and_then(Value::as_str).unwrap_or(super::definition::DEFAULT_BEHAVIOR);
    let none = Map::new();
    let partitions = data.get("partitions").and_then(Value::as_object).unwrap_or(&none);
    let timestamps = data.get("timestamps").and_then(Value::as_bool).unwrap_or(false);
    Some(super::definition_hash(attributes, behavior, partitions, timestamps))
}

/// A version entry, its members in the order of s3db.js, then the unknown ones of the entry that it follows.
fn version_data(
    definition: &ResourceDefinition,
    hash: &str,
    existing: Option<&Map<String, Value>>,
    same: bool,
    now: &str,
) -> Map<String, Value> {
    let kept = |name: &str| existing.and_then(|data| data.get(name));
    let mut data = Map::new();
    data.insert("hash".into(), hash.into());
    data.insert("attributes".into(), definition.attributes.clone().into());
    data.insert("behavior".into(), definition.behavior.as_str().into());
    data.insert("timestamps".into(), definition.timestamps.into());
    data.insert("partitions".into(), definition.partitions.clone().into());
    data.insert("paranoid".into(), definition.paranoid.into());
    data.insert("allNestedObjectsOptional".into(), definition.all_nested_objects_optional.into());
    data.insert("autoDecrypt".into(), definition.auto_decrypt.into());
    // s3db.js writes `cache` with the first definition of a resource only.
    match (existing, kept("cache")) {
        (None, _) => drop(data.insert("cache".into(), false.into())),
        (Some(_), Some(cache)) if same => drop(data.insert("cache".into(), cache.clone())),
        _ => {}
    }
    let hooks = match kept("hooks") {
        Some(hooks) if definition.hooks.is_empty() => hooks.clone(),
        _ => definition.hooks.clone().into(),
    };
    data.insert("hooks".into(), hooks);
    data.insert("idSize".into(), definition.id_size.into());
    data.insert("idGenerator".into(), definition.id_generator.as_str().into());
    if let Some(settings) = &definition.id_generator_settings {
        data.insert(ID_GENERATOR_SETTINGS.into(), settings.clone());
    }
    let created_at = kept("createdAt").filter(|_| same).cloned();
    data.insert("createdAt".into(), created_at.unwrap_or_else(|| json!(now)));
    if let Some(map) = &definition.map {
        data.insert("map".into(), map.clone().into());
    }
    for (name, value) in existing.into_iter().flatten() {
        // A map names the paths of one version: a new version does not inherit it.
        let of_version = !same && matches!(name.as_str(), "cache" | "map");
        let settled = name == ID_GENERATOR_SETTINGS;
        if !of_version && !settled && !data.contains_key(name) {
            data.insert(name.clone(), value.clone());
        }
    }
    data
}
