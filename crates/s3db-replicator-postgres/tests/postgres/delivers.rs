use s3db_core::ResourceConfig;
use s3db_replicator::{Operation, Route, Routes};
use serde_json::json;

use crate::support::{Source, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_made_and_holds_what_the_source_holds() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options()).await;
    let attributes = json!({"name": "string|max:40", "age": "number|integer|min:0|max:150|optional", "tags": "array|items:string|optional"});
    let users = source.resource("users", attributes).await;
    let count = || server.rows("SELECT count(*) FROM users");

    users.insert(json!({"id": "ann", "name": "Ann", "age": 31, "tags": ["a"]})).await.unwrap();
    source.flush().await;
    assert_eq!(
        server.columns("users").await,
        ["id text!", "name character varying(40)!", "age integer", "tags jsonb"]
    );
    assert_eq!(server.rows("SELECT * FROM users").await, [r#"ann|Ann|31|["a"]"#]);

    // The same again, as after a crash.
    source.replicator.replay(&s3db_replicator::Replay::all().resource("users")).await.unwrap();
    assert_eq!(count().await, ["1"]);

    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    users.replace("ann", json!({"name": "Anne"})).await.unwrap();
    source.flush().await;
    // What the document has no longer is empty.
    assert_eq!(server.rows("SELECT * FROM users").await, ["ann|Anne|∅|∅"]);

    // An update of what PostgreSQL has not makes the row.
    server.run("DELETE FROM users").await;
    users.patch("ann", json!({"age": 32})).await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["ann|Anne|32|∅"]);

    users.delete("ann").await.unwrap();
    source.flush().await;
    assert_eq!(count().await, ["0"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_documents_arrive_each_once() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options().log_table("changes")).await;
    let users = source.resource("users", json!({"n": "number"})).await;
    let documents: Vec<_> = (0..300).map(|n| json!({"id": format!("u{n}"), "n": n})).collect();
    users.insert_many(documents).await;
    users.delete_many((0..100).map(|n| format!("u{n}")).collect::<Vec<_>>()).await;
    source.flush().await;
    assert_eq!(server.rows("SELECT count(*), sum(n) FROM users").await, ["200|39900"]);
    let told = server
        .rows("SELECT operation, count(*), count(DISTINCT record_id) FROM changes GROUP BY 1 ORDER BY 1");
    assert_eq!(told.await, ["delete|100|100", "insert|300|300"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_says_what_is_done_and_to_which_table() {
    let Some(server) = server().await else { return };
    let routes = Routes::only([""; 0])
        .resource("users", Route::to("select \"x\"; --").operations([Operation::Insert]))
        .resource("orders", Route::new().operations([Operation::Update, Operation::Delete]).without("note"))
        .resource(
            "events",
            Route::new().transform(|mut event| {
                event.insert("kind".to_owned(), json!("event"));
                event.get("hidden").is_none().then_some(event)
            }),
        );
    let source = Source::routed(server.options(), routes).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    let orders = source.resource("orders", json!({"total": "money", "note": "string|optional"})).await;
    let events = source.resource("events", json!({"hidden": "boolean|optional"})).await;
    let others = source.resource("others", json!({"name": "string"})).await;

    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    orders.insert(json!({"id": "1", "total": 1.5, "note": "n"})).await.unwrap();
    orders.insert(json!({"id": "2", "total": 2.5})).await.unwrap();
    events.insert(json!({"id": "e"})).await.unwrap();
    events.insert(json!({"id": "f", "hidden": true})).await.unwrap();
    others.insert(json!({"id": "o", "name": "O"})).await.unwrap();
    source.flush().await;
    users.update("a", json!({"name": "B"})).await.unwrap();
    users.delete("a").await.unwrap();
    source.flush().await;
    // Only inserts: it stays as it came.
    assert_eq!(server.rows(r#"SELECT * FROM "select ""x""; --""#).await, ["a|A"]);
    // A field that the transform adds gets a column.
    assert_eq!(server.rows("SELECT id, kind FROM events").await, ["e|event"]);
    assert_eq!(server.rows("SELECT to_regclass('others')").await, ["∅"]);

    orders.update("1", json!({"total": 3})).await.unwrap();
    source.flush().await;
    assert_eq!(server.columns("orders").await, ["id text!", "total numeric!"]);
    // Without inserts a row that is not there is not made.
    assert_eq!(server.rows("SELECT * FROM orders").await, [""; 0]);
    server.run("INSERT INTO orders VALUES ('1', 0), ('2', 0)").await;
    orders.update("1", json!({"total": 4})).await.unwrap();
    orders.delete("2").await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM orders").await, ["1|4"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_another_is_written_and_its_own_columns_are_left_alone() {
    let Some(server) = server().await else { return };
    server
        .run(
            "CREATE TABLE users (id varchar(255) PRIMARY KEY, name text, \
             seen timestamptz NOT NULL DEFAULT '2020-01-01Z', twice text GENERATED ALWAYS AS (name || name) STORED)",
        )
        .await;
    // Without `schema_sync` nothing is altered: a field without a column is left out.
    let source = Source::new(server.bare_options()).await;
    let users = source.resource("users", json!({"name": "string", "age": "number|optional"})).await;
    users.insert(json!({"id": "ann", "name": "Ann", "age": 31})).await.unwrap();
    source.flush().await;
    server.run("UPDATE users SET seen = '2021-01-01Z'").await;
    users.update("ann", json!({"name": "Bo"})).await.unwrap();
    source.flush().await;
    let found =
        server.rows("SELECT id, name, twice, extract(year FROM seen AT TIME ZONE 'UTC') FROM users").await;
    assert_eq!(found, ["ann|Bo|BoBo|2021"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_leaves_only_where_the_route_says_so() {
    let Some(server) = server().await else { return };
    let routes = Routes::only(["users"]).resource("open", Route::new().send_secrets());
    let source = Source::routed(server.options().log_table("changes"), routes).await;
    let attributes = json!({"name": "string", "pin": "secret|optional", "in": {"code": "secret|optional", "city": "string|optional"}});
    for name in ["users", "open"] {
        let resource = source.resource(name, attributes.clone()).await;
        let document =
            json!({"id": "ann", "name": "Ann", "pin": "hunter2", "in": {"code": "hunter2", "city": "Oslo"}});
        resource.insert(document).await.unwrap();
        resource.update("ann", json!({"pin": "hunter22"})).await.unwrap();
    }
    source.flush().await;
    assert_eq!(server.columns("users").await, ["id text!", "name text!", "in jsonb"]);
    assert_eq!(server.rows("SELECT * FROM users").await, [r#"ann|Ann|{"city": "Oslo"}"#]);
    assert_eq!(server.rows("SELECT pin, \"in\"->>'code' FROM open").await, ["hunter22|hunter2"]);
    let log = server.rows("SELECT * FROM changes").await.join("\n");
    assert!(log.contains("Oslo") && !log.contains("hunter"), "{log}");
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_times_of_documents_are_columns_and_partitions_are_none() {
    let Some(server) = server().await else { return };
    let source = Source::new(server.options()).await;
    let config = ResourceConfig::new("users", json!({"name": "string", "region": "string"}))
        .timestamps(true)
        .partitions(json!({"byRegion": {"fields": {"region": "string"}}}));
    let users = source.db.create_resource(config).await.unwrap();
    users.insert(json!({"id": "ann", "name": "Ann", "region": "EU"})).await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    source.flush().await;
    let columns = server.columns("users").await;
    let time = "timestamp with time zone";
    assert_eq!(
        columns,
        [
            "id text!",
            "name text!",
            "region text!",
            &format!("createdAt {time}"),
            &format!("updatedAt {time}")
        ]
    );
    let found = server.rows("SELECT name, \"createdAt\" <= \"updatedAt\" FROM users").await;
    assert_eq!(found, ["Anna|t"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}
