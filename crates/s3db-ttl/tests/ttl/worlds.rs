//! Documents that end in simulated worlds: requests are lost, repeated and late, processes freeze and die, clocks are wrong,
//! and a seed replays all of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3db_core::store::{MemoryStore, Store};
use s3db_core::{Database, Result};
use s3db_testkit::sim::{Faults, Node, Sim};
use s3db_testkit::wrong::Unconditional;
use s3db_ttl::{OnExpire, Ttl, TtlOptions, TtlRule};
use serde_json::json;

use crate::support::resource;

/// Acts of the clients of one world.
const ACTS: u64 = 120;

fn options() -> TtlOptions {
    let rule = TtlRule::after(Duration::from_secs(20), OnExpire::HardDelete).field("endsAt");
    // What a process that is dead has sent may arrive late, and has no entry.
    let (scan, reconcile) = (Duration::from_secs(5), Duration::from_secs(60));
    TtlOptions::default().rule("offers", rule).scan_every(scan).reconcile_every(reconcile)
}

/// What stands between a process and its store.
type Wrap = fn(Arc<dyn Store>) -> Arc<dyn Store>;

async fn start(sim: &Sim, name: &str, store: Wrap) -> Result<(Node, Database)> {
    let node = sim.node(name);
    let db = Database::builder_on(store(node.store()), "sim").env(node.env()).plugin(Ttl::with(options()));
    let db = db.connect().await?;
    // The process is what keeps its database.
    let (env, kept) = (node.env(), db.clone());
    node.spawn(async move {
        env.sleep(Duration::from_secs(1_000_000)).await;
        drop(kept);
    });
    Ok((node, db))
}

fn iso(at_ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(at_ms).unwrap())
}

/// The deadline that an object holds, in milliseconds since 1970.
fn deadline(objects: &MemoryStore, key: &str) -> Option<i64> {
    let object = futures::FutureExt::now_or_never(objects.get(key)).unwrap().unwrap()?;
    let times = object.head.metadata.iter().filter_map(|(_, text)| text.parse::<jiff::Timestamp>().ok());
    times.map(jiff::Timestamp::as_millisecond).max().map(|at| at + 20_000)
}

async fn ends(sim: Sim, store: Wrap) -> Result<()> {
    let mut faults = Faults::swarm(sim.seed());
    // Processes die below, where what is waited for is known to live.
    faults.crash_permille = 0;
    faults.clock_jump_permille = 0;
    faults.late_ms_max = faults.late_ms_max.min(20_000);
    let bound = i64::try_from(faults.clock_skew_ms_max).unwrap();
    sim.set_faults(Faults::none());
    let watch = sim.node("watch");
    let (_, db) = start(&sim, "c0", store).await?;
    resource(&db, "offers").await;
    let deadlines: Arc<Mutex<BTreeMap<String, i64>>> = Arc::default();
    let (of, clock) = (deadlines.clone(), watch.env());
    sim.observe(move |objects, key| {
        if !key.contains("resource=offers/data/") {
            return Ok(());
        }
        let mut deadlines = of.lock().unwrap();
        match deadline(objects, key) {
            Some(at) => drop(deadlines.insert(key.to_owned(), at)),
            // Nobody but a sweep deletes here.
            None => {
                let (at, now) = (deadlines.remove(key).unwrap_or(0), clock.now_ms());
                if at > now + bound {
                    return Err(format!(
                        "{key} has ended {} ms early, clocks being off by {bound}",
                        at - now
                    ));
                }
            }
        }
        Ok(())
    });
    sim.set_faults(faults);
    let mut processes = vec![start(&sim, "c1", store).await.ok(), start(&sim, "c2", store).await.ok()];
    for act in 0..ACTS {
        watch.env().sleep(Duration::from_millis(sim.below(1_000))).await;
        let at = sim.below(processes.len() as u64);
        let Some(Some((node, db))) = processes.get(usize::try_from(at).unwrap()).cloned() else {
            continue;
        };
        if sim.below(40) == 0 {
            node.crash();
            processes.push(start(&sim, &format!("c{}", 3 + act), store).await.ok());
            continue;
        }
        // A client dies with its process, and nobody waits for one that has.
        let now = watch.env().now_ms();
        let document = json!({"id": format!("o{}", sim.below(6)), "endsAt": iso(now - 10_000 + i64::try_from(sim.below(20_000)).unwrap())});
        node.spawn(async move {
            if let Ok(offers) = db.resource("offers") {
                let _ = offers.upsert(document).await;
            }
        });
    }
    sim.set_faults(Faults::none());
    let (_, last) = start(&sim, "last", store).await?;
    for _ in 0..300 {
        watch.env().sleep(Duration::from_secs(1)).await;
    }
    let left = last.resource("offers")?.list_ids(Default::default()).await?;
    if !left.is_empty() {
        sim.fail(format!("{left:?} have been forgotten"));
    }
    Ok(())
}

#[test]
fn in_no_world_does_a_document_end_early_and_in_the_end_all_have() {
    Sim::explore(0..40, |sim| ends(sim, |store| store)).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn on_a_store_that_looks_at_no_condition_the_worlds_show_it() {
    let unconditional = |sim| ends(sim, |store| Arc::new(Unconditional::new(store)));
    let failure = Sim::explore(0..200, unconditional).unwrap_err();
    let violation = &failure.violation;
    assert!(violation.contains("early") || violation.contains("forgotten"), "{failure}");
}
