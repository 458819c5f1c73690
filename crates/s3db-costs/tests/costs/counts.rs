use s3db_core::store::Requests;
use s3db_costs::{CostsOptions, Counts, SnapshotOptions};
use serde_json::json;

use crate::support::{plain, resource, world};

fn counts(requests: Requests) -> Counts {
    let Requests { get, head, put, copy, list, delete, delete_many } = requests;
    Counts { get, head, put, copy, list, delete, delete_many }
}

#[tokio::test]
async fn what_is_counted_is_what_came_to_the_bucket() {
    let world = world().await;
    let users = resource(&world.db, "users").await;
    let costs = world.costs(CostsOptions::default()).await;
    let before = world.bucket.snapshot();
    let ann = json!({"id": "ann", "name": "Ann", "email": "a@b.c", "region": "EU"});
    users.insert(ann.clone()).await.unwrap();
    users.insert(ann).await.unwrap_err();
    users.insert(json!({"id": "bob", "name": "Bob", "email": "a@b.c"})).await.unwrap_err();
    users.get("nobody").await.unwrap_err();
    users.exists("ann").await.unwrap();
    users.update("ann", json!({"region": "US"})).await.unwrap();
    users.partition("byRegion", json!({"region": "US"})).unwrap().list(Default::default()).await.unwrap();
    users.partition("byRegion", json!({"region": "US"})).unwrap().count().await.unwrap();
    users.count().await.unwrap();
    users.get_all().await.unwrap();
    users.delete("ann").await.unwrap();
    users.delete_all(true).await.unwrap();
    world.db.refresh().await.unwrap();
    world.db.flush().await;
    let report = costs.report();
    assert_eq!(report.requests.counts, counts(world.bucket.snapshot() - before));
    assert_eq!(report.requests.total, report.requests.counts.total());
    assert!(report.requests.failed >= 1, "{report:?}");
}

#[tokio::test]
async fn metadata_counts_both_ways() {
    let world = world().await;
    let users = plain(&world.db, "users").await;
    let costs = world.costs(CostsOptions::default()).await;
    users.insert(json!({"id": "a", "name": "xy".repeat(500)})).await.unwrap();
    let written = costs.report();
    assert!(written.data_transfer.in_bytes >= 1000, "{written:?}");
    assert_eq!(written.data_transfer.out_bytes, 0);
    users.get("a").await.unwrap();
    assert!(costs.report().data_transfer.out_bytes >= 1000);
}

#[tokio::test]
async fn what_is_deleted_is_stored_no_more() {
    let world = world().await;
    let users = resource(&world.db, "users").await;
    let costs = world.costs(CostsOptions::default()).await;
    users.insert(json!({"id": "first", "name": "First"})).await.unwrap();
    let former = costs.report().storage;
    assert!(former.total_bytes > 0 && former.per_month.dollars() > 0.0);
    for name in ["short".to_owned(), "long".repeat(200)] {
        users.insert(json!({"id": "ann", "name": name, "region": "EU", "email": "a@b.c"})).await.unwrap();
        users.update("ann", json!({"region": "US"})).await.unwrap();
        assert!(costs.report().storage.total_bytes > former.total_bytes);
        users.delete("ann").await.unwrap();
        assert_eq!(costs.report().storage, former);
    }
    users.delete_many(["first"]).await.into_result().unwrap();
    assert_eq!((costs.report().storage.total_bytes, costs.report().storage.objects), (0, 0));
}

#[tokio::test]
async fn a_listing_belongs_to_its_resource_and_its_verb() {
    let world = world().await;
    let users = plain(&world.db, "users").await;
    let costs = world.costs(CostsOptions::default()).await;
    users.list(Default::default()).await.unwrap();
    let report = costs.report();
    assert_eq!(report.by_resource["users"].requests, Counts { list: 1, ..Counts::default() });
    assert_eq!(report.by_operation["list"].requests.list, 1);
    assert_eq!(report.by_plugin.keys().collect::<Vec<_>>(), ["(none)"]);
}

#[tokio::test]
async fn a_snapshot_of_a_resource_holds_nothing_else() {
    let world = world().await;
    let (users, posts) = (plain(&world.db, "users").await, plain(&world.db, "posts").await);
    let costs = world.costs(CostsOptions::default()).await;
    for plugin in ["one", "two"] {
        let storage = world.db.plugin_storage(plugin).unwrap();
        storage.get("key").await.unwrap();
    }
    users.count().await.unwrap();
    users.get("a").await.unwrap_err();
    posts.count().await.unwrap();
    let of_users = costs.snapshot(&SnapshotOptions::default().resource("users"));
    assert_eq!(of_users.total_requests, 2);
    assert_eq!(of_users.by_resource.keys().collect::<Vec<_>>(), ["users"]);
    assert_eq!(costs.snapshot(&SnapshotOptions::default().plugin("one")).total_requests, 1);
    assert_eq!(costs.snapshot(&SnapshotOptions::default()).total_requests, 5);
}

#[tokio::test]
async fn too_many_names_and_minutes_are_bounded() {
    let world = world().await;
    let mut options = CostsOptions::default().points_max(1_000);
    options.names_max = 2;
    let costs = world.costs(options).await;
    for name in ["a", "b", "c", "d"] {
        world.db.plugin_storage(name).unwrap().get("key").await.unwrap();
    }
    let report = costs.report();
    assert_eq!(report.by_plugin.keys().map(String::as_str).collect::<Vec<_>>(), ["(other)", "a", "b"]);
    assert_eq!(report.by_plugin["(other)"].requests.get, 2);
    for _ in 0..3_000 {
        world.env.advance_ms(60_000);
        world.db.plugin_storage("a").unwrap().get("key").await.unwrap();
    }
    let kept = costs.snapshot(&SnapshotOptions::default());
    assert!((1_000..=1_001).contains(&kept.total_requests), "{}", kept.total_requests);
    assert!(kept.from_ms >= kept.to_ms - 1_001 * 60_000, "the time that is told is that which is known");
    assert_eq!(costs.report().requests.total, 3_004);
}
