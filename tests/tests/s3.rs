//! The store over S3: against a server in this process that answers as AWS does, and against two independent servers.
//!
//! `cargo xtask services` starts the independent ones and names them in `S3DB_TEST_SEAWEEDFS` and `S3DB_TEST_MINISTACK`.
//! Where one is missing its test says so and is skipped; in CI (`CI=true`) it fails.

mod bad_input;
mod empty_values;
mod metadata;
mod secrets;
mod tls;

use std::sync::Arc;

use s3db::connection::Connection;
use s3db::store::{Capability, MemoryStore, S3Config, S3Store};
use s3db::{Database, ResourceConfig};
use s3db_testkit::conformance::{self, Options};
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::json;

async fn server(options: ServerOptions) -> S3Server {
    S3Server::start(Arc::new(MemoryStore::new()), options).await.unwrap()
}

pub(crate) fn config(connection: &str) -> S3Config {
    S3Config::from_connection(&Connection::parse(connection).unwrap()).unwrap()
}

async fn connect(config: S3Config) -> S3Store {
    S3Store::connect(config).await.unwrap()
}

async fn store(connection: &str, capability: Capability) -> Arc<S3Store> {
    Arc::new(connect(config(connection).capability(capability)).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_s3_store_conforms_over_the_server_in_this_process() {
    let server = server(ServerOptions::default()).await;
    let store = store(&server.connection_string(), Capability::default()).await;
    conformance::check(store, Options::default()).await.assert_green();
    server.stop().await;
}

/// The connection string of an independent server, or `None` after saying that the test is skipped.
pub(crate) fn independent(variable: &str) -> Option<String> {
    match std::env::var(variable) {
        Ok(connection) => Some(connection),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{variable} is not set: CI runs these tests"),
        Err(_) => {
            println!("skipped: {variable} is not set; start the servers with `cargo xtask services start`");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_s3_store_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let mut capability = Capability::default();
    capability.keeps_empty_metadata = false;
    capability.list_is_ordered = false;
    capability.key_segment_bytes_max = 255;
    capability.keeps_double_slash = false;
    let store = store(&connection, capability).await;
    let options = Options::default()
        .except("keys_with_control_characters", "they are missing from listings")
        .except("keys_with_dot_segments", "refused with status 400")
        .except("keys_with_odd_characters", "a backslash is taken for a slash")
        .except("keys_with_trailing_slash", "taken for a folder");
    conformance::check(store, options).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_s3_store_conforms_over_ministack() {
    let Some(connection) = independent("S3DB_TEST_MINISTACK") else { return };
    let mut capability = Capability::default();
    capability.conditional_copy = false;
    let store = store(&connection, capability).await;
    conformance::check(store, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_code_keeps_documents_on_every_s3_server() {
    let server = server(ServerOptions::default()).await;
    let mut connections = vec![server.connection_string()];
    connections.extend(["S3DB_TEST_SEAWEEDFS", "S3DB_TEST_MINISTACK"].into_iter().filter_map(independent));
    for connection in connections {
        let prefix = format!("{connection}/documents-{}", std::process::id());
        let db = Database::connect(&prefix).await.unwrap();
        let config = ResourceConfig::new(
            "users",
            json!({"name": "string", "n": "number", "tags": "array|items:string"}),
        );
        let users = db.create_resource(config).await.unwrap();
        for i in 0..20 {
            users
                .insert(json!({"id": format!("é {i}"), "name": "São 日本 😀", "n": 1.5, "tags": [""]}))
                .await
                .unwrap();
        }
        let mut tasks = tokio::task::JoinSet::new();
        for i in 0..8 {
            let users = users.clone();
            tasks.spawn(async move { users.update("é 0", json!({format!("extra{i}"): i})).await.map(drop) });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        let again = Database::connect(&prefix).await.unwrap().resource("users").unwrap();
        let first = again.get("é 0").await.unwrap();
        assert_eq!(first.data.len(), 3 + 8, "no update was lost: {:?}", first.data);
        assert_eq!(first.data["name"], "São 日本 😀");
        assert_eq!(again.count().await.unwrap(), 20);
        assert_eq!(again.delete_all(true).await.unwrap(), 20);
    }
    server.stop().await;
}
