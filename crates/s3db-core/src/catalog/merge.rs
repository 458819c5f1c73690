//! Joining two catalogues, version by version.

use serde_json::{Map, Value};

use super::registry::{merge_plugin_registries, merge_registries};
use super::upsert::{next_version, stored_hash, version_number};
use super::{Catalog, edit_object};

/// Result of [`merge`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Merged {
    /// Both catalogues in one.
    pub catalog: Catalog,
    /// Versions of ours whose number the other writer had taken for another definition.
    pub renumbered: Vec<Renumbered>,
}

/// A version of ours that has another number after a [`merge`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Renumbered {
    /// Its resource.
    pub resource: String,
    /// The number that it had.
    pub from: String,
    /// The number that it has now.
    pub to: String,
}

/// Joins `ours` into `theirs`, the catalogue that the bucket holds. Nothing of either is lost:
///
/// - resources and versions are united; a version of ours whose number theirs has given to another definition gets the
///   next free one, unless theirs already has that definition under some number;
/// - the current version is the later of the two, so that a writer with an old catalogue does not put its definition
///   back;
/// - registries are joined with [`merge_registries`];
/// - of any other member theirs wins, and ours is added where theirs has none.
///
/// s3db.js replaces the whole entry of a resource by its own view, which loses what another process has written.
pub fn merge(theirs: &Catalog, ours: &Catalog) -> Merged {
    let mut catalog = theirs.clone();
    let mut renumbered = Vec::new();
    add_missing(&mut catalog.root, &ours.root);
    let later = |name: &str| {
        let (a, b) =
            (theirs.root.get(name).and_then(Value::as_str), ours.root.get(name).and_then(Value::as_str));
        a.max(b).map(Value::from)
    };
    if let Some(updated) = later("lastUpdated") {
        catalog.root.insert("lastUpdated".into(), updated);
    }
    edit_object(&mut catalog.root, "resources", |resources| {
        for (name, our_entry) in ours.resources().into_iter().flatten() {
            match (resources.get_mut(name), our_entry) {
                (Some(Value::Object(entry)), Value::Object(our_entry)) => {
                    let moved = merge_entry(entry, our_entry);
                    renumbered.extend(moved.into_iter().map(|(from, to)| Renumbered {
                        resource: name.clone(),
                        from,
                        to,
                    }));
                }
                (Some(_), _) => {}
                (None, _) => {
                    resources.insert(name.clone(), our_entry.clone());
                }
            }
        }
    });
    Merged { catalog, renumbered }
}

/// Joins `ours` into `entry`, and returns the versions of ours that got another number.
fn merge_entry(entry: &mut Map<String, Value>, ours: &Map<String, Value>) -> Vec<(String, String)> {
    let our_versions = ours.get("versions").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut names = our_versions.keys().collect::<Vec<_>>();
    names.sort_by_key(|name| version_number(name));
    let renumbered = edit_object(entry, "versions", |versions| {
        let mut renumbered = Vec::new();
        for name in names {
            let Some(data) = our_versions.get(name) else {
                continue;
            };
            let to = place_version(versions, name, data);
            if to != *name {
                renumbered.push((name.clone(), to));
            }
        }
        renumbered
    });

    let now_called = |name: &str| {
        renumbered.iter().find(|(from, _)| from == name).map_or(name, |(_, to)| to.as_str()).to_owned()
    };
    let current_of = |entry: &Map<String, Value>| {
        entry.get("currentVersion").and_then(Value::as_str).unwrap_or("v1").to_owned()
    };
    let (their_current, our_current) = (current_of(entry), now_called(&current_of(ours)));
    if version_number(&our_current) > version_number(&their_current) {
        entry.insert("currentVersion".into(), our_current.into());
        if let Some(partitions) = ours.get("partitions") {
            entry.insert("partitions".into(), partitions.clone());
        }
    }
    for (name, join) in [
        ("schemaRegistry", merge_registries as fn(&Value, &Value) -> Value),
        ("pluginSchemaRegistry", merge_plugin_registries),
    ] {
        if let (Some(theirs), Some(ours)) = (entry.get(name), ours.get(name)) {
            let joined = join(theirs, ours);
            entry.insert(name.into(), joined);
        }
    }
    add_missing(entry, ours);
    renumbered
}

/// Puts one version of ours among theirs, and returns the name that it has there.
fn place_version(versions: &mut Map<String, Value>, name: &str, data: &Value) -> String {
    let hash = |data: &Value| data.as_object().and_then(stored_hash);
    match versions.get_mut(name) {
        None => {}
        Some(theirs) if theirs == data || hash(theirs) == hash(data) => {
            if let (Value::Object(theirs), Value::Object(ours)) = (theirs, data) {
                add_missing(theirs, ours);
            }
            return name.to_owned();
        }
        Some(_) => {
            let twin = versions.iter().find(|(_, theirs)| hash(theirs) == hash(data));
            if let Some((twin, _)) = twin {
                return twin.clone();
            }
            let next = next_version(Some(versions));
            versions.insert(next.clone(), data.clone());
            return next;
        }
    }
    versions.insert(name.to_owned(), data.clone());
    name.to_owned()
}

fn add_missing(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        if !into.contains_key(name) {
            into.insert(name.clone(), value.clone());
        }
    }
}
