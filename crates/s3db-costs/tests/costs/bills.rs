use std::time::Duration;

use s3db_core::store::{Condition, PutObject};
use s3db_costs::{Costs, CostsOptions, EstimateOptions, NanoDollars, SnapshotOptions, Transfer};
use serde_json::json;

use crate::support::{plain, world};

#[tokio::test]
async fn a_thousand_writes_and_ten_thousand_reads_cost_nine_tenths_of_a_cent_exactly() {
    let world = world().await;
    let costs = world.costs(CostsOptions::default()).await;
    let store = world.db.store();
    for _ in 0..1_000 {
        store.put("app/x", PutObject::default(), Condition::None).await.unwrap();
    }
    for _ in 0..10_000 {
        store.get("app/x").await.unwrap();
    }
    let report = costs.report();
    assert_eq!(report.requests.subtotal, NanoDollars(9_000_000));
    assert_eq!(report.provider, "aws-s3/standard/us-east-1");
    let shown = serde_json::to_value(&report).unwrap();
    let requests = &shown["requests"];
    assert_eq!(
        (&requests["total"], &requests["get"], &requests["put"]),
        (&json!(11_000), &json!(10_000), &json!(1_000))
    );
    assert_eq!((&requests["list"], &requests["subtotal"]), (&json!(0), &json!(0.009)));
}

#[test]
fn transfer_is_priced_step_by_step() {
    let tb = 1_u64 << 40;
    let nano = |dollars: f64| NanoDollars((dollars * 1e9).round() as u128);
    for (bytes, free_tier, dollars) in [
        (0, false, 0.0),
        (11 * tb, false, 10_240.0 * 0.09 + 1_024.0 * 0.085),
        (11 * tb, true, 10_140.0 * 0.09 + 1_024.0 * 0.085),
        (tb / 1024 * 100, true, 0.0),
        (200 * tb, false, 10_240.0 * 0.09 + 40_960.0 * 0.085 + 102_400.0 * 0.07 + 51_200.0 * 0.05),
    ] {
        assert_eq!(Transfer::aws().cost(bytes, free_tier), nano(dollars), "{bytes} {free_tier}");
    }
    assert_eq!(Transfer::free().cost(u64::MAX, false), NanoDollars(0));
}

#[tokio::test]
async fn an_estimate_is_made_from_the_time_that_was_observed() {
    let world = world().await;
    let users = plain(&world.db, "users").await;
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    let costs = world.costs(CostsOptions::default()).await;
    for _ in 0..600 {
        users.get("a").await.unwrap();
        world.env.advance_ms(1_000);
    }
    let estimate = costs.estimate(&EstimateOptions::default());
    assert_eq!((estimate.observed_ms, estimate.observed.total_requests), (600_000, 600));
    assert_eq!((estimate.projected.total_requests, estimate.projected.requests.get), (2_592_000, 2_592_000));
    assert_eq!(estimate.projected.request_cost, NanoDollars(1_036_800_000));
    assert!(estimate.warning.is_some(), "ten minutes are little");
    let twice = costs.estimate(&EstimateOptions::default().days(15).percent(200));
    assert_eq!(twice.projected.total_requests, 2_592_000);
    world.env.advance_ms(3 * 3_600_000);
    assert_eq!(costs.estimate(&EstimateOptions::default()).warning, None);
    let late = costs.estimate(&EstimateOptions::default().window(Duration::from_secs(3600)));
    assert_eq!((late.observed_ms, late.projected.total_requests), (3_600_000, 0));
}

#[tokio::test]
async fn nothing_is_counted_before_it_is_installed_and_after_it_has_stopped() {
    let none = Costs::new();
    assert_eq!(none.report().requests.total, 0);
    let world = world().await;
    let users = plain(&world.db, "users").await;
    let costs = world.costs(CostsOptions::default()).await;
    users.count().await.unwrap();
    world.db.stop_plugins().await.unwrap();
    users.count().await.unwrap();
    assert_eq!(costs.report().requests.total, 1);
    assert_eq!(costs.snapshot(&SnapshotOptions::default()).total_requests, 1);
}
