//! Old versions of documents, against a server in this process whose bucket keeps versions.
#![expect(clippy::unwrap_used, reason = "the helpers of a test end it where they fail")]

use std::sync::Arc;

use s3db::store::{MemoryOptions, MemoryStore};
use s3db::{Database, ResourceConfig};
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::Shell;

/// A bucket with versions behind a server of its own, and a shell that is connected to it.
struct World {
    server: S3Server,
    runtime: Runtime,
    shell: Shell,
}

impl World {
    fn start() -> Self {
        let bucket = Arc::new(MemoryStore::with(MemoryOptions::default().keep_versions()));
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(S3Server::start(bucket, ServerOptions::default())).unwrap();
        let shell = Shell::new()
            .set("S3DB_CONNECTION", &format!("{}/cli", server.connection_string()))
            .set("S3DB_PASSPHRASE", "correct horse battery staple");
        Self { server, runtime, shell }
    }

    /// Ann, who was renamed, got another token, and was deleted.
    fn with_ann() -> Self {
        let world = Self::start();
        let shell = &world.shell;
        let schema = r#"{"name": "string", "token": "secret|optional", "age": "number|optional"}"#;
        shell.ok(&["create-resource", "users", "-s", schema]);
        shell.ok(&["insert", "users", "-d", r#"{"id": "ann", "name": "Ann", "token": "tok-one"}"#]);
        shell.ok(&["update", "users", "ann", "-d", r#"{"name": "Anna", "token": "tok-two"}"#]);
        shell.ok(&["delete", "users", "ann", "--force"]);
        world
    }

    fn history(&self) -> Vec<Value> {
        self.shell.json(&["history", "users", "ann", "--json"]).as_array().unwrap().clone()
    }

    fn stop(self) {
        self.runtime.block_on(self.server.stop());
    }
}

fn version(row: &Value) -> &str {
    row["version"].as_str().unwrap()
}

#[test]
fn a_history_tells_what_each_write_has_changed() {
    let world = World::with_ann();
    let rows = world.history();
    let told = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(told("state"), ["deleted", "old", "old"]);
    assert_eq!(told("changed"), [json!(null), json!(["name", "token"]), json!(["name", "token"])]);
    assert_eq!(told("deleted"), [json!(true), json!(false), json!(false)]);
    assert_eq!(told("latest"), [json!(true), json!(false), json!(false)]);
    assert!(rows[0]["time"].as_str().unwrap().ends_with('Z'), "{rows:?}");

    let table = world.shell.ok(&["history", "users", "ann"]);
    for text in ["Time", "Version", "deleted", "name, token", version(&rows[2])] {
        assert!(table.contains(text), "no {text} in {table}");
    }
    let ran = world.shell.run(&["history", "users", "ann", "--limit", "1", "--output", "ndjson"]);
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
    assert!(ran.err.contains("--limit 0"), "{ran:?}");
    let csv = world.shell.ok(&["history", "users", "ann", "--csv"]);
    assert!(csv.starts_with("time,version,state,changed"), "{csv}");
    assert_eq!(csv.lines().count(), 4, "{csv}");
    world.stop();
}

#[test]
fn no_secret_of_an_old_version_is_shown_unless_it_is_asked_for() {
    let world = World::with_ann();
    let shell = &world.shell;
    for args in [
        &["history", "users", "ann", "--documents", "--json"][..],
        &["diff", "users", "ann", "--json"],
        &["diff", "users", "ann"],
    ] {
        let ran = shell.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        assert!(!ran.out.contains("tok-") && !ran.err.contains("tok-"), "{args:?}: {ran:?}");
        assert!(ran.out.contains("[redacted]") && ran.out.contains("Anna"), "{args:?}: {ran:?}");
    }
    let shown = shell.json(&["history", "users", "ann", "--documents", "--secrets", "--json"]);
    assert_eq!(shown[1]["document"]["token"], "tok-two");
    assert_eq!(shown[0]["document"], json!(null));
    let shown = shell.json(&["diff", "users", "ann", "--secrets", "--json"]);
    assert_eq!(shown[1], json!({"field": "token", "before": "tok-one", "after": "tok-two"}));
    shell.fails(&["history", "users", "ann", "--secrets"], 2, &["--documents"]);
    world.stop();
}

#[test]
fn a_diff_is_between_any_two_versions() {
    let world = World::with_ann();
    let shell = &world.shell;
    shell.ok(&["undo", "users", "ann"]);
    shell.ok(&["update", "users", "ann", "-d", r#"{"age": 9}"#]);
    let rows = world.history();
    let (latest, first) = (version(&rows[0]), version(rows.last().unwrap()));
    let fields = |args: &[&str]| {
        let rows = shell.json(&[args, &["--json"]].concat());
        rows.as_array()
            .unwrap()
            .iter()
            .map(|row| row["field"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&["diff", "users", "ann"]), ["age"]);
    assert_eq!(fields(&["diff", "users", "ann", first]), ["name", "token", "age"]);
    assert_eq!(fields(&["diff", "users", "ann", latest, latest]), Vec::<String>::new());
    assert_eq!(fields(&["diff", "users", "ann", first, version(&rows[1])]), ["name", "token"]);
    let table = shell.ok(&["diff", "users", "ann", first, latest]);
    assert!(table.contains("Before") && table.contains("Anna"), "{table}");
    shell.fails(&["diff", "users", "ann", "nonsense"], 3, &["no such version", "nonsense"]);
    world.stop();
}

#[test]
fn a_document_is_read_as_it_was() {
    let world = World::with_ann();
    let shell = &world.shell;
    let rows = world.history();
    let first = shell.json(&["get", "users", "ann", "--version-id", version(&rows[2])]);
    assert_eq!((&first["name"], &first["token"]), (&json!("Ann"), &json!("tok-one")));
    shell.fails(&["get", "users", "ann"], 3, &["not found"]);
    shell.fails(&["get", "users", "ann", "--as-of", "1h"], 3, &["not there at that time"]);
    shell.fails(&["get", "users", "ann", "--as-of", "2001-01-01"], 3, &["2001-01-01T00:00:00.000Z"]);
    // Both writes may have been in one millisecond; what is known is that the later one is not after its own time.
    let then = shell.json(&["get", "users", "ann", "--as-of", rows[1]["time"].as_str().unwrap()]);
    assert_eq!(then["id"], "ann");
    shell.ok(&["undo", "users", "ann"]);
    assert_eq!(shell.json(&["get", "users", "ann", "--as-of", "0s"])["name"], "Anna");
    shell.fails(&["get", "users", "ann", "--as-of", "noon"], 2, &["2026-03-01"]);
    shell.fails(&["get", "users", "ann", "--as-of", "1h", "--version-id", "x"], 2, &["cannot be used with"]);
    world.stop();
}

#[test]
fn undo_takes_back_a_delete_and_then_a_change_and_goes_to_any_version() {
    let world = World::with_ann();
    let shell = &world.shell;
    let first = version(world.history().last().unwrap()).to_owned();
    let plan = shell.json(&["undo", "users", "ann", "--explain", "--json"]);
    assert_eq!(plan["refused"], json!([]), "{plan}");
    assert!(plan["requests"]["put"] == 1 && plan["requests"]["list"] == 1, "{plan}");
    shell.fails(&["get", "users", "ann"], 3, &["not found"]);

    let ran = shell.run(&["undo", "users", "ann"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("Undid the last change of ID: ann"), "{ran:?}");
    let undone: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&undone["name"], &undone["token"]), (&json!("Anna"), &json!("tok-two")));
    shell.ok(&["undo", "users", "ann", "--to", &first]);
    assert_eq!(shell.json(&["get", "users", "ann"])["name"], "Ann");
    shell.ok(&["undo", "users", "ann"]);
    assert_eq!(shell.json(&["get", "users", "ann"])["name"], "Anna");
    shell.fails(&["undo", "users", "ann", "--to", "nonsense"], 3, &["no such version"]);
    shell.fails(&["undo", "users", "nobody"], 3, &["no version"]);
    shell.fails(&["history", "users", "nobody"], 3, &["no version"]);
    world.stop();
}

#[test]
fn an_explanation_of_a_history_reads_no_document() {
    let world = World::with_ann();
    for command in ["history", "diff"] {
        let plan = world.shell.json(&[command, "users", "ann", "--explain", "--json"]);
        assert_eq!(plan["requests"]["list"], 1, "{plan}");
        assert_eq!(plan["requests"]["get"], 3, "{plan}");
        // The catalogue is read, so that there is something to list.
        assert_eq!(plan["looked"]["get"], 1, "{plan}");
    }
    world.stop();
}

#[test]
fn the_snapshot_of_before_a_new_schema_is_shown() {
    let world = World::start();
    let connection = format!("{}/cli", world.server.connection_string());
    world.runtime.block_on(async {
        let builder = Database::builder(&connection).unwrap().options(|options| options.versioning = true);
        let db = builder.connect().await.unwrap();
        let config = ResourceConfig::new("users", json!({"name": "string", "age": "string"}));
        let users = db.create_resource(config).await.unwrap();
        users.insert(json!({"id": "ann", "name": "Ann", "age": "30"})).await.unwrap();
        users.update_attributes(json!({"name": "string", "age": "number"})).await.unwrap();
        users.insert(json!({"id": "bob", "name": "Bob", "age": 40})).await.unwrap();
        users.update("ann", json!({"age": 31})).await.unwrap();
    });
    let shell = &world.shell;
    let before = shell.json(&["get", "users", "ann", "--snapshot"]);
    assert_eq!((&before["age"], &before["_v"]), (&json!("30"), &json!("v1")));
    assert_eq!(shell.json(&["get", "users", "ann"])["age"], 31);
    shell.fails(&["get", "users", "bob", "--snapshot"], 3, &["no snapshot", "versioning"]);
    shell.fails(&["get", "users", "ann", "--snapshot", "--as-of", "1h"], 2, &["cannot be used with"]);
    world.stop();
}
