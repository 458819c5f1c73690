//! The database of `s3db demo`, opened by the real s3db.js where it is installed.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking, and says what is left out")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Shell;

#[test]
fn s3db_js_opens_the_database_of_the_demo() {
    let Some(peer) = std::env::var_os("S3DB_TEST_PEER").map(PathBuf::from) else {
        println!("skipped: S3DB_TEST_PEER is not set; install s3db.js with `cargo xtask peer install`");
        return;
    };
    let shell = Shell::new().set("S3DB_PASSPHRASE", "correct horse");
    shell.ok(&["demo"]);
    let mut dump = shell.json(&["dump"]);
    for object in dump["objects"].as_array_mut().unwrap() {
        object["key"] = format!("db/{}", object["key"].as_str().unwrap()).into();
    }
    let read = visit(&shell, peer, &json!({"passphrase": "correct horse", "objects": dump["objects"]}));
    for (resource, fields) in [
        ("customers", &["name", "email", "points", "tags", "address"][..]),
        ("orders", &["customer", "status", "total", "placed"]),
    ] {
        let ours = shell.json(&["query", resource, "--limit", "0", "--json"]);
        let ours = ours.as_array().unwrap();
        assert_eq!(read[resource].as_object().unwrap().len(), ours.len(), "{resource}");
        assert!(ours.len() > 3, "{resource}");
        for document in ours {
            let theirs = &read[resource][document["id"].as_str().unwrap()];
            for field in fields {
                let same = match (document[field].as_f64(), theirs[field].as_f64()) {
                    (Some(ours), Some(theirs)) => (ours - theirs).abs() < f64::EPSILON,
                    _ => document.get(field) == theirs.get(field),
                };
                assert!(same, "{resource}.{field}: {document}\nin s3db.js: {theirs}");
            }
        }
    }
}

/// What s3db.js reads of each document.
fn visit(shell: &Shell, peer: PathBuf, input: &Value) -> Value {
    shell.write("input.json", &input.to_string());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/peer/interop.mjs");
    // A module is resolved from its own folder, so that the script must lie beside node_modules.
    let beside = peer.join("demo.mjs");
    std::fs::copy(script, &beside).unwrap();
    let (input, output) = (shell.path().join("input.json"), shell.path().join("output.json"));
    let node =
        Command::new(peer.join("node_modules/.bin/node")).arg(&beside).args([&input, &output]).status();
    assert!(node.unwrap().success(), "s3db.js cannot open the database");
    let output: Value = serde_json::from_str(&std::fs::read_to_string(output).unwrap()).unwrap();
    output["read"].clone()
}
