//! Targets that are down, slow, wrong or picky.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use s3db_core::{Database, Error, ErrorKind};
use s3db_replicator::{Replicator, ReplicatorOptions, Routes};
use serde_json::json;

use crate::support::{Bucket, Mood, System, World, pass, to, users};

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_for_an_hour_gets_everything_when_it_is_back() {
    let (world, system, other) = (World::new(), System::default(), System::default());
    system.is(Mood::Down);
    let process = world.process(to(&system).target("other", other.clone(), Routes::all())).await;
    let users = users(&process.db).await;
    for minute in 0..60 {
        users.insert(json!({"id": format!("u{minute:02}"), "name": "N", "age": minute})).await.unwrap();
        users.upsert(json!({"id": "last", "name": "L", "age": minute})).await.unwrap();
        pass(60).await;
    }
    let stats = process.replicator.stats();
    assert_eq!((stats.targets[0].lag_changes, stats.targets[1].lag_changes), (120, 0));
    assert!(stats.targets[0].lag_ms >= 59 * 60_000 && stats.targets[0].is_failing, "{stats:?}");
    assert!(stats.targets[0].last_error.as_ref().unwrap().contains("nobody answers"));
    assert_eq!((other.len(), system.len(), stats.targets[0].dead_letters), (61, 0, 0));
    // One failure is told, not one a try.
    let info = process.db.plugins().into_iter().find(|plugin| plugin.slug == "replicator").unwrap();
    assert_eq!(info.failures, 1);
    // Tries get rarer: not more than one in half a minute.
    assert!(system.calls() < 130, "{}", system.calls());
    let readings = process.db.plugin_metrics();
    let metric = |name: &str| {
        let (_, readings) = readings
            .iter()
            .map(|found| (found.metric.name.clone(), &found.readings))
            .find(|(found, _)| found == name)
            .unwrap();
        readings.iter().map(|reading| reading.value).sum::<f64>()
    };
    assert_eq!((metric("s3db_replicator_lag_changes"), metric("s3db_replicator_failing")), (120.0, 1.0));
    system.is(Mood::Fine);
    pass(31).await;
    process.replicator.flush().await.unwrap();
    assert_eq!((system.len(), system.document("last").unwrap()["age"].clone()), (61, json!(59)));
    let stats = process.replicator.stats();
    assert_eq!(
        (stats.targets[0].lag_changes, stats.targets[0].lag_ms, stats.targets[0].is_failing),
        (0, 0, false)
    );
    assert!(world.outbox().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_or_panics_is_tried_again() {
    for mood in [Mood::Hangs, Mood::Panics] {
        let (world, system) = (World::new(), System::default());
        let process = world.process(to(&system)).await;
        let users = users(&process.db).await;
        system.is(mood);
        users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
        pass(40).await;
        assert!(process.replicator.stats().targets[0].is_failing, "{mood:?}");
        system.is(Mood::Fine);
        pass(40).await;
        process.replicator.flush().await.unwrap();
        assert_eq!((system.len(), process.replicator.stats().targets[0].dead_letters), (1, 0), "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_at_the_start_keeps_nothing_from_starting_and_one_that_does_not_fit_does() {
    let (world, system) = (World::new(), System::default());
    system.fails_to_open(Error::new(ErrorKind::Unavailable, "nobody answers").retryable(true));
    let process = world.process(to(&system)).await;
    let info = process.db.plugins().into_iter().find(|plugin| plugin.slug == "replicator").unwrap();
    assert!(info.last_failure.unwrap().contains("nobody answers"));
    process.db.close().await;
    system.fails_to_open(Error::new(ErrorKind::Conflict, "a column has another type").with("column", "age"));
    let error = world.try_process(to(&system)).await.err().unwrap();
    let told = error.to_string();
    for part in ["a column has another type", "age", "replicator", "system"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_delivered_and_what_cannot_be_is_by_the_next_start() {
    let (world, system) = (World::new(), System::default());
    let process = world.process(to(&system)).await;
    let rows = users(&process.db).await;
    rows.insert_many((0..300).map(|n| json!({"id": format!("u{n:03}"), "name": "N"})))
        .await
        .into_result()
        .unwrap();
    process.db.close().await;
    assert_eq!(system.len(), 300);
    let process = world.process(to(&system)).await;
    system.is(Mood::Down);
    process.db.resource("users").unwrap().delete("u000").await.unwrap();
    process.db.close().await;
    assert_eq!((system.len(), world.outbox().await.len()), (300, 1));
    system.is(Mood::Fine);
    let process = world.process(to(&system)).await;
    pass(70).await;
    assert_eq!((system.len(), process.replicator.stats().taken_over), (299, 1));
}

#[tokio::test(start_paused = true)]
async fn more_changes_than_memory_has_room_for_are_delivered_by_sweeps() {
    let (world, system) = (World::new(), System::default());
    system.is(Mood::Down);
    let process = world.process(to(&system).memory_max(20)).await;
    let rows = users(&process.db).await;
    for n in 0..200 {
        rows.insert(json!({"id": format!("u{n:03}"), "name": "N"})).await.unwrap();
    }
    pass(5).await;
    let stats = process.replicator.stats();
    assert!(stats.left_to_sweeps >= 180 && stats.targets[0].lag_changes <= 20, "{stats:?}");
    system.is(Mood::Fine);
    pass(90).await;
    assert_eq!((system.len(), world.outbox().await.len()), (200, 0));
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_not_made() {
    for batching in [true, false] {
        let (bucket, system) = (Arc::new(Bucket::default()), System::default());
        let options =
            ReplicatorOptions::default().batching(batching).target("system", system.clone(), Routes::all());
        let replicator = Replicator::with(options);
        let db = Database::builder_on(bucket.clone(), "")
            .passphrase(s3db_core::encoding::Passphrase::new("open sesame"))
            .plugin(replicator.clone())
            .connect()
            .await
            .unwrap();
        let rows = users(&db).await;
        bucket.refuses.store(true, Ordering::SeqCst);
        let refused = rows.insert_many((0..50).map(|n| json!({"id": format!("u{n}"), "name": "N"}))).await;
        assert_eq!((refused.ok.len(), refused.failed.len()), (0, 50));
        let told = refused.failed[0].error.to_string();
        assert!(told.contains("no changes today") && told.contains("replicator"), "{told}");
        assert_eq!(rows.count().await.unwrap(), 0);
        bucket.refuses.store(false, Ordering::SeqCst);
        rows.insert(json!({"id": "a", "name": "A"})).await.unwrap();
        replicator.flush().await.unwrap();
        assert_eq!((system.told(), system.len()), (vec!["insert a".to_owned()], 1));
        db.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_no_change_that_never_ends() {
    let (world, system) = (World::new(), System::default());
    let process = world.process(to(&system)).await;
    let rows = users(&process.db).await;
    for polls in 0..40 {
        let insert = rows.insert(json!({"id": format!("gone{polls}"), "name": "N"}));
        let mut insert = Box::pin(insert);
        for _ in 0..polls {
            if futures::poll!(insert.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(insert);
        // Others go on at once.
        rows.upsert(json!({"id": "stays", "name": format!("{polls}")})).await.unwrap();
        process.replicator.flush().await.unwrap();
        assert_eq!(system.document("stays").unwrap()["name"], format!("{polls}"));
    }
    let there = rows.list_ids(Default::default()).await.unwrap();
    pass(1).await;
    process.replicator.flush().await.unwrap();
    assert_eq!(system.len(), there.len());
}
