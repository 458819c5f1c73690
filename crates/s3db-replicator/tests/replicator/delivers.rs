use std::sync::Arc;
use std::time::Duration;

use s3db_core::Database;
use s3db_core::resource::NewContent;
use s3db_replicator::{Operation, Replay, Replicator, ReplicatorOptions, Route, Routes};
use serde_json::{Value, json};

use crate::support::{Bucket, Mood, System, World, pass, to, users};

#[tokio::test(start_paused = true)]
async fn every_verb_is_told_once_for_each_document_with_what_was_before() {
    let (world, system) = (World::new(), System::default());
    let process = world.process(to(&system)).await;
    let users = users(&process.db).await;
    let flushed = async || process.replicator.flush().await.unwrap();
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    flushed().await;
    users.update("a", json!({"name": "B"})).await.unwrap();
    flushed().await;
    users.patch("a", json!({"age": 3})).await.unwrap();
    users.replace("a", json!({"name": "C"})).await.unwrap();
    users.upsert(json!({"id": "b", "name": "B"})).await.unwrap();
    flushed().await;
    users.upsert(json!({"id": "b", "name": "BB"})).await.unwrap();
    users
        .insert_many([json!({"id": "c", "name": "C"}), json!({"id": "d", "name": "D"})])
        .await
        .into_result()
        .unwrap();
    flushed().await;
    // Fields are as they were.
    users.set_content("a", NewContent::new("picture")).await.unwrap();
    users.delete("a").await.unwrap();
    users.delete_many(["c", "d"]).await.into_result().unwrap();
    flushed().await;
    let mut told = system.told();
    told.sort();
    let expected = [
        "delete a", "delete c", "delete d", "insert a", "insert b", "insert c", "insert d", "update a",
        "update a", "update a", "update b",
    ];
    assert_eq!(told, expected);
    let changes = system.changes();
    let first = changes.iter().find(|change| change["operation"] == "update").unwrap();
    assert_eq!((&first["before"]["name"], &first["after"]["name"]), (&json!("A"), &json!("B")));
    let deleted =
        changes.iter().find(|change| change["operation"] == "delete" && change["id"] == "a").unwrap();
    assert_eq!((&deleted["before"]["name"], &deleted["after"]), (&json!("C"), &Value::Null));
    assert!(changes.iter().all(|change| change["is_certain"] == true && change["resource"] == "users"));
    assert_eq!(system.len(), 1);
    assert_eq!(system.document("b").unwrap()["name"], "BB");
    assert!(world.outbox().await.is_empty(), "{:?}", world.outbox().await);
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_makes_no_writer_wait_and_gets_the_changes_of_a_document_in_order() {
    let (world, system) = (World::new(), System::default());
    system.is(Mood::Slow);
    let process = world.process(to(&system)).await;
    let users = users(&process.db).await;
    let before = tokio::time::Instant::now();
    for age in 0..10 {
        users.upsert(json!({"id": "a", "name": "A", "age": age})).await.unwrap();
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(process.replicator.stats().targets[0].lag_changes, 10);
    process.replicator.flush().await.unwrap();
    let ages: Vec<Value> = system.changes().iter().map(|change| change["after"]["age"].clone()).collect();
    assert_eq!(ages, (0..10).map(|age| json!(age)).collect::<Vec<_>>());
    assert_eq!(system.document("a").unwrap()["age"], 9);
    // What waits meanwhile goes together.
    assert!(system.calls() <= 3, "{}", system.calls());
}

#[tokio::test(start_paused = true)]
async fn a_change_costs_one_put_more_and_those_that_come_together_share_it() {
    let bucket = Arc::new(Bucket::default());
    let open = async |replicator: &Replicator| {
        let secrets = s3db_core::encoding::Passphrase::new("open sesame");
        let db = Database::builder_on(bucket.clone(), "").passphrase(secrets).plugin(replicator.clone());
        db.connect().await.unwrap()
    };
    let without = open(&Replicator::default()).await;
    let before = without.requests();
    users(&without).await.insert(json!({"id": "x", "name": "X"})).await.unwrap();
    let without = (without.requests() - before).put - 1;
    for (batching, writers, puts) in
        [(true, 1, 1..=1), (false, 1, 1..=1), (true, 100, 1..=50), (false, 100, 100..=100)]
    {
        let system = System::default();
        let replicator = Replicator::with(to(&system).batching(batching));
        let db = open(&replicator).await;
        let users = users(&db).await;
        let before = db.requests();
        let insert = |n: usize| users.insert(json!({"id": format!("{batching}-{writers}-{n}"), "name": "N"}));
        futures::future::try_join_all((0..writers).map(insert)).await.unwrap();
        let more = (db.requests() - before).put - without * writers as u64;
        assert!(puts.contains(&more), "{batching} {writers}: {more}");
        assert_eq!(replicator.stats().outbox_objects, more);
        replicator.flush().await.unwrap();
        assert_eq!(system.len(), writers);
        db.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn routes_say_what_goes_where_and_in_what_form() {
    let (world, all, some) = (World::new(), System::default(), System::default());
    let route = Route::to("people")
        .operations([Operation::Insert, Operation::Delete])
        .without("age")
        .transform(|mut document| {
            document.insert("source".into(), json!("shop"));
            (document["name"] != "hidden").then_some(document)
        });
    let routes = Routes::only(["orders"]).resource("users", route);
    let options = to(&all).target("some", some.clone(), routes);
    let process = world.process(options).await;
    let users = users(&process.db).await;
    let notes = s3db_core::ResourceConfig::new("notes", json!({"text": "string"}));
    let notes = process.db.create_resource(notes).await.unwrap();
    users.insert(json!({"id": "a", "name": "A", "age": 1})).await.unwrap();
    users.insert(json!({"id": "h", "name": "hidden"})).await.unwrap();
    users.insert(json!({"id": "z", "name": "Z"})).await.unwrap();
    notes.insert(json!({"id": "n", "text": "N"})).await.unwrap();
    process.replicator.flush().await.unwrap();
    users.update("a", json!({"name": "AA"})).await.unwrap();
    users.delete("z").await.unwrap();
    process.replicator.flush().await.unwrap();
    assert_eq!((all.len(), some.len()), (3, 1));
    assert_eq!(Value::Object(some.document("a").unwrap()), json!({"name": "A", "id": "a", "source": "shop"}));
    assert_eq!(all.document("a").unwrap()["name"], "AA");
    assert!(some.changes().iter().all(|change| change["to"] == "people"));
    assert_eq!(some.told(), ["insert a", "insert h", "insert z", "delete z"]);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_in_no_outbox_and_reach_only_a_target_that_is_to_have_them() {
    let (world, system, trusted) = (World::new(), System::default(), System::default());
    system.is(Mood::Down);
    let secrets = Routes::all().resource("users", Route::new().send_secrets());
    let options = to(&system).target("trusted", trusted.clone(), secrets);
    let process = world.process(options).await;
    let users = users(&process.db).await;
    let user =
        json!({"id": "a", "name": "A", "pin": "hunter2", "address": {"city": "Rome", "code": "hunter3"}});
    users.insert(user).await.unwrap();
    users.update("a", json!({"pin": "hunter22", "address.code": "hunter33"})).await.unwrap();
    pass(1).await;
    assert!(!world.outbox().await.is_empty());
    assert!(!world.all_bytes().await.contains("hunter"), "a secret is in the bucket");
    system.is(Mood::Fine);
    pass(60).await;
    process.replicator.flush().await.unwrap();
    let told = format!("{:?} {:?}", system.changes(), system.document("a"));
    assert!(told.contains("Rome") && !told.contains("hunter"), "{told}");
    let sent = Value::Object(trusted.document("a").unwrap());
    assert_eq!((&sent["pin"], &sent["address"]["code"]), (&json!("hunter22"), &json!("hunter33")));
    let told = format!("{:?}", trusted.changes());
    assert!(!told.contains("hunter"), "{told}");
    assert!(!format!("{:?}", process.replicator).contains("hunter"));
}

#[tokio::test(start_paused = true)]
async fn a_replay_sends_what_was_there_before_and_what_is_named() {
    let (world, system) = (World::new(), System::default());
    let process = world.process(ReplicatorOptions::default()).await;
    let rows = users(&process.db).await;
    rows.insert_many((0..250).map(|n| json!({"id": format!("u{n:03}"), "name": "N"})))
        .await
        .into_result()
        .unwrap();
    process.db.close().await;
    let process = world.process(to(&system)).await;
    let replayed = process.replicator.replay(&Replay::all()).await.unwrap();
    assert_eq!((replayed.sent, replayed.put_aside, system.len()), (250, 0, 250));
    // Also what is gone, where it is named.
    system.keep("ghost");
    let ghost = Replay::all().target("system").resource("users").id("ghost");
    assert_eq!(process.replicator.replay(&ghost).await.unwrap().sent, 1);
    assert!(system.document("ghost").is_none());
    let unknown = process.replicator.replay(&Replay::all().target("nobody")).await.unwrap_err();
    assert_eq!(unknown.suggestion(), Some("the targets are: system"));
}
