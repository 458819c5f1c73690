//! Definitions that s3db.js has words of its own for: it opens each as we store it, and reads what is in it.

use std::sync::Arc;

use s3db::ResourceConfig;
use s3db::store::{MemoryOptions, MemoryStore};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

use super::{PASSPHRASE, objects, open, peer};

/// Definitions of an attribute as a user may write them, and a value for each.
fn definitions() -> Vec<(Value, Value)> {
    vec![
        (json!({"$$type": "array", "items": "string"}), json!(["x"])),
        (json!({"$$type": "array|optional|min:1", "items": "string"}), json!(["x", "y"])),
        (json!({"$$type": "string[]", "max": 2}), json!(["x"])),
        (json!({"$$type": "string|pattern:^x|no-trim", "min": 3}), json!("xyz")),
        (json!({"$$type": "enum", "values": ["x", "y"]}), json!("y")),
        (json!({"b": {"$$type": "array", "items": {"$$type": "number|min:2"}}}), json!({"b": [2, 3]})),
        (json!({"$$type": "object|required", "bio": "string"}), json!({"bio": "x"})),
        (json!("bool|optional"), json!(true)),
        (json!("text|compress|max:9"), json!("short")),
        (json!("string | min:2"), json!("ab")),
        (json!("objectid"), json!("507f1f77bcf86cd799439011")),
        (json!({"type": "objectID", "optional": true}), json!("507f1f77bcf86cd799439011")),
        (json!("enum:a, b|default:a"), json!("b")),
        (json!("enum|values:a,b"), json!("a")),
        (json!("string|enum:1,2"), json!("1")),
        (json!("bool[]"), json!([true, false])),
        (json!("email[]|min:1"), json!(["a@example.com"])),
        (json!("ip4[]"), json!(["10.1.2.3"])),
        (json!("array|items:money:2"), json!([1.5])),
        (json!(["number", "bool"]), json!(5)),
        (json!({"type": "multi", "rules": ["string", "bool"]}), json!("x")),
        (json!({"type": "embedding:3"}), json!([0.5, 1, 2])),
        (json!({"b": "bool"}), json!({"b": true})),
        (json!({"type": "array", "items": {"b": {"c": "bool"}}}), json!([{"b": {"c": true}}])),
        (json!("record|key:string|value:number"), json!({"x": 1})),
        (json!("string|custom:anything"), json!("x")),
        (json!({"type": "array", "items": {"type": "string", "custom": "anything"}}), json!(["x"])),
        (json!("geo-lat:4"), json!(38.5)),
        (json!("decimal:3"), json!(1.125)),
    ]
}

/// Lists of types have no codec in s3db.js, so that a number comes back as text; and the word `number` makes it take a
/// whole record for one.
fn cannot_be_read_by_s3db_js(definition: &Value) -> bool {
    *definition == json!(["number", "bool"]) || *definition == "record|key:string|value:number"
}

#[tokio::test]
async fn s3db_js_opens_every_definition_in_the_spelling_that_we_store() {
    let env = Arc::new(TestEnv::new(11));
    let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
    let db = open(store.clone(), env).await;
    db.validator("anything", |_| Ok(()));
    for (at, (definition, value)) in definitions().into_iter().enumerate() {
        let config = ResourceConfig::new(format!("r{at}"), json!({"a": definition, "label": "string"}));
        let resource = Box::pin(db.create_resource(config)).await;
        let resource = resource.unwrap_or_else(|error| panic!("{definition}: {error:?}"));
        let inserted = Box::pin(resource.insert(json!({"id": "x", "a": value, "label": "l"}))).await;
        let inserted = inserted.unwrap_or_else(|error| panic!("{definition}: {error:?}"));
        assert_eq!(inserted.data.get("a"), Some(&value), "{definition}");
        assert_eq!(resource.get("x").await.unwrap().data.get("a"), Some(&value), "{definition}");
    }
    let input = json!({"passphrase": PASSPHRASE, "objects": objects(&store)});
    // One definition that it refuses keeps it from opening all of them.
    let output = peer::visit_as("definitions", "interop", &input);
    let mut differs = Vec::new();
    for (at, (definition, value)) in definitions().into_iter().enumerate() {
        let read = &output["read"][format!("r{at}")]["x"];
        assert_eq!(read["label"], "l", "{definition}: {read}");
        if !cannot_be_read_by_s3db_js(&definition) && read["a"] != value {
            differs.push(format!("{definition} gives {}", read["a"]));
        }
    }
    assert_eq!(differs, [""; 0], "s3db.js reads other values");
}
