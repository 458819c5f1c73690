use std::sync::Arc;

use s3db_core::Database;
use s3db_core::store::MemoryStore;
use s3db_replicator::Routes;
use serde_json::json;

use crate::support::{Source, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_deliver_the_same_documents_end_as_the_source_is() {
    let Some(server) = server().await else { return };
    let store = Arc::new(MemoryStore::new());
    let options = server.options().log_table("changes");
    let first = Source::on(store.clone(), options.clone(), Routes::all()).await.unwrap();
    let users = first.resource("users", json!({"n": "number", "by": "string"})).await;
    let second = Source::on(store.clone(), options.clone(), Routes::all()).await.unwrap();
    let third = Source::on(store, options, Routes::all()).await.unwrap();

    let write = async |source: &Source, by: &str| {
        let users = source.db.resource("users").unwrap();
        for n in 0..40 {
            let id = format!("u{}", n % 4);
            if n % 7 == 6 {
                let _ = users.delete(&id).await;
            } else {
                // The other one may be faster, and then this one is not written.
                let _ = users.upsert(json!({"id": id, "n": n, "by": by})).await;
            }
            tokio::task::yield_now().await;
        }
        source.flush().await;
    };
    tokio::join!(write(&first, "first"), write(&second, "second"), write(&third, "third"));

    let mut expected = Vec::new();
    for id in ["u0", "u1", "u2", "u3"] {
        if let Some(user) = users.get_or_none(id).await.unwrap() {
            expected.push(format!("{id}|{}|{}", user.data["n"], user.data["by"].as_str().unwrap()));
        }
    }
    assert!(!expected.is_empty());
    assert_eq!(server.rows("SELECT id, n, by FROM users ORDER BY id").await, expected);
    assert_eq!(server.rows("SELECT count(*) - count(DISTINCT change_id) FROM changes").await, ["0"]);
    for source in [first, second, third] {
        assert_eq!(source.dead().await, [""; 0]);
        source.close().await;
    }
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_begin_together_make_one_table() {
    let Some(server) = server().await else { return };
    let schema = format!("{} fresh", server.schema);
    let begin = async |name: &'static str| {
        let source = Source::new(server.options().schema(&schema).log_table("changes")).await;
        let users = source.resource("users", json!({"name": "string"})).await;
        users.insert(json!({"id": name, "name": name})).await.unwrap();
        source.flush().await;
        assert_eq!(source.dead().await, [""; 0]);
        source.close().await;
    };
    tokio::join!(begin("a"), begin("b"), begin("c"), begin("d"));
    let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
    assert_eq!(server.rows(&format!("SELECT count(*) FROM {quoted}.users")).await, ["4"]);
    assert_eq!(server.rows(&format!("SELECT count(*) FROM {quoted}.changes")).await, ["4"]);
    server.run(&format!("DROP SCHEMA {quoted} CASCADE")).await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_read_after_it_was_locked() {
    let Some(server) = server().await else { return };
    let store = Arc::new(MemoryStore::new());
    let name = format!("locking {}", std::process::id());
    let connection = format!("{}?application_name={}", server.connection, name.replace(' ', "%20"));
    let options = server.options().connection_string(connection);
    let source = Source::on(store.clone(), options, Routes::all()).await.unwrap();
    let users = source.resource("users", json!({"n": "number"})).await;
    users.insert(json!({"id": "a", "n": 0})).await.unwrap();
    source.flush().await;
    let locks = |is_granted: bool| {
        format!(
            "SELECT (classid::int8 << 32) | objid::int8 FROM pg_locks JOIN pg_stat_activity USING (pid) \
             WHERE locktype = 'advisory' AND granted = {is_granted} AND application_name = '{name}'"
        )
    };
    let wait = async |is_granted: bool| loop {
        if let [lock] = server.rows(&locks(is_granted)).await.as_slice() {
            break lock.clone();
        }
        tokio::task::yield_now().await;
    };

    // Which lock it is.
    server.run("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE").await;
    users.update("a", json!({"n": 1})).await.unwrap();
    let lock = wait(true).await;
    server.run("COMMIT").await;
    source.flush().await;

    // Another process holds it, and somebody without a replicator changes the document meanwhile.
    server.run(&format!("SELECT pg_advisory_lock({lock})")).await;
    users.update("a", json!({"n": 2})).await.unwrap();
    assert_eq!(wait(false).await, lock);
    let other = Database::builder_on(store, "").connect().await.unwrap();
    other.resource("users").unwrap().update("a", json!({"n": 3})).await.unwrap();
    server.run(&format!("SELECT pg_advisory_unlock({lock})")).await;
    source.flush().await;
    assert_eq!(server.rows("SELECT n FROM users").await, ["3"]);
    other.close().await;
    source.close().await;
    server.clean().await;
}
