//! Three processes with a coordinator, a time to live and a replicator to PostgreSQL on SeaweedFS, killed again and again.
//!
//! For two minutes each writes what it likes, and says in a file what was acknowledged; every few seconds one is killed without a
//! word and started anew. At no time two have one epoch, and no document ends before its deadline. In the end PostgreSQL has what
//! the source has, a row for each acknowledged change, and every document that had to end is gone.

mod postgres;
mod report;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use s3db::env::{Env as _, SystemEnv};
use s3db::{Database, Document, ResourceConfig};
use serde_json::{Value, json};

use crate::s3::independent;
use postgres::Tables;
use report::Report;

/// How long processes write, and are killed.
const TROUBLE: Duration = Duration::from_secs(120);

/// Time between two that are killed.
const LIFE: Duration = Duration::from_secs(4);

/// How long it may take until everything is as it should be.
const REST: Duration = Duration::from_secs(180);

/// What a process has written stays in the outbox for so long after it was taken over.
const KEEP_FOR: Duration = Duration::from_secs(20);

#[test]
fn the_worker_of_the_fleet() {
    // Only where the test below starts it.
    if let Some(settings) = worker::Settings::from_environment() {
        worker::run(settings);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_under_kill_9_lose_no_change_forget_no_deadline_and_share_no_epoch() {
    let (Some(seaweedfs), Some(postgres)) =
        (independent("S3DB_TEST_SEAWEEDFS"), independent("S3DB_TEST_POSTGRES"))
    else {
        return;
    };
    let connection = format!("{seaweedfs}/fleet-{}", std::process::id());
    let schema = format!("fleet_{}", std::process::id());
    let tables = Tables::new(&postgres, &schema).await;
    let folder = tempfile::tempdir().unwrap();
    let db = Database::connect(&connection).await.unwrap();
    let accounts = json!({"n": "number|integer|min:0|max:2147483647", "text": "string|optional"});
    db.create_resource(ResourceConfig::new("accounts", accounts)).await.unwrap();
    db.create_resource(ResourceConfig::new("sessions", json!({"endsAt": "string"}))).await.unwrap();

    let mut fleet = Fleet { connection, postgres, schema, folder: folder.path().to_owned(), started: 0 };
    let mut children: Vec<Child> = (0..3).map(|_| fleet.start()).collect();
    let (end, mut killed) = (SystemEnv.monotonic() + TROUBLE, 0);
    while SystemEnv.monotonic() < end {
        let until = SystemEnv.monotonic() + LIFE;
        while SystemEnv.monotonic() < until {
            no_session_ended_early(&db, folder.path()).await;
            SystemEnv.sleep(Duration::from_millis(500)).await;
        }
        // One after another, so that each lives long enough to lead.
        let child = &mut children[killed % 3];
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        *child = fleet.start();
    }
    // From now on they write no more, and bring to an end what there is.
    std::fs::write(folder.path().join("rest"), "").unwrap();
    let deadline = SystemEnv.monotonic() + REST;
    let mut difference = String::new();
    while SystemEnv.monotonic() < deadline {
        no_session_ended_early(&db, folder.path()).await;
        difference = unfinished(&db, &tables).await;
        if difference.is_empty() {
            break;
        }
        SystemEnv.sleep(Duration::from_secs(1)).await;
    }
    for child in &mut children {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "a process ends well once it may");
    }
    assert_eq!(difference, "", "after {REST:?}");

    let report = Report::read(folder.path());
    let logged: BTreeSet<i64> = tables.logged("accounts").await;
    let lost: Vec<_> = report.changes.iter().filter(|n| !logged.contains(n)).collect();
    assert!(lost.is_empty(), "changes that were acknowledged and are not in PostgreSQL: {lost:?}");
    let mut leaders: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for (epoch, leader) in report.epochs {
        leaders.entry(epoch).or_default().insert(leader);
    }
    let shared: Vec<_> = leaders.iter().filter(|(_, leaders)| leaders.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:?}");
    // That all of it has happened.
    let deleted = report.sessions.len();
    println!(
        "{killed} killed, {} changes of accounts, {} epochs, {deleted} sessions that ended",
        report.changes.len(),
        leaders.len(),
    );
    assert!(killed >= 15 && leaders.len() >= 3 && deleted >= 50 && report.changes.len() >= 300);
    tables.drop().await;
}

/// Each session that was acknowledged with a deadline which is still to come is there.
async fn no_session_ended_early(db: &Database, folder: &Path) {
    let known = Report::read(folder).sessions;
    let sessions = db.resource("sessions").unwrap();
    let there: BTreeSet<String> = sessions.list_ids(Default::default()).await.unwrap().into_iter().collect();
    let now_ms = SystemEnv.now_ms();
    let early: Vec<_> = known.iter().filter(|(id, ends)| **ends > now_ms && !there.contains(*id)).collect();
    assert!(early.is_empty(), "they ended early: {early:?}, and it is {now_ms}");
}

/// What is not yet as it should be; nothing once all is.
async fn unfinished(db: &Database, tables: &Tables) -> String {
    let sessions = db.resource("sessions").unwrap().count().await.unwrap();
    if sessions > 0 {
        return format!("{sessions} sessions are left");
    }
    let source = db.resource("accounts").unwrap().get_all().await.unwrap();
    assert!(source.unreadable.is_empty(), "{:?}", source.unreadable);
    let fields = |document: Document| json!({"n": document["n"], "text": document.get("text")});
    let source: BTreeMap<String, Value> =
        source.records.into_iter().map(|record| (record.id.clone(), fields(record.data))).collect();
    let (copy, copied_sessions) = tables.documents().await;
    if source != copy || copied_sessions > 0 {
        return format!("PostgreSQL has {copy:?} and {copied_sessions} sessions in place of {source:?}");
    }
    let outbox = db.plugin_storage("replicator").unwrap().list("outbox/").await.unwrap();
    if outbox.is_empty() { String::new() } else { format!("{} objects are in the outbox", outbox.len()) }
}

struct Fleet {
    connection: String,
    postgres: String,
    schema: String,
    folder: PathBuf,
    started: u32,
}

impl Fleet {
    fn start(&mut self) -> Child {
        self.started += 1;
        let test = std::env::current_exe().unwrap();
        Command::new(test)
            .args(["--exact", "fleet::the_worker_of_the_fleet", "--nocapture"])
            .env("S3DB_FLEET_NUMBER", self.started.to_string())
            .env("S3DB_FLEET_FOLDER", &self.folder)
            .env("S3DB_FLEET_CONNECTION", &self.connection)
            .env("S3DB_FLEET_POSTGRES", &self.postgres)
            .env("S3DB_FLEET_SCHEMA", &self.schema)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }
}
