//! One version of the definition of a resource.

use serde_json::{Map, Value};

use super::hash::{definition_hash, record_definition_hash};
use crate::key::{check_name, normalize_partitions, with_implicit_partitions};
use crate::{Error, ErrorKind, Result};

/// The behavior of a definition that names none.
pub const DEFAULT_BEHAVIOR: &str = "user-managed";

/// Member of a version with the settings of its id generator.
pub(super) const ID_GENERATOR_SETTINGS: &str = "idGeneratorSettings";

/// Length of a generated id where a definition gives none.
pub const DEFAULT_ID_SIZE: usize = 22;

/// One version of the definition of a resource, with the members that belong to the resource as a whole.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ResourceDefinition {
    /// Name of the resource.
    pub name: String,
    /// Its version, such as `v1`. Of a definition that is not yet in a catalogue: empty.
    pub version: String,
    /// Attributes as declared, with `createdAt` and `updatedAt` where `timestamps` is on.
    pub attributes: Map<String, Value>,
    /// Name of the behavior.
    pub behavior: String,
    /// Whether documents carry `createdAt` and `updatedAt`.
    pub timestamps: bool,
    /// Partitions in their full form, the implied ones included.
    pub partitions: Map<String, Value>,
    /// Whether wiping all documents at once is refused.
    pub paranoid: bool,
    /// Whether nested objects are optional unless they say otherwise.
    pub all_nested_objects_optional: bool,
    /// Whether secrets are opened when read.
    pub auto_decrypt: bool,
    /// Length of a generated id.
    pub id_size: usize,
    /// `default`, `incremental` or `custom`.
    pub id_generator: String,
    /// What that word does not say of the generator. s3db.js does not write it, and drops it when it writes.
    pub id_generator_settings: Option<Value>,
    /// Who made the resource: `user`, or the name of a plugin.
    pub created_by: String,
    /// Summary of the JavaScript hooks; in buckets of old releases their code, which is kept and never run.
    pub hooks: Map<String, Value>,
    /// A short-key map that replaces the computed one. s3db.js reads it and never writes it.
    pub map: Option<Map<String, Value>>,
    /// Index of every path, as the registry of the resource has it.
    pub schema_registry: Option<Value>,
    /// Short keys of attributes that plugins own.
    pub plugin_schema_registry: Option<Value>,
    /// The hash that the catalogue has for this version.
    pub hash: Option<String>,
    /// When this version was made: an ISO time.
    pub created_at: Option<String>,
}

impl ResourceDefinition {
    /// A new definition with the defaults of s3db.js: behavior `user-managed`, paranoid, no timestamps.
    ///
    /// # Errors
    /// `Config` for a bad name, or attributes that are not an object with at least one member.
    pub fn new(name: &str, attributes: &Value) -> Result<Self> {
        check_name("resource", name)?;
        let declared =
            attributes.as_object().filter(|attributes| !attributes.is_empty()).ok_or_else(|| {
                Error::new(ErrorKind::Config, "the resource has no attributes")
                    .with("resource", name)
                    .hint(r#"give an object such as {"name": "string|required"}"#)
            })?;
        Ok(Self::with_defaults(name, declared.clone()))
    }

    /// Adds what the options imply: with `timestamps` the two attributes and their partitions, with `versioning` the
    /// partition `byVersion`. Call it before [`upsert`](super::Catalog::upsert) on a definition that a caller made.
    pub fn complete(&mut self, versioning: bool) {
        if self.timestamps {
            for name in ["createdAt", "updatedAt"] {
                self.attributes.entry(name).or_insert_with(|| "datetime|optional".into());
            }
        }
        with_implicit_partitions(&mut self.partitions, self.timestamps, versioning);
    }

    /// Sets the partitions from either form: an object, or a list of fields.
    ///
    /// # Errors
    /// `Config` when an entry names no attribute, or the form is another.
    pub fn set_partitions(&mut self, partitions: &Value) -> Result<()> {
        let full =
            normalize_partitions(partitions, &self.attributes).map_err(|e| e.with("resource", &self.name))?;
        self.partitions = full;
        Ok(())
    }

    /// The hash of this definition, which decides about a new version.
    pub fn definition_hash(&self) -> String {
        definition_hash(&self.attributes, &self.behavior, &self.partitions, self.timestamps)
    }

    /// The hash that s3db.js shows on records.
    pub fn record_definition_hash(&self) -> String {
        record_definition_hash(&self.attributes, &self.behavior)
    }

    pub(super) fn current(name: &str, entry: &Map<String, Value>) -> Result<Self> {
        let version = text(entry, "currentVersion").unwrap_or("v1");
        let mut definition = Self::at(name, entry, version)?;
        if let Some(partitions) = entry.get("partitions").and_then(Value::as_object) {
            definition.partitions = partitions.clone();
        }
        Ok(definition)
    }

    pub(super) fn at(name: &str, entry: &Map<String, Value>, version: &str) -> Result<Self> {
        let data =
            entry.get("versions").and_then(|versions| versions.get(version)).and_then(Value::as_object);
        let attributes = data.and_then(|data| data.get("attributes")).and_then(Value::as_object);
        let (Some(data), Some(attributes)) = (data, attributes) else {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "the catalogue has no usable definition of the resource",
            )
            .with("resource", name)
            .with("version", version));
        };
        let mut definition = Self::with_defaults(name, attributes.clone());
        version.clone_into(&mut definition.version);
        if let Some(behavior) = text(data, "behavior") {
            behavior.clone_into(&mut definition.behavior);
        }
        let flag = |name: &str, default: bool| data.get(name).and_then(Value::as_bool).unwrap_or(default);
        definition.timestamps = flag("timestamps", false);
        definition.paranoid = flag("paranoid", true);
        definition.all_nested_objects_optional = flag("allNestedObjectsOptional", true);
        definition.auto_decrypt = flag("autoDecrypt", true);
        definition.partitions = object(data, "partitions").cloned().unwrap_or_default();
        definition.read_id_generator(data);
        definition.hooks = object(data, "hooks").cloned().unwrap_or_default();
        definition.map = object(data, "map").cloned();
        definition.hash = text(data, "hash").map(str::to_owned);
        definition.created_at = text(data, "createdAt").map(str::to_owned);
        if let Some(created_by) = text(entry, "createdBy") {
            created_by.clone_into(&mut definition.created_by);
        }
        definition.schema_registry = entry.get("schemaRegistry").filter(|v| v.is_object()).cloned();
        definition.plugin_schema_registry =
            entry.get("pluginSchemaRegistry").filter(|v| v.is_object()).cloned();
        Ok(definition)
    }

    /// Releases before 19 wrote the id's length as `idGenerator`, then `nanoid` for the default one.
    fn read_id_generator(&mut self, data: &Map<String, Value>) {
        let length = |value: &Value| value.as_u64().filter(|n| *n > 0).and_then(|n| usize::try_from(n).ok());
        if let Some(size) = data.get("idSize").and_then(length) {
            self.id_size = size;
        }
        self.id_generator_settings = data.get(ID_GENERATOR_SETTINGS).cloned();
        match data.get("idGenerator") {
            Some(Value::String(kind)) if kind != "nanoid" => kind.clone_into(&mut self.id_generator),
            Some(value) => self.id_size = length(value).unwrap_or(self.id_size),
            None => {}
        }
    }

    fn with_defaults(name: &str, attributes: Map<String, Value>) -> Self {
        Self {
            name: name.to_owned(),
            version: String::new(),
            attributes,
            behavior: DEFAULT_BEHAVIOR.to_owned(),
            timestamps: false,
            partitions: Map::new(),
            paranoid: true,
            all_nested_objects_optional: true,
            auto_decrypt: true,
            id_size: DEFAULT_ID_SIZE,
            id_generator: "default".to_owned(),
            id_generator_settings: None,
            created_by: "user".to_owned(),
            hooks: Map::new(),
            map: None,
            schema_registry: None,
            plugin_schema_registry: None,
            hash: None,
            created_at: None,
        }
    }
}

fn text<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn object<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m Map<String, Value>> {
    map.get(name).and_then(Value::as_object)
}
