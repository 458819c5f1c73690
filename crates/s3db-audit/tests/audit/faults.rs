//! When rows cannot be written.

use std::sync::atomic::Ordering;

use s3db_audit::AuditOptions;
use s3db_core::ErrorKind;
use s3db_core::plugin::PluginRegistry;
use serde_json::json;

use crate::support::world;

#[tokio::test]
async fn a_row_that_cannot_be_written_fails_no_write_and_is_counted() {
    for segments in [false, true] {
        let world = world(AuditOptions::default().segments(segments)).await;
        let users = world.users().await;
        world.bucket.refuses_rows.store(true, Ordering::SeqCst);
        users.insert(json!({"id": "a"})).await.unwrap();
        world.audit.flush().await.unwrap();
        assert_eq!((world.audit.stats().failed, world.audit.stats().written), (1, 0));
        let info = world.db.plugins().into_iter().find(|plugin| plugin.slug == "audit").unwrap();
        assert!(info.failures > 0 && info.last_failure.unwrap().contains("no rows today"));
        world.bucket.refuses_rows.store(false, Ordering::SeqCst);
        users.insert(json!({"id": "b"})).await.unwrap();
        assert_eq!(world.rows().await.len(), 1);
    }
}

#[tokio::test]
async fn a_strict_audit_has_the_row_before_the_write_returns_or_the_write_fails() {
    let world = world(AuditOptions::default().strict(true)).await;
    let users = world.users().await;
    users.insert(json!({"id": "a"})).await.unwrap();
    assert_eq!(world.audit.stats().written, 1, "without waiting");
    world.bucket.refuses_rows.store(true, Ordering::SeqCst);
    let error = users.insert(json!({"id": "b"})).await.unwrap_err();
    assert!(error.message().contains("its row of the audit was not") && !error.is_retryable(), "{error}");
    // It says that the document is there, and it is.
    users.get("b").await.unwrap();
    world.bucket.refuses_rows.store(false, Ordering::SeqCst);
    users.insert(json!({"id": "c"})).await.unwrap();
    let batch = users.insert_many((0..300).map(|n| json!({"n": n}))).await;
    assert_eq!((batch.ok.len(), world.audit.stats().written), (300, 302));
}

#[tokio::test]
async fn rows_that_wait_are_written_before_the_database_closes() {
    let world = world(AuditOptions::default()).await;
    let users = world.users().await;
    users.insert_many((0..300).map(|n| json!({"n": n}))).await.into_result().unwrap();
    world.db.clone().close().await;
    assert_eq!(world.audit.stats().written, 300);
}

#[test]
fn a_configuration_names_it_and_wrong_options_are_told() {
    let mut registry = PluginRegistry::new();
    s3db_audit::register(&mut registry);
    let options =
        json!({"operations": ["delete"], "retention_days": 90, "strict": true, "data_bytes_max": 5});
    registry.build("audit", &options).unwrap();
    for (options, option) in [
        (json!({"operations": ["get"]}), "operations"),
        (json!({"operations": "delete"}), "operations"),
        (json!({"retention_days": 0}), "retention_days"),
        (json!({"data_bytes_max": 0}), "data_bytes_max"),
        (json!({"enabled": "yes"}), "enabled"),
        (json!({"maxDataSize": 1}), "maxDataSize"),
    ] {
        let error = registry.build("audit", &options).unwrap_err();
        assert_eq!((error.kind(), error.context("option")), (ErrorKind::Config, Some(option)), "{error}");
    }
}
