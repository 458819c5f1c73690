//! One process of the fleet.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use s3db::coordinator::{Coordinator, CoordinatorOptions};
use s3db::env::{Env as _, Random as _, SystemEnv};
use s3db::replicator::{Replicator, ReplicatorOptions, Routes};
use s3db::replicator_postgres::{PostgresOptions, PostgresTarget, SchemaSync, Ssl};
use s3db::ttl::{OnExpire, Ttl, TtlOptions, TtlRule};
use s3db::{Database, Resource};
use serde_json::json;

use super::KEEP_FOR;
use super::report::Teller;

const ACCOUNTS: u64 = 40;

pub(super) struct Settings {
    number: u32,
    folder: PathBuf,
    connection: String,
    postgres: String,
    schema: String,
}

impl Settings {
    pub(super) fn from_environment() -> Option<Self> {
        let variable = |name: &str| std::env::var(format!("S3DB_FLEET_{name}"));
        let number = variable("NUMBER").ok()?.parse().unwrap();
        Some(Self {
            number,
            folder: variable("FOLDER").unwrap().into(),
            connection: variable("CONNECTION").unwrap(),
            postgres: variable("POSTGRES").unwrap(),
            schema: variable("SCHEMA").unwrap(),
        })
    }
}

/// Lives until it is killed, or its standard input ends.
pub(super) fn run(settings: Settings) {
    let is_over = Arc::new(AtomicBool::new(false));
    let of = is_over.clone();
    std::thread::spawn(move || {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
        of.store(true, Ordering::SeqCst);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(live(settings, &is_over));
}

async fn live(settings: Settings, is_over: &AtomicBool) {
    let second = Duration::from_secs(1);
    let coordinator = CoordinatorOptions::default().heartbeat(second).jitter(second / 5).lease(4 * second);
    let coordinator = Coordinator::with(coordinator);
    let rule = TtlRule::at("endsAt", OnExpire::HardDelete);
    let ttl = TtlOptions::default().rule("sessions", rule).scan_every(second).reconcile_every(10 * second);
    let target = PostgresOptions::new()
        .connection_string(&settings.postgres)
        .ssl(Ssl::Disable)
        .schema(&settings.schema)
        .schema_sync(SchemaSync::new())
        .log_table("changes");
    let routes = Routes::only(["accounts", "sessions"]);
    let replicator = ReplicatorOptions::default()
        .target("postgres", PostgresTarget::new(target).unwrap(), routes)
        .retries(5, second / 10, second)
        .take_over(2 * second, 3 * second)
        .keep_for(KEEP_FOR);
    let db = Database::builder(&settings.connection)
        .unwrap()
        .plugin(coordinator.clone())
        .plugin(Ttl::with(ttl))
        .plugin(Replicator::with(replicator))
        .connect()
        .await
        .unwrap();
    let (accounts, sessions) = (db.resource("accounts").unwrap(), db.resource("sessions").unwrap());
    let teller = Teller::new(&settings.folder, settings.number);
    let (mut told, mut act) = (None, 0_i64);
    while !is_over.load(Ordering::SeqCst) {
        let epoch = coordinator.leadership().unwrap().epoch();
        if epoch != told {
            if let Some(epoch) = epoch {
                teller.tell(&format!("epoch {epoch}"));
            }
            told = epoch;
        }
        if settings.folder.join("rest").exists() {
            SystemEnv.sleep(second / 5).await;
            continue;
        }
        act += 1;
        // Each change has a number of its own.
        let n = i64::from(settings.number) * 1_000_000 + act;
        change(&accounts, &teller, n).await;
        if act % 4 == 0 {
            start_session(&sessions, &teller, n).await;
        }
        SystemEnv.sleep(Duration::from_millis(below(80))).await;
    }
    db.close().await;
}

/// What fails is not told, and may have happened.
async fn change(accounts: &Resource, teller: &Teller, n: i64) {
    let id = format!("a{:02}", below(ACCOUNTS));
    let done = match below(10) {
        0 | 1 => {
            let _ = accounts.delete(&id).await;
            return;
        }
        2 | 3 => accounts.update(&id, json!({"n": n})).await,
        4 => accounts.replace(&id, json!({"n": n})).await,
        5 => accounts.upsert(json!({"id": id, "n": n, "text": "x".repeat(3_000)})).await,
        _ => accounts.upsert(json!({"id": id, "n": n, "text": format!("written as {n}")})).await,
    };
    if done.is_ok() {
        teller.tell(&format!("change {n}"));
    }
}

/// A session that ends in some seconds; every other one is made longer meanwhile.
async fn start_session(sessions: &Resource, teller: &Teller, n: i64) {
    let id = format!("s{n}");
    let ends_ms = SystemEnv.now_ms() + 1_000 + i64::try_from(below(8_000)).unwrap();
    if sessions.insert(json!({"id": id, "endsAt": iso(ends_ms)})).await.is_err() {
        return;
    }
    teller.tell(&format!("session {id} {ends_ms}"));
    if n % 2 == 0 && sessions.update(&id, json!({"endsAt": iso(ends_ms + 6_000)})).await.is_ok() {
        teller.tell(&format!("session {id} {}", ends_ms + 6_000));
    }
}

fn iso(at_ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(at_ms).unwrap())
}

fn below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemEnv.fill(&mut bytes);
    u64::from_le_bytes(bytes) % bound
}
