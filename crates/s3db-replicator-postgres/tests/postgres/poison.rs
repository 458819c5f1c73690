use s3db_replicator_postgres::{OnMismatch, SchemaSync};
use serde_json::json;

use crate::support::{Source, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_document_that_postgres_refuses_is_put_aside() {
    let Some(server) = server().await else { return };
    server
        .run(
            "CREATE TABLE users (id text PRIMARY KEY, age smallint CHECK (age <> 13), name text NOT NULL, \
             email text UNIQUE, born date, key uuid, shape jsonb)",
        )
        .await;
    let sync = SchemaSync::new().on_mismatch(OnMismatch::Ignore);
    let source = Source::new(server.bare_options().schema_sync(sync)).await;
    let attributes = json!({
        "age": "number|optional", "name": "string|optional", "email": "string|optional", "born": "string|optional",
        "key": "string|optional", "shape": "string|optional",
    });
    let users = source.resource("users", attributes).await;
    let documents = vec![
        json!({"id": "fine", "name": "A", "email": "a", "age": 3}),
        json!({"id": "large", "name": "hunter2", "age": 100_000}),
        json!({"id": "fraction", "name": "hunter2", "age": 1.5}),
        json!({"id": "check", "name": "hunter2", "age": 13}),
        json!({"id": "null"}),
        json!({"id": "same", "name": "hunter2", "email": "a"}),
        json!({"id": "born", "name": "hunter2", "born": "2024-13-77"}),
        json!({"id": "word", "name": "hunter2", "born": "tomorrow"}),
        json!({"id": "key", "name": "hunter2", "key": "hunter2"}),
        json!({"id": "nul", "name": "hunter2\u{0}"}),
        json!({"id": "good", "name": "B", "age": 4}),
    ];
    for document in documents {
        users.insert(document).await.unwrap();
    }
    source.flush().await;
    assert_eq!(server.rows("SELECT id, name, age FROM users ORDER BY id").await, ["fine|A|3", "good|B|4"]);

    let dead = source.dead().await;
    #[track_caller]
    fn check(dead: &[String], id: &str, column: &str, code: &str) {
        let line = dead.iter().find(|line| line.starts_with(&format!("{id}: "))).unwrap();
        assert!(line.contains("table=users") && line.contains(&format!("sqlstate={code}")), "{line}");
        assert!(column.is_empty() || line.contains(&format!("column={column} ")), "{line}");
        assert!(!line.contains("hunter2") && !line.contains("tomorrow"), "{line}");
    }
    assert_eq!(dead.len(), 9, "{dead:#?}");
    check(&dead, "large", "age", "22003");
    check(&dead, "fraction", "age", "22P02");
    check(&dead, "check", "", "23514");
    check(&dead, "null", "name", "23502");
    check(&dead, "same", "", "23505");
    check(&dead, "born", "born", "22008");
    check(&dead, "word", "born", "22007");
    check(&dead, "key", "key", "22P02");
    check(&dead, "nul", "name", "22P05");

    // A mended document is delivered, also one that was put aside.
    users.update("large", json!({"age": 5})).await.unwrap();
    source.flush().await;
    server.run("ALTER TABLE users ALTER COLUMN age TYPE double precision").await;
    assert_eq!(source.replicator.retry_dead_letters(None).await.unwrap(), 2);
    assert_eq!(
        server.rows("SELECT id, age FROM users ORDER BY id").await,
        ["fine|3", "fraction|1.5", "good|4", "large|5"]
    );
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_without_a_column_is_an_error_where_that_is_wanted() {
    let Some(server) = server().await else { return };
    let sync = SchemaSync::new().auto_create_columns(false);
    let routes = s3db_replicator::Routes::only([""; 0]).resource(
        "users",
        s3db_replicator::Route::new().transform(|mut document| {
            document.insert("extra".to_owned(), json!(true));
            Some(document)
        }),
    );
    let source = Source::routed(server.bare_options().schema_sync(sync), routes).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    source.flush().await;
    let dead = source.dead().await;
    let expected = "a: the table has no column for a field table=users column=extra id=a resource=users";
    assert!(dead.len() == 1 && dead[0].starts_with(expected), "{dead:?}");
    source.close().await;
    server.clean().await;
}
