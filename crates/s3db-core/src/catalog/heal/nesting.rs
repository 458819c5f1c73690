//! Entries that a missing bracket has moved into their neighbour.
//!
//! Closing brackets that are added at the end of the text leave what follows the real gap one or more levels too deep:
//! a resource within a resource, or its registry within a version. The names of the format tell where they belong.

use serde_json::{Map, Value};

use super::super::edit_object;
use super::super::upsert::version_number;
use super::Mended;

const RESOURCE_MEMBERS: [&str; 3] = ["createdBy", "schemaRegistry", "pluginSchemaRegistry"];

/// Moves resources, versions and members of resources back to their level.
pub(super) fn restore(root: &mut Map<String, Value>, mended: &mut Vec<Mended>) {
    let mut found = take(root, |_, value| is_resource(value));
    edit_object(root, "resources", |resources| {
        let mut queue: Vec<(String, Value)> = std::mem::take(resources).into_iter().collect();
        queue.reverse();
        queue.append(&mut found);
        while let Some((name, mut value)) = queue.pop() {
            if let Value::Object(entry) = &mut value {
                let inner = restore_entry(entry, &format!("resources.{name}"), mended);
                queue.extend(inner.into_iter().rev());
            }
            resources.entry(name).or_insert(value);
        }
    });
}

/// Restores one resource, and returns the resources that were within it.
fn restore_entry(entry: &mut Map<String, Value>, at: &str, mended: &mut Vec<Mended>) -> Vec<(String, Value)> {
    let mut resources = take(entry, |_, value| is_resource(value));
    let mut members = Vec::new();
    if entry.get("versions").is_some_and(Value::is_object) {
        edit_object(entry, "versions", |versions| {
            resources.append(&mut take(versions, |_, value| is_resource(value)));
            members.append(&mut take(versions, |name, _| RESOURCE_MEMBERS.contains(&name)));
            let mut inner = Vec::new();
            for data in versions.values_mut().filter_map(Value::as_object_mut) {
                resources.append(&mut take(data, |_, value| is_resource(value)));
                members.append(&mut take(data, |name, _| RESOURCE_MEMBERS.contains(&name)));
                inner.append(&mut take(data, is_version));
            }
            for (name, data) in inner {
                mended.push(Mended::new(format!("version `{name}` moved out of another one"), at));
                versions.entry(name).or_insert(data);
            }
        });
    }
    if let Some(registry) = entry.get_mut("schemaRegistry").and_then(Value::as_object_mut) {
        resources.append(&mut take(registry, |_, value| is_resource(value)));
        members.append(&mut take(registry, |name, _| RESOURCE_MEMBERS.contains(&name)));
    }
    for (name, value) in members {
        mended.push(Mended::new(format!("`{name}` moved up to its resource"), at));
        entry.entry(name).or_insert(value);
    }
    for (name, _) in &resources {
        mended.push(Mended::new(format!("resource `{name}` moved out of another one"), at));
    }
    resources
}

fn take(map: &mut Map<String, Value>, wanted: impl Fn(&str, &Value) -> bool) -> Vec<(String, Value)> {
    let names = map.iter().filter(|(name, value)| wanted(name, value)).map(|(name, _)| name.clone());
    let names = names.collect::<Vec<_>>();
    names.into_iter().filter_map(|name| map.shift_remove(&name).map(|value| (name, value))).collect()
}

fn is_resource(value: &Value) -> bool {
    value.get("versions").is_some_and(Value::is_object)
        && value.get("currentVersion").is_some_and(Value::is_string)
}

fn is_version(name: &str, value: &Value) -> bool {
    version_number(name).is_some() && value.get("attributes").is_some_and(Value::is_object)
}
