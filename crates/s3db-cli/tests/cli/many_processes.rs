//! Several processes of the binary on one database.

use std::sync::atomic::{AtomicU32, Ordering};

use super::support::{Shell, servers};

const PROCESSES: usize = 8;
const ADDITIONS: usize = 500;

#[test]
fn eight_processes_that_count_lose_no_count() {
    for (name, shell) in servers("counting") {
        shell.ok(&["create-resource", "counters", "--schema", r#"{"n": "number"}"#]);
        shell.ok(&["insert", "counters", "-d", r#"{"id": "visits", "n": 0}"#]);
        std::thread::scope(|scope| {
            for _ in 0..PROCESSES {
                scope.spawn(|| {
                    for _ in 0..ADDITIONS {
                        shell.ok(&["update", "counters", "visits", "--add", "n=1", "--quiet"]);
                    }
                });
            }
        });
        let visits = shell.json(&["get", "counters", "visits"]);
        assert_eq!(visits["n"], PROCESSES * ADDITIONS, "on {name}");
    }
}

#[test]
fn of_two_hundred_inserts_of_one_email_one_wins() {
    for (name, shell) in servers("unique") {
        shell.ok(&["create-resource", "users", "--schema", r#"{"email": "email|unique"}"#]);
        let refused = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    // One process inserts fifty documents, several at once.
                    let documents = r#"{"email": "one@example.com"}"#.to_owned() + "\n";
                    let ran = shell.run_with_input(&["insert", "users", "-f", "-"], &documents.repeat(50));
                    let errors = ran.err.lines().filter(|line| line.contains("holds the unique value"));
                    refused.fetch_add(u32::try_from(errors.count()).unwrap(), Ordering::SeqCst);
                });
            }
        });
        assert_eq!(refused.into_inner(), 199, "on {name}");
        assert_eq!(shell.ok(&["count", "users"]).trim(), "users: 1 record", "on {name}");
    }
}

#[test]
fn additions_are_checked_and_exact() {
    let shell = Shell::with_users();
    let update = |more: &[&str]| shell.json(&[&["update", "users", "ann"], more].concat());
    assert_eq!(update(&["--add", "age=1"])["age"], 10);
    assert_eq!(update(&["--add", "age=-0.5", "-d", r#"{"name": "Anna"}"#])["age"], 9.5);
    let fails = |more: &[&str], code: i32, words: &[&str]| {
        shell.fails(&[&["update", "users", "ann"], more].concat(), code, words);
    };
    fails(&["--add", "name=1"], 1, &["only a number can be added to", "name"]);
    fails(&["--add", "age"], 2, &["FIELD=NUMBER"]);
    fails(&["--add", "age=many"], 2, &["not a number"]);

    let etag = shell.json(&["get", "users", "ann"])["_etag"].as_str().unwrap().to_owned();
    assert_eq!(update(&["-d", r#"{"age": 1}"#, "--if-match", &etag])["age"], 1);
    fails(&["-d", r#"{"age": 2}"#, "--if-match", &etag], 1, &["not the one that was read"]);
    fails(&["--add", "age=1", "--if-match", &etag], 1, &["not the one that was read"]);
}
