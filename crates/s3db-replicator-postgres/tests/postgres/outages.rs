use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use s3db_core::store::MemoryStore;
use s3db_replicator::{Route, Routes};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::{Source, server};

/// A way to the server that can be cut.
struct Wire {
    port: u16,
    is_cut: Arc<AtomicBool>,
    running: Arc<Mutex<Vec<JoinHandle<()>>>>,
    listener: JoinHandle<()>,
}

impl Wire {
    async fn to(connection: &str) -> Self {
        let config: tokio_postgres::Config = connection.parse().unwrap();
        let target = config.get_ports()[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let running: Arc<Mutex<Vec<_>>> = Arc::default();
        let (cut, tasks) = (is_cut.clone(), running.clone());
        let listener = tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                if cut.load(Ordering::SeqCst) {
                    continue;
                }
                let task = tokio::spawn(async move {
                    let mut there = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut here, &mut there).await;
                });
                tasks.lock().unwrap().push(task);
            }
        });
        Self { port, is_cut, running, listener }
    }

    /// Breaks the connections there are; `for_good` those to come too.
    fn cut(&self, for_good: bool) {
        self.is_cut.store(for_good, Ordering::SeqCst);
        self.running.lock().unwrap().drain(..).for_each(|task| task.abort());
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.cut(true);
        self.listener.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_delays_changes_and_loses_none() {
    let Some(server) = server().await else { return };
    let wire = Wire::to(&server.connection).await;
    let source = Source::new(server.options().port(wire.port).log_table("changes")).await;
    let users = source.resource("users", json!({"n": "number"})).await;
    users.insert(json!({"id": "before", "n": 0})).await.unwrap();
    source.flush().await;

    wire.cut(true);
    for n in 0..20 {
        users.insert(json!({"id": format!("u{n}"), "n": n})).await.unwrap();
    }
    users.update("before", json!({"n": 7})).await.unwrap();
    while source.replicator.stats().targets[0].retries == 0 {
        tokio::task::yield_now().await;
    }
    assert!(source.replicator.check().await.unwrap()[0].1.as_ref().is_err_and(|error| error.is_retryable()));
    wire.cut(false);
    source.flush().await;
    assert_eq!(server.rows("SELECT count(*), sum(n) FROM users").await, ["21|197"]);
    assert_eq!(server.rows("SELECT count(*), count(DISTINCT change_id) FROM changes").await, ["22|22"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_in_the_middle_lose_and_double_nothing() {
    let Some(server) = server().await else { return };
    let wire = Wire::to(&server.connection).await;
    let source = Source::new(server.options().port(wire.port).log_table("changes")).await;
    let users = source.resource("users", json!({"n": "number"})).await;
    for n in 0..60 {
        users.upsert(json!({"id": format!("u{}", n % 10), "n": n})).await.unwrap();
        if n % 3 == 0 {
            wire.cut(false);
        }
        tokio::task::yield_now().await;
    }
    source.flush().await;
    assert_eq!(server.rows("SELECT sum(n), count(*) FROM users").await, ["545|10"]);
    assert_eq!(server.rows("SELECT count(*), count(DISTINCT change_id) FROM changes").await, ["60|60"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_opens_while_postgres_is_down() {
    let Some(server) = server().await else { return };
    let wire = Wire::to(&server.connection).await;
    wire.cut(true);
    let options = server.options().port(wire.port).log_table("changes");
    let source = Source::on(Arc::new(MemoryStore::new()), options, Routes::all()).await.unwrap();
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    wire.cut(false);
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["a|A"]);
    assert_eq!(server.rows("SELECT count(*) FROM changes").await, ["1"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_somebody_holds_is_waited_for() {
    let Some(server) = server().await else { return };
    let options = server.options().lock_timeout(std::time::Duration::from_millis(50));
    let source = Source::new(options).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    source.flush().await;
    server.run("BEGIN; SELECT * FROM users FOR UPDATE").await;
    users.update("a", json!({"name": "B"})).await.unwrap();
    while source.replicator.stats().targets[0].retries == 0 {
        tokio::task::yield_now().await;
    }
    server.run("COMMIT").await;
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["a|B"]);
    assert_eq!(source.dead().await, [""; 0]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_freezes_holds_no_locks_for_ever() {
    let Some(server) = server().await else { return };
    let limit = |name: &str| format!("{name} text DEFAULT current_setting('{name}')");
    let limits = ["idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout"].map(limit);
    server.run(&format!("CREATE TABLE users (id text PRIMARY KEY, {})", limits.join(", "))).await;
    let source = Source::new(server.bare_options()).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["a|1min|20s|10s"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_not_alter_the_table_fails_only_what_needs_it() {
    let Some(server) = server().await else { return };
    let user = format!("writer_{}", std::process::id());
    server
        .run(&format!(
            "CREATE TABLE users (id text PRIMARY KEY, name text); CREATE ROLE {user} LOGIN PASSWORD 'secret'; \
             GRANT USAGE ON SCHEMA {0} TO {user}; GRANT SELECT, INSERT, UPDATE, DELETE ON users TO {user}",
            server.quoted()
        ))
        .await;
    let route = Route::new().transform(|mut document| {
        if document.get("name") == Some(&json!("B")) {
            document.insert("extra".to_owned(), json!(1));
        }
        Some(document)
    });
    let options = server.options().user(&user).password("secret");
    let source = Source::routed(options, Routes::only([""; 0]).resource("users", route)).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert_many(["A", "B", "C"].map(|name| json!({"id": name, "name": name})).to_vec()).await;
    source.flush().await;
    assert_eq!(server.rows("SELECT id FROM users ORDER BY id").await, ["A", "C"]);
    let dead = source.dead().await;
    assert!(dead.len() == 1 && dead[0].starts_with("B: ") && dead[0].contains("sqlstate=42501"), "{dead:?}");
    source.close().await;
    server.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
    server.clean().await;
}
