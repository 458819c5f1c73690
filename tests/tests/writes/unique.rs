//! No two documents hold a unique value, whatever happens to their writers.

use std::sync::Arc;
use std::time::Duration;

use s3db::store::{Condition, ListRequest, MemoryOptions, MemoryStore, PutObject, Store};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

use super::faulty::{Fault, Faulty};

async fn open(store: Arc<dyn Store>, seed: u64) -> Database {
    let env = Arc::new(TestEnv::new(seed));
    Database::builder_on(store, "app").env(env).connect().await.unwrap()
}

fn config() -> ResourceConfig {
    ResourceConfig::new(
        "users",
        json!({
            "email": "email|normalize|unique|optional",
            "tenant": "string|unique:tenantNumber|optional",
            "number": "number|unique:tenantNumber|optional",
            "name": "string|optional",
        }),
    )
}

async fn users(store: Arc<dyn Store>) -> Resource {
    open(store, 1).await.create_resource(config()).await.unwrap()
}

async fn claims(store: &dyn Store) -> usize {
    let page = store.list(ListRequest::prefix("app/plugin=s3db-unique/resource=")).await.unwrap();
    page.entries.len()
}

#[tokio::test]
async fn each_verb_keeps_values_unique() {
    let store = Arc::new(MemoryStore::new());
    let users = users(store.clone()).await;
    users.insert(json!({"id": "ann", "email": "Ann@example.com", "tenant": "t", "number": 1})).await.unwrap();
    users.insert(json!({"id": "bob", "email": "bob@example.com", "tenant": "t", "number": 2})).await.unwrap();

    let taken = [
        users.insert(json!({"id": "eve", "email": "ann@example.com"})).await.unwrap_err(),
        users.insert(json!({"id": "eve", "tenant": "t", "number": 1})).await.unwrap_err(),
        users.update("bob", json!({"email": "ANN@example.com"})).await.unwrap_err(),
        users.replace("bob", json!({"email": "ann@example.com"})).await.unwrap_err(),
        users.upsert(json!({"id": "eve", "email": "ann@example.com"})).await.unwrap_err(),
        users.update("bob", json!({"number": 1})).await.unwrap_err(),
    ];
    for error in &taken {
        assert_eq!(error.kind(), ErrorKind::Unique, "{error:?}");
        assert_eq!(error.context("holder"), Some("ann"), "{error:?}");
        assert!(!error.is_retryable());
    }
    assert_eq!(
        (taken[0].context("field"), taken[0].context("value")),
        (Some("email"), Some("\"ann@example.com\""))
    );
    assert_eq!(
        (taken[1].context("field"), taken[1].context("value")),
        (Some("tenantNumber"), Some("[\"t\",1]"))
    );
    assert_eq!(users.count().await.unwrap(), 2);

    // In one batch the first wins.
    let batch = ["x", "y"].map(|id| json!({"id": id, "email": "new@example.com"}));
    let batch = users.insert_many(batch).await;
    assert_eq!((batch.ok.len(), batch.failed.len()), (1, 1));
    assert_eq!(batch.failed[0].error.kind(), ErrorKind::Unique);

    // A value that was let go of is free again: by an update, a replace, a delete.
    users.update("ann", json!({"email": "anna@example.com"})).await.unwrap();
    users.update("bob", json!({"email": "ann@example.com"})).await.unwrap();
    users.replace("bob", json!({"name": "Bob"})).await.unwrap();
    users.insert(json!({"id": "eve", "email": "ann@example.com"})).await.unwrap();
    users.delete("eve").await.unwrap();
    users.insert(json!({"id": "eve", "email": "ann@example.com", "tenant": "t", "number": 2})).await.unwrap();
    // A document keeps its own values, and any number of documents may lack them.
    users.update("eve", json!({"email": "ann@example.com", "name": "Eve"})).await.unwrap();
    users.insert(json!({"name": "Nobody"})).await.unwrap();
    assert_eq!(claims(store.as_ref()).await, 5);

    assert!(users.delete_many(["eve"]).await.failed.is_empty());
    assert_eq!(claims(store.as_ref()).await, 3);
    users.delete_all(true).await.unwrap();
    assert_eq!(claims(store.as_ref()).await, 0);
}

#[tokio::test]
async fn unique_fields_cost_one_put_on_insert_and_nothing_when_they_do_not_change() {
    let db = open(Arc::new(MemoryStore::new()), 1).await;
    let users = db.create_resource(config()).await.unwrap();
    let mut before = db.requests();
    let mut spent = |what: &str, expected: &str| {
        let now = db.requests();
        assert_eq!((now - before).to_string(), expected, "{what}");
        before = now;
    };
    users.insert(json!({"id": "a", "email": "a@example.com"})).await.unwrap();
    spent("insert", "2 PUT");
    users.update("a", json!({"name": "A"})).await.unwrap();
    spent("update of another field", "1 GET + 1 PUT");
    users.update("a", json!({"email": "b@example.com"})).await.unwrap();
    spent("update of the value", "2 GET + 2 PUT + 1 DELETE");
    users.delete("a").await.unwrap();
    spent("delete", "2 GET + 2 DELETE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_one_value_one_gets_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let _ = users(store.clone()).await;
    let mut writers = tokio::task::JoinSet::new();
    for process in 0..4_u64 {
        let db = open(store.clone(), process + 2).await;
        for number in 0..50 {
            let users = db.resource("users").unwrap();
            writers.spawn(async move {
                let user = json!({"id": format!("p{process}-{number}"), "email": "one@example.com"});
                users.insert(user).await.map(|record| record.id).map_err(|error| error.kind())
            });
        }
    }
    let results = writers.join_all().await;
    let winners = results.iter().filter(|result| result.is_ok()).count();
    let refused = results.iter().filter(|result| matches!(result, Err(ErrorKind::Unique))).count();
    assert_eq!((winners, refused), (1, 199));
}

#[tokio::test]
async fn an_insert_that_fails_gives_its_values_back() {
    let store = Arc::new(MemoryStore::new());
    let users = users(store.clone()).await;
    users.insert(json!({"id": "ann", "email": "ann@example.com"})).await.unwrap();
    let error = users.insert(json!({"id": "ann", "email": "other@example.com"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    // The refused insert has the same value as the document whose id it wanted: its claim stays.
    let error = users.insert(json!({"id": "ann", "email": "ann@example.com"})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(claims(store.as_ref()).await, 1);
    users.insert(json!({"id": "bob", "email": "other@example.com"})).await.unwrap();
    let error = users.insert(json!({"id": "eve", "email": "ann@example.com"})).await.unwrap_err();
    assert_eq!(error.context("holder"), Some("ann"));
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_taken_once() {
    for fault in [Fault::AnswerLost, Fault::RefusedByItself] {
        let store = Faulty::new();
        let users = users(store.clone()).await;
        store.next_put("plugin=s3db-unique", fault);
        users.insert(json!({"id": "ann", "email": "ann@example.com"})).await.unwrap();
        let error = users.insert(json!({"id": "eve", "email": "ann@example.com"})).await.unwrap_err();
        assert_eq!(error.context("holder"), Some("ann"));
    }
}

#[tokio::test]
async fn the_claim_of_a_writer_that_died_blocks_its_value_no_longer_than_the_grace_period() {
    let env = Arc::new(TestEnv::new(1));
    let store =
        Faulty::around(MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() }));
    let grace = Duration::from_hours(1);
    let db = Database::builder_on(store.clone(), "app")
        .env(env.clone())
        .options(|options| options.claim_grace = grace)
        .connect()
        .await
        .unwrap();
    let users = db.create_resource(config()).await.unwrap();
    // The claim is put, then the process dies before its document.
    store.next_put("data/id=dead", Fault::NotSent);
    let died = users.insert(json!({"id": "dead", "email": "ann@example.com"})).await.unwrap_err();
    assert_eq!(died.kind(), ErrorKind::Unavailable);
    assert_eq!(claims(store.as_ref()).await, 1);

    let wanted: Value = json!({"id": "ann", "email": "ann@example.com"});
    let early = users.insert(wanted.clone()).await.unwrap_err();
    assert_eq!((early.kind(), early.is_retryable()), (ErrorKind::Unique, true), "{early:?}");
    assert_eq!(early.context("claimed_for"), Some("dead"));
    // The clock of the store, which dates its objects, is that of the test.
    env.advance_ms(2 * i64::try_from(grace.as_millis()).unwrap());
    users.insert(wanted).await.unwrap();
    let late = users.insert(json!({"id": "dead", "email": "ann@example.com"})).await.unwrap_err();
    assert_eq!(late.context("holder"), Some("ann"));
}

#[tokio::test]
async fn a_damaged_claim_is_not_trusted_before_its_time() {
    let store = Arc::new(MemoryStore::new());
    let users = users(store.clone()).await;
    users.insert(json!({"id": "ann", "email": "ann@example.com"})).await.unwrap();
    let page = store.list(ListRequest::prefix("app/plugin=s3db-unique/resource=")).await.unwrap();
    let key = page.entries[0].key.to_string();
    let damaged = PutObject { body: "{".into(), ..PutObject::default() };
    store.put(&key, damaged, Condition::None).await.unwrap();
    let error = users.insert(json!({"id": "eve", "email": "ann@example.com"})).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unique, true));
}

#[tokio::test]
async fn a_secret_or_a_list_item_cannot_be_unique() {
    let db = open(Arc::new(MemoryStore::new()), 1).await;
    for attributes in [
        json!({"key": "secret|unique"}),
        json!({"key": "password|unique:both", "name": "string|unique:both"}),
    ] {
        let error = db.create_resource(ResourceConfig::new("keys", attributes)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("cannot be `unique`"), "{error}");
    }
}

#[tokio::test]
async fn a_field_of_stored_documents_becomes_unique_once_its_values_are() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let db = open(store.clone(), 1).await;
    let plain = || ResourceConfig::new("users", json!({"email": "string|optional"}));
    let users = db.create_resource(plain()).await.unwrap();
    for (id, email) in [("ann", "a@example.com"), ("bob", "b@example.com"), ("eve", "a@example.com")] {
        users.insert(json!({"id": id, "email": email})).await.unwrap();
    }
    let unique = || ResourceConfig::new("users", json!({"email": "string|unique|optional"}));
    let error = db.create_resource(unique()).await.unwrap_err();
    assert_eq!((error.kind(), error.context("duplicates")), (ErrorKind::Unique, Some("1")), "{error:?}");
    assert!(error.to_string().contains("`ann` and `eve`"), "{error}");
    // Nothing has changed.
    assert_eq!((users.version(), claims(store.as_ref()).await), ("v1".to_owned(), 0));

    users.update("eve", json!({"email": "e@example.com"})).await.unwrap();
    let users = db.create_resource(unique()).await.unwrap();
    assert_eq!((users.version(), claims(store.as_ref()).await), ("v2".to_owned(), 3));
    let error = users.insert(json!({"email": "b@example.com"})).await.unwrap_err();
    assert_eq!(error.context("holder"), Some("bob"));
}
