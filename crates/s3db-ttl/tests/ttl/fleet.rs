//! Several processes, some with wrong clocks.

use s3db_coordinator::Coordinator;
use s3db_core::Database;
use s3db_ttl::{OnExpire, Ttl};
use serde_json::json;

use crate::support::{Process, World, at, offers, pass, resource};

#[tokio::test(start_paused = true)]
async fn only_the_leader_ends_documents_and_after_it_the_next_one() {
    let world = World::new();
    let mut processes = Vec::new();
    for _ in 0..2 {
        let (ttl, coordinator) = (Ttl::with(offers(OnExpire::HardDelete)), Coordinator::new());
        let db = Database::builder_on(world.bucket.clone(), "").env(world.env(0));
        let db = db.plugin(coordinator.clone()).plugin(ttl.clone()).connect().await.unwrap();
        processes.push((Process { db, ttl }, coordinator));
    }
    let rows = resource(&processes[0].0.db, "offers").await;
    for n in 0..20 {
        rows.insert(json!({"id": format!("o{n:02}"), "endsAt": at(30 + n * 10)})).await.unwrap();
    }
    pass(100).await;
    let swept = |leads: bool| {
        let of = processes.iter().filter(move |(_, coordinator)| coordinator.is_leader() == leads);
        of.map(|(process, _)| process.ttl.stats().swept.expired).sum::<u64>()
    };
    assert!(swept(true) > 3 && swept(false) == 0, "{} {}", swept(true), swept(false));
    // The leader goes; within the time of a lease the other goes on.
    let leader = processes.iter().position(|(_, coordinator)| coordinator.is_leader()).unwrap();
    processes[leader].0.db.clone().close().await;
    pass(200).await;
    assert_eq!(rows.count().await.unwrap(), 0);
    let other = &processes[1 - leader].0;
    assert!(other.ttl.stats().swept.expired > 3);
}

#[tokio::test(start_paused = true)]
async fn processes_without_a_coordinator_do_nothing_twice() {
    let world = World::new();
    let processes = [
        world.process(offers(OnExpire::HardDelete)).await,
        world.process(offers(OnExpire::HardDelete)).await,
    ];
    let rows = resource(&processes[0].db, "offers").await;
    rows.insert_many((0..100).map(|n| json!({"id": format!("o{n:02}"), "endsAt": at(30)})))
        .await
        .into_result()
        .unwrap();
    pass(60).await;
    let expired: u64 = processes.iter().map(|process| process.ttl.stats().swept.expired).sum();
    assert_eq!((expired, rows.count().await.unwrap()), (100, 0));
    assert!(world.entries().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ten_minutes_ahead_ends_nothing_early_and_one_that_is_behind_forgets_nothing() {
    let minutes = 10 * 60 * 1000;
    for wrong_by_ms in [minutes, -minutes] {
        let world = World::new();
        let process = world.process_at("", offers(OnExpire::HardDelete), wrong_by_ms).await;
        let rows = resource(&process.db, "offers").await;
        rows.insert(json!({"id": "a", "endsAt": at(300)})).await.unwrap();
        pass(299).await;
        assert!(rows.exists("a").await.unwrap(), "{wrong_by_ms}");
        pass(if wrong_by_ms > 0 { 22 } else { 622 }).await;
        assert!(!rows.exists("a").await.unwrap(), "{wrong_by_ms}");
    }
}
