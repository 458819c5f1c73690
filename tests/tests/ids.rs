//! Ids of documents that come without one, and the sequences behind those that count.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db::id::IdGenerator;
use s3db::store::{Condition, MemoryStore, Metadata, PutObject, Store};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use serde_json::{Value, json};

async fn open(store: &MemoryStore, prefix: &str) -> Database {
    Database::builder_on(Arc::new(store.clone()), prefix).connect().await.unwrap()
}

async fn orders(db: &Database, ids: Value) -> Resource {
    let definition = json!({"name": "orders", "attributes": {"label": "string|min:2"}, "idGenerator": ids});
    db.create_resource(ResourceConfig::from_json(&definition).unwrap()).await.unwrap()
}

async fn insert(resource: &Resource) -> String {
    resource.insert(json!({"label": "some"})).await.unwrap().id
}

fn vectors() -> Vec<Value> {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/sequences.json"));
    let vectors: Value = serde_json::from_str(text).unwrap();
    vectors["cases"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_form_numbers_as_s3db_js_does_and_leaves_the_same_object() {
    for case in vectors() {
        if case["kind"] != "generator" || case["input"] == "incremental:weird!" {
            continue;
        }
        let store = MemoryStore::new();
        let db = open(&store, "").await;
        let definition =
            json!({"name": "t", "attributes": {"label": "string"}, "idGenerator": case["input"]});
        let resource = db.create_resource(ResourceConfig::from_json(&definition).unwrap()).await.unwrap();
        for expected in case["expected"].as_array().unwrap() {
            assert_eq!(insert(&resource).await, *expected, "{case}");
        }
        let object = store.get(case["object_key"].as_str().unwrap()).await.unwrap().unwrap();
        let body: Value = serde_json::from_slice(&object.body).unwrap();
        let theirs = &case["object_body"];
        assert_eq!((&body["value"], &body["name"]), (&theirs["value"], &theirs["name"]), "{case}");
        let dated = |body: &Value| (body["createdAt"].is_string(), body["updatedAt"].is_string());
        assert_eq!(dated(&body), dated(theirs), "{case}");
        assert_eq!(object.head.content_type.as_deref(), case["content_type"].as_str());
        // The settings are still in force for a process that only opens the database.
        let again = open(&store, "").await.resource("t").unwrap();
        let Some(IdGenerator::Incremental(settings)) = Some(again.id_generator()) else {
            panic!("{case}: {:?}", again.id_generator());
        };
        let next = again.sequence_value("id").await.unwrap().unwrap();
        assert_eq!(insert(&again).await, settings.format(next), "{case}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn databases_on_one_store_hand_out_each_number_once_and_leave_no_gap() {
    const EACH: i64 = 60;
    let store = MemoryStore::new();
    orders(&open(&store, "app").await, json!("incremental")).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let resource = open(&store, "app").await.resource("orders").unwrap();
        for _ in 0..EACH {
            let resource = resource.clone();
            tasks.spawn(async move { insert(&resource).await.parse::<i64>().unwrap() });
        }
    }
    let given: Vec<i64> = tasks.join_all().await;
    let distinct: BTreeSet<i64> = given.iter().copied().collect();
    assert_eq!(distinct.len(), given.len(), "a number was given twice");
    assert!(distinct.into_iter().eq(1..=4 * EACH), "a number is missing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_of_several_databases_never_overlap_and_callers_share_one_reservation() {
    let store = MemoryStore::new();
    orders(&open(&store, "app").await, json!("incremental:fast")).await;
    let mut tasks = tokio::task::JoinSet::new();
    let databases = [open(&store, "app").await, open(&store, "app").await];
    for db in &databases {
        for _ in 0..50 {
            let resource = db.resource("orders").unwrap();
            tasks.spawn(async move { insert(&resource).await.parse::<i64>().unwrap() });
        }
    }
    let given: BTreeSet<i64> = tasks.join_all().await.into_iter().collect();
    assert_eq!(given.len(), 100);
    let resource = databases[0].resource("orders").unwrap();
    assert_eq!(resource.sequence_value("id").await.unwrap(), Some(201), "one batch a database");
    let status = resource.batch_status().unwrap();
    assert_eq!((status.end - status.start, status.remaining), (100, 50));
    let left = resource.release_batch().unwrap();
    assert_eq!((left.remaining, resource.batch_status()), (50, None));
    assert_eq!(insert(&resource).await, "201");
}

#[tokio::test]
async fn an_id_costs_two_requests_and_a_batch_as_well() {
    let db = open(&MemoryStore::new(), "app").await;
    let mut before = db.requests();
    let mut spent = |what: &str, expected: &str| {
        let now = db.requests();
        assert_eq!((now - before).to_string(), expected, "{what}");
        before = now;
    };
    let standard = orders(&db, json!("incremental")).await;
    spent("create", "1 GET + 1 PUT");
    for what in ["first", "next"] {
        insert(&standard).await;
        spent(what, "1 GET + 2 PUT");
    }
    standard.insert(json!({"id": "own", "label": "some"})).await.unwrap();
    spent("an own id", "1 PUT");
    standard.sequence_value("id").await.unwrap();
    spent("sequence_value", "1 GET");
    standard.reserve_batch(10).await.unwrap();
    spent("reserve_batch", "1 GET + 1 PUT");
    standard.reset_sequence("id", 500).await.unwrap();
    spent("reset_sequence", "1 GET + 1 PUT");
    standard.list_sequences().await.unwrap();
    spent("list_sequences", "1 GET + 1 LIST");
    let fast =
        orders(&db, json!({"type": "incremental", "mode": "fast", "batchSize": 5, "start": 500})).await;
    spent("create", "1 GET + 1 PUT");
    for i in 0..12 {
        insert(&fast).await;
        spent(&format!("fast {i}"), if i % 5 == 0 { "1 GET + 2 PUT" } else { "1 PUT" });
    }
}

#[tokio::test]
async fn a_document_that_is_refused_burns_no_number() {
    let resource = orders(&open(&MemoryStore::new(), "app").await, json!("incremental")).await;
    let error = resource.insert(json!({"label": "x"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert_eq!(resource.sequence_value("id").await.unwrap(), None);
    assert_eq!(insert(&resource).await, "1");
}

#[tokio::test]
async fn a_function_makes_ids_of_the_validated_document_and_outlives_a_refresh() {
    let db = open(&MemoryStore::new(), "app").await;
    let attributes = json!({"label": "string|trim:true|lowercase:true"});
    let ids = IdGenerator::custom(|document| format!("id-{}", document["label"].as_str().unwrap_or("")));
    let tags = db.create_resource(ResourceConfig::new("tags", attributes).id_generator(ids)).await.unwrap();
    let catalog = db.catalog();
    assert_eq!(catalog["resources"]["tags"]["versions"]["v1"]["idGenerator"], "custom");
    db.refresh().await.unwrap();
    let tag = tags.insert(json!({"label": " Rust "})).await.unwrap();
    assert_eq!(tag.id, format!("id-{}", tag.data["label"].as_str().unwrap()));
    let again = db.resource("tags").unwrap().insert(json!({"label": "go"})).await.unwrap();
    assert_eq!(again.id, "id-go");
}

#[tokio::test]
async fn a_definition_that_says_nothing_of_ids_keeps_those_of_the_resource() {
    let store = MemoryStore::new();
    orders(&open(&store, "app").await, json!("incremental:ORD-0001")).await;
    let db = open(&store, "app").await;
    let wider = json!({"label": "string|min:2", "note": "string|optional"});
    let resource = db.create_resource(ResourceConfig::new("orders", wider.clone())).await.unwrap();
    assert_eq!(resource.version(), "v2");
    assert_eq!(insert(&resource).await, "ORD-0001");
    let random = ResourceConfig::new("orders", wider).id_generator(IdGenerator::nanoid(9));
    assert_eq!(insert(&db.create_resource(random).await.unwrap()).await.len(), 9);
    let version = &db.catalog()["resources"]["orders"]["versions"]["v2"];
    assert_eq!((&version["idGenerator"], &version["idSize"]), (&json!("default"), &json!(9)));
    assert_eq!(version.get("idGeneratorSettings"), None);
}

#[tokio::test]
async fn sequences_are_listed_below_a_prefix_and_belong_to_their_field() {
    for prefix in ["", "deep/er"] {
        let resource = orders(&open(&MemoryStore::new(), prefix).await, json!("incremental:7")).await;
        assert!(resource.list_sequences().await.unwrap().is_empty());
        insert(&resource).await;
        resource.reset_sequence("invoice", 40).await.unwrap();
        let listed = resource.list_sequences().await.unwrap();
        let listed: Vec<(&str, i64)> = listed.iter().map(|info| (info.field.as_str(), info.next)).collect();
        assert_eq!(listed, [("id", 8), ("invoice", 40)], "{prefix}");
        assert_eq!(resource.sequence_value("other").await.unwrap(), None);
        assert_eq!(resource.sequence_value("a/b").await.unwrap_err().kind(), ErrorKind::Config);
    }
    let plain = orders(&open(&MemoryStore::new(), "").await, json!(8)).await;
    assert_eq!(insert(&plain).await.len(), 8);
    assert_eq!(plain.reserve_batch(3).await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn sequences_of_a_bucket_of_s3db_js_go_on() {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/buckets/incremental-ids.json"));
    let bucket: Value = serde_json::from_str(text).unwrap();
    let store = MemoryStore::new();
    for object in bucket["objects"].as_array().unwrap() {
        let metadata = object["metadata"].as_object().unwrap();
        let metadata: Metadata =
            metadata.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let put = PutObject {
            metadata: Arc::new(metadata),
            body: STANDARD.decode(object["body_base64"].as_str().unwrap()).unwrap().into(),
            content_type: object["content_type"].as_str().map(Into::into),
        };
        store.put(object["key"].as_str().unwrap(), put, Condition::None).await.unwrap();
    }
    let db = open(&store, "").await;
    // The catalogue of s3db.js says that these count; the prefix, the step and the mode must come from the program.
    for (name, settings, expected) in [
        ("orders", None, "6"),
        ("invoices", Some("incremental:INV-0001"), "INV-0004"),
        ("fast", Some("incremental:fast"), "101"),
        ("tens", None, "130"),
    ] {
        let mut resource = db.resource(name).unwrap();
        if let Some(settings) = settings {
            let config = ResourceConfig::new(name, json!({"label": "string"}))
                .behavior("user-managed".parse().unwrap())
                .id_generator(IdGenerator::from_json(&json!(settings)).unwrap());
            resource = db.create_resource(config).await.unwrap();
            assert_eq!(resource.version(), "v1", "no new version for other ids");
        }
        assert_eq!(insert(&resource).await, expected, "{name}");
    }
    for (name, size) in [("nano", 22), ("short", 8), ("sized", 30)] {
        assert_eq!(insert(&db.resource(name).unwrap()).await.len(), size, "{name}");
    }
}

#[tokio::test]
async fn a_schema_that_declares_the_id_has_its_rules_kept_and_stores_it_only_in_the_key() {
    let store = MemoryStore::new();
    let db = open(&store, "").await;
    let attributes = json!({"id": "string|required|min:3", "label": "string|optional"});
    let rows = db.create_resource(ResourceConfig::new("rows", attributes).paranoid(false)).await.unwrap();
    let row = rows.insert(json!({"id": "row-1", "label": "some"})).await.unwrap();
    assert_eq!((row.id.as_str(), row.data.contains_key("id")), ("row-1", false));
    rows.update("row-1", json!({"label": "other"})).await.unwrap();
    rows.replace("row-1", json!({"label": "third"})).await.unwrap();
    rows.upsert(json!({"id": "row-1", "label": "fourth"})).await.unwrap();
    assert_eq!(rows.get("row-1").await.unwrap().data, *json!({"label": "fourth"}).as_object().unwrap());
    let object = store.get("resource=rows/data/id=row-1").await.unwrap().unwrap();
    assert!(!object.head.metadata.iter().any(|(_, text)| text.contains("row-1")), "{object:?}");
    // A required id is not made up.
    for (refused, rule) in
        [(json!({"label": "x"}), "required"), (json!({"id": "r", "label": "x"}), "stringMin")]
    {
        let error = rows.insert(refused).await.unwrap_err();
        assert_eq!((error.kind(), error.fields()[0].rule.as_str()), (ErrorKind::Validation, rule), "{error}");
    }
    let optional = json!({"id": "string|optional", "label": "string"});
    let rows = db.create_resource(ResourceConfig::new("optional", optional)).await.unwrap();
    assert_eq!(rows.insert(json!({"label": "x"})).await.unwrap().id.len(), 22);
}
