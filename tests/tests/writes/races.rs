//! Lost updates, lost answers, and the caller's own checks.

use std::sync::Arc;

use s3db::resource::WriteCheck;
use s3db::store::{MemoryStore, Metadata, PutObject, Store};
use s3db::{Database, Document, ErrorKind, Resource, ResourceConfig, Result};
use s3db_testkit::TestEnv;
use serde_json::json;

use super::faulty::{Fault, Faulty};

async fn open(store: Arc<dyn Store>, seed: u64) -> Database {
    let env = Arc::new(TestEnv::new(seed));
    Database::builder_on(store, "app").env(env).connect().await.unwrap()
}

async fn counters(db: &Database) -> Resource {
    let attributes = json!({"n": "number", "note": "string|optional"});
    db.create_resource(ResourceConfig::new("counters", attributes)).await.unwrap()
}

fn add_one(counter: &mut Document) -> Result<()> {
    let n = counter.get("n").and_then(serde_json::Value::as_i64).unwrap_or(0);
    counter.insert("n".into(), json!(n + 1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_of_many_writers_is_lost() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let first = counters(&open(store.clone(), 0).await).await;
    first.insert(json!({"id": "c", "n": 0})).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for seed in 1..=8 {
        let store = store.clone();
        writers.spawn(async move {
            let env = Arc::new(TestEnv::new(seed));
            let db = Database::builder_on(store, "app")
                .env(env)
                .options(|options| options.update_attempts_max = 10_000)
                .connect()
                .await
                .unwrap();
            let counters = db.resource("counters").unwrap();
            for _ in 0..50 {
                counters.update_with("c", add_one).await.unwrap();
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(first.get("c").await.unwrap().data["n"], 400);
}

#[tokio::test]
async fn a_lost_answer_never_makes_a_write_happen_twice_or_look_failed() {
    for (fault, what) in [(Fault::AnswerLost, "answer lost"), (Fault::RefusedByItself, "refused by itself")] {
        let store = Faulty::new();
        let counters = counters(&open(store.clone(), 1).await).await;
        store.next_put("data/id=c", fault.clone());
        let inserted = counters.insert(json!({"id": "c", "n": 0})).await.expect(what);
        store.next_put("data/id=c", fault.clone());
        let updated = counters.update_with("c", add_one).await.expect(what);
        assert_ne!(inserted.meta.etag, updated.meta.etag, "{what}");
        let read = counters.get("c").await.unwrap();
        assert_eq!((&read.data["n"], &read.meta.etag), (&json!(1), &updated.meta.etag), "{what}");
    }

    // What was not sent has not happened, and the error says that trying again may help.
    let store = Faulty::new();
    let counters = counters(&open(store.clone(), 1).await).await;
    counters.insert(json!({"id": "c", "n": 0})).await.unwrap();
    store.next_put("data/id=c", Fault::NotSent);
    let error = counters.update_with("c", add_one).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true));
    assert_eq!(counters.get("c").await.unwrap().data["n"], 0);
}

#[tokio::test]
async fn a_write_in_doubt_is_reported_and_not_applied_again() {
    let store = Faulty::new();
    let counters = counters(&open(store.clone(), 1).await).await;
    counters.insert(json!({"id": "c", "n": 0})).await.unwrap();
    let metadata = [("0", "7"), ("_v", "v1")].into_iter().collect::<Metadata>();
    let other =
        PutObject { metadata: Arc::new(metadata), body: r#"{"_w":"other"}"#.into(), content_type: None };
    store.next_put("data/id=c", Fault::Overtaken(other));
    let error = counters.update_with("c", add_one).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.is_outcome_unknown() && error.suggestion().is_some(), "{error:?}");
    assert_eq!(counters.get("c").await.unwrap().data["n"], 7);
}

#[tokio::test]
async fn a_caller_can_insist_on_the_document_that_it_has_seen() {
    let db = open(Arc::new(MemoryStore::new()), 1).await;
    let counters = counters(&db).await;
    let seen = counters.insert(json!({"id": "c", "n": 0})).await.unwrap().meta.etag;
    let now = counters.if_match(&seen).update("c", json!({"n": 1})).await.unwrap().meta.etag;
    let stale = counters.if_match(&seen);
    let refusals = [
        stale.update("c", json!({"n": 2})).await.unwrap_err(),
        stale.update_with("c", add_one).await.unwrap_err(),
        stale.replace("c", json!({"n": 2})).await.unwrap_err(),
        stale.delete("c").await.unwrap_err(),
    ];
    for refusal in &refusals {
        assert_eq!(refusal.kind(), ErrorKind::Conflict);
        assert_eq!(refusal.context("found_etag"), Some(now.as_str()), "{refusal:?}");
    }
    assert_eq!(counters.get("c").await.unwrap().data["n"], 1);
    let now = counters.if_match(&now).replace("c", json!({"n": 3})).await.unwrap().meta.etag;
    counters.if_match(&now).delete("c").await.unwrap();
    assert_eq!(counters.if_match(&now).update("c", json!({})).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn records_say_how_far_their_etag_can_be_trusted() {
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new());
    let counters = counters(&open(store.clone(), 1).await).await;
    let put = |id: &str, metadata: &[(&str, &str)], body: &'static [u8]| {
        let metadata = Arc::new(metadata.iter().copied().collect::<Metadata>());
        let key = format!("app/resource=counters/data/id={id}");
        let store = store.clone();
        async move {
            let object = PutObject { metadata, body: body.into(), content_type: None };
            store.put(&key, object, s3db::store::Condition::None).await.unwrap();
        }
    };
    put("js", &[("0", "1"), ("_v", "v1")], b"").await;
    put("blob", &[("0", "1"), ("_v", "v1"), ("_hascontent", "true")], b"content of the user").await;
    counters.insert(json!({"id": "ours", "n": 1})).await.unwrap();
    let check = |id: &'static str, before: WriteCheck, after: WriteCheck| {
        let counters = counters.clone();
        async move {
            assert_eq!(counters.get(id).await.unwrap().meta.check, before, "{id} as it was");
            let updated = counters.update(id, json!({"n": 2})).await.unwrap();
            assert_eq!(updated.meta.check, before, "the first update of {id}");
            let again = counters.update(id, json!({"n": 3})).await.unwrap();
            assert_eq!(again.meta.check, after, "the second update of {id}");
        }
    };
    check("ours", WriteCheck::Checked, WriteCheck::Checked).await;
    check("js", WriteCheck::StampedOnly, WriteCheck::Checked).await;
    check("blob", WriteCheck::Unchecked, WriteCheck::Unchecked).await;
}

#[tokio::test]
async fn without_stamps_the_bytes_are_those_of_s3db_js_and_records_say_that_less_is_checked() {
    let store = Arc::new(MemoryStore::new());
    let bodies_and_checks = |stamps: bool| {
        let store = store.clone();
        async move {
            let builder = Database::builder_on(store.clone(), "app").env(Arc::new(TestEnv::new(1)));
            let db = builder.options(|options| options.stamps = stamps).connect().await.unwrap();
            let counters = counters(&db).await;
            let id = format!("stamps-{stamps}");
            counters.insert(json!({"id": id, "n": 1})).await.unwrap();
            let read = counters.get(&id).await.unwrap();
            let updated = counters.update(&id, json!({"n": 2})).await.unwrap();
            let stored = store.get(&format!("app/resource=counters/data/id={id}")).await.unwrap().unwrap();
            (stored.body.is_empty(), read.meta.check, updated.meta.check)
        }
    };
    let (weak, full) = (WriteCheck::StampedOnly, WriteCheck::Checked);
    assert_eq!(bodies_and_checks(false).await, (true, weak, weak));
    assert_eq!(bodies_and_checks(true).await, (false, full, full));
}
