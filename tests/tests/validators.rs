//! Rules of the program itself, which a schema names.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use s3db::store::MemoryStore;
use s3db::{Database, Error, ErrorKind, ResourceConfig};
use serde_json::{Value, json};

async fn open(store: &MemoryStore) -> Database {
    Database::builder_on(Arc::new(store.clone()), "").connect().await.unwrap()
}

/// A database in which `even` takes even numbers, and `lower` waits before it takes texts without capitals.
async fn with_validators(store: &MemoryStore) -> Database {
    let db = open(store).await;
    db.validator("even", |value| match value.as_i64() {
        Some(number) if number % 2 == 0 => Ok(()),
        _ => Err(format!("{value} is odd")),
    });
    db.validator_async("lower", |value: Value| async move {
        tokio::task::yield_now().await;
        let text = value.as_str().unwrap_or_default();
        if text.to_lowercase() == text { Ok(()) } else { Err("no capitals".to_owned()) }
    });
    db.validator("short", |value| match value.as_array() {
        Some(items) if items.len() < 3 => Ok(()),
        _ => Err("too many".to_owned()),
    });
    db
}

fn attributes() -> Value {
    json!({
        "n": "number|min:0|custom:even",
        "name": "string|trim|custom:lower|optional|nullable",
        "nested": {"deep": {"n": {"type": "number", "custom": "even", "optional": true}}},
        "list": {"type": "array", "items": {"type": "string", "custom": "lower"}, "optional": true, "custom": "short"},
        "numbers": {"type": "array", "items": {"type": "number", "custom": "even"}, "optional": true},
        "either": [{"type": "number", "custom": "even"}, "string"],
        "key": "secret|custom:lower|optional",
    })
}

fn failing(error: &Error) -> Vec<(&str, &str)> {
    assert_eq!(error.kind(), ErrorKind::Validation, "{error:?}");
    error.fields().iter().map(|field| (field.field.as_str(), field.rule.as_str())).collect()
}

#[tokio::test]
async fn every_verb_runs_them_and_lists_their_errors_with_all_others() {
    let db = with_validators(&MemoryStore::new()).await;
    let config = ResourceConfig::new("things", attributes());
    let things = Box::pin(db.create_resource(config)).await.unwrap();
    let good = json!({"id": "a", "n": "4", "name": " ann ", "nested": {"deep": {"n": 2}}, "list": ["x"], "either": 2});
    things.insert(good.clone()).await.unwrap();
    assert_eq!(things.get("a").await.unwrap().data["n"], 4, "converted before it was looked at");

    let bad = json!({"id": "b", "n": 3, "name": "Ann", "nested": {"deep": {"n": 1}}, "list": ["x", "Y", "Z"], "numbers": [2, 3],
        "either": 3});
    let mut wanted = [
        ("either", "custom"),
        ("list", "custom"),
        ("list[1]", "custom"),
        ("list[2]", "custom"),
        ("n", "custom"),
        ("name", "custom"),
        ("nested.deep.n", "custom"),
        ("numbers[1]", "custom"),
    ];
    wanted.sort_unstable();
    let check = |error: Error| {
        let mut found = failing(&error);
        found.sort_unstable();
        assert_eq!(found, wanted, "{error:?}");
    };
    check(things.insert(bad.clone()).await.unwrap_err());
    check(Box::pin(things.update("a", bad_changes(&bad))).await.unwrap_err());
    check(Box::pin(things.replace("a", bad_changes(&bad))).await.unwrap_err());
    check(Box::pin(things.upsert(bad.clone())).await.unwrap_err());
    let error = Box::pin(things.patch("a", json!({"nested.deep.n": 5}))).await.unwrap_err();
    assert_eq!(failing(&error), [("nested.deep.n", "custom")]);
    assert_eq!(error.fields()[0].message, "5 is odd");
    let many = Box::pin(things.insert_many(vec![bad, json!({"id": "c", "n": 0, "either": "x"})])).await;
    let refused = format!("{many:?}");
    assert!(refused.contains("no capitals"), "{refused}");
    assert!(things.get_or_none("b").await.unwrap().is_none(), "nothing was written of it");
    assert_eq!(things.get("a").await.unwrap().data["n"], 4, "and nothing changed");
}

fn bad_changes(bad: &Value) -> Value {
    let mut changes = bad.clone();
    changes.as_object_mut().unwrap().remove("id");
    changes
}

#[tokio::test]
async fn they_see_what_passes_the_other_rules_and_no_error_shows_a_secret() {
    let db = open(&MemoryStore::new()).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    db.validator("never", move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Err("never".to_owned())
    });
    let attributes = json!({"n": "number|min:5|custom:never|optional|nullable", "key": "secret|custom:never|optional",
        "preset": "string|default:x|custom:never"});
    let things = db.create_resource(ResourceConfig::new("things", attributes)).await.unwrap();
    let error = things.insert(json!({"n": 1})).await.unwrap_err();
    assert_eq!(failing(&error), [("n", "numberMin")], "its type comes first");
    things.insert(json!({"n": null})).await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    let error = things.insert(json!({"key": "hunter2"})).await.unwrap_err();
    assert_eq!(failing(&error), [("key", "custom")]);
    assert!(!format!("{error:?} {}", error.to_json()).contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn one_that_is_not_registered_is_refused_on_create_and_write_and_warned_of_on_open() {
    let store = MemoryStore::new();
    let things = ResourceConfig::new("things", attributes());
    let error = open(&store).await.create_resource(things.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    for part in ["nested.deep.n: even", "list[]: lower", "db.validator"] {
        assert!(format!("{error:?}").contains(part), "{part}: {error:?}");
    }
    let db = with_validators(&store).await;
    let created = db.create_resource(things).await.unwrap();
    created.insert(json!({"id": "a", "n": 2, "either": 2})).await.unwrap();

    let without = open(&store).await.resource("things").unwrap();
    assert_eq!(without.get("a").await.unwrap().data["n"], 2, "reading needs none");
    assert!(without.warnings().iter().any(|warning| warning.contains("even")), "{:?}", without.warnings());
    for error in [
        without.insert(json!({"n": 2, "either": 2})).await.unwrap_err(),
        Box::pin(without.update("a", json!({"n": 4}))).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert_eq!(error.context("validator"), Some("even"), "{error:?}");
    }
    let with = with_validators(&store).await.resource("things").unwrap();
    assert!(!with.warnings().iter().any(|warning| warning.contains("validator")), "{:?}", with.warnings());
}

#[tokio::test]
async fn a_rule_that_names_nothing_is_refused() {
    let db = open(&MemoryStore::new()).await;
    for (attributes, says) in [
        (json!({"a": "string|custom"}), "the name of a validator"),
        (json!({"a": {"type": "string", "custom": " "}}), "names no validator"),
        (json!({"a": "custom"}), "any|custom:NAME"),
        (json!({"a": "forbidden|custom:x"}), "does not apply"),
        (json!({"a": "record|key:alpha"}), "unknown type `alpha`"),
    ] {
        let error = db.create_resource(ResourceConfig::new("things", attributes.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{attributes}");
        assert!(format!("{error:?}").contains(says), "{attributes}: {error:?}");
    }
}
