use serde_json::{Value, json};

use super::super::{Catalog, ResourceDefinition};
use super::*;

const VECTORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/s3db_json.json"));
const NOW: &str = "2025-03-04T05:06:22.366Z";

/// Where s3db.js drops something and this does not: what this does instead.
fn ours(name: &str) -> Option<Result<Value, &'static str>> {
    let aside = |entry: Value| {
        let root = json!({
            "version": "1", "s3dbVersion": "21.6.2", "lastUpdated": NOW, "resources": {}, "_s3db": { "aside": { "u": entry } }
        });
        Some(Ok(root))
    };
    match name {
        // s3db.js starts with a blank catalogue.
        "heal-garbage" => Some(Err("the catalogue is not JSON, and cannot be mended object=s3db.json")),
        "heal-empty-text" => Some(Err("the catalogue is empty object=s3db.json bytes=0")),
        // s3db.js removes the resource.
        "heal-no-versions" => aside(json!({ "currentVersion": "v1", "partitions": {}, "versions": {} })),
        "heal-no-attributes" => {
            aside(json!({ "currentVersion": "v1", "partitions": {}, "versions": { "v1": {} } }))
        }
        _ => None,
    }
}

#[test]
fn damage_is_mended_as_in_s3db_js_but_nothing_is_dropped() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == "heal");
    assert_eq!(cases.clone().count(), 12);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let healed = heal(case["input"].as_str().unwrap().as_bytes(), NOW, Loss::Refuse);
        let mut expected = case["expected"].clone();
        expected["lastUpdated"] = NOW.into();
        match ours(name).unwrap_or(Ok(expected)) {
            Err(message) => assert_eq!(healed.unwrap_err().to_string(), message, "{name}"),
            Ok(expected) => {
                let healed = healed.unwrap();
                assert_eq!(Value::from(healed.catalog.as_json().clone()), expected, "{name}");
                assert!(!healed.mended.is_empty(), "{name}");
            }
        }
    }
}

/// Two resources, the first with two versions.
fn sound() -> Catalog {
    let mut catalog = Catalog::blank(NOW);
    for (name, attributes, registry) in [
        (
            "users",
            json!({ "name": "string|required" }),
            json!({ "nextIndex": 1, "mapping": { "name": 0 }, "burned": [] }),
        ),
        (
            "users",
            json!({ "name": "string|required", "tags": { "type": "array", "items": "string" } }),
            json!({ "nextIndex": 4, "mapping": { "name": 0, "tags.type": 1, "tags.items": 2, "tags": 3 }, "burned": [] }),
        ),
        (
            "orders",
            json!({ "total": "number" }),
            json!({ "nextIndex": 1, "mapping": { "total": 0 }, "burned": [] }),
        ),
    ] {
        let mut definition = ResourceDefinition::new(name, &attributes).unwrap();
        definition
            .set_partitions(&json!(attributes.as_object().unwrap().keys().collect::<Vec<_>>()))
            .unwrap();
        definition.schema_registry = Some(registry);
        definition.plugin_schema_registry = Some(json!({}));
        catalog.upsert(&definition, NOW);
    }
    catalog
}

#[test]
fn a_sound_catalogue_is_not_touched() {
    let bytes = sound().to_bytes();
    let healed = heal(&bytes, "2026-01-01T00:00:00.000Z", Loss::Refuse).unwrap();
    assert_eq!(healed, Healed { catalog: sound(), mended: Vec::new() });
    assert_eq!(healed.catalog.to_bytes(), bytes);
}

#[test]
fn one_missing_character_never_changes_a_definition() {
    let text = String::from_utf8(sound().to_bytes()).unwrap();
    let (mut healed_count, mut refused_count) = (0, 0);
    for (at, c) in text.char_indices().filter(|(_, c)| "{}[],:\"".contains(*c)) {
        let damaged = format!("{}{}", &text[..at], &text[at + 1..]);
        if serde_json::from_str::<Value>(&damaged).is_ok() {
            continue; // the character stood within a text
        }
        match heal(damaged.as_bytes(), NOW, Loss::Refuse) {
            Err(error) => {
                assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
                refused_count += 1;
            }
            Ok(healed) => {
                assert_eq!(healed.catalog, sound(), "without `{c}` at {at}: {:?}\n{damaged}", healed.mended);
                healed_count += 1;
            }
        }
    }
    assert!(healed_count > 10 * refused_count, "{healed_count} healed, {refused_count} refused");
}

#[test]
fn a_file_cut_short_is_whole_up_to_there_or_refused() {
    let text = sound().to_bytes();
    let mut healed_count = 0;
    for at in 0..text.len() {
        let Ok(healed) = heal(&text[..at], NOW, Loss::Refuse) else {
            continue;
        };
        healed_count += 1;
        assert!(!healed.mended.is_empty());
        for name in healed.catalog.resource_names() {
            let mut entry = healed.catalog.entry(name).unwrap().clone();
            entry.entry("pluginSchemaRegistry").or_insert(json!({}));
            assert_eq!(Some(&entry), sound().entry(name), "{}", String::from_utf8_lossy(&text[at - 200..at]));
        }
    }
    assert!(healed_count > 0);
}

#[test]
fn several_kinds_of_damage_at_once_are_mended() {
    let bucket: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/buckets/self-healing.json"
    )))
    .unwrap();
    let objects = bucket["objects"].as_array().unwrap();
    let object =
        objects.iter().find(|object| object["key"].as_str().unwrap().ends_with("s3db.json")).unwrap();
    let body =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, object["body_base64"].as_str().unwrap())
            .unwrap();
    let check = |text: &str, first: &[&str]| {
        let healed = heal(text.as_bytes(), NOW, Loss::Refuse).unwrap();
        let definition = healed.catalog.definition("items").unwrap().unwrap();
        assert_eq!(definition.version, "v1");
        assert_eq!(
            definition.attributes,
            *json!({ "a": "string", "n": "number|optional" }).as_object().unwrap()
        );
        let seen =
            healed.mended.iter().map(|mended| format!("{} @ {}", mended.what, mended.at)).collect::<Vec<_>>();
        let structure = [
            "was missing: now `2025-03-04T05:06:22.366Z` @ lastUpdated",
            "was \"v9\", not usable: now `v1` @ resources.items.currentVersion",
            "1 null hooks removed @ resources.items.versions.v1.hooks.beforeInsert",
        ];
        assert_eq!(seen, [first, &structure].concat());
    };
    let text = String::from_utf8(body).unwrap();
    check(&text, &["trailing comma removed @ byte 1105"]);
    let unclosed = text.trim_end_matches(['}', ',', '\n', ' ']).to_owned() + "}";
    let missing = format!("missing `}}` added @ byte {}", unclosed.len());
    check(&unclosed, &[&missing, &missing, &missing]);
    let bare = text.replace("\"version\"", "version").replace("\"items\"", "'items'");
    check(
        &format!("\u{feff}{bare}"),
        &[
            "byte order mark removed @ byte 0",
            "quotes added around `version` @ byte 4",
            "single quotes replaced @ byte 66",
            "trailing comma removed @ byte 1103",
        ],
    );
}

#[test]
fn loss_is_accepted_only_when_asked_for() {
    let text = sound().to_bytes();
    let at = text.windows(8).position(|window| window == b"\"orders\"").unwrap();
    for cut in [&text[..at + 3], b"not json at all", b"", b"[1, 2]"] {
        let error = heal(cut, NOW, Loss::Refuse).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
        assert!(error.suggestion().unwrap().contains("good copy"));
        let healed = heal(cut, NOW, Loss::Accept).unwrap();
        assert!(!healed.mended.is_empty());
        let left = healed.catalog.resource_names().collect::<Vec<_>>();
        assert_eq!(left, if cut.len() > 20 { vec!["users"] } else { vec![] });
    }
}

#[test]
fn javascript_hooks_of_old_releases_are_kept() {
    let hooks = json!({ "beforeInsert": [{ "__s3db_serialized_function": true, "code": "x => x" }, null] });
    let root = json!({ "version": "1", "s3dbVersion": "14.1.18", "lastUpdated": NOW, "resources": { "u": {
        "currentVersion": "v0", "partitions": {}, "versions": { "v0": { "attributes": { "a": "string" }, "hooks": hooks } }
    } } });
    let healed = heal(root.to_string().as_bytes(), NOW, Loss::Refuse).unwrap();
    let kept = &healed.catalog.definition("u").unwrap().unwrap().hooks;
    assert_eq!(kept["beforeInsert"], json!([{ "__s3db_serialized_function": true, "code": "x => x" }]));
    assert_eq!(healed.mended.len(), 1);
}
