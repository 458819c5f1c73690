//! Documents end in time, not before, and none is forgotten.

use std::time::Duration;

use s3db_core::{ErrorKind, Resource};
use s3db_ttl::{OnExpire, TtlOptions, TtlRule};
use serde_json::json;

use crate::support::{World, at, offers, pass, resource, sessions};

async fn ids(resource: &Resource) -> Vec<String> {
    resource.list_ids(Default::default()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn at_any_phase_of_the_sweeps_a_document_is_gone_soon_after_its_deadline_and_not_before() {
    for phase in 0..10 {
        let world = World::new();
        pass(phase).await;
        let process = world.process(offers(OnExpire::HardDelete)).await;
        let rows = resource(&process.db, "offers").await;
        rows.insert(json!({"id": "a", "endsAt": at(55)})).await.unwrap();
        pass(54 - phase).await;
        assert!(rows.exists("a").await.unwrap(), "phase {phase}");
        pass(16).await;
        assert!(!rows.exists("a").await.unwrap(), "phase {phase}");
        assert!(world.entries().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn after_days_of_downtime_one_sweep_ends_all_that_is_due_in_every_granularity() {
    let world = World::new();
    let rule = |seconds: u64| TtlRule::after(Duration::from_secs(seconds), OnExpire::HardDelete);
    let options = || {
        TtlOptions::default()
            .rule("sessions", rule(30))
            .rule("hourly", rule(7_200))
            .rule("daily", rule(2 * 86_400))
            .rule("monthly", rule(40 * 86_400))
            .rule("offers", TtlRule::at("endsAt", OnExpire::HardDelete))
    };
    let first = world.process(options()).await;
    for name in ["sessions", "hourly", "daily", "monthly", "offers"] {
        let rows = resource(&first.db, name).await;
        rows.insert(json!({"id": "a", "endsAt": at(3_600)})).await.unwrap();
    }
    first.ttl.flush().await.unwrap();
    first.db.close().await;
    tokio::time::advance(Duration::from_secs(3 * 86_400)).await;
    let next = world.process(options()).await;
    pass(5).await;
    let mut left = Vec::new();
    for name in ["sessions", "hourly", "daily", "monthly", "offers"] {
        if next.db.resource(name).unwrap().exists("a").await.unwrap() {
            left.push(name);
        }
    }
    assert_eq!(left, ["monthly"]);
    assert_eq!((next.ttl.stats().sweeps, next.ttl.stats().swept.deleted), (1, 4));
    tokio::time::advance(Duration::from_secs(38 * 86_400)).await;
    next.ttl.sweep().await.unwrap();
    assert!(!next.db.resource("monthly").unwrap().exists("a").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_moved_by_any_verb_is_the_one_that_counts() {
    for verb in ["update", "patch", "replace", "upsert", "update_with"] {
        for (to, alive_at) in [(900, 600), (100, 60)] {
            let world = World::new();
            let process = world.process(offers(OnExpire::HardDelete)).await;
            let rows = resource(&process.db, "offers").await;
            rows.insert(json!({"id": "a", "name": "x", "endsAt": at(300)})).await.unwrap();
            pass(5).await;
            let moved = json!({"endsAt": at(to)});
            match verb {
                "update" => drop(rows.update("a", moved).await.unwrap()),
                "patch" => drop(rows.patch("a", moved).await.unwrap()),
                "replace" => drop(rows.replace("a", moved).await.unwrap()),
                "upsert" => drop(rows.upsert(json!({"id": "a", "endsAt": at(to)})).await.unwrap()),
                _ => {
                    let set = |data: &mut s3db_core::Document| {
                        data.insert("endsAt".into(), json!(at(to)));
                        Ok(())
                    };
                    rows.update_with("a", set).await.unwrap();
                }
            }
            pass(alive_at - 5).await;
            assert!(rows.exists("a").await.unwrap(), "{verb} to {to}");
            pass(u64::try_from(to).unwrap() - alive_at + 21).await;
            assert!(!rows.exists("a").await.unwrap(), "{verb} to {to}");
            assert!(world.entries().await.is_empty(), "{verb} to {to}: {:?}", world.entries().await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn documents_written_and_deleted_in_bulk_have_their_entries_and_lose_them() {
    let world = World::new();
    let process = world.process(sessions()).await;
    let rows = resource(&process.db, "sessions").await;
    rows.insert_many((0..50).map(|n| json!({"id": format!("s{n:02}")}))).await.into_result().unwrap();
    process.ttl.flush().await.unwrap();
    assert_eq!(world.entries().await.len(), 100, "an entry and a reference each");
    rows.delete_many((0..25).map(|n| format!("s{n:02}"))).await.into_result().unwrap();
    process.ttl.flush().await.unwrap();
    assert_eq!(world.entries().await.len(), 50);
    pass(41).await;
    assert!(ids(&rows).await.is_empty() && world.entries().await.is_empty());
    let swept = process.ttl.stats().swept;
    assert_eq!((swept.expired, swept.deleted, swept.errors), (25, 25, 0));
}

#[tokio::test(start_paused = true)]
async fn a_document_that_ends_no_more_stays_and_one_that_begins_to_is_found() {
    let world = World::new();
    let process = world.process(offers(OnExpire::HardDelete)).await;
    let rows = resource(&process.db, "offers").await;
    rows.insert(json!({"id": "stays", "endsAt": at(60)})).await.unwrap();
    rows.insert(json!({"id": "begins", "name": "x"})).await.unwrap();
    rows.replace("stays", json!({"name": "no end"})).await.unwrap();
    rows.update("begins", json!({"endsAt": at(90)})).await.unwrap();
    rows.insert(json!({"id": "odd", "endsAt": "some day"})).await.unwrap();
    pass(120).await;
    assert_eq!(ids(&rows).await, ["odd", "stays"]);
    assert!(world.entries().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn documents_that_nobody_filed_are_found() {
    let world = World::new();
    // There before, or written by a process without the plugin.
    let other =
        s3db_core::Database::builder_on(world.bucket.clone(), "").env(world.env(0)).connect().await.unwrap();
    let theirs = resource(&other, "offers").await;
    theirs
        .insert_many((0..250).map(|n| json!({"id": format!("o{n:03}"), "endsAt": at(50)})))
        .await
        .into_result()
        .unwrap();
    let process = world.process(offers(OnExpire::HardDelete)).await;
    pass(5).await;
    assert_eq!(process.ttl.stats().reconciled, 250);
    theirs.insert(json!({"id": "late", "endsAt": at(50)})).await.unwrap();
    pass(70).await;
    let rows = process.db.resource("offers").unwrap();
    assert_eq!(ids(&rows).await, ["late"]);
    // Entries of documents that others have deleted go too.
    theirs.delete("late").await.unwrap();
    theirs.insert(json!({"id": "later", "endsAt": at(50)})).await.unwrap();
    assert_eq!(process.ttl.reconcile().await.unwrap(), 1);
    theirs.delete("later").await.unwrap();
    assert_eq!(process.ttl.reconcile().await.unwrap(), 0);
    assert!(world.entries().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sweeping_one_resource_leaves_the_entries_of_others() {
    let world = World::new();
    let rule = || TtlRule::at("endsAt", OnExpire::HardDelete);
    let options =
        TtlOptions::default().rule("a", rule()).rule("b", rule()).scan_every(Duration::from_secs(86_400));
    let process = world.process(options).await;
    let (a, b) = (resource(&process.db, "a").await, resource(&process.db, "b").await);
    pass(1).await;
    for rows in [&a, &b] {
        rows.insert(json!({"id": "x", "endsAt": at(0)})).await.unwrap();
    }
    process.ttl.flush().await.unwrap();
    // A process with other rules on the same index.
    let other = world.process(TtlOptions::default().rule("c", rule())).await;
    other.ttl.sweep().await.unwrap();
    assert_eq!(process.ttl.sweep_resource("a").await.unwrap().deleted, 1);
    assert!(!a.exists("x").await.unwrap() && b.exists("x").await.unwrap());
    assert_eq!(world.entries().await.len(), 2);
    let unknown = process.ttl.sweep_resource("z").await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Config, "{unknown}");
}

#[tokio::test(start_paused = true)]
async fn a_due_document_costs_three_requests_and_one_that_is_not_due_none() {
    let world = World::new();
    let process = world.process(offers(OnExpire::HardDelete).scan_every(Duration::from_secs(86_400))).await;
    let rows = resource(&process.db, "offers").await;
    let many = |from: usize, ends: i64| {
        (from..from + 1_000).map(move |n| json!({"id": format!("o{n:05}"), "endsAt": at(ends)}))
    };
    rows.insert_many(many(0, 60)).await.into_result().unwrap();
    rows.insert_many(many(1_000, 3_000)).await.into_result().unwrap();
    process.ttl.flush().await.unwrap();
    // Those that are not due are in the cohort of the day: each is looked at once.
    pass(1).await;
    process.ttl.sweep().await.unwrap();
    let quiet = process.db.requests();
    process.ttl.sweep().await.unwrap();
    let quiet = process.db.requests() - quiet;
    assert!(quiet.total() <= 10, "{quiet}");
    pass(61).await;
    let before = process.db.requests();
    assert_eq!(process.ttl.sweep().await.unwrap().deleted, 1_000);
    let sent = process.db.requests() - before;
    assert!(sent.total() <= 3_100, "{sent}");
}
