use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const KEYS_AND_PREFIX: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/keys_and_prefix.json"));
const PARTITION_KEYS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/partition_keys.json"));

fn cases(vectors: &str, kind: &str) -> Vec<Value> {
    // One expected key holds half a character, which no UTF-8 text can: see `PartitionField::ruled`.
    let vectors = vectors.replace("😀\\ud83d/id=", "😀/id=");
    let all: Value = serde_json::from_str(&vectors).unwrap();
    let of_kind = all["cases"].as_array().unwrap().iter().filter(|case| case["kind"] == kind);
    let of_kind = of_kind.cloned().collect::<Vec<_>>();
    assert!(!of_kind.is_empty(), "no vectors of kind {kind}");
    of_kind
}

fn text<'v>(case: &'v Value, name: &str) -> &'v str {
    case[name].as_str().unwrap()
}

fn partition(case: &Value) -> Partition {
    Partition::parse(text(case, "partition"), &json!({ "fields": case["fields"] })).unwrap()
}

fn map(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap()
}

#[test]
fn every_object_lies_below_the_prefix_as_s3db_js_joins_it() {
    for case in cases(KEYS_AND_PREFIX, "key_prefix") {
        let keys = Keys::new(text(&case, "prefix"));
        let by_a = Partition::parse("byA", &json!({"fields": {"a": "string"}})).unwrap();
        let built = json!([
            keys.document("users", "u1").unwrap(),
            by_a.key(&keys, "users", "u1", map(&json!({"a": "x"})), "v1").unwrap(),
            keys.catalog()
        ]);
        assert_eq!(built, case["expected"], "{case}");
    }
}

#[test]
fn ids_are_accepted_and_refused_as_in_s3db_js() {
    for case in cases(KEYS_AND_PREFIX, "resource_key") {
        let key = Keys::new("").document("users", text(&case, "id"));
        match case["expected"].as_str() {
            Some(expected) => assert_eq!(key.unwrap(), expected),
            None => assert_eq!(key.unwrap_err().kind(), ErrorKind::Validation, "{case}"),
        }
    }
    for case in cases(KEYS_AND_PREFIX, "resource_name") {
        let accepted = check_name("resource", text(&case, "input")).is_ok();
        assert_eq!(accepted, case["expected"].as_bool().unwrap(), "{case}");
    }
}

#[test]
fn a_bad_id_is_named_with_its_characters() {
    let check = |id: &str, kind: ErrorKind, message: &str| {
        let error = Keys::new("").document("users", id).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        assert!(error.suggestion().is_some());
    };
    let refused = "the id holds characters that no key can hold";
    check("", ErrorKind::Validation, "the id is empty");
    check("a/b=c", ErrorKind::Validation, &format!("{refused} id=a/b=c characters=/ ="));
    check("../x", ErrorKind::Validation, &format!("{refused} id=../x characters=/"));
    check("50%\\", ErrorKind::Validation, &format!("{refused} id=50%\\ characters=\\ %"));
    let (long, shown) = ("x".repeat(2048), "x".repeat(80));
    let too_long =
        format!("the key of the object is too long key_bytes=2071 limit_bytes=1024 id={shown}… (2048 bytes)");
    check(&long, ErrorKind::TooLarge, &too_long);
}

#[test]
fn the_longest_key_is_1024_bytes() {
    let keys = Keys::new("p");
    let spent = keys.documents("users").unwrap().len();
    assert!(keys.document("users", &"x".repeat(KEY_BYTES_MAX - spent)).is_ok());
    assert!(keys.document("users", &"x".repeat(KEY_BYTES_MAX - spent + 1)).is_err());
}

#[test]
fn references_have_the_keys_of_s3db_js() {
    for case in cases(PARTITION_KEYS, "key") {
        let partition = partition(&case);
        let (keys, resource, id) = (Keys::new(""), text(&case, "resource"), text(&case, "id"));
        let record = map(&case["record"]);
        let expected = case["expected"].as_str();
        let lenient = partition.foreign_key(&keys, resource, id, record, "v1");
        let unsafe_value = partition.fields.iter().any(|field| {
            field.text_of(record, id, "v1").is_some_and(|text| text.contains(['/', '\\', '=', '%']))
        });
        let strict = partition.key(&keys, resource, id, record, "v1");
        if !unsafe_value {
            assert_eq!(strict.unwrap().as_deref(), expected, "{case}");
            assert_eq!(lenient.as_deref(), expected, "{case}");
            continue;
        }
        let error = strict.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation);
        assert_eq!(error.fields()[0].field, partition.fields[0].path);
        let inside = expected
            .filter(|key| key.starts_with(&format!("resource={resource}/partition={}/", partition.name)));
        assert_eq!(lenient.as_deref(), inside, "{case}");
    }
}

#[test]
fn a_value_never_leaves_its_partition() {
    let partition = Partition::parse("byA", &json!({"fields": {"a": "string"}})).unwrap();
    let keys = Keys::new("db");
    for value in ["../../data/id=evil", "../../../../x", "x/../../../y", "/../../z", ".."] {
        let document = json!({ "a": value });
        let inside = "db/resource=users/partition=byA/";
        if let Ok(key) = partition.key(&keys, "users", "u1", map(&document), "v1") {
            assert_eq!(key, Some(format!("{inside}a={value}/id=u1")));
        }
        if let Some(key) = partition.foreign_key(&keys, "users", "u1", map(&document), "v1") {
            assert!(key.starts_with(inside), "{key}");
        }
        if let Ok(prefix) = partition.prefix(&keys, "users", map(&document)) {
            assert!(prefix.starts_with(inside), "{prefix}");
        }
    }
}

#[test]
fn lookups_use_the_prefix_of_s3db_js_and_end_with_a_slash() {
    for case in cases(PARTITION_KEYS, "prefix") {
        let partition = partition(&case);
        let found = partition.prefix(&Keys::new(""), text(&case, "resource"), map(&case["values"]));
        // s3db.js lists a prefix that no key has when a field is left out.
        match text(&case, "name") {
            "partition_keys-81" => {
                let error = found.unwrap_err();
                assert_eq!((error.context("field"), error.context("missing")), (Some("b"), Some("Alpha")));
            }
            _ => assert_eq!(found.unwrap(), format!("{}/", text(&case, "expected")), "{case}"),
        }
    }
}

#[test]
fn a_lookup_finds_values_with_a_slash_that_s3db_js_wrote() {
    let partition = Partition::parse("byA", &json!({"fields": {"a": "string"}})).unwrap();
    let prefix = partition.prefix(&Keys::new(""), "users", map(&json!({"a": "x/y"}))).unwrap();
    assert_eq!(prefix, "resource=users/partition=byA/a=x/y/");
    let unknown = partition.prefix(&Keys::new(""), "users", map(&json!({"b": 1}))).unwrap_err();
    assert_eq!(unknown.context("field"), Some("b"));
}

#[test]
fn rules_change_values_as_in_s3db_js() {
    for case in cases(PARTITION_KEYS, "rule") {
        let field = PartitionField::new("f", text(&case, "rule"));
        assert_eq!(*field.ruled(&case["value"]), case["expected"], "{case}");
    }
}

#[test]
fn fields_are_ordered_as_locale_compare_orders_them() {
    for case in cases(PARTITION_KEYS, "order") {
        let mut names: Vec<String> = serde_json::from_value(case["input"].clone()).unwrap();
        names.sort_by(|a, b| locale_compare(a, b));
        assert_eq!(json!(names), case["expected"]);
    }
    for case in cases(PARTITION_KEYS, "compare") {
        let order = locale_compare(text(&case, "a"), text(&case, "b")) as i64;
        assert_eq!(json!(order), case["expected"], "{case}");
    }
}

#[test]
fn a_list_of_fields_becomes_one_partition_each() {
    let attributes =
        json!({"a": "string|required", "r": "number|optional", "e": {"type": "enum", "values": ["x"]}});
    let full = normalize_partitions(&json!(["r", "a", "e"]), map(&attributes)).unwrap();
    let expected = json!({
        "byR": {"fields": {"r": "number"}}, "byA": {"fields": {"a": "string"}}, "byE": {"fields": {"e": "enum"}}
    });
    assert_eq!(Value::Object(full), expected);
    for bad in [json!(["zip"]), json!([1]), json!("a")] {
        assert_eq!(normalize_partitions(&bad, map(&attributes)).unwrap_err().kind(), ErrorKind::Config);
    }
}

#[test]
fn timestamps_and_versioning_imply_partitions() {
    let mut partitions = map(&json!({"byVersion": {"fields": {"_v": "number"}}})).clone();
    with_implicit_partitions(&mut partitions, true, true);
    let expected = json!({
        "byVersion": {"fields": {"_v": "number"}},
        "byCreatedDate": {"fields": {"createdAt": "date|maxlength:10"}},
        "byUpdatedDate": {"fields": {"updatedAt": "date|maxlength:10"}},
    });
    assert_eq!(Value::Object(partitions), expected);
    let by_version = Partition::parse("byVersion", &json!({"fields": {"_v": "string"}})).unwrap();
    let key = by_version.key(&Keys::new(""), "r", "i", &Map::new(), "v3").unwrap();
    assert_eq!(key.as_deref(), Some("resource=r/partition=byVersion/_v=v3/id=i"));
}

#[test]
fn a_bad_partition_definition_says_what_is_wrong() {
    for (definition, message) in [
        (json!({}), "the partition has no fields partition=byA"),
        (json!({"fields": {}}), "the partition has no fields partition=byA"),
        (json!({"fields": {"a": 5}}), "the rule of a partition field is not a text partition=byA field=a"),
        (
            json!({"fields": {"a/b": "string"}}),
            "the field name holds characters that no key can hold field=a/b characters=/ partition=byA",
        ),
    ] {
        assert_eq!(Partition::parse("byA", &definition).unwrap_err().to_string(), message);
    }
}

#[test]
fn keys_of_every_kind_are_recognised() {
    let keys = Keys::new("p");
    let value = json!("a@b.c");
    let claim = keys.claim("users", "email", &value).unwrap();
    let digest = claim.rsplit_once("sha256=").unwrap().1;
    for (key, expected) in [
        (keys.catalog(), ParsedKey::Catalog),
        (
            keys.catalog_backup("2025-03-04T05:06:22.366Z"),
            ParsedKey::CatalogBackup { time: "2025-03-04T05-06-22-366Z" },
        ),
        (
            keys.sequence("users", "id").unwrap(),
            ParsedKey::Sequence { resource: "users", field: "id", lock: false },
        ),
        (
            keys.sequence_lock("users", "id").unwrap(),
            ParsedKey::Sequence { resource: "users", field: "id", lock: true },
        ),
        (claim.clone(), ParsedKey::Claim { resource: "users", field: "email", digest }),
        (
            keys.catalog_lock(),
            ParsedKey::Plugin {
                resource: None,
                slug: "s3db-core",
                rest: "locks/namespace=metadata/s3db-metadata.json",
            },
        ),
        (
            keys.plugin("ttl", Some("users")).unwrap() + "x/y",
            ParsedKey::Plugin { resource: Some("users"), slug: "ttl", rest: "x/y" },
        ),
        ("p/resource=users/historical/id=u1".into(), ParsedKey::Historical { resource: "users", id: "u1" }),
        (
            "p/resource=users/partition=byA/a=x/y/b=/id=u1".into(),
            ParsedKey::Reference {
                resource: "users",
                partition: "byA",
                values: vec![("a", Cow::Borrowed("x/y")), ("b", Cow::Borrowed(""))],
                id: "u1",
            },
        ),
        ("q/s3db.json".into(), ParsedKey::Foreign),
        ("p/resource=users/data/id=u1/more".into(), ParsedKey::Foreign),
        ("p/resource=users/data/readme.txt".into(), ParsedKey::Foreign),
        ("p/photos/cat.png".into(), ParsedKey::Foreign),
    ] {
        assert_eq!(keys.parse(&key), expected, "{key}");
    }
    assert!(!claim.contains("a@b.c"));
    assert_ne!(keys.claim("users", "n", &json!(5)).unwrap(), keys.claim("users", "n", &json!("5")).unwrap());
}

/// Texts that may stand in a key.
fn name() -> impl Strategy<Value = String> {
    "[^/\\\\=%]{1,12}".prop_filter("not blank", |name| !name.trim().is_empty())
}

proptest! {
    #[test]
    fn parsing_a_built_key_gives_its_parts_back(
        prefix in "[a-z/.]{0,8}", resource in name(), id in name(), partition in name(),
        fields in prop::collection::btree_map(name(), name(), 1..4)
    ) {
        let keys = Keys::new(&prefix);
        let key = keys.document(&resource, &id).unwrap();
        prop_assert_eq!(keys.parse(&key), ParsedKey::Document { resource: &resource, id: &id });
        prop_assert_eq!(key.strip_prefix(&keys.documents(&resource).unwrap()), Some(id.as_str()));

        let fields: std::collections::BTreeMap<_, _> = fields.into_iter().filter(|(f, _)| !f.contains('.')).collect();
        prop_assume!(!fields.is_empty());
        let rules: Map<_, _> = fields.keys().map(|f| (f.clone(), json!("string"))).collect();
        let document: Map<_, _> = fields.iter().map(|(f, v)| (f.clone(), json!(v))).collect();
        let definition = Partition::parse(&partition, &json!({"fields": rules})).unwrap();
        let key = definition.key(&keys, &resource, &id, &document, "v1").unwrap().unwrap();
        prop_assert!(key.starts_with(&definition.prefix(&keys, &resource, &document).unwrap()));
        let ParsedKey::Reference { values, resource: r, partition: p, id: i } = keys.parse(&key) else {
            return Err(TestCaseError::fail(key));
        };
        prop_assert_eq!((r, p, i), (resource.as_str(), partition.as_str(), id.as_str()));
        let parsed: Map<_, _> = values.iter().map(|(f, v)| ((*f).to_owned(), json!(v))).collect();
        prop_assert_eq!(parsed, document);
    }
}
