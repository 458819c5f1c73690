//! Joining the key registries of two writers.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Joins two registries of the short keys of one resource. `theirs` is what the bucket holds: documents may already be
/// written with it, so that its indices stay. A path that only `ours` has keeps its index when that is free, and gets
/// a fresh one when `theirs` has given it to another path or has burned it.
///
/// Mapping and burned entries are united, `nextIndex` is above every index, and unknown members stay.
pub fn merge_registries(theirs: &Value, ours: &Value) -> Value {
    let (Value::Object(theirs), Value::Object(ours)) = (theirs, ours) else {
        return if theirs.is_object() { theirs.clone() } else { ours.clone() };
    };
    let mut merged = theirs.clone();
    for (name, value) in ours {
        if !merged.contains_key(name) {
            merged.insert(name.clone(), value.clone());
        }
    }
    let burned = united_burned(theirs, ours);
    let mut mapping = mapping(theirs).cloned().unwrap_or_default();
    let mut taken: BTreeSet<u64> = mapping.values().filter_map(Value::as_u64).collect();
    taken.extend(burned.iter().filter_map(|entry| entry.get("index")?.as_u64()));
    let above = |indices: &BTreeSet<u64>| indices.last().map_or(0, |last| last.saturating_add(1));
    let our_last = mapping_indices(ours).max().map_or(0, |last| last.saturating_add(1));
    let mut next = above(&taken).max(our_last).max(next_index(theirs)).max(next_index(ours));
    for (path, index) in self::mapping(ours).into_iter().flatten() {
        if mapping.contains_key(path) {
            continue;
        }
        let index = index.as_u64().filter(|index| !taken.contains(index)).unwrap_or_else(|| {
            next = next.saturating_add(1);
            next - 1
        });
        taken.insert(index);
        mapping.insert(path.clone(), index.into());
    }
    merged.insert("nextIndex".into(), next.into());
    merged.insert("mapping".into(), mapping.into());
    merged.insert("burned".into(), burned.into());
    merged.into()
}

/// Joins the plugin registries of two writers: the bucket's own entries win, all else is united.
pub(super) fn merge_plugin_registries(theirs: &Value, ours: &Value) -> Value {
    let (Value::Object(theirs), Value::Object(ours)) = (theirs, ours) else {
        return if theirs.is_object() { theirs.clone() } else { ours.clone() };
    };
    let mut merged = theirs.clone();
    for (plugin, registry) in ours {
        let joined = match merged.get(plugin) {
            Some(existing) => merge_plugin_registry(existing, registry),
            None => registry.clone(),
        };
        merged.insert(plugin.clone(), joined);
    }
    merged.into()
}

fn merge_plugin_registry(theirs: &Value, ours: &Value) -> Value {
    let (Value::Object(theirs), Value::Object(ours)) = (theirs, ours) else {
        return theirs.clone();
    };
    let mut merged = theirs.clone();
    let mut mapping = mapping(theirs).cloned().unwrap_or_default();
    for (path, key) in self::mapping(ours).into_iter().flatten() {
        mapping.entry(path).or_insert_with(|| key.clone());
    }
    merged.insert("mapping".into(), mapping.into());
    merged.insert("burned".into(), united_burned(theirs, ours).into());
    merged.into()
}

/// The burned entries of both, each index or key once.
fn united_burned(theirs: &Map<String, Value>, ours: &Map<String, Value>) -> Vec<Value> {
    let mut burned = list(theirs, "burned").to_vec();
    let of = |entry: &Value| entry.get("index").or_else(|| entry.get("key")).cloned();
    for entry in list(ours, "burned") {
        if !burned.iter().any(|known| of(known) == of(entry)) {
            burned.push(entry.clone());
        }
    }
    burned
}

fn mapping(registry: &Map<String, Value>) -> Option<&Map<String, Value>> {
    registry.get("mapping")?.as_object()
}

fn mapping_indices(registry: &Map<String, Value>) -> impl Iterator<Item = u64> {
    mapping(registry).into_iter().flat_map(Map::values).filter_map(Value::as_u64)
}

fn next_index(registry: &Map<String, Value>) -> u64 {
    registry.get("nextIndex").and_then(Value::as_u64).unwrap_or(0)
}

fn list<'m>(map: &'m Map<String, Value>, name: &str) -> &'m [Value] {
    map.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
