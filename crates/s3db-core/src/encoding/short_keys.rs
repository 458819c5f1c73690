//! Short keys: which paths of a schema get one, and the registries that never give the same key twice.
//!
//! A metadata entry is named by a short key (`0`, `a`, `1c`) instead of a path (`profile.bio`), because names count
//! against the 2 KB of metadata. The index behind a key is burned when its path disappears, so that an old document
//! never shows its value under a new attribute.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, Result};

/// Marks an attribute definition as owned by a plugin.
const PLUGIN_OWNER: &str = "__plugin__";

/// Text of a short key: the index in base 36, lower case, as S3 lower-cases metadata names.
///
/// ```
/// use s3db_core::encoding::short_keys::key_text;
///
/// assert_eq!(key_text(9), "9");
/// assert_eq!(key_text(10), "a");
/// assert_eq!(key_text(36), "10");
/// ```
pub fn key_text(index: u32) -> String {
    let mut digits = Vec::with_capacity(4);
    let mut rest = index;
    loop {
        digits.push(char::from_digit(rest % 36, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
}

/// Whether a property name counts as an array index in JavaScript, where such names come first, in numeric order.
pub(crate) fn as_array_index(name: &str) -> Option<u32> {
    let canonical = name == "0" || (!name.starts_with('0') && !name.is_empty() && name.len() <= 10);
    if !canonical || !name.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    name.parse().ok().filter(|n| *n != u32::MAX)
}

/// The members of an object in the order in which JavaScript lists them.
pub(crate) fn js_order(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = object.iter().collect();
    if members.iter().any(|(name, _)| as_array_index(name).is_some()) {
        // The sort is stable: names that are no array index keep the order of insertion.
        members.sort_by_key(|(name, _)| as_array_index(name).map_or(u64::MAX, u64::from));
    }
    members
}

/// The paths of a schema that get a short key, in the order in which a fresh resource numbers them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyedPaths {
    /// Paths of the resource's own registry.
    pub user: Vec<String>,
    /// Attributes that a plugin owns: plugin and path.
    pub plugin: Vec<(String, String)>,
}

impl KeyedPaths {
    /// Leaves in the order of declaration, then the names of nested objects.
    pub fn of(attributes: &Map<String, Value>) -> Self {
        let mut paths = Vec::new();
        collect_leaves(attributes, "", &mut paths);
        paths.retain(|path| !path.contains("$$"));
        collect_objects(attributes, "", &mut paths);

        let mut seen = std::collections::HashSet::with_capacity(paths.len());
        let mut out = Self::default();
        for path in paths {
            if !seen.insert(path.clone()) {
                continue;
            }
            match owner(attributes, &path) {
                Some(plugin) => out.plugin.push((plugin.to_owned(), path)),
                None => out.user.push(path),
            }
        }
        out
    }
}

fn collect_leaves(object: &Map<String, Value>, prefix: &str, out: &mut Vec<String>) {
    for (name, value) in js_order(object) {
        let path = join(prefix, name);
        match value {
            Value::Object(members) if !members.is_empty() => collect_leaves(members, &path, out),
            _ => out.push(path),
        }
    }
}

fn collect_objects(object: &Map<String, Value>, prefix: &str, out: &mut Vec<String>) {
    for (name, value) in js_order(object) {
        if name.starts_with("$$") {
            continue;
        }
        if let Value::Object(members) = value {
            let path = join(prefix, name);
            out.push(path.clone());
            // s3db.js goes deeper only below an object that says nothing but `object`.
            if members.get("$$type").and_then(Value::as_str) == Some("object") {
                collect_objects(members, &path, out);
            }
        }
    }
}

pub(crate) fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// The plugin that owns the definition at `path`, found as s3db.js finds it: by walking the segments.
fn owner<'a>(attributes: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let mut segments = path.split('.');
    let mut definition = attributes.get(segments.next()?)?;
    for segment in segments {
        definition = definition.as_object()?.get(segment)?;
    }
    definition.as_object()?.get(PLUGIN_OWNER)?.as_str()
}

/// Which index stands for which path of a resource, kept in the catalogue as `schemaRegistry`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SchemaRegistry {
    next_index: u32,
    mapping: Vec<(String, u32)>,
    burned: Vec<Value>,
    /// Members that this version does not know, kept for a round trip.
    other: Map<String, Value>,
}

impl SchemaRegistry {
    /// The registry of a fresh resource: positions are indices.
    pub fn fresh(attributes: &Map<String, Value>) -> Self {
        Self::positional(&KeyedPaths::of(attributes).user)
    }

    fn positional(paths: &[String]) -> Self {
        let mapping: Vec<_> = paths.iter().cloned().zip(0..).collect();
        Self { next_index: mapping.len() as u32, mapping, ..Self::default() }
    }

    /// Reads the catalogue's `schemaRegistry`.
    ///
    /// Errors: `Corrupt` when an index is not a number.
    pub fn from_json(json: &Value) -> Result<Self> {
        let object = json.as_object().ok_or_else(|| corrupt("the schema registry is not an object"))?;
        let mut out = Self::default();
        for (name, value) in object {
            match name.as_str() {
                "nextIndex" => {
                    out.next_index = index(value).ok_or_else(|| corrupt("the next index is not a number"))?;
                }
                "mapping" => {
                    for (path, value) in value.as_object().into_iter().flatten() {
                        let index = index(value)
                            .ok_or_else(|| corrupt("an index is not a number").with("attribute", path))?;
                        out.mapping.push((path.clone(), index));
                    }
                }
                "burned" => out.burned = value.as_array().cloned().unwrap_or_default(),
                _ => {
                    out.other.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(out)
    }

    /// The form of the catalogue.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("nextIndex".into(), self.next_index.into());
        let mapping: Map<_, _> =
            self.mapping.iter().map(|(path, index)| (path.clone(), (*index).into())).collect();
        out.insert("mapping".into(), mapping.into());
        out.insert("burned".into(), self.burned.clone().into());
        out.extend(self.other.clone());
        out.into()
    }

    /// The registry for changed attributes: known paths keep their index, new ones get fresh indices, and the index of a
    /// path that disappeared is burned. `at` is an ISO time.
    #[must_use]
    pub fn evolve(&self, attributes: &Map<String, Value>, at: &str) -> Self {
        self.evolve_paths(&KeyedPaths::of(attributes).user, at)
    }

    fn evolve_paths(&self, paths: &[String], at: &str) -> Self {
        let known: std::collections::HashMap<&str, u32> =
            self.mapping.iter().map(|(path, index)| (path.as_str(), *index)).collect();
        let wanted: std::collections::HashSet<&str> = paths.iter().map(String::as_str).collect();
        let burned_indices = self.burned.iter().filter_map(|entry| entry.get("index").and_then(index));
        let above =
            self.mapping.iter().map(|(_, index)| *index).chain(burned_indices).max().map_or(0, |max| max + 1);

        let mut out = Self { next_index: self.next_index.max(above), ..self.clone() };
        for path in paths.iter().filter(|path| !known.contains_key(path.as_str())) {
            out.mapping.push((path.clone(), out.next_index));
            out.next_index += 1;
        }
        for (path, index) in self.mapping.iter().filter(|(path, _)| !wanted.contains(path.as_str())) {
            burn(&mut out.burned, "index", (*index).into(), path, at);
        }
        out.mapping.retain(|(path, _)| wanted.contains(path.as_str()));
        out
    }

    /// The index of a path.
    pub fn index_of(&self, path: &str) -> Option<u32> {
        self.mapping.iter().find(|(known, _)| known == path).map(|(_, index)| *index)
    }

    /// A registry of these paths alone.
    pub(crate) fn of_mapping(mapping: Vec<(String, u32)>) -> Self {
        let next_index = mapping.iter().map(|(_, index)| *index).max().map_or(0, |max| max + 1);
        Self { next_index, mapping, ..Self::default() }
    }

    /// The indices that a path has had before, oldest first.
    pub(crate) fn burned_of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = u32> + 'a {
        let of_path = |entry: &&Value| entry.get("attribute").and_then(Value::as_str) == Some(path);
        self.burned.iter().filter(of_path).filter_map(|entry| entry.get("index").and_then(index))
    }

    /// Paths and indices.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.mapping.iter().map(|(path, index)| (path.as_str(), *index))
    }
}

/// Which key stands for which attribute of each plugin, kept in the catalogue as `pluginSchemaRegistry`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginRegistries {
    plugins: Vec<(String, PluginRegistry)>,
}

/// The keys of one plugin's attributes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PluginRegistry {
    mapping: Vec<(String, String)>,
    burned: Vec<Value>,
    other: Map<String, Value>,
}

impl PluginRegistries {
    /// The registries of a fresh resource.
    pub fn fresh(attributes: &Map<String, Value>) -> Self {
        Self::default().evolve(attributes, "")
    }

    /// Reads the catalogue's `pluginSchemaRegistry`.
    ///
    /// Errors: `Corrupt` when a key is not a text.
    pub fn from_json(json: &Value) -> Result<Self> {
        let plugins = json.as_object().ok_or_else(|| corrupt("the plugin registry is not an object"))?;
        let mut out = Self::default();
        for (plugin, registry) in plugins {
            let mut read = PluginRegistry::default();
            for (name, value) in registry.as_object().into_iter().flatten() {
                match name.as_str() {
                    "mapping" => {
                        for (path, key) in value.as_object().into_iter().flatten() {
                            let key = key.as_str().ok_or_else(|| {
                                corrupt("a plugin key is not a text")
                                    .with("plugin", plugin)
                                    .with("attribute", path)
                            })?;
                            read.mapping.push((path.clone(), key.to_owned()));
                        }
                    }
                    "burned" => read.burned = value.as_array().cloned().unwrap_or_default(),
                    _ => {
                        read.other.insert(name.clone(), value.clone());
                    }
                }
            }
            out.plugins.push((plugin.clone(), read));
        }
        Ok(out)
    }

    /// The form of the catalogue.
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        for (plugin, registry) in &self.plugins {
            let mut entry = Map::new();
            let mapping: Map<_, _> =
                registry.mapping.iter().map(|(path, key)| (path.clone(), key.clone().into())).collect();
            entry.insert("mapping".into(), mapping.into());
            entry.insert("burned".into(), registry.burned.clone().into());
            entry.extend(registry.other.clone());
            out.insert(plugin.clone(), entry.into());
        }
        out.into()
    }

    /// The registries for changed attributes; a plugin without attributes keeps its entry. `at` is an ISO time.
    #[must_use]
    pub fn evolve(&self, attributes: &Map<String, Value>, at: &str) -> Self {
        self.evolve_paths(&KeyedPaths::of(attributes).plugin, at)
    }

    fn evolve_paths(&self, paths: &[(String, String)], at: &str) -> Self {
        let mut out = self.clone();
        for (plugin, path) in paths {
            if out.key_of(plugin, path).is_some() {
                continue;
            }
            let key = out.free_key(plugin, path);
            match out.plugins.iter_mut().find(|(name, _)| name == plugin) {
                Some((_, registry)) => registry.mapping.push((path.clone(), key)),
                None => {
                    let registry =
                        PluginRegistry { mapping: vec![(path.clone(), key)], ..PluginRegistry::default() };
                    out.plugins.push((plugin.clone(), registry));
                }
            }
        }
        for (plugin, registry) in &mut out.plugins {
            let wanted = |path: &str| paths.iter().any(|(p, known)| p == plugin && known == path);
            for (path, key) in registry.mapping.iter().filter(|(path, _)| !wanted(path)) {
                burn(&mut registry.burned, "key", key.as_str().into(), path, at);
            }
            registry.mapping.retain(|(path, _)| wanted(path));
        }
        out
    }

    fn key_of(&self, plugin: &str, path: &str) -> Option<&str> {
        let (_, registry) = self.plugins.iter().find(|(name, _)| name == plugin)?;
        registry.mapping.iter().find(|(known, _)| known == path).map(|(_, key)| key.as_str())
    }

    fn is_taken(&self, key: &str) -> bool {
        self.plugins.iter().any(|(_, registry)| {
            registry.mapping.iter().any(|(_, taken)| taken == key)
                || registry.burned.iter().any(|entry| entry.get("key").and_then(Value::as_str) == Some(key))
        })
    }

    fn free_key(&self, plugin: &str, path: &str) -> String {
        let base = plugin_key(plugin, path);
        let mut key = base.clone();
        let mut counter = 0_u32;
        while self.is_taken(&key) {
            counter += 1;
            key = format!("{base}{counter}");
        }
        key
    }

    /// Attributes and keys of all plugins.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.plugins.iter().flat_map(|(_, registry)| {
            registry.mapping.iter().map(|(path, key)| (path.as_str(), key.as_str()))
        })
    }
}

/// The key of a plugin's attribute before clashes are resolved: `p` and three characters of a hash.
///
/// ```
/// use s3db_core::encoding::short_keys::plugin_key;
///
/// assert_eq!(plugin_key("VectorPlugin", "clusterId"), "pkoa");
/// ```
pub fn plugin_key(plugin: &str, attribute: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let hash = Sha256::digest(format!("{plugin}:{attribute}").as_bytes());
    let mut rest = hash.iter().take(4).fold(0_u32, |n, byte| (n << 8) | u32::from(*byte));
    let mut digits = Vec::with_capacity(6);
    while rest > 0 {
        digits.push(char::from(DIGITS[(rest % 62) as usize]));
        rest /= 62;
    }
    digits.resize(digits.len().max(3), '0');
    let text: String = digits.iter().rev().take(3).collect();
    format!("p{}", text.to_ascii_lowercase())
}

/// A name as a metadata header carries it: every character outside `[A-Za-z0-9-_]` is `_`, in lower case.
///
/// Counted in UTF-16 units, as s3db.js replaces them: a character beyond the basic plane is two `_`.
///
/// ```
/// use s3db_core::encoding::short_keys::header_name;
///
/// assert_eq!(header_name("prof.firstName"), "prof_firstname");
/// ```
pub fn header_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            out.push(c.to_ascii_lowercase());
        } else {
            out.extend(std::iter::repeat_n('_', c.len_utf16()));
        }
    }
    out
}

fn burn(burned: &mut Vec<Value>, name: &str, key: Value, path: &str, at: &str) {
    if burned.iter().any(|entry| entry.get(name) == Some(&key)) {
        return;
    }
    let mut entry = Map::new();
    entry.insert(name.to_owned(), key);
    entry.insert("attribute".into(), path.into());
    entry.insert("burnedAt".into(), at.into());
    entry.insert("reason".into(), "removed".into());
    burned.push(entry.into());
}

fn index(value: &Value) -> Option<u32> {
    let n = value.as_u64().or_else(|| {
        // A number written by another tool may carry a fraction of zero.
        value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64)
    })?;
    // Room is left so that counting up cannot overflow.
    u32::try_from(n).ok().filter(|n| *n < u32::MAX / 2)
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, message).hint("mend the registry of this resource in s3db.json")
}

/// Index or plugin key of every path, for a mapper.
pub(crate) fn assign(
    paths: &KeyedPaths,
    registry: Option<&SchemaRegistry>,
    plugins: Option<&PluginRegistries>,
) -> Vec<(String, String)> {
    let registry = match registry {
        Some(registry) => registry.evolve_paths(&paths.user, ""),
        None => SchemaRegistry::positional(&paths.user),
    };
    let plugins = match plugins {
        Some(plugins) => plugins.evolve_paths(&paths.plugin, ""),
        None => PluginRegistries::default().evolve_paths(&paths.plugin, ""),
    };
    registry
        .iter()
        .map(|(path, index)| (path.to_owned(), key_text(index)))
        .chain(plugins.iter().map(|(path, key)| (path.to_owned(), key.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests;
