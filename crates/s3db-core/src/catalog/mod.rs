//! The definitions of a database: `s3db.json`. Pure.
//!
//! A [`Catalog`] is the JSON of that object, whole: members that this crate does not know, JavaScript hooks among
//! them, stay where they are. Reading it goes through [`heal`], which mends damage and says what it mended; writing is
//! GET → [`Catalog::upsert`] → PUT `If-Match`, again from the GET when another writer was first. [`merge`] joins two
//! versions of a catalogue for callers that cannot simply apply their change again.

mod definition;
mod hash;
mod heal;
mod json;
mod merge;
mod partitions;
mod registry;
mod upsert;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use definition::{DEFAULT_BEHAVIOR, DEFAULT_ID_SIZE, ResourceDefinition};
pub use hash::{definition_hash, record_definition_hash};
pub use heal::{Healed, Loss, Mended, heal};
pub use merge::{Merged, Renumbered, merge};
pub use registry::merge_registries;
pub use upsert::Upserted;
pub(crate) use upsert::version_number;

use crate::{Error, ErrorKind, Result};

/// The release of s3db.js whose format is written. It goes into `s3dbVersion` of a new catalogue; s3db.js writes its
/// own release there and never reads it.
pub const FORMAT_RELEASE: &str = "21.6.2";

/// The catalogue of a database.
///
/// ```
/// use s3db_core::catalog::{Catalog, ResourceDefinition};
/// use serde_json::json;
///
/// let mut catalog = Catalog::blank("2025-03-04T05:06:22.366Z");
/// let users = ResourceDefinition::new("users", &json!({ "name": "string" }))?;
/// let upserted = catalog.upsert(&users, "2025-03-04T05:06:23.000Z");
/// assert_eq!(upserted.version, "v1");
/// assert_eq!(catalog.definition("users")?.unwrap().attributes["name"], "string");
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    root: Map<String, Value>,
}

impl Catalog {
    /// A catalogue without resources. `now` is an ISO time with milliseconds.
    pub fn blank(now: &str) -> Self {
        let blank =
            json!({ "version": "1", "s3dbVersion": FORMAT_RELEASE, "lastUpdated": now, "resources": {} });
        Self::from_json(blank).unwrap_or_else(|_| Self { root: Map::new() })
    }

    /// A catalogue of sound JSON; [`heal`] reads any.
    ///
    /// # Errors
    /// `Corrupt` when it is not an object with an object `resources`.
    pub fn from_json(value: Value) -> Result<Self> {
        match value {
            Value::Object(root) if root.get("resources").is_some_and(Value::is_object) => Ok(Self { root }),
            _ => Err(Error::new(ErrorKind::Corrupt, "the catalogue is not an object with resources")),
        }
    }

    /// The JSON text as s3db.js lays it out: two blanks of indent, JavaScript number text, no final newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        json::pretty(&self.root)
    }

    /// The whole JSON.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.root
    }

    /// Names of the resources, in the order of the catalogue.
    pub fn resource_names(&self) -> impl Iterator<Item = &str> {
        self.resources().into_iter().flat_map(|resources| resources.keys().map(String::as_str))
    }

    /// The current definition of a resource; `None` when there is no such resource.
    ///
    /// # Errors
    /// `Corrupt` when its entry has no usable current version, which [`heal`] never leaves.
    pub fn definition(&self, resource: &str) -> Result<Option<ResourceDefinition>> {
        match self.entry(resource) {
            None => Ok(None),
            Some(entry) => ResourceDefinition::current(resource, entry).map(Some),
        }
    }

    /// An older definition of a resource; `None` when there is no such resource or version.
    ///
    /// # Errors
    /// `Corrupt` when its entry is not usable.
    pub fn definition_at(&self, resource: &str, version: &str) -> Result<Option<ResourceDefinition>> {
        match self.entry(resource) {
            Some(entry) if entry.get("versions").is_some_and(|versions| versions.get(version).is_some()) => {
                ResourceDefinition::at(resource, entry, version).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The versions of a resource, oldest first.
    pub fn versions(&self, resource: &str) -> Vec<&str> {
        let versions =
            self.entry(resource).and_then(|entry| entry.get("versions")).and_then(Value::as_object);
        let mut names: Vec<&str> = versions.into_iter().flat_map(|v| v.keys().map(String::as_str)).collect();
        names.sort_by_key(|name| upsert::version_number(name));
        names
    }

    /// Removes a resource from the catalogue; its objects stay. Returns its whole entry.
    pub fn remove(&mut self, resource: &str, now: &str) -> Option<Value> {
        let removed = edit_object(&mut self.root, "resources", |resources| resources.shift_remove(resource))?;
        self.touch(now);
        Some(removed)
    }

    /// The whole entry of a resource.
    pub fn entry(&self, resource: &str) -> Option<&Map<String, Value>> {
        self.resources()?.get(resource)?.as_object()
    }

    fn resources(&self) -> Option<&Map<String, Value>> {
        self.root.get("resources")?.as_object()
    }

    fn touch(&mut self, now: &str) {
        self.root.insert("lastUpdated".into(), now.into());
    }
}

/// Edits the object under `name`, made when it is not there or something else is. Its place among the members stays.
fn edit_object<R>(
    map: &mut Map<String, Value>,
    name: &str,
    edit: impl FnOnce(&mut Map<String, Value>) -> R,
) -> R {
    let slot = map.entry(name).or_insert(Value::Null);
    let mut object = match slot.take() {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let result = edit(&mut object);
    *slot = Value::Object(object);
    result
}
