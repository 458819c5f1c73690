//! A fleet of s3db.js, as in `tests/buckets/plugin-coordinator.json`.

use std::sync::Arc;

use s3db_core::store::dump::{self, Destination};
use s3db_core::store::{Condition, MemoryStore, PutObject, Store};
use serde_json::{Value, json};

use crate::support::{Fleet, pass};

const DUMP: &str = include_str!("../../../../tests/buckets/plugin-coordinator.json");

async fn bucket() -> Arc<MemoryStore> {
    let bucket = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = bucket.clone();
    dump::load(&store, "", DUMP.as_bytes(), Destination::MustBeEmpty).await.unwrap();
    bucket
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_s3db_js_that_has_ended_is_taken_over_in_its_layout() {
    let fleet = Fleet::on(bucket().await, "databases/app");
    let before = fleet.state().await;
    let one = fleet.process().await;
    pass(10, &[&one]).await;
    // Its clock could be right and ours wrong: the whole lease is waited for.
    assert_eq!((one.epoch(), one.coordinator.leader().unwrap().id.as_str()), (None, "worker-pod-0"));
    pass(11, &[&one]).await;
    assert_eq!(one.epoch(), Some(3));
    let after = fleet.state().await;
    for name in before.as_object().unwrap().keys() {
        assert_eq!(after[name].is_number(), before[name].is_number(), "{name} of {after}");
        assert!(!after[name].is_null(), "{name} of {after}");
    }
    let length = |state: &Value| state["leaseEnd"].as_i64().unwrap() - state["leaseStart"].as_i64().unwrap();
    assert_eq!((length(&after), &after["leaderId"]), (15_000, &json!(one.coordinator.worker_id())));
}

#[tokio::test(start_paused = true)]
async fn a_worker_of_s3db_js_that_leads_is_respected_as_long_as_it_gives_signs_of_life() {
    let fleet = Fleet::on(bucket().await, "databases/app");
    let one = fleet.process().await;
    let key = "databases/app/plugin=coordinator/namespace=default/state.json";
    // It elects itself again whenever its lease has ended, each time under a new epoch.
    for epoch in 3..9 {
        let mut state = fleet.state().await;
        state["epoch"] = json!(epoch);
        let put = PutObject { body: state.to_string().into(), ..PutObject::default() };
        fleet.bucket.put(key, put, Condition::None).await.unwrap();
        pass(14, &[&one]).await;
        assert_eq!(one.epoch(), None);
    }
    assert_eq!(one.coordinator.leader().unwrap().epoch, 8);
    pass(21, &[&one]).await;
    assert_eq!(one.epoch(), Some(9));
}
