use std::slice::from_ref as one;

use serde_json::{Map, Value, json};

use super::*;
use crate::ErrorKind;

const HASHES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/definition_hash.json"));
const CATALOGS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/s3db_json.json"));
const NOW: &str = "2025-03-04T05:06:22.366Z";

fn cases(vectors: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(vectors).unwrap()["cases"].as_array().unwrap().clone()
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

#[test]
fn definition_hashes_equal_those_of_s3db_js() {
    for case in cases(HASHES) {
        let input = case.get("persisted").unwrap_or(&case["input"]);
        let behavior = input["behavior"].as_str().unwrap_or("user-managed");
        let timestamps = input["timestamps"].as_bool().unwrap_or(false);
        let attributes = map(&input["attributes"]);
        let hash = definition_hash(&attributes, behavior, &map(&input["partitions"]), timestamps);
        assert_eq!(case["expected"], hash, "{case}");
        if let Some(expected) = case.get("record_definition_hash") {
            assert_eq!(*expected, record_definition_hash(&attributes, behavior), "{case}");
        }
    }
}

#[test]
fn a_declared_resource_is_completed_as_in_s3db_js() {
    for case in cases(HASHES).iter().filter(|case| case.get("persisted").is_some()) {
        let (input, persisted) = (&case["input"], &case["persisted"]);
        let mut definition = ResourceDefinition::new("r", &input["attributes"]).unwrap();
        definition.timestamps = input["timestamps"].as_bool().unwrap_or(false);
        if let Some(behavior) = input["behavior"].as_str() {
            definition.behavior = behavior.into();
        }
        definition.set_partitions(&input["partitions"]).unwrap();
        definition.complete(input["versioningEnabled"].as_bool().unwrap());
        assert_eq!(Value::from(definition.attributes.clone()), persisted["attributes"], "{case}");
        assert_eq!(Value::from(definition.partitions.clone()), persisted["partitions"], "{case}");
        assert_eq!(definition.definition_hash(), case["expected"]);
        assert_eq!(definition.record_definition_hash(), case["record_definition_hash"]);
    }
}

/// The definition that a case of the vectors gives, with the registries and hooks that s3db.js wrote for it.
fn declared(resource: &Value, written: &Value) -> ResourceDefinition {
    let mut definition =
        ResourceDefinition::new(resource["name"].as_str().unwrap(), &resource["attributes"]).unwrap();
    if let Some(behavior) = resource["behavior"].as_str() {
        definition.behavior = behavior.into();
    }
    definition.timestamps = resource["timestamps"].as_bool().unwrap_or(false);
    definition.paranoid = resource["paranoid"].as_bool().unwrap_or(true);
    definition.set_partitions(&resource["partitions"]).unwrap();
    definition.complete(false);
    if let Some(created_by) = resource["createdBy"].as_str() {
        definition.created_by = created_by.into();
    }
    let size = resource["idSize"].as_u64().or(resource["idGenerator"].as_u64());
    definition.id_size = size.unwrap_or(DEFAULT_ID_SIZE as u64) as usize;
    if let Some(generator) = resource["idGenerator"].as_str() {
        definition.id_generator = if generator == "incremental" { generator } else { "custom" }.into();
    }
    definition.hooks = map(&written["versions"][written["currentVersion"].as_str().unwrap()]["hooks"]);
    definition.schema_registry = Some(written["schemaRegistry"].clone());
    definition.plugin_schema_registry = Some(written["pluginSchemaRegistry"].clone());
    definition
}

fn time<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[test]
fn a_new_catalogue_is_the_one_that_s3db_js_writes_byte_for_byte() {
    for case in cases(CATALOGS).iter().filter(|case| case["kind"] == "create") {
        let expected = &case["expected"];
        let mut catalog = Catalog::blank(time(expected, "lastUpdated"));
        for resource in case["resources"].as_array().unwrap() {
            let written = &expected["resources"][resource["name"].as_str().unwrap()];
            let created_at = time(&written["versions"]["v1"], "createdAt");
            let upserted = catalog.upsert(&declared(resource, written), created_at);
            assert!(upserted.new_resource && upserted.new_version && upserted.changed);
        }
        catalog.touch(time(expected, "lastUpdated"));
        let text = String::from_utf8(catalog.to_bytes()).unwrap();
        assert_eq!(text, serde_json::to_string_pretty(expected).unwrap(), "{case}");
    }
}

#[test]
fn a_changed_definition_is_the_next_version_and_the_same_one_is_not() {
    let mut catalog = Catalog::blank(NOW);
    let mut versions = Vec::new();
    for case in cases(CATALOGS).iter().filter(|case| case["kind"] == "evolve") {
        let expected = &case["expected"];
        let written = &expected["resources"]["u"];
        let definition = declared(&json!({ "name": "u", "attributes": case["attributes"] }), written);
        let now = time(&written["versions"][time(written, "currentVersion")], "createdAt");
        let upserted = catalog.upsert(&definition, now);
        catalog.touch(time(expected, "lastUpdated"));
        assert_eq!(Value::from(catalog.as_json().clone()), *expected, "{case}");
        versions.push((upserted.version, upserted.new_version, upserted.changed));
    }
    let expected = [
        ("v1", true, true),
        ("v2", true, true),
        ("v3", true, true),
        ("v4", true, true),
        ("v4", false, false),
    ];
    assert_eq!(versions, expected.map(|(version, new, changed)| (version.to_owned(), new, changed)));
    assert_eq!(catalog.versions("u"), ["v1", "v2", "v3", "v4"]);
    let second = catalog.definition_at("u", "v2").unwrap().unwrap();
    assert_eq!(second.attributes["c"], "number|optional");
    assert_eq!(catalog.definition_at("u", "v9").unwrap(), None);
    assert_eq!(catalog.definition("nobody").unwrap(), None);
}

#[test]
fn numbers_are_printed_as_javascript_prints_them() {
    let root =
        json!({ "resources": {}, "a": 1e21, "b": 1.0, "c": -0.0, "d": 1e-7, "e": 0.1, "f": [], "g": {} });
    let text = String::from_utf8(Catalog::from_json(root).unwrap().to_bytes()).unwrap();
    let expected = "{\n  \"resources\": {},\n  \"a\": 1e+21,\n  \"b\": 1,\n  \"c\": 0,\n  \"d\": 1e-7,\n  \"e\": 0.1,\n  \
                    \"f\": [],\n  \"g\": {}\n}";
    assert_eq!(text, expected);
}

/// A catalogue with hooks, a map and unknown members everywhere.
fn furnished() -> Catalog {
    let root = json!({
        "version": "1", "s3dbVersion": "14.1.18", "lastUpdated": NOW, "plugins": ["x"],
        "resources": { "u": {
            "currentVersion": "v1", "partitions": {}, "createdBy": "SomePlugin", "note": "kept",
            "versions": { "v1": {
                "hash": "sha256:of-an-old-release", "attributes": { "a": "string" }, "behavior": "user-managed",
                "hooks": { "beforeInsert": [{ "__s3db_serialized_function": true, "code": "x => x" }] },
                "asyncEvents": true, "idGenerator": 12, "createdAt": "2020-01-01T00:00:00.000Z", "guard": { "*": true }
            } },
            "schemaRegistry": { "nextIndex": 1, "mapping": { "a": 0 }, "burned": [], "note": "kept" }
        } }
    });
    Catalog::from_json(root).unwrap()
}

#[test]
fn what_we_do_not_know_survives_every_write() {
    let mut catalog = furnished();
    let mut definition = catalog.definition("u").unwrap().unwrap();
    assert_eq!((definition.id_size, definition.id_generator.as_str()), (12, "default"));

    definition.paranoid = false;
    let same = catalog.upsert(&definition, "2025-06-01T00:00:00.000Z");
    assert_eq!((same.version.as_str(), same.new_version, same.changed), ("v1", false, true));
    definition.attributes.insert("b".into(), "number".into());
    let next = catalog.upsert(&definition, "2025-07-01T00:00:00.000Z");
    assert_eq!((next.version.as_str(), next.new_version), ("v2", true));

    let before = furnished();
    let (old, new) = (&before.root["resources"]["u"], &catalog.root["resources"]["u"]);
    assert_eq!(catalog.root["plugins"], before.root["plugins"]);
    assert_eq!(catalog.root["s3dbVersion"], "14.1.18");
    assert_eq!((&new["note"], &new["createdBy"]), (&old["note"], &old["createdBy"]));
    assert_eq!(new["schemaRegistry"], old["schemaRegistry"]);
    for version in ["v1", "v2"] {
        for member in ["hooks", "guard", "asyncEvents"] {
            assert_eq!(new["versions"][version][member], old["versions"]["v1"][member], "{version} {member}");
        }
    }
    assert_eq!(new["versions"]["v1"]["createdAt"], "2020-01-01T00:00:00.000Z");
    assert_eq!(new["versions"]["v2"]["createdAt"], "2025-07-01T00:00:00.000Z");
}

#[test]
fn a_removed_resource_leaves_the_others_alone() {
    let mut catalog = furnished();
    catalog.upsert(&ResourceDefinition::new("other", &json!({ "x": "string" })).unwrap(), NOW);
    assert!(catalog.remove("u", NOW).is_some());
    assert_eq!(catalog.remove("u", NOW), None);
    assert_eq!(catalog.resource_names().collect::<Vec<_>>(), ["other"]);
}

#[test]
fn a_resource_without_attributes_or_with_a_bad_name_is_refused() {
    for (name, attributes) in [("u", json!({})), ("u", json!([])), ("a/b", json!({ "x": "string" }))] {
        let error = ResourceDefinition::new(name, &attributes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}

/// A catalogue where resource `u` has been defined with these attributes, one version after the other.
fn with_versions(versions: &[Value]) -> Catalog {
    let mut catalog = Catalog::blank(NOW);
    for attributes in versions {
        catalog.upsert(&ResourceDefinition::new("u", attributes).unwrap(), NOW);
    }
    catalog
}

#[test]
fn two_processes_that_define_a_resource_differently_get_two_versions() {
    let (a, b, c) = (
        json!({"x": "string"}),
        json!({"x": "string", "b": "string"}),
        json!({"x": "string", "c": "number"}),
    );
    let check = |theirs: &[Value], ours: &[Value], current: &str, all: &[&Value], moved: &[(&str, &str)]| {
        let merged = merge(&with_versions(theirs), &with_versions(ours));
        let seen = merged.renumbered.iter().map(|r| (r.from.as_str(), r.to.as_str())).collect::<Vec<_>>();
        assert_eq!(seen, moved);
        let catalog = merged.catalog;
        assert_eq!(catalog.definition("u").unwrap().unwrap().version, current);
        let kept = catalog
            .versions("u")
            .into_iter()
            .map(|version| Value::from(catalog.definition_at("u", version).unwrap().unwrap().attributes));
        assert_eq!(kept.collect::<Vec<_>>(), all.iter().map(|v| (*v).clone()).collect::<Vec<_>>());
    };
    // Both made `v2` of the same `v1`.
    check(&[a.clone(), b.clone()], &[a.clone(), c.clone()], "v3", &[&a, &b, &c], &[("v2", "v3")]);
    // Both made the resource.
    check(one(&b), one(&c), "v2", &[&b, &c], &[("v1", "v2")]);
    // We have an old view, and do not put it back.
    check(&[a.clone(), b.clone()], one(&a), "v2", &[&a, &b], &[]);
    // They have an old view.
    check(one(&a), &[a.clone(), b.clone()], "v2", &[&a, &b], &[]);
    // Theirs has our definition under another number.
    check(&[a.clone(), b.clone(), c.clone()], &[a.clone(), c.clone()], "v3", &[&a, &b, &c], &[("v2", "v3")]);
}

#[test]
fn a_merge_keeps_the_resources_and_members_of_both() {
    let (mut ours, mut theirs) = (furnished(), furnished());
    ours.upsert(
        &ResourceDefinition::new("mine", &json!({ "x": "string" })).unwrap(),
        "2025-08-01T00:00:00.000Z",
    );
    theirs.upsert(
        &ResourceDefinition::new("hers", &json!({ "x": "string" })).unwrap(),
        "2025-07-01T00:00:00.000Z",
    );
    ours.root.insert("private".into(), json!(1));
    theirs.root.insert("public".into(), json!(2));
    let merged = merge(&theirs, &ours).catalog;
    assert_eq!(merged.resource_names().collect::<Vec<_>>(), ["u", "hers", "mine"]);
    assert_eq!((&merged.root["private"], &merged.root["public"]), (&json!(1), &json!(2)));
    assert_eq!(merged.root["lastUpdated"], "2025-08-01T00:00:00.000Z");
    assert_eq!(merged.root["resources"]["u"], furnished().root["resources"]["u"]);
}

#[test]
fn joined_registries_never_give_one_index_to_two_paths() {
    let theirs = json!({
        "nextIndex": 4, "mapping": {"a": 0, "b": 1, "t": 3}, "burned": [{"index": 2, "attribute": "old"}], "note": 1
    });
    let ours = json!({
        "nextIndex": 5, "mapping": {"a": 0, "b": 7, "o": 3, "p": 2, "q": 4}, "burned": [{"index": 6, "attribute": "z"}]
    });
    let merged = merge_registries(&theirs, &ours);
    let expected = json!({
        // `b` and `t` stay where the bucket has them; `o` clashes, `p` is burned, `q` is free.
        "nextIndex": 10,
        "mapping": {"a": 0, "b": 1, "t": 3, "o": 8, "p": 9, "q": 4},
        "burned": [{"index": 2, "attribute": "old"}, {"index": 6, "attribute": "z"}],
        "note": 1
    });
    assert_eq!(merged, expected);
    assert_eq!(merge_registries(&merged, &ours), merged, "merging again changes nothing");
    assert_eq!(merge_registries(&Value::Null, &ours), ours);
    assert_eq!(merge_registries(&theirs, &Value::Null), theirs);
}
