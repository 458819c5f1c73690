use s3db_replicator::{Route, Routes};
use serde_json::{Value, json};

use crate::support::{Source, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_is_one_row_of_the_log() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options().log_table("changes")).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "ann", "name": "A"})).await.unwrap();
    users.update("ann", json!({"name": "B"})).await.unwrap();
    users.delete("ann").await.unwrap();
    source.flush().await;
    let rows = server
        .rows(
            "SELECT resource_name, operation, record_id, before->>'name', data->>'name', certain, source, \
             \"timestamp\" IS NOT NULL, created_at IS NOT NULL FROM changes ORDER BY id",
        )
        .await;
    assert_eq!(
        rows,
        [
            "users|insert|ann|∅|A|t|s3db-replicator|t|t",
            "users|update|ann|A|B|t|s3db-replicator|t|t",
            // As in s3db.js, a delete shows the last state.
            "users|delete|ann|B|B|t|s3db-replicator|t|t",
        ]
    );
    assert_eq!(server.rows("SELECT count(DISTINCT change_id) FROM changes").await, ["3"]);
    assert_eq!(
        server.columns("changes").await,
        [
            "id bigint!",
            "resource_name character varying(255)",
            "operation character varying(50)",
            "record_id text",
            "data jsonb",
            "timestamp timestamp with time zone",
            "source character varying(100)",
            "created_at timestamp with time zone",
            "change_id text",
            "before jsonb",
            "certain boolean",
        ]
    );
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_s3db_js_has_begun_goes_on() {
    let Some(server) = server().await else { return };
    server
        .run(
            "CREATE TABLE changes (id SERIAL PRIMARY KEY, resource_name VARCHAR(255) NOT NULL, operation VARCHAR(50) NOT NULL, \
             record_id VARCHAR(255) NOT NULL, data JSONB, timestamp TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP, \
             source VARCHAR(100) DEFAULT 's3db-replicator', created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP); \
             INSERT INTO changes (resource_name, operation, record_id, data) VALUES ('users', 'insert', 'old', '{}')",
        )
        .await;
    let source = Source::new(server.options().log_table("changes")).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "new", "name": "A"})).await.unwrap();
    source.flush().await;
    let rows = server.rows("SELECT record_id, change_id IS NULL, certain FROM changes ORDER BY id").await;
    assert_eq!(rows, ["old|t|∅", "new|f|t"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_has_documents_in_the_form_of_their_route() {
    let Some(server) = server().await else { return };
    let route = Route::to("people").without("note").transform(|mut document| {
        if document.get("name") == Some(&json!("hidden")) {
            return None;
        }
        document.insert("by".to_owned(), Value::from("route"));
        Some(document)
    });
    let routes = Routes::only([""; 0]).resource("users", route);
    let source = Source::routed(server.options().log_table("changes"), routes).await;
    let users = source.resource("users", json!({"name": "string", "note": "string|optional"})).await;
    users.insert(json!({"id": "a", "name": "A", "note": "n"})).await.unwrap();
    users.insert(json!({"id": "b", "name": "hidden", "note": "n"})).await.unwrap();
    source.flush().await;
    assert_eq!(
        server.rows("SELECT resource_name, data FROM changes").await,
        [r#"users|{"by": "route", "id": "a", "name": "A"}"#]
    );
    source.close().await;
    server.clean().await;
}
