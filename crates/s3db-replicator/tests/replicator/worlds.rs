//! Replication in simulated worlds: requests are lost, repeated and late, processes freeze and die, clocks are wrong, and a seed
//! replays all of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use s3db_core::store::Store;
use s3db_core::{Database, ResourceConfig, Result};
use s3db_replicator::{Replicator, ReplicatorOptions, Routes, S3dbTarget};
use s3db_testkit::sim::{Faults, Node, Sim};
use s3db_testkit::wrong::Unconditional;
use serde_json::{Value, json};

/// Acts of the clients of one world.
const ACTS: u64 = 100;

/// What stands between a process and the store of its target.
type Wrap = fn(Arc<dyn Store>) -> Arc<dyn Store>;

#[derive(Clone, Copy)]
struct Setting {
    target: Wrap,
    keep_for: Duration,
}

const RIGHT: Setting = Setting { target: |store| store, keep_for: Duration::from_secs(60) };

async fn start(sim: &Sim, name: &str, setting: Setting) -> Result<(Node, Database)> {
    let node = sim.node(name);
    let copy = Database::builder_on((setting.target)(node.store()), "copy").env(node.env()).connect().await?;
    let seconds = Duration::from_secs;
    let options = ReplicatorOptions::default()
        .target("copy", S3dbTarget::on(copy), Routes::only(["users"]))
        .take_over(seconds(5), seconds(5))
        .keep_for(setting.keep_for)
        .retries(5, seconds(1), seconds(4))
        .timeout(seconds(60));
    let db = Database::builder_on(node.store(), "source").env(node.env()).plugin(Replicator::with(options));
    let db = db.connect().await?;
    // The process is what keeps its database.
    let (env, kept) = (node.env(), db.clone());
    node.spawn(async move {
        env.sleep(Duration::from_secs(1_000_000)).await;
        drop(kept);
    });
    Ok((node, db))
}

async fn documents(db: &Database) -> Result<BTreeMap<String, Value>> {
    let listing = db.resource("users")?.uncached().get_all().await?;
    let fields = listing.records.iter().map(|record| (record.id.clone(), Value::Object(record.fields())));
    Ok(fields.collect())
}

async fn converges(sim: Sim, setting: Setting) -> Result<()> {
    let mut faults = Faults::swarm(sim.seed());
    // Processes die below, where what is waited for is known to live.
    faults.crash_permille = 0;
    faults.late_ms_max = faults.late_ms_max.min(20_000);
    sim.set_faults(Faults::none());
    let watch = sim.node("watch");
    let attributes = json!({"n": "number", "kind": "string|optional"});
    let users = || {
        ResourceConfig::new("users", attributes.clone())
            .paranoid(false)
            .partitions(json!({"byKind": {"fields": {"kind": "string"}}}))
    };
    // Both are there before the first failure.
    let (source, copy) = (watch.open("source").await?, watch.open("copy").await?);
    source.create_resource(users()).await?;
    copy.create_resource(users()).await?;
    sim.set_faults(faults);
    let mut processes = vec![start(&sim, "c1", setting).await.ok(), start(&sim, "c2", setting).await.ok()];
    for act in 0..ACTS {
        watch.env().sleep(Duration::from_millis(sim.below(800))).await;
        let at = usize::try_from(sim.below(processes.len() as u64)).unwrap();
        let Some(Some((node, db))) = processes.get(at).cloned() else {
            continue;
        };
        if sim.below(25) == 0 {
            node.crash();
            processes.push(start(&sim, &format!("c{}", 3 + act), setting).await.ok());
            continue;
        }
        // A client dies with its process, and nobody waits for one that has.
        let (id, verb) = (format!("u{}", sim.below(4)), sim.below(6));
        node.spawn(async move {
            if let Ok(users) = db.resource("users") {
                let _ = match verb {
                    0 | 1 => users.delete(&id).await,
                    2 => users.update(&id, json!({"n": act, "kind": "b"})).await.map(drop),
                    3 => users.replace(&id, json!({"n": act})).await.map(drop),
                    _ => users.upsert(json!({"id": id, "n": act, "kind": "a"})).await.map(drop),
                };
            }
        });
    }
    sim.set_faults(Faults::none());
    let last = start(&sim, "last", setting).await?;
    for _ in 0..400 {
        watch.env().sleep(Duration::from_secs(1)).await;
    }
    let (source, copy) = (documents(&source).await?, documents(&copy).await?);
    if source != copy {
        sim.fail(format!("the copy is wrong: {copy:?} in place of {source:?}"));
    }
    let outbox = last.1.plugin_storage("replicator")?.list("outbox/").await?;
    if !outbox.is_empty() {
        sim.fail(format!("{outbox:?} are still in the outbox"));
    }
    Ok(())
}

#[test]
fn in_every_world_the_copy_is_in_the_end_as_the_source() {
    Sim::explore(0..80, |sim| converges(sim, RIGHT)).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn the_worlds_show_a_target_that_looks_at_no_condition_and_an_outbox_that_forgets_too_early() {
    let unconditional = Setting { target: |store| Arc::new(Unconditional::new(store)), ..RIGHT };
    let forgetful = Setting { keep_for: Duration::from_secs(5), ..RIGHT };
    for (name, setting) in [("unconditional", unconditional), ("forgetful", forgetful)] {
        let failure = Sim::explore(0..300, |sim| converges(sim, setting)).err();
        let failure = failure.unwrap_or_else(|| panic!("{name}: no world shows it"));
        assert!(failure.violation.contains("the copy is wrong"), "{name}: {failure}");
    }
}
