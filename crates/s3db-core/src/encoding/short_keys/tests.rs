use serde_json::{Map, Value};

use super::*;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/short_keys.json"));
const TIME: &str = "(time)";

fn cases() -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors["cases"].as_array().unwrap().clone()
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

fn keys_of(registry: &SchemaRegistry) -> Value {
    registry
        .iter()
        .map(|(path, index)| (path.to_owned(), Value::from(key_text(index))))
        .collect::<Map<_, _>>()
        .into()
}

#[test]
fn every_path_gets_the_key_that_s3db_js_gives_it() {
    let mut checked = 0;
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        match case["kind"].as_str().unwrap() {
            "map" => {
                let registry = SchemaRegistry::fresh(object(&case["attributes"]));
                assert_eq!(keys_of(&registry), case["expected"], "{name}");
                assert_eq!(registry.to_json(), case["initial_registry"], "{name}");
            }
            "registry" => {
                let attributes = object(&case["attributes"]);
                let after = match &case["registry_before"] {
                    Value::Null => SchemaRegistry::fresh(attributes),
                    before => SchemaRegistry::from_json(before).unwrap().evolve(attributes, TIME),
                };
                assert_eq!(keys_of(&after), case["expected"], "{name}");
                assert_eq!(after.to_json(), case["registry_after"], "{name}");
                assert_eq!(SchemaRegistry::from_json(&after.to_json()).unwrap(), after, "{name}");
            }
            "plugin" => {
                let attributes = object(&case["attributes"]);
                assert_eq!(keys_of(&SchemaRegistry::fresh(attributes)), case["expected"], "{name}");
                let plugins = PluginRegistries::fresh(attributes);
                let map: Map<_, _> = plugins.iter().map(|(p, k)| (p.to_owned(), Value::from(k))).collect();
                assert_eq!(Value::from(map), case["expected_plugin_map"], "{name}");
                assert_eq!(plugins.to_json(), case["plugin_registry"], "{name}");
            }
            "plugin_hash" => {
                let key = plugin_key(case["plugin"].as_str().unwrap(), case["attribute"].as_str().unwrap());
                assert_eq!(key, case["expected"], "{name}");
            }
            kind => panic!("unknown kind {kind}"),
        }
        checked += 1;
    }
    assert!(checked >= 39);
}

#[test]
fn a_plugin_key_that_is_taken_gets_a_number() {
    let registries = serde_json::json!({ "VectorPlugin": { "mapping": {}, "burned": [{ "key": "pkoa" }] } });
    let attributes = serde_json::json!({ "clusterId": { "type": "string", "__plugin__": "VectorPlugin" } });
    let evolved = PluginRegistries::from_json(&registries).unwrap().evolve(object(&attributes), TIME);
    assert_eq!(evolved.iter().collect::<Vec<_>>(), [("clusterId", "pkoa1")]);
}

#[test]
fn members_that_we_do_not_know_survive() {
    let json =
        serde_json::json!({ "nextIndex": 1, "mapping": { "a": 0 }, "burned": [], "future": { "x": 1 } });
    assert_eq!(SchemaRegistry::from_json(&json).unwrap().to_json(), json);
}
