//! Changes of processes that are gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use s3db_coordinator::Coordinator;
use s3db_core::Database;
use s3db_replicator::{Replicator, ReplicatorOptions, Routes, S3dbTarget};
use serde_json::json;

use crate::support::{Bucket, Mood, System, World, pass, to, users};

#[tokio::test(start_paused = true)]
async fn changes_of_a_process_that_died_are_delivered_by_another_and_kept_until_nothing_can_arrive_any_more()
{
    let (world, dead, alive) = (World::new(), System::default(), System::default());
    // As good as dead: it records, and delivers nothing.
    dead.is(Mood::Down);
    let first = world.process(to(&dead)).await;
    let rows = users(&first.db).await;
    rows.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    rows.insert(json!({"id": "b", "name": "B"})).await.unwrap();
    rows.delete("b").await.unwrap();
    let second = world.process(to(&alive)).await;
    alive.keep("b");
    pass(25).await;
    assert_eq!(alive.calls(), 0, "the other may still do it");
    pass(50).await;
    assert!(alive.document("a").is_some() && alive.document("b").is_none());
    assert_eq!(second.replicator.stats().taken_over, 3);
    assert!(alive.changes().iter().all(|change| change["is_certain"] == false));
    // A write that was sent before may arrive now, and is seen by the last look.
    let calls = alive.calls();
    pass(600).await;
    assert_eq!((alive.calls(), world.outbox().await.len()), (calls, 3), "once is enough for now");
    pass(500).await;
    assert_eq!((alive.calls(), world.outbox().await.len()), (calls + 3, 0));
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn changes_for_a_target_that_nobody_has_any_more_are_kept_and_told_of() {
    let (world, gone, system) = (World::new(), System::default(), System::default());
    gone.is(Mood::Down);
    let first = world.process(to(&system).target("gone", gone.clone(), Routes::all())).await;
    users(&first.db).await.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    first.db.close().await;
    let second = world.process(to(&system)).await;
    pass(1_200).await;
    assert_eq!(world.outbox().await.len(), 1);
    let info = second.db.plugins().into_iter().find(|plugin| plugin.slug == "replicator").unwrap();
    let told = info.last_failure.unwrap();
    assert!(told.contains("gone") && told.contains("outbox/"), "{told}");
    // Who has the target takes them.
    gone.is(Mood::Fine);
    let third = world.process(to(&system).target("gone", gone.clone(), Routes::all())).await;
    pass(1_200).await;
    assert!(gone.document("a").is_some() && world.outbox().await.is_empty());
    drop(third);
}

#[tokio::test(start_paused = true)]
async fn with_a_coordinator_only_the_leader_looks_through_the_outbox() {
    let (world, dead) = (World::new(), System::default());
    dead.is(Mood::Down);
    let first = world.process(to(&dead)).await;
    users(&first.db).await.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    let mut fleet = Vec::new();
    for _ in 0..3 {
        let (system, coordinator) = (System::default(), Coordinator::new());
        let replicator = Replicator::with(to(&system));
        let db = Database::builder_on(world.bucket.clone(), "").env(world.env());
        let db = db.plugin(coordinator.clone()).plugin(replicator.clone()).connect().await.unwrap();
        fleet.push((system, coordinator, db));
    }
    pass(120).await;
    for (system, coordinator, _) in &fleet {
        assert_eq!(system.len(), usize::from(coordinator.is_leader()));
    }
    assert_eq!(fleet.iter().filter(|(_, coordinator, _)| coordinator.is_leader()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_keeps_no_other_from_what_is_taken_over() {
    for mood in [Mood::Down, Mood::Busy] {
        let (world, down, alive) = (World::new(), System::default(), System::default());
        down.is(mood);
        let both = |other: &System| to(&down).target("alive", other.clone(), Routes::all());
        let never = System::default();
        never.is(Mood::Down);
        let first = world.process(both(&never)).await;
        let rows = users(&first.db).await;
        for n in 0..3 {
            rows.insert(json!({"id": format!("u{n}"), "name": "N"})).await.unwrap();
        }
        let second = world.process(both(&alive)).await;
        pass(300).await;
        assert_eq!((alive.len(), alive.calls(), down.len()), (3, 3, 0), "{mood:?}");
        down.is(Mood::Fine);
        pass(120).await;
        assert_eq!(down.len(), 3, "{mood:?}");
        drop(second);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_looked_at_once_more_for_an_insert_that_comes_late_would_undo_it() {
    let world = World::new();
    let copy = Database::connect("memory://copy/late").await.unwrap();
    let target = S3dbTarget::on(copy.clone());
    let options = ReplicatorOptions::default().target("copy", target, Routes::all());
    let process = world.process(options).await;
    let rows = users(&process.db).await;
    for id in ["a", "b"] {
        rows.insert(json!({"id": id, "name": "A"})).await.unwrap();
    }
    process.replicator.flush().await.unwrap();
    rows.delete("a").await.unwrap();
    process.replicator.flush().await.unwrap();
    pass(1).await;
    assert_eq!(world.outbox().await.len(), 1, "the delete alone");
    // The insert arrives a second time.
    let copies = copy.resource("users").unwrap();
    copies.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    pass(900).await;
    assert!(copies.exists("a").await.unwrap());
    pass(200).await;
    assert!(!copies.exists("a").await.unwrap());
    // Something was there to delete: once more.
    assert_eq!(world.outbox().await.len(), 1);
    pass(1_100).await;
    assert!(world.outbox().await.is_empty() && copies.exists("b").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_resource_that_cannot_be_looked_up_is_not_forgotten() {
    let (world, bucket) = (World::new(), Arc::new(Bucket::default()));
    let (dead, alive) = (System::default(), System::default());
    dead.is(Mood::Down);
    let open = async |system: &System| {
        let replicator = Replicator::with(to(system));
        let secrets = s3db_core::encoding::Passphrase::new("open sesame");
        let db = Database::builder_on(bucket.clone(), "").env(world.env()).passphrase(secrets);
        (db.plugin(replicator.clone()).connect().await.unwrap(), replicator)
    };
    // The second one has read the catalogue before the resource was made.
    let ((first, _), (second, replicator)) = (open(&dead).await, open(&alive).await);
    users(&first).await.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    bucket.hides_catalog.store(true, Ordering::SeqCst);
    pass(1_200).await;
    let kept = second.plugin_storage("replicator").unwrap().list("outbox/").await.unwrap();
    assert_eq!((alive.len(), kept.len(), replicator.stats().taken_over), (0, 1, 0));
    bucket.hides_catalog.store(false, Ordering::SeqCst);
    pass(90).await;
    assert!(alive.document("a").is_some());
}
