//! What is done with a document whose time has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::op::{Answer, Next, Op, OpLayer, Stage};
use s3db_core::plugin::PluginRegistry;
use s3db_core::{Error, ErrorKind, Result};
use s3db_ttl::OnExpire;
use serde_json::json;

use crate::support::{World, at, offers, pass, resource};

#[tokio::test(start_paused = true)]
async fn a_soft_delete_marks_the_document_once() {
    let world = World::new();
    let process = world.process(offers(OnExpire::SoftDelete { field: "deletedat".into() })).await;
    let rows = resource(&process.db, "offers").await;
    rows.insert(json!({"id": "a", "name": "x", "endsAt": at(20)})).await.unwrap();
    pass(60).await;
    let marked = rows.get("a").await.unwrap();
    assert!(marked.data["deletedat"].as_str().unwrap().starts_with("2025-01-01T00:00:2"), "{marked:?}");
    assert_eq!((&marked.data["isdeleted"], &marked.data["name"]), (&json!("true"), &json!("x")));
    pass(600).await;
    assert_eq!(rows.get("a").await.unwrap().data, marked.data);
    assert_eq!(process.ttl.stats().swept.soft_deleted, 1);
    assert!(world.entries().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_archived_document_is_in_the_archive_exactly_once_also_after_a_crash_between() {
    for keep_id in [false, true] {
        let world = World::new();
        let process = world.process(offers(OnExpire::Archive { resource: "archive".into(), keep_id })).await;
        let attributes = json!({"name": "string|optional", "endsAt": "string|optional", "archivedAt": "string", "archivedFrom": "string", "originalId": "string"});
        let config = s3db_core::ResourceConfig::new("archive", attributes);
        let archive = process.db.create_resource(config).await.unwrap();
        let rows = resource(&process.db, "offers").await;
        rows.insert(json!({"id": "a", "name": "x", "endsAt": at(20)})).await.unwrap();
        // A sweep that was cut off after the copy: the document cannot be deleted for a while.
        let refusal = rows.layer(Stage::Guard, Arc::new(NoDeletes));
        pass(60).await;
        assert!(rows.exists("a").await.unwrap() && process.ttl.stats().swept.errors > 0);
        refusal.remove();
        pass(60).await;
        assert!(!rows.exists("a").await.unwrap());
        let copies = archive.list(Default::default()).await.unwrap().records;
        assert_eq!(copies.len(), 1);
        assert_eq!(copies[0].id, if keep_id { "a" } else { "offers-a" });
        assert_eq!(
            (&copies[0].data["originalId"], &copies[0].data["archivedFrom"]),
            (&json!("a"), &json!("offers"))
        );
        assert_eq!(copies[0].data["name"], "x");
    }
}

#[derive(Debug)]
struct NoDeletes;

#[async_trait]
impl OpLayer for NoDeletes {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        match op {
            Op::Delete { .. } => Err(Error::new(ErrorKind::Denied, "no deletes today")),
            op => next.run(op).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_asked_at_each_sweep_until_it_agrees() {
    let world = World::new();
    let asked = Arc::new(AtomicU32::new(0));
    let of = asked.clone();
    let callback = OnExpire::callback(move |record| {
        let turn = of.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            assert_eq!(record.id, "a");
            Ok(turn == 3)
        }
    });
    let process = world.process(offers(callback).scan_every(Duration::from_secs(86_400))).await;
    let rows = resource(&process.db, "offers").await;
    rows.insert(json!({"id": "a", "endsAt": at(1)})).await.unwrap();
    process.ttl.flush().await.unwrap();
    pass(3).await;
    let mut there = Vec::new();
    for _ in 0..4 {
        process.ttl.sweep().await.unwrap();
        there.push(rows.exists("a").await.unwrap());
    }
    assert_eq!((there, asked.load(Ordering::SeqCst)), (vec![true, true, false, false], 3));
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_refreshed_while_it_is_looked_at_lives() {
    let world = World::new();
    let rows: Arc<std::sync::OnceLock<s3db_core::Resource>> = Arc::default();
    let of = rows.clone();
    // The callback stands between the look and the delete.
    let callback = OnExpire::callback(move |record| {
        let rows = of.get().unwrap().clone();
        async move {
            rows.update(&record.id, json!({"endsAt": at(3_600)})).await?;
            Ok(true)
        }
    });
    let process = world.process(offers(callback)).await;
    rows.set(resource(&process.db, "offers").await).unwrap();
    rows.get().unwrap().insert(json!({"id": "a", "endsAt": at(20)})).await.unwrap();
    pass(120).await;
    assert!(rows.get().unwrap().exists("a").await.unwrap());
    let swept = process.ttl.stats().swept;
    assert_eq!((swept.expired, swept.kept), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn each_end_is_an_event() {
    let world = World::new();
    let process = world.process(offers(OnExpire::HardDelete)).await;
    let mut events = process.db.events();
    let rows = resource(&process.db, "offers").await;
    rows.insert_many((0..10).map(|n| json!({"id": format!("o{n}"), "endsAt": at(20)})))
        .await
        .into_result()
        .unwrap();
    pass(60).await;
    let swept = process.ttl.stats().swept;
    drop(rows);
    process.db.close().await;
    let mut told = 0;
    while let Some(event) = events.next().await {
        told += u32::from(format!("{event:?}").contains("record-expired"));
    }
    assert_eq!((told, swept.expired, swept.errors), (10, 10, 0));
}

#[test]
fn a_configuration_names_it_and_wrong_options_are_told() {
    let mut registry = PluginRegistry::new();
    s3db_ttl::register(&mut registry);
    let rule = json!({"ttl_seconds": 60, "on_expire": "archive", "archive_resource": "old", "keep_original_id": true});
    registry.build("ttl", &json!({"resources": {"a": rule}, "scan_every_seconds": 5})).unwrap();
    for (rule, option) in [
        (json!({"on_expire": "hard-delete"}), "ttl_seconds"),
        (json!({"ttl_seconds": "1h", "on_expire": "hard-delete"}), "ttl_seconds"),
        (json!({"ttl_seconds": 1}), "on_expire"),
        (json!({"ttl_seconds": 1, "on_expire": "callback"}), "on_expire"),
        (json!({"ttl_seconds": 1, "on_expire": "archive"}), "archive_resource"),
        (json!({"ttl_seconds": 1, "on_expire": "archive", "archive_resource": "a"}), "archive_resource"),
        (json!({"ttl": 1, "on_expire": "hard-delete"}), "ttl"),
    ] {
        let error = registry.build("ttl", &json!({"resources": {"a": rule}})).unwrap_err();
        let said = (error.kind(), error.context("option"), error.context("resource"));
        assert_eq!(said, (ErrorKind::Config, Some(option), Some("a")), "{error}");
    }
}
