//! Finding rows again, counting them, and deleting old ones.

use s3db_audit::{AuditOptions, AuditQuery, Operation};
use serde_json::{Value, json};

use crate::support::world;

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn no_number_of_rows_is_too_many() {
    let world = world(AuditOptions::default()).await;
    let users = world.users().await;
    let many = (0..250).map(|n| json!({"id": format!("u{n:03}"), "n": n}));
    users.insert_many(many).await.into_result().unwrap();
    world.audit.flush().await.unwrap();
    let today = AuditQuery::new().since_day("2025-01-01");
    assert_eq!(world.audit.rows(&today.clone().limit(500)).await.unwrap().len(), 250);
    assert_eq!(world.audit.rows(&today.clone()).await.unwrap().len(), 100, "unless more are asked for");
    let summary = world.audit.summary(&today).await.unwrap();
    assert_eq!(
        (summary.total, summary.by_operation["insert"], summary.timeline["2025-01-01"]),
        (250, 250, 250)
    );
    let page = world.audit.rows(&today.clone().offset(200).limit(100)).await.unwrap();
    assert_eq!(page.len(), 50);
}

#[tokio::test]
async fn rows_are_found_by_all_that_they_say() {
    for segments in [false, true] {
        let world = world(AuditOptions::default().segments(segments)).await;
        let users = world.users().await;
        // Day after day: one insert each, the last two in the US.
        for n in 0..4 {
            let region = if n < 2 { "EU" } else { "US" };
            users.insert(json!({"id": format!("u{n}"), "region": region})).await.unwrap();
            world.audit.flush().await.unwrap();
            world.env.advance_ms(DAY_MS);
        }
        users.delete("u0").await.unwrap();
        world.audit.flush().await.unwrap();
        let check = async |query: AuditQuery, expected: &[&str]| {
            let rows = world.audit.rows(&query).await.unwrap();
            let found: Vec<_> = rows.iter().map(|row| row.record_id.as_str()).collect();
            assert_eq!(found, expected, "{query:?}, segments: {segments}");
        };
        let all = AuditQuery::new;
        let us = json!({"region": "US"}).as_object().cloned().unwrap();
        check(all(), &["u0", "u1", "u2", "u3", "u0"]).await;
        check(all().resource("users").record_id("u0"), &["u0", "u0"]).await;
        check(all().resource("other"), &[]).await;
        check(all().operation(Operation::Delete), &["u0"]).await;
        check(all().partition("byRegion", us), &["u2", "u3"]).await;
        check(all().user("nobody"), &[]).await;
        check(all().limit(2).offset(1), &["u1", "u2"]).await;
        // A day is the whole of it, beside any other filter.
        check(all().since_day("2025-01-02").until_day("2025-01-02"), &["u1"]).await;
        check(all().since_day("2025-01-02").until_day("2025-01-02").resource("users"), &["u1"]).await;
        check(all().since_day("2025-01-03").operation(Operation::Insert), &["u2", "u3"]).await;
        check(all().since_day("2024-01-01").until_day("2025-01-01"), &["u0"]).await;
    }
    let world = world(AuditOptions::default()).await;
    let wrong = world.audit.rows(&AuditQuery::new().since_day("yesterday")).await.unwrap_err();
    assert_eq!(wrong.context("option"), Some("since"), "{wrong}");
}

#[tokio::test]
async fn old_rows_are_deleted_however_many_and_however_old() {
    for segments in [false, true] {
        let world = world(AuditOptions::default().segments(segments)).await;
        let users = world.users().await;
        for (n, days_later) in [(0, 300), (1, 90), (2, 10)] {
            let many = (0..30).map(|i| json!({"id": format!("u{n}-{i}")}));
            users.insert_many(many).await.into_result().unwrap();
            world.audit.flush().await.unwrap();
            world.env.advance_ms(days_later * DAY_MS);
        }
        assert_eq!(world.audit.cleanup(90).await.unwrap(), 60);
        let rows = world.rows().await;
        assert_eq!(rows.len(), 30);
        assert!(rows.iter().all(|row| row.record_id.starts_with("u2-")));
        assert_eq!(world.audit.cleanup(90).await.unwrap(), 0);
        assert!(!world.text_of("audit").await.contains("u0-"), "references are gone too");
    }
}

#[tokio::test]
async fn people_ask_by_command_and_dashboards_by_metrics() {
    let world = world(AuditOptions::default()).await;
    let users = world.users().await;
    users.insert(json!({"id": "a"})).await.unwrap();
    world.audit.flush().await.unwrap();
    let run = async |command: &str, arguments: Value| {
        let arguments = arguments.as_object().cloned().unwrap();
        world.db.run_plugin_command("audit", command, arguments).await
    };
    let rows = run("log", json!({"resource": "users", "id": "a", "operation": "insert"})).await.unwrap();
    assert_eq!(rows[0]["record_id"], "a");
    assert_eq!(run("stats", json!({})).await.unwrap()["total"], 1);
    assert_eq!(run("cleanup", json!({"days": 1})).await.unwrap()["deleted"], 0);
    assert!(run("cleanup", json!({"days": "soon"})).await.is_err());
    let metrics = world.db.plugin_metrics();
    let written = metrics.iter().find(|metric| metric.metric.name == "s3db_audit_written").unwrap();
    assert_eq!(written.readings[0].value, 1.0);
}
