//! `--explain` changes nothing and foresees what `--receipt` then says.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of a test end it where they fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::Shell;

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn receipt(error: &str) -> Value {
    let line = error.lines().find(|line| line.starts_with("{\"receipt\"")).expect("a receipt");
    serde_json::from_str::<Value>(line).unwrap()["receipt"].clone()
}

#[test]
fn every_command_is_explained_without_a_change_and_costs_what_was_explained() {
    let shell = Shell::with_users();
    let cleo = r#"{"id": "cleo", "name": "Cleo", "email": "cleo@example.com"}"#;
    let many =
        r#"[{"id": "x", "name": "Xi", "email": "x@e.io"}, {"id": "y", "name": "Yo", "email": "y@e.io"}]"#;
    let partitions = r#"{"byRegion": {"fields": {"region": "string"}}}"#;
    for command in [
        vec!["list"],
        vec!["schema", "users"],
        vec!["create-resource", "orders", "--schema", r#"{"region": "string"}"#, "--partitions", partitions],
        vec!["insert", "orders", "-d", r#"{"id": "o", "region": "EU"}"#],
        vec!["update", "orders", "o", "-d", r#"{"region": "US"}"#],
        vec!["insert", "users", "-d", cleo],
        vec!["insert", "users", "-d", cleo],
        vec!["insert", "users", "-d", many],
        vec!["get", "users", "ann"],
        vec!["update", "users", "ann", "--add", "age=1"],
        vec!["patch", "users", "ann", "-d", r#"{"region": "EU"}"#],
        vec!["replace", "users", "ann", "-d", cleo.replace("cleo", "ann").as_str()],
        vec!["upsert", "users", "-d", cleo],
        vec!["query", "users", "--limit", "0"],
        vec!["query", "users", "-f", r#"{"id": "ann"}"#],
        vec!["count", "users"],
        vec!["count", "users", "--by", "region"],
        vec!["stats"],
        vec!["stats", "users", "--sample", "1"],
        vec!["analyze", "users"],
        vec!["fsck"],
        vec!["dump", "dump.json"],
        vec!["load", "dump.json", "--merge"],
        vec!["delete", "users", "ann", "cleo", "--force"],
    ] {
        let before = files(shell.path());
        let explained = shell.run(&[command.clone(), vec!["--explain", "--json"]].concat());
        assert_eq!(files(shell.path()), before, "{command:?} --explain changed something");
        let plan: Value = serde_json::from_str(&explained.out)
            .unwrap_or_else(|error| panic!("{command:?}: {error}: {explained:?}"));
        let ran = shell.run(&[command.clone(), vec!["--receipt", "--json"]].concat());
        let receipt = receipt(&ran.err);
        assert_eq!(plan["requests"], receipt["requests"], "{command:?}: {plan:#}");
        assert_eq!(explained.code, ran.code, "{command:?}: {explained:?}");
        assert_eq!((&receipt["prices"], &receipt["dollars"]), (&"own-server".into(), &0.0.into()));
    }
}

#[test]
fn people_get_a_table_and_a_line() {
    let shell = Shell::with_users();
    let plan = shell.ok(&["update", "users", "ann", "-d", r#"{"age": 10}"#, "--explain"]);
    assert!(plan.contains("PUT") && plan.contains("if-match") && plan.contains("the commit"), "{plan}");
    assert!(plan.ends_with("2 GET + 1 PUT, $0 (own server)\n"), "{plan}");
    assert_eq!(shell.json(&["get", "users", "ann"])["age"], 9);
    let ran = shell.run(&["get", "users", "ann", "--receipt"]);
    assert!(ran.out.contains("Ann") && ran.err.contains("2 GET, "), "{ran:?}");
}

#[test]
fn explaining_asks_nothing_and_makes_no_folder() {
    let shell = Shell::with_users();
    let plan = shell.ok(&["delete", "users", "ann", "--explain"]);
    assert!(plan.contains("deletes the document"), "{plan}");
    assert_eq!(shell.json(&["get", "users", "ann"])["name"], "Ann");
    let empty = Shell::new();
    let plan = empty.ok(&["create-resource", "users", "--schema", r#"{"name": "string"}"#, "--explain"]);
    assert!(plan.contains("writes the catalogue"), "{plan}");
    let demo = empty.ok(&["demo", "--explain"]);
    assert!(demo.contains("writes the catalogue") && !demo.contains("A small shop"), "{demo}");
    assert!(files(empty.path()).is_empty());
}
