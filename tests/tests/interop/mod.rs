//! The live round trip: s3db.js reads every field that we wrote, of every type under every behavior, and we read what it
//! then updates.
//!
//! The real s3db.js runs where `S3DB_TEST_PEER` names its folder (`cargo xtask peer install`). Elsewhere its recorded
//! answers are used: clock and randomness are fixed, so that we write the same bytes again. `S3DB_RECORD=1` records.

mod content;
mod definitions;
mod documents;
mod partitions;
mod peer;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db::behavior::Behavior;
use s3db::encoding::Passphrase;
use s3db::store::{Condition, MemoryOptions, MemoryStore, Metadata, PutObject, Store};
use s3db::{Database, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Map, Value, json};

use documents::{Case, cases, differs_in_s3db_js};

const PASSPHRASE: &str = "correct horse";
const BEHAVIORS: [&str; 5] =
    ["user-managed", "enforce-limits", "truncate-data", "body-overflow", "body-only"];

#[tokio::test]
async fn s3db_js_reads_what_we_write_and_we_read_what_it_updates() {
    let env = Arc::new(TestEnv::new(42));
    let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
    let db = open(store.clone(), env).await;
    let mut updates: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut written: BTreeMap<(String, String), Value> = BTreeMap::new();
    for (resource, case) in resources() {
        let behavior: Behavior = case.behavior.parse().unwrap();
        let config = ResourceConfig::new(&resource, case.attributes.clone())
            .behavior(behavior)
            .timestamps(case.timestamps);
        let users = db.create_resource(config).await.unwrap();
        for (id, document) in &case.documents {
            let mut document = document.clone();
            document["id"] = json!(id);
            let record = users.insert(document).await.unwrap_or_else(|e| panic!("{resource}/{id}: {e:?}"));
            let read = users.get(id).await.unwrap_or_else(|e| panic!("{resource}/{id}: {e:?}"));
            same(&json!(record.fields()), &json!(read.fields()), &format!("{resource}/{id}: inserted, read"));
            written.insert((resource.clone(), id.clone()), json!(read.fields()));
            let change = json!({"label": "changed by s3db.js"});
            updates.entry(resource.clone()).or_default().insert(id.clone(), change);
        }
    }

    let input = json!({"passphrase": PASSPHRASE, "objects": objects(&store), "updates": updates});
    let output = peer::visit("interop", &input);

    let mut wrong = Vec::new();
    for ((resource, id), ours) in &written {
        let theirs = &output["read"][resource][id];
        compare(resource, id, ours, theirs, &mut wrong);
    }
    assert!(wrong.is_empty(), "s3db.js reads differently:\n{}", wrong.join("\n"));

    // s3db.js keeps metadata beyond the limit of S3 in its memory; a real server would have refused those updates.
    let mut options = MemoryOptions::default();
    options.capability.metadata_bytes_max = usize::MAX;
    let after = MemoryStore::with(options);
    fill(&after, output["objects"].as_array().unwrap()).await;
    let db = open(after, Arc::new(TestEnv::new(43))).await;
    for ((resource, id), before) in &written {
        if let Some(failure) = output["failures"][resource].get(id) {
            if !documents::cannot_be_updated_by_s3db_js(before) {
                wrong.push(format!("{resource}/{id}: s3db.js cannot update it: {failure}"));
            }
            continue;
        }
        let mut expected = before.clone();
        expected["label"] = json!("changed by s3db.js");
        match db.resource(resource).unwrap().get(id).await {
            Ok(read) => compare_after_update(resource, id, &expected, &json!(read.fields()), &mut wrong),
            Err(error) => wrong.push(format!("{resource}/{id}: {error:?}")),
        }
    }
    assert!(wrong.is_empty(), "after updates of s3db.js we read differently:\n{}", wrong.join("\n"));
}

/// Where a store drops metadata without a value, an empty value is written in a longer form.
#[tokio::test]
async fn s3db_js_reads_empty_values_in_the_form_for_stores_that_drop_them() {
    let env = Arc::new(TestEnv::new(7));
    let mut options = MemoryOptions { env: env.clone(), ..MemoryOptions::default() };
    options.capability.keeps_empty_metadata = false;
    let store = MemoryStore::with(options);
    let db = open(store.clone(), env).await;
    let attributes = json!({"text": "string|optional|empty:true", "list": "array|items:string|optional",
        "numbers": "array|items:number|optional", "null": "string|optional|nullable", "object": "object|optional",
        "label": "string|optional", "nested": {"inner": "string|optional|empty:true", "n": "number|optional"}});
    let document = json!({"id": "a", "text": "", "list": [], "numbers": [], "null": null, "object": {},
        "nested": {"inner": "", "n": 1}});
    for behavior in BEHAVIORS {
        let config = ResourceConfig::new(behavior, attributes.clone()).behavior(behavior.parse().unwrap());
        db.create_resource(config).await.unwrap().insert(document.clone()).await.unwrap();
    }
    let objects = objects(&store);
    for object in &objects {
        assert!(object["metadata"].as_object().unwrap().values().all(|value| value != ""), "{object}");
    }
    let output =
        peer::visit_as("empty_values", "interop", &json!({"passphrase": PASSPHRASE, "objects": objects}));
    for behavior in BEHAVIORS {
        let read = &output["read"][behavior]["a"];
        for (name, value) in document.as_object().unwrap() {
            assert_eq!(&read[name], value, "{behavior}: {name} in {read}");
        }
    }
}

fn resources() -> Vec<(String, Case)> {
    let mut resources = Vec::new();
    for behavior in BEHAVIORS {
        for timestamps in [false, true] {
            for case in cases(behavior, timestamps) {
                let stamped = if timestamps { "-timestamps" } else { "" };
                resources.push((format!("{}-{behavior}{stamped}", case.name), case));
            }
        }
    }
    resources
}

async fn open(store: MemoryStore, env: Arc<TestEnv>) -> Database {
    let builder =
        Database::builder_on(Arc::new(store), "db").env(env).passphrase(Passphrase::new(PASSPHRASE));
    builder.connect().await.unwrap()
}

fn objects(store: &MemoryStore) -> Vec<Value> {
    let objects = store.objects().into_iter().map(|(key, object)| {
        let metadata: Map<String, Value> =
            object.head.metadata.iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        json!({
            "key": *key, "metadata": metadata, "body_base64": STANDARD.encode(&object.body),
            "content_type": object.head.content_type.as_deref(),
        })
    });
    objects.collect()
}

async fn fill(store: &MemoryStore, objects: &[Value]) {
    for object in objects {
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
}

/// Whether s3db.js sees every field as we do, but for those that it is known to misread.
fn compare(resource: &str, id: &str, ours: &Value, theirs: &Value, wrong: &mut Vec<String>) {
    let (Some(ours), Some(theirs)) = (ours.as_object(), theirs.as_object()) else {
        return wrong.push(format!("{resource}/{id}: s3db.js gives {theirs}"));
    };
    let names: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for name in names {
        let (a, b) = (ours.get(name), theirs.get(name));
        if !equal(a, b) && !differs_in_s3db_js(name, a, b) {
            wrong.push(format!("{resource}/{id}.{name}: ours {a:?}, s3db.js {b:?}"));
        }
    }
}

fn compare_after_update(resource: &str, id: &str, expected: &Value, read: &Value, wrong: &mut Vec<String>) {
    let (expected, read) = (expected.as_object().unwrap(), read.as_object().unwrap());
    for (name, value) in expected {
        if name == "updatedAt" || name == "createdAt" {
            continue;
        }
        let found = read.get(name);
        if !equal(Some(value), found) && !documents::is_damaged_by_s3db_js(name, value) {
            wrong.push(format!("{resource}/{id}.{name}: was {value}, is {found:?}"));
        }
    }
}

fn same(a: &Value, b: &Value, what: &str) {
    assert!(equal(Some(a), Some(b)), "{what}:\n{a}\n{b}");
}

/// JSON equality with numbers as doubles.
fn equal(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(Some(a), Some(b)))
        }
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.len() == b.len() && a.iter().all(|(name, value)| equal(Some(value), b.get(name)))
        }
        (a, b) => a == b,
    }
}
