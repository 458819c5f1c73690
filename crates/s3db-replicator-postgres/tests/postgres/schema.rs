use std::sync::Arc;

use s3db_core::store::MemoryStore;
use s3db_core::{ErrorKind, ResourceConfig};
use s3db_replicator::{Route, Routes};
use s3db_replicator_postgres::{OnMismatch, SchemaSync, Strategy};
use serde_json::json;

use crate::support::{Source, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_attribute_adds_one_column_that_may_be_empty() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options()).await;
    let users = source.resource("users", json!({"name": "string", "nick": "string"})).await;
    users.insert(json!({"id": "a", "name": "A", "nick": "a"})).await.unwrap();
    source.flush().await;
    assert_eq!(server.columns("users").await, ["id text!", "name text!", "nick text!"]);

    let config = ResourceConfig::new("users", json!({"name": "string", "email": "string"}));
    let users = source.db.create_resource(config).await.unwrap();
    users.insert(json!({"id": "b", "name": "B", "email": "b@x.de"})).await.unwrap();
    source.flush().await;
    // The field that is gone keeps its column, which may be empty now.
    assert_eq!(server.columns("users").await, ["id text!", "name text!", "nick text", "email text"]);
    assert_eq!(server.rows("SELECT * FROM users ORDER BY id").await, ["a|A|a|∅", "b|B|∅|b@x.de"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validate_only_reports_a_conflict_and_changes_nothing() {
    let Some(server) = server().await else { return };
    server.run("CREATE TABLE users (id text PRIMARY KEY, name text)").await;
    let validate = server.bare_options().schema_sync(SchemaSync::new().strategy(Strategy::ValidateOnly));
    let source = Source::new(validate.clone()).await;
    let users = source.resource("users", json!({"name": "string", "email": "string"})).await;
    users.insert(json!({"id": "b", "name": "B", "email": "b@x.de"})).await.unwrap();
    source.flush().await;
    let expected = "b: the table is not as the resource asks table=users column=email expected=text found=none \
                    id=b resource=users";
    let dead = source.dead().await;
    assert!(dead.len() == 1 && dead[0].starts_with(expected), "{dead:?}");
    assert_eq!(server.columns("users").await, ["id text!", "name text"]);
    assert_eq!(server.rows("SELECT * FROM users").await, [""; 0]);
    source.close().await;

    // Warned of, and then the field is left out.
    let warn = SchemaSync::new().strategy(Strategy::ValidateOnly).on_mismatch(OnMismatch::Warn);
    let source = Source::new(validate.schema_sync(warn)).await;
    let users = source.resource("users", json!({"name": "string", "email": "string"})).await;
    users.insert(json!({"id": "b", "name": "B", "email": "b@x.de"})).await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["b|B"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_does_not_fit_fails_the_start_and_says_why() {
    let Some(server) = server().await else { return };
    server.run("CREATE TABLE users (id text PRIMARY KEY, age boolean)").await;
    let store = Arc::new(MemoryStore::new());
    let first = Source::on(store.clone(), server.bare_options(), Routes::only(["elsewhere"])).await.unwrap();
    first.resource("users", json!({"age": "number"})).await;
    first.close().await;

    let error = Source::on(store.clone(), server.options(), Routes::all()).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(!error.is_retryable());
    for (key, value) in [
        ("plugin", "replicator"),
        ("target", "postgres"),
        ("table", "users"),
        ("column", "age"),
        ("expected", "double precision"),
        ("found", "boolean"),
    ] {
        assert_eq!(error.context(key), Some(value), "{error:?}");
    }
    assert_eq!(server.columns("users").await, ["id text!", "age boolean"]);

    // Made anew where that is allowed.
    let drop = server.bare_options().schema_sync(SchemaSync::new().strategy(Strategy::DropCreate));
    Source::on(store, drop, Routes::all()).await.unwrap().close().await;
    assert_eq!(server.columns("users").await, ["id text!", "age double precision!"]);
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_or_column_that_is_dropped_comes_back() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options().log_table("changes")).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    source.flush().await;
    server.run("DROP TABLE users").await;
    users.insert(json!({"id": "b", "name": "B"})).await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["b|B"]);
    server.run("ALTER TABLE users DROP COLUMN name; DROP TABLE changes").await;
    users.insert(json!({"id": "c", "name": "C"})).await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users ORDER BY id").await, ["b|∅", "c|C"]);
    assert_eq!(server.rows("SELECT record_id FROM changes").await, ["c"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_of_ours_that_a_document_of_the_source_does_not_fit_is_widened() {
    let Some(server) = server().await else { return };
    let shorten = Route::new().transform(|mut document| {
        document.remove("name");
        document.insert("code".to_owned(), json!("a code that is longer than the schema allows"));
        Some(document)
    });
    let routes = Routes::only([""; 0]).resource("users", shorten);
    let source = Source::routed(server.options(), routes).await;
    let users = source.resource("users", json!({"name": "string", "code": "string|max:5"})).await;
    users.insert(json!({"id": "a", "name": "A", "code": "x"})).await.unwrap();
    users.insert(json!({"id": "b", "name": "B", "code": "x"})).await.unwrap();
    source.flush().await;
    assert_eq!(source.dead().await, [""; 0]);
    assert_eq!(server.columns("users").await, ["id text!", "name text", "code text!"]);
    assert_eq!(server.rows("SELECT count(*) FROM users").await, ["2"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_postgres_cannot_have_are_told_apart() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options()).await;
    let (one, two) = (format!("{}1", "n".repeat(70)), format!("{}2", "n".repeat(70)));
    let users = source.resource("Users-2", json!({&one: "string", &two: "string", "ctid": "string"})).await;
    users.insert(json!({"id": "a", &one: "1", &two: "2", "ctid": "3"})).await.unwrap();
    source.flush().await;
    assert_eq!(source.dead().await, [""; 0]);
    assert_eq!(server.rows("SELECT * FROM \"Users-2\"").await, ["a|1|2|3"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_not_there_is_made() {
    let Some(server) = server().await else { return };
    let schema = format!("{} more", server.schema);
    let source = Source::new(server.options().schema(&schema)).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    source.flush().await;
    let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
    assert_eq!(server.rows(&format!("SELECT * FROM {quoted}.users")).await, ["a|A"]);
    source.close().await;
    server.run(&format!("DROP SCHEMA {quoted} CASCADE")).await;
    server.clean().await;
}
