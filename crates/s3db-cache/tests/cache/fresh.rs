//! Never an old answer.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use s3db_cache::CacheOptions;
use s3db_core::op::{Answer, Next, Op, OpLayer, Stage};
use s3db_core::resource::ListOptions;
use s3db_core::{Database, Document, Record, Resource, Result};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

use crate::support::{resource, world};

/// The verbs that [`write`] knows.
pub(crate) const VERBS: [&str; 12] = [
    "update",
    "patch",
    "update_with",
    "replace",
    "upsert",
    "if_match",
    "delete",
    "delete_many",
    "delete_all",
    "insert_many",
    "set_content",
    "delete_content",
];

/// Calls a verb by its name, each of which changes or deletes the document `ann`.
pub(crate) async fn write(users: &Resource, verb: &str) {
    let set = |data: &mut Document| {
        data.insert("n".into(), json!(7));
        Ok(())
    };
    match verb {
        "update" => drop(users.update("ann", json!({"n": 1})).await.unwrap()),
        "patch" => drop(users.patch("ann", json!({"n": 2})).await.unwrap()),
        "update_with" => drop(users.update_with("ann", set).await.unwrap()),
        "replace" => drop(users.replace("ann", json!({"name": "Anna"})).await.unwrap()),
        "upsert" => drop(users.upsert(json!({"id": "ann", "name": "Anne"})).await.unwrap()),
        "if_match" => {
            let etag = users.get("ann").await.unwrap().meta.etag;
            users.if_match(&etag).update("ann", json!({"n": 3})).await.unwrap();
        }
        "delete" => users.delete("ann").await.unwrap(),
        "delete_many" => drop(users.delete_many(["ann"]).await.into_result().unwrap()),
        "delete_all" => drop(users.delete_all(true).await.unwrap()),
        "insert_many" => {
            drop(users.insert_many([json!({"id": "bob", "name": "Bob"})]).await.into_result().unwrap())
        }
        "set_content" => drop(users.set_content("ann", b"hi".as_slice()).await.unwrap()),
        "delete_content" => drop(users.delete_content("ann").await.unwrap()),
        other => unreachable!("{other}"),
    }
}

/// What a reader sees, by every verb that reads.
pub(crate) async fn seen(users: &Resource) -> Vec<String> {
    let mut seen = Vec::new();
    for id in ["ann", "bob"] {
        let found = users.get_or_none(id).await.unwrap().map(|record| (record.data, record.meta.has_content));
        seen.push(format!("{found:?} {}", users.exists(id).await.unwrap()));
    }
    let data = |records: Vec<Record>| {
        format!("{:?}", records.into_iter().map(|record| record.data).collect::<Vec<_>>())
    };
    seen.push(data(users.get_many(["ann"]).await.ok));
    for limit in [None, Some(1), Some(2)] {
        let options = ListOptions { limit, ..ListOptions::default() };
        seen.push(data(users.list(options.clone()).await.unwrap().records));
        seen.push(format!("{:?}", users.list_ids(options).await.unwrap()));
    }
    seen.push(users.count().await.unwrap().to_string());
    seen.push(data(users.page(1, None).await.unwrap().records));
    for filter in [json!({"name": "Ann"}), json!({"n": {"$gt": 1}})] {
        seen.push(data(users.query(filter).run().await.unwrap().records));
    }
    seen
}

#[tokio::test]
async fn after_every_verb_a_read_sees_what_the_bucket_holds() {
    for verb in VERBS {
        let world = world(CacheOptions::default()).await;
        let users = resource(&world.db, "users").await;
        users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
        for _ in 0..2 {
            seen(&users).await;
        }
        // Past the cache reads go, and writes do not.
        write(&users.uncached(), verb).await;
        let cached = seen(&users).await;
        assert_eq!(cached, seen(&users.uncached()).await, "{verb}");
        assert_eq!(seen(&users).await, cached, "{verb}");
    }
}

#[tokio::test]
async fn a_second_read_sends_nothing_and_gives_the_same() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann", "at": "2025-01-01T00:00:00Z"})).await.unwrap();
    let first = users.get("ann").await.unwrap();
    let (again, sent) = world.sent(users.get("ann")).await;
    assert_eq!((again.unwrap(), sent.total()), (first, 0));
    assert!(users.exists("ann").await.unwrap());
    assert_eq!(world.sent(users.exists("ann")).await.1.total(), 0);
    // What is absent is asked for each time, since anybody may create it.
    for _ in 0..2 {
        let (none, sent) = world.sent(users.get_or_none("bob")).await;
        assert_eq!((none.unwrap(), sent.to_string().as_str()), (None, "1 GET"));
    }
    let (_, sent) = world.sent(users.uncached().get("ann")).await;
    assert_eq!(sent.to_string(), "1 GET");
}

#[tokio::test]
async fn reads_that_ask_for_something_else_are_kept_apart() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    for n in 0..10 {
        users.insert(json!({"id": format!("user-{n}"), "name": "x", "n": n})).await.unwrap();
    }
    let list = async |limit: usize, after: Option<&str>| {
        let options = ListOptions { limit: Some(limit), after: after.map(str::to_owned) };
        let records = users.list(options).await.unwrap().records;
        records.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        assert_eq!(list(2, None).await, ["user-0", "user-1"]);
        assert_eq!(list(10, None).await.len(), 10);
        assert_eq!(list(2, Some("user-4")).await, ["user-5", "user-6"]);
        for even in [0, 2] {
            let found = users.query(json!({"n": even})).run().await.unwrap().records;
            assert_eq!(found[0].data["n"], json!(even));
        }
    }
    let (count, sent) = world.sent(users.count()).await;
    assert_eq!((count.unwrap(), sent.total()), (10, 1));
    assert_eq!(world.sent(users.count()).await.1.total(), 0);
    assert_eq!(world.sent(list(10, None)).await.1.total(), 0);
}

#[tokio::test]
async fn a_write_to_one_resource_or_document_leaves_the_others() {
    let world = world(CacheOptions::default()).await;
    let (users, archive) = (resource(&world.db, "users").await, resource(&world.db, "users_archive").await);
    for rows in [&users, &archive] {
        // First all writes: of many documents, a few share what tells that one was written.
        for id in ["ann", "bob"] {
            rows.insert(json!({"id": id, "name": id})).await.unwrap();
        }
        for id in ["ann", "bob"] {
            rows.get(id).await.unwrap();
        }
    }
    users.update("ann", json!({"n": 1})).await.unwrap();
    assert_eq!(world.sent(archive.get("ann")).await.1.total(), 0);
    users.delete_all(true).await.unwrap();
    assert_eq!(world.sent(archive.get("bob")).await.1.total(), 0);
}

/// Holds reads after they have read, until they are let go.
#[derive(Debug)]
struct Gate {
    arrived: Notify,
    open: Semaphore,
}

#[async_trait]
impl OpLayer for Gate {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let is_read = op.verb().is_read();
        let answer = next.run(op).await;
        if is_read {
            self.arrived.notify_one();
            self.open.acquire().await.unwrap().forget();
        }
        answer
    }
}

async fn gated(db: &Database) -> Arc<Gate> {
    let gate = Arc::new(Gate { arrived: Notify::new(), open: Semaphore::new(0) });
    // Inside the cache.
    db.layer(Stage::Transform, gate.clone()).keep();
    gate
}

#[tokio::test]
async fn a_read_that_began_before_a_write_stores_nothing_old() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann", "n": 1})).await.unwrap();
    let gate = gated(&world.db).await;
    let slow = tokio::spawn({
        let users = users.clone();
        async move { users.get("ann").await.unwrap().data["n"].clone() }
    });
    gate.arrived.notified().await;
    users.update("ann", json!({"n": 2})).await.unwrap();
    // One that comes now does not join it either.
    let late = tokio::spawn({
        let users = users.clone();
        async move { users.get("ann").await.unwrap().data["n"].clone() }
    });
    gate.arrived.notified().await;
    gate.open.add_permits(10);
    assert_eq!(slow.await.unwrap(), json!(1));
    assert_eq!(late.await.unwrap(), json!(2));
    assert_eq!(users.get("ann").await.unwrap().data["n"], json!(2));
}

#[tokio::test]
async fn callers_at_the_same_time_share_one_read() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    let gate = gated(&world.db).await;
    let reads = join_all((0..20).map(|_| users.get("ann")));
    let open = async {
        gate.arrived.notified().await;
        gate.open.add_permits(100);
    };
    let ((read, ()), sent) = world.sent(async { tokio::join!(reads, open) }).await;
    assert!(read.into_iter().all(|record| record.unwrap().data["name"] == "Ann"));
    assert_eq!(sent.to_string(), "1 GET");
    assert_eq!(world.cache.stats().joined, 19);

    // A reader that goes away leaves the others to read by themselves.
    world.cache.clear();
    gate.open.forget_permits(100);
    let leader = tokio::spawn({
        let users = users.clone();
        async move { users.get("ann").await }
    });
    gate.arrived.notified().await;
    let joined = tokio::spawn({
        let users = users.clone();
        async move { users.get("ann").await }
    });
    while world.cache.stats().misses < 22 {
        tokio::task::yield_now().await;
    }
    leader.abort();
    gate.open.add_permits(100);
    assert_eq!(joined.await.unwrap().unwrap().data["name"], "Ann");
}

#[tokio::test]
async fn what_another_process_wrote_is_seen_in_time_or_when_told() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann", "n": 1})).await.unwrap();
    let other = Database::builder_on(world.store.clone(), "").connect().await.unwrap();
    let theirs = other.resource("users").unwrap();
    let n = async || users.get("ann").await.unwrap().data["n"].clone();
    let mut expected: Vec<Value> = Vec::new();
    expected.push(n().await);
    theirs.update("ann", json!({"n": 2})).await.unwrap();
    expected.push(n().await);
    world.cache.invalidate("users", "ann").await;
    expected.push(n().await);
    theirs.update("ann", json!({"n": 3})).await.unwrap();
    world.cache.invalidate_resource("users").await;
    expected.push(n().await);
    theirs.update("ann", json!({"n": 4})).await.unwrap();
    world.env.advance_ms(299_999);
    expected.push(n().await);
    world.env.advance_ms(1);
    expected.push(n().await);
    assert_eq!(expected, [1, 1, 2, 3, 3, 4].map(Value::from));

    // Deleted there, created again here.
    theirs.delete("ann").await.unwrap();
    users.insert(json!({"id": "ann", "name": "Ann", "n": 5})).await.unwrap();
    assert_eq!(n().await, json!(5));
}
