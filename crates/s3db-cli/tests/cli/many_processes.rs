//! Several processes of the binary on one database.
#![expect(clippy::unwrap_used, reason = "the helpers of a test end it where they fail")]

use std::process::Child;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::support::{Server, Shell};

const PROCESSES: usize = 8;
const ADDITIONS: usize = 500;
const KILLED_ADDITIONS: usize = 60;

#[test]
fn eight_processes_that_count_lose_no_count_on_files() {
    count_by_eight_processes(Server::File);
}

#[test]
fn eight_processes_that_count_lose_no_count_on_seaweedfs() {
    count_by_eight_processes(Server::SeaweedFs);
}

fn count_by_eight_processes(server: Server) {
    let Some(shell) = server.shell("counting") else { return };
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
    assert_eq!(visits["n"], PROCESSES * ADDITIONS, "on {server:?}");
}

#[test]
fn processes_that_are_killed_lose_no_acknowledged_count_and_fsck_mends_the_rest_on_files() {
    count_by_processes_that_are_killed(Server::File);
}

#[test]
fn processes_that_are_killed_lose_no_acknowledged_count_and_fsck_mends_the_rest_on_seaweedfs() {
    count_by_processes_that_are_killed(Server::SeaweedFs);
}

fn count_by_processes_that_are_killed(server: Server) {
    let Some(shell) = server.shell("killed") else { return };
    // Every count moves the document to another place of the partition.
    let partitions = r#"{"byCount": {"fields": {"n": "number"}}}"#;
    let schema = r#"{"n": "number|unique"}"#;
    shell.ok(&["create-resource", "counters", "--schema", schema, "--partitions", partitions]);
    shell.ok(&["insert", "counters", "-d", r#"{"id": "visits", "n": 0}"#]);
    let running: Vec<Mutex<Option<Child>>> = (0..PROCESSES).map(|_| Mutex::new(None)).collect();
    let (acknowledged, killed, is_over) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let workers: Vec<_> = running
            .iter()
            .map(|slot| {
                scope.spawn(|| {
                    for _ in 0..KILLED_ADDITIONS {
                        let add = ["update", "counters", "visits", "--add", "n=1", "--quiet"];
                        *slot.lock().unwrap() = Some(shell.start(&add));
                        if wait(slot) {
                            acknowledged.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            for slot in running.iter().cycle() {
                std::thread::park_timeout(Duration::from_millis(100));
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                if let Some(child) = slot.lock().unwrap().as_mut() {
                    child.kill().unwrap();
                    killed.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        is_over.store(true, Ordering::SeqCst);
    });
    let n = shell.json(&["get", "counters", "visits"])["n"].as_u64().unwrap();
    let (acknowledged, killed) = (acknowledged.into_inner(), killed.into_inner());
    assert!(killed > 5, "{killed} were killed on {server:?}");
    let possible = u64::from(acknowledged)..=(PROCESSES * KILLED_ADDITIONS) as u64;
    assert!(possible.contains(&n), "{n} counted on {server:?}, {acknowledged} acknowledged, {killed} killed");

    shell.ok(&["fsck", "--repair", "--grace", "0"]);
    assert_eq!(shell.ok(&["fsck", "--grace", "0"]), "", "on {server:?}");
}

/// Whether the process ended well; a killed one did not.
fn wait(slot: &Mutex<Option<Child>>) -> bool {
    loop {
        let mut running = slot.lock().unwrap();
        if let Some(status) = running.as_mut().unwrap().try_wait().unwrap() {
            *running = None;
            return status.success();
        }
        drop(running);
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

#[test]
fn of_two_hundred_inserts_of_one_email_one_wins_on_files() {
    insert_one_email_two_hundred_times(Server::File);
}

#[test]
fn of_two_hundred_inserts_of_one_email_one_wins_on_seaweedfs() {
    insert_one_email_two_hundred_times(Server::SeaweedFs);
}

fn insert_one_email_two_hundred_times(server: Server) {
    let Some(shell) = server.shell("unique") else { return };
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
    assert_eq!(refused.into_inner(), 199, "on {server:?}");
    assert_eq!(shell.ok(&["count", "users"]).trim(), "users: 1 record", "on {server:?}");
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
