//! Lines that are cut, clocks that are wrong, leases that are gone.

use s3db_coordinator::CoordinatorOptions;
use s3db_core::store::{Condition, Store};

use crate::support::{Fleet, leader, pass};

#[tokio::test(start_paused = true)]
async fn when_a_leader_is_gone_another_one_leads_within_a_lease_and_a_beat() {
    let fleet = Fleet::new();
    let processes = fleet.processes(3).await;
    let all: Vec<_> = processes.iter().collect();
    for reign in 1..4 {
        pass(20, &all).await;
        let first = leader(&all);
        assert_eq!(first.epoch(), Some(reign));
        first.cut_off(true);
        // Lease, beat and jitter: 15 + 5 + 1 seconds.
        pass(21, &all).await;
        let next = leader(&all);
        assert_eq!(next.epoch(), Some(reign + 1));
        assert_ne!(next.coordinator.worker_id(), first.coordinator.worker_id());
        first.cut_off(false);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_steps_down_before_its_lease_ends_and_comes_back() {
    let fleet = Fleet::new();
    let one = fleet.process().await;
    let mut events = one.db.events();
    pass(7, &[&one]).await;
    let leadership = one.coordinator.leadership().unwrap();
    one.cut_off(true);
    let mut led_for = 0;
    while one.leads() {
        pass(1, &[&one]).await;
        led_for += 1;
    }
    assert!(led_for < 15, "{led_for}");
    assert_eq!(leadership.changed(Some(1)).await, None);
    assert!(!leadership.confirm(1).await.unwrap());
    pass(60, &[&one]).await;
    one.cut_off(false);
    // Nobody else was there, so it goes on with its own lease.
    pass(6, &[&one]).await;
    assert!(one.leads() && one.coordinator.stats().outages == 1);
    one.db.close().await;
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        told.push(format!("{event:?}"));
    }
    let count = |what: &str| told.iter().filter(|event| event.contains(&format!("what: \"{what}\""))).count();
    assert_eq!((count("outage"), count("recovered"), count("promoted")), (1, 1, 2), "{told:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_and_starts_again_under_its_name_is_told_that_it_leads() {
    let fleet = Fleet::new();
    let named = || CoordinatorOptions::default().worker_name("pod-0");
    let one = fleet.process_with(named(), 0).await;
    pass(7, &[&one]).await;
    assert_eq!(one.epoch(), Some(1));
    one.cut_off(true);
    let again = fleet.process_with(named(), 0).await;
    let leadership = again.coordinator.leadership().unwrap();
    let both = [&one, &again];
    let (told, ()) = tokio::join!(leadership.changed(None), pass(21, &both));
    assert_eq!((told, one.epoch()), (Some(2), None));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_has_not_heard_that_it_leads_gives_the_lease_back_too() {
    // Not heard: of the first lease; of the last ones.
    for heard_seconds in [0, 7] {
        let fleet = Fleet::new();
        let one = fleet.process().await;
        one.loses_answers(heard_seconds == 0);
        pass(heard_seconds, &[&one]).await;
        one.loses_answers(true);
        pass(6, &[&one]).await;
        assert_eq!(fleet.state().await["leaderId"].as_str(), one.coordinator.worker_id().as_deref());
        one.loses_answers(false);
        one.db.close().await;
        assert_eq!(fleet.state().await["released"].as_bool(), Some(true), "{heard_seconds}");
        let two = fleet.process().await;
        pass(1, &[&two]).await;
        assert_eq!(two.epoch(), Some(2));
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_wrong_by_ten_minutes_end_no_reign_and_make_none_longer() {
    let minutes = 10 * 60 * 1000;
    for (first, second) in [(0, minutes), (0, -minutes), (minutes, 0), (-minutes, 0), (minutes, -minutes)] {
        let fleet = Fleet::new();
        let one = fleet.process_with(CoordinatorOptions::default(), first).await;
        pass(7, &[&one]).await;
        let two = fleet.process_with(CoordinatorOptions::default(), second).await;
        pass(60, &[&one, &two]).await;
        assert_eq!((one.epoch(), two.epoch()), (Some(1), None), "{first} {second}");
        one.cut_off(true);
        pass(21, &[&one, &two]).await;
        assert_eq!((one.epoch(), two.epoch()), (None, Some(2)), "{first} {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_or_damaged_starts_no_epoch_twice() {
    let fleet = Fleet::new();
    let key = "plugin=coordinator/namespace=default/state.json";
    let mut one = fleet.process().await;
    for epoch in 1..4 {
        // Who held it may not have noticed: the length of a lease is waited for.
        pass(if epoch == 1 { 1 } else { 14 }, &[&one]).await;
        assert_eq!(one.epoch(), (epoch == 1).then_some(1));
        // A deleted one is missed twice before that.
        pass(7 * epoch.min(2), &[&one]).await;
        assert_eq!(one.epoch(), Some(epoch));
        one.db.close().await;
        if epoch == 1 {
            fleet.bucket.delete(key, Condition::None).await.unwrap();
        } else {
            let object = fleet.bucket.get(key).await.unwrap().unwrap();
            let body = br#"{"leaderId": [], "_w": "x"}"#.as_slice().into();
            let damaged = s3db_core::store::PutObject {
                body,
                metadata: object.head.metadata.clone(),
                content_type: object.head.content_type.clone(),
            };
            fleet.bucket.put(key, damaged, Condition::None).await.unwrap();
        }
        one = fleet.process().await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_options_are_told_when_it_connects() {
    let mut registry = s3db_core::plugin::PluginRegistry::new();
    s3db_coordinator::register(&mut registry);
    registry
        .build("coordinator", &serde_json::json!({"lease_seconds": 30, "heartbeat_seconds": 10}))
        .unwrap();
    for (options, option) in [
        (serde_json::json!({"heartbeat_seconds": 0.5}), "heartbeat_seconds"),
        (serde_json::json!({"lease_seconds": 11}), "lease_seconds"),
        (serde_json::json!({"lease_seconds": 4000}), "lease_seconds"),
        (serde_json::json!({"namespace": "a/b"}), "namespace"),
        (serde_json::json!({"worker_name": "gcs-1"}), "worker_name"),
        (serde_json::json!({"host_name": "a b"}), "host_name"),
        (serde_json::json!({"failures_max": 0}), "failures_max"),
        (serde_json::json!({"strategy": "x"}), "strategy"),
    ] {
        let error = registry.build("coordinator", &options).unwrap_err();
        assert_eq!(error.context("option"), Some(option), "{error}");
    }
}
