//! The binary over S3: against a server in this process, and against an independent one where there is one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking"
)]

use std::sync::Arc;

use s3db::store::MemoryStore;
use s3db_testkit::s3_server::{Access, S3Server, ServerOptions};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::{Ran, Shell};

/// Access key and secret of the servers in this process: neither may appear in any output.
const KEY: &str = "KEYKEYKEY";
const SECRET: &str = "s3cr3t+/tk3y";
const SECRET_ENCODED: &str = "s3cr3t%2B%2Ftk3y";

const USERS: &str = r#"{"name": "string|min:2", "email": "email", "age": "number|optional"}"#;

/// A server in this process, on threads of its own.
struct Server {
    server: S3Server,
    runtime: Runtime,
}

impl Server {
    fn start(access: Access) -> Self {
        let mut options = ServerOptions::default();
        options.access = access;
        options.access_key_id = KEY.into();
        options.secret_access_key = SECRET.into();
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(S3Server::start(Arc::new(MemoryStore::new()), options)).unwrap();
        Self { server, runtime }
    }

    fn connection(&self, bucket: &str) -> String {
        let address = self.server.endpoint().trim_start_matches("http://").to_owned();
        format!("http://{KEY}:{SECRET_ENCODED}@{address}/{bucket}")
    }

    fn stop(self) {
        self.runtime.block_on(self.server.stop());
    }
}

/// The servers of a test: connection strings of one in this process and, where there is one, of SeaweedFS.
fn on_every_server(test: impl Fn(&str)) {
    let server = Server::start(Access::Full);
    test(&server.connection("bucket/cli"));
    server.stop();
    match std::env::var("S3DB_TEST_SEAWEEDFS") {
        Ok(connection) => test(&format!("{connection}/cli-{}", std::process::id())),
        Err(_) if std::env::var_os("CI").is_some() => {
            panic!("S3DB_TEST_SEAWEEDFS is not set: CI runs these tests")
        }
        Err(_) => println!("SeaweedFS is left out: start it with `cargo xtask services start`"),
    }
}

/// The parts of a connection string that nobody may see.
fn credentials(connection: &str) -> Vec<String> {
    let userinfo = connection.split_once("://").and_then(|(_, rest)| rest.split_once('@')).unwrap().0;
    let (key, secret) = userinfo.split_once(':').unwrap();
    // A short key such as `test` is a word that may well be in a text by itself.
    let mut secrets = vec![format!("{key}:"), secret.to_owned()];
    if key == KEY {
        secrets.extend([KEY.to_owned(), SECRET.to_owned()]);
    }
    secrets
}

#[track_caller]
fn shows_no_credential(ran: &Ran, connection: &str) {
    for secret in credentials(connection) {
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{secret} is in {ran:?}");
    }
}

#[test]
fn every_command_works_over_s3() {
    on_every_server(|connection| {
        let shell = Shell::new().set("S3DB_CONNECTION", connection);
        let made = shell.json(&["create-resource", "users", "--schema", USERS]);
        assert_eq!(made["version"], "v1");
        assert_eq!(shell.json(&["list", "--json"])[0]["resource"], "users");
        assert_eq!(shell.json(&["schema", "users", "--format", "json"])["attributes"]["email"], "email");

        let ann = r#"{"id": "ann", "name": "Ann São 日本", "email": "ann@example.com", "age": 9}"#;
        assert_eq!(shell.json(&["insert", "users", "-d", ann])["id"], "ann");
        let more = r#"[{"id": "bob", "name": "Bob", "email": "bob@example.com", "age": 30},
            {"id": "cleo", "name": "Cleo", "email": "cleo@example.com"}]"#;
        assert_eq!(shell.run_with_input(&["insert", "users"], more).out, "bob\ncleo\n");
        shell.fails(&["insert", "users", "-d", ann], 1, &["ann"]);

        let read = shell.json(&["get", "users", "ann"]);
        assert_eq!((&read["name"], &read["age"]), (&json!("Ann São 日本"), &json!(9)));
        assert_eq!(shell.json(&["update", "users", "ann", "-d", r#"{"age": 10}"#])["age"], 10);
        let upserted = shell.json(&["upsert", "users", "-d", r#"{"id": "ann", "age": 11}"#]);
        assert_eq!(upserted["name"], "Ann São 日本");
        let replaced = r#"{"name": "Robert", "email": "r@example.com"}"#;
        assert_eq!(shell.json(&["replace", "users", "bob", "-d", replaced]).get("age"), None);

        let found = shell.json(&["query", "users", "-f", r#"{"age": {"$gte": 11}}"#, "--json"]);
        assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &json!("ann")));
        let all = shell.ok(&["query", "users", "--limit", "0", "--output", "ndjson"]);
        assert_eq!(all.lines().count(), 3, "{all}");
        assert_eq!(shell.ok(&["count", "users"]), "users: 3 records\n");
        assert_eq!(shell.ok(&["delete", "users", "cleo", "--force"]), "");
        shell.fails(&["get", "users", "cleo"], 3, &["document not found", "cleo"]);
        assert_eq!(shell.ok(&["count", "users"]), "users: 2 records\n");
    });
}

#[test]
fn a_database_moves_between_s3_and_a_folder() {
    on_every_server(|connection| {
        let source = format!("{connection}/source");
        let shell = Shell::with_users();
        shell.ok(&["dump", "users.json"]);
        assert_eq!(shell.json(&["load", "users.json", "-c", &source, "--json"]), json!({"objects": 3}));
        shell.fails(&["load", "users.json", "-c", &source], 1, &["holds objects", "--merge"]);
        shell.ok(&["update", "users", "ann", "-c", &source, "-d", r#"{"name": "Anna"}"#]);

        let dump = shell.ok(&["dump", "-c", &source]);
        shell.write("back.json", &dump);
        shell.ok(&["load", "back.json", "-c", "file://./back"]);
        let back = shell.json(&["get", "users", "ann", "-c", "file://./back"]);
        assert_eq!((&back["name"], &back["profile"]["city"]), (&json!("Anna"), &json!("Lisbon")));
        // The one prefix begins with the other, and yet is a database of its own.
        let other = format!("{connection}/source2");
        shell.ok(&["load", "back.json", "-c", &other]);
        assert_eq!(shell.ok(&["count", "users", "-c", &other]), "users: 2 records\n");
    });
}

/// One run of each command that needs the database.
const COMMANDS: &[&[&str]] = &[
    &["list"],
    &["create-resource", "users", "--schema", USERS],
    &["schema", "users"],
    &["insert", "users", "-d", r#"{"name": "Ann", "email": "ann@example.com"}"#],
    &["get", "users", "ann"],
    &["update", "users", "ann", "-d", r#"{"age": 5}"#],
    &["replace", "users", "ann", "-d", r#"{"name": "Ann", "email": "ann@example.com"}"#],
    &["upsert", "users", "-d", r#"{"id": "ann", "age": 5}"#],
    &["delete", "users", "ann", "--force"],
    &["query", "users"],
    &["count", "users"],
    &["doctor", "--quiet"],
    &["dump"],
    &["load", "empty.json"],
];

/// Every command fails with exit code 4, says all of these, offers something to try, and shows no credential.
fn no_command_connects(connection: &str, says: &[&str]) {
    let shell = Shell::new().set("S3DB_CONNECTION", connection);
    shell.write("empty.json", r#"{"key_prefix": "", "objects": []}"#);
    for command in COMMANDS {
        let ran = shell.run(command);
        assert_eq!((ran.code, ran.out.as_str()), (4, ""), "{command:?}: {ran:?}");
        for text in says.iter().copied().chain(["hint:"]) {
            assert!(ran.err.contains(text), "{command:?}: no `{text}` in {}", ran.err);
        }
        shows_no_credential(&ran, connection);
        let as_json = shell.run(&[command, &["--output", "ndjson"][..]].concat());
        let error: serde_json::Value = serde_json::from_str(&as_json.err)
            .unwrap_or_else(|error| panic!("{command:?}: {error}: {}", as_json.err));
        assert!(error["error"]["hint"].is_string(), "{error}");
        shows_no_credential(&as_json, connection);
    }
}

#[test]
fn an_unreachable_endpoint_is_exit_4() {
    // The port of a server that is gone.
    let server = Server::start(Access::Full);
    let connection = server.connection("bucket");
    let address = server.server.endpoint();
    server.stop();
    let shell = Shell::new().set("S3DB_CONNECTION", &connection);
    for command in [&["list"][..], &["dump"]] {
        let ran = shell.fails(command, 4, &[&address, "hint:"]);
        shows_no_credential(&ran, &connection);
    }
}

#[test]
fn denied_access_is_exit_4_and_names_the_permissions() {
    let server = Server::start(Access::Denied);
    no_command_connects(&server.connection("bucket"), &["refuses access", "s3:"]);
    server.stop();
}

#[test]
fn a_missing_bucket_is_exit_4_and_named() {
    let server = Server::start(Access::Full);
    no_command_connects(&server.connection("elsewhere"), &["the bucket does not exist", "elsewhere"]);
    server.stop();
}

#[test]
fn wrong_credentials_are_exit_4_and_not_shown() {
    let server = Server::start(Access::Full);
    let right = server.connection("bucket");
    for (from, to, says) in [
        (KEY, "OTHEROTHER", "the server does not know the access key"),
        (SECRET_ENCODED, "wr0ngs3cr3t", "the secret does not fit the access key"),
    ] {
        let wrong = right.replace(from, to);
        let shell = Shell::new().set("S3DB_CONNECTION", &wrong);
        let ran = shell.fails(&["list"], 4, &[says, "hint:"]);
        shows_no_credential(&ran, &wrong);
        shows_no_credential(&ran, &right);
    }
    server.stop();
}

#[test]
fn who_may_only_read_reads_and_writing_is_exit_4() {
    let server = Server::start(Access::ReadOnly);
    let connection = server.connection("bucket");
    let shell = Shell::new().set("S3DB_CONNECTION", &connection);
    assert_eq!(shell.ok(&["list", "--json"]).trim(), "[]");
    let create = ["create-resource", "users", "--schema", USERS];
    let ran = shell.fails(&create, 4, &["AccessDenied", "s3:PutObject", "s3db.json", "hint:"]);
    shows_no_credential(&ran, &connection);
    server.stop();
}
