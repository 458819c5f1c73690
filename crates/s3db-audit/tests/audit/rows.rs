//! What a row says.

use s3db_audit::{AuditOptions, Operation};
use s3db_core::{Document, ResourceConfig, actor};
use serde_json::{Value, json};

use crate::support::world;

fn shown(row: &s3db_audit::AuditEntry) -> String {
    let n = |document: &Option<Document>| match document {
        None => "-".to_owned(),
        Some(document) => document.get("n").map_or("?".to_owned(), Value::to_string),
    };
    format!("{} {} {}→{}", row.operation, row.record_id, n(&row.before), n(&row.after))
}

#[tokio::test]
async fn each_change_of_each_verb_leaves_exactly_one_row_with_the_document_before_and_after() {
    for segments in [false, true] {
        let world = world(AuditOptions::default().segments(segments)).await;
        let users = world.users().await;
        users.insert(json!({"id": "a", "n": 1})).await.unwrap();
        users.update("a", json!({"n": 2})).await.unwrap();
        users.patch("a", json!({"n": 3})).await.unwrap();
        users.replace("a", json!({"n": 4})).await.unwrap();
        users.upsert(json!({"id": "a", "n": 5})).await.unwrap();
        users.upsert(json!({"id": "b", "n": 6})).await.unwrap();
        let more = [json!({"id": "c", "n": 7}), json!({"id": "d", "n": 8})];
        users.insert_many(more).await.into_result().unwrap();
        users.set_content("c", b"x".as_slice()).await.unwrap();
        users.delete_content("c").await.unwrap();
        users.delete("a").await.unwrap();
        users.delete_many(["b", "c"]).await.into_result().unwrap();
        users.delete_all(true).await.unwrap();
        // What is refused is no change.
        users.update("nobody", json!({"n": 1})).await.unwrap_err();
        users.insert(json!({"id": "x", "n": "no number"})).await.unwrap_err();

        let mut rows: Vec<String> = world.rows().await.iter().map(shown).collect();
        let mut expected = vec![
            "insert a -→1",
            "update a 1→2",
            "update a 2→3",
            "replace a 3→4",
            "update a 4→5",
            "insert b -→6",
            "insert c -→7",
            "insert d -→8",
            "setContent c 7→7",
            "deleteContent c 7→7",
            "delete a 5→-",
            "delete b 6→-",
            "delete c 7→-",
            "delete d 8→-",
        ];
        if !segments {
            assert_eq!(rows[..2], expected[..2], "in the order of the changes");
        }
        rows.sort();
        expected.sort_unstable();
        assert_eq!(rows, expected, "segments: {segments}");
    }
}

#[tokio::test]
async fn a_row_says_who_when_and_in_which_partition() {
    let options = AuditOptions::default().current_user(|| Some("cron".to_owned()));
    let world = world(options).await;
    let users = world.users().await;
    actor::acting_as("alice", users.insert(json!({"id": "a", "region": "EU"}))).await.unwrap();
    world.env.advance_ms(1000);
    users.update("a", json!({"region": "US"})).await.unwrap();
    let rows = world.rows().await;
    assert_eq!((rows[0].user.as_str(), rows[1].user.as_str()), ("alice", "cron"));
    assert!(
        rows[1].at_ms - rows[0].at_ms >= 1000 && rows[0].id.starts_with(&format!("audit-{}-", rows[0].at_ms))
    );
    assert_eq!(Value::Object(rows[1].partitions.clone()), json!({"byRegion": {"region": "US"}}));
    assert_eq!(rows[0].resource, "users");
}

#[tokio::test]
async fn no_object_of_the_audit_holds_a_secret() {
    for segments in [false, true] {
        let world = world(AuditOptions::default().segments(segments)).await;
        let attributes = json!({
            "name": "string", "token": "secret", "login": "password|optional", "any": "secretAny|optional",
            "card": {"holder": "string", "pin": "secretNumber"},
        });
        let config = ResourceConfig::new("accounts", attributes).paranoid(false);
        let accounts = world.db.create_resource(config).await.unwrap();
        let card = json!({"holder": "Ann", "pin": 73512});
        let account = json!({"id": "a", "name": "Ann", "token": "hunter2", "login": "Tr0ub4dor&3", "card": card, "any": {"deep": "opensesame"}});
        accounts.insert(account).await.unwrap();
        accounts.update("a", json!({"token": "hunter3"})).await.unwrap();
        accounts.delete("a").await.unwrap();
        assert_eq!(world.rows().await.len(), 3);
        let text = world.text_of("audit").await;
        for secret in ["hunter", "Tr0ub4dor", "73512", "opensesame"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        let row = &world.rows().await[0];
        let after = Value::Object(row.after.clone().unwrap());
        assert_eq!((&after["name"], &after["token"]), (&json!("Ann"), &json!("[redacted]")));
        assert_eq!(after["card"], json!({"holder": "Ann", "pin": "[redacted]"}));
    }
}

#[tokio::test]
async fn large_documents_are_kept_whole_up_to_the_limit_and_cut_above_it() {
    let big = world(AuditOptions::default().data_bytes_max(100_000)).await;
    let users = big.users().await;
    let name = "x".repeat(20_000);
    users.insert(json!({"id": "a", "name": name})).await.unwrap();
    big.audit.flush().await.unwrap();
    let rows = big.audit.history("users", "a").await.unwrap();
    assert_eq!(rows[0].after.as_ref().unwrap()["name"], json!(name));
    assert!(rows[0].truncated.is_empty());

    let small = world(AuditOptions::default().data_bytes_max(100)).await;
    let users = small.users().await;
    users.insert(json!({"id": "a", "name": "y".repeat(5_000), "region": "EU"})).await.unwrap();
    let row = &small.rows().await[0];
    let after = Value::Object(row.after.clone().unwrap());
    assert!(after.to_string().len() < 1_000 && after["region"] == "EU", "{after}");
    assert_eq!(Value::Object(row.truncated.clone()), json!({"after": {"name": 5_002}}));
}

#[tokio::test]
async fn only_what_is_asked_for_gets_rows() {
    let check = async |options: AuditOptions, expected: &[&str]| {
        let world = world(options).await;
        let users = world.users().await;
        let other = ResourceConfig::new("other", json!({"n": "number|optional"})).paranoid(false);
        let other = world.db.create_resource(other).await.unwrap();
        users.insert(json!({"id": "a", "n": 1})).await.unwrap();
        users.delete("a").await.unwrap();
        other.insert(json!({"id": "o"})).await.unwrap();
        let rows = world.rows().await;
        let rows: Vec<String> =
            rows.iter().map(|row| format!("{} {}", row.resource, row.operation)).collect();
        assert_eq!(rows, expected);
    };
    let all = ["users insert", "users delete", "other insert"];
    check(AuditOptions::default(), &all).await;
    check(AuditOptions::default().enabled(false), &[]).await;
    check(AuditOptions::default().operation(Operation::Delete), &all[1..2]).await;
    check(AuditOptions::default().exclude("users"), &all[2..]).await;
    check(AuditOptions::default().include("other"), &all[2..]).await;

    let world = world(AuditOptions::default().include_data(false).include_partitions(false)).await;
    world.users().await.insert(json!({"id": "a", "region": "EU"})).await.unwrap();
    let row = &world.rows().await[0];
    assert_eq!((&row.before, &row.after, row.partitions.is_empty()), (&None, &None, true));
}

#[tokio::test]
async fn a_row_costs_three_requests() {
    let world = world(AuditOptions::default()).await;
    let users = world.users().await;
    let before = world.db.requests();
    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    world.audit.flush().await.unwrap();
    // One for the document; the row, and its reference in each of two partitions.
    assert_eq!((world.db.requests() - before).to_string(), "4 PUT");
}

#[tokio::test]
async fn rows_that_wait_together_are_one_object_where_that_is_asked_for() {
    let world = world(AuditOptions::default().segments(true)).await;
    let users = world.users().await;
    let before = world.db.requests();
    let many = (0..100).map(|n| json!({"n": n}));
    users.insert_many(many).await.into_result().unwrap();
    world.audit.flush().await.unwrap();
    let sent = world.db.requests() - before;
    let stats = world.audit.stats();
    assert_eq!(stats.written, 100);
    // A document is 1 PUT and no reference: the rest are rows.
    assert!(sent.total() == 100 + stats.segments && stats.segments <= 100, "{sent} {stats:?}");
    assert_eq!(world.rows().await.len(), 100);
}
