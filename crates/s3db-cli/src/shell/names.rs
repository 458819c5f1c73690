//! Names of resources and fields, from the catalogue.

use std::collections::BTreeMap;
use std::time::Duration;

use s3db::catalog::Catalog;
use s3db::key::Keys;
use serde_json::{Map, Value};

use crate::args::Global;
use crate::connect::{self, Wanted};

/// How long somebody who presses Tab waits for a server.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// What a catalogue calls things.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Resource>);

/// Names in a resource.
#[derive(Debug, Default)]
pub(super) struct Resource {
    /// Dotted paths.
    pub(super) fields: Vec<String>,
    pub(super) partitions: Vec<String>,
    /// Whether a document may hold what nobody should read.
    pub(super) is_sensitive: bool,
}

impl Names {
    /// Reads the catalogue as it is: nothing is mended or written. `None` where that fails.
    pub(super) async fn load(global: &Global) -> Option<Self> {
        let read = async {
            let connection = connect::connection(global).ok()?;
            let (store, _) = connect::store(global, Wanted::Existing).await.ok()?;
            store.get(&Keys::new(&connection.prefix).catalog()).await.ok()?
        };
        let object = tokio::time::timeout(WAIT_MAX, read).await.ok()??;
        let catalog = Catalog::from_json(serde_json::from_slice(&object.body).ok()?).ok()?;
        Some(Self::of(&catalog))
    }

    pub(super) fn of(catalog: &Catalog) -> Self {
        let names = catalog.resource_names().filter_map(|name| {
            let definition = catalog.definition(name).ok()??;
            let mut fields = vec!["id".to_owned()];
            paths("", &definition.attributes, &mut fields);
            let resource = Resource {
                fields,
                partitions: definition.partitions.keys().cloned().collect(),
                is_sensitive: definition.attributes.values().any(is_sensitive),
            };
            Some((name.to_owned(), resource))
        });
        Self(names.collect())
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn resource(&self, name: &str) -> Option<&Resource> {
        self.0.get(name)
    }
}

fn paths(above: &str, attributes: &Map<String, Value>, into: &mut Vec<String>) {
    for (name, attribute) in attributes.iter().filter(|(name, _)| !name.starts_with('$') && *name != "id") {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match attribute {
            Value::Object(members) if !members.get("type").is_some_and(Value::is_string) => {
                into.push(path.clone());
                paths(&path, members, into);
            }
            _ => into.push(path),
        }
    }
}

/// Whether a type anywhere in an attribute, also that of the items of a list, is one of those that are sealed or hashed.
fn is_sensitive(attribute: &Value) -> bool {
    match attribute {
        Value::String(notation) => notation
            .split(['|', ':'])
            .map(str::trim)
            .any(|word| matches!(word, "secret" | "secretAny" | "secretNumber" | "password")),
        Value::Object(members) => members.values().any(is_sensitive),
        Value::Array(items) => items.iter().any(is_sensitive),
        _ => false,
    }
}

#[cfg(test)]
pub(super) fn sample() -> Names {
    let definition =
        |name: &str, attributes: Value| s3db::catalog::ResourceDefinition::new(name, &attributes).unwrap();
    let mut users = definition(
        "users",
        serde_json::json!({"name": "string", "address": {"city": "string|optional", "zip": "string|optional"}}),
    );
    users.set_partitions(&serde_json::json!({"byCity": {"fields": {"address.city": "string"}}})).unwrap();
    let mut catalog = Catalog::blank("2026-01-01T00:00:00.000Z");
    for definition in [
        users,
        definition("cards", serde_json::json!({"owner": {"number": "secret|optional"}})),
        definition("logins", serde_json::json!({"name": "string", "word": "password"})),
        definition("keys", serde_json::json!({"all": "array|items:secret|optional"})),
    ] {
        catalog.upsert(&definition, "2026-01-01T00:00:00.000Z");
    }
    Names::of(&catalog)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_catalogue() {
        let names = sample();
        let users = names.resource("users").unwrap();
        assert_eq!(users.fields, ["id", "name", "address", "address.city", "address.zip"]);
        assert_eq!(users.partitions, ["byCity"]);
        let sensitive = |name: &str| names.resource(name).unwrap().is_sensitive;
        assert_eq!(["users", "cards", "logins", "keys"].map(sensitive), [false, true, true, true]);
    }
}
