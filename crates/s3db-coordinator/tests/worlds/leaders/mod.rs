//! Worlds of leaders: processes that elect one of them again and again, over a bad network, and die, freeze and stop.
//!
//! - At no moment do two living processes believe that they lead, whatever their wall clocks say.
//! - Each leader that the bucket names has a higher epoch than the one before. In a third of the worlds somebody deletes and
//!   damages the lease: there at least no epoch has two leaders.
//! - What only the leader may write is never written under an epoch after a higher one, and under one epoch by one process.
//! - When the trouble is over, one leads; and when all have stopped, the next one need not wait.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3db_coordinator::{Coordinator, CoordinatorOptions};
use s3db_core::lease::Fence;
use s3db_core::store::{Condition, PutObject, Store as _};
use s3db_core::{Database, Document, ResourceConfig, Result};
use s3db_testkit::sim::{Faults, Node, Report, Sim, SimOptions};
use serde_json::{Value, json};

mod mutant;
mod watch;

pub(crate) use mutant::Mutation;
use mutant::{DAMAGED, LazyClock, Mutant};
use watch::Watch;

const PREFIX: &str = "sim";

/// How long the trouble may last until one leads: the longest pause of a node, and a lease.
const PEACE_WITHIN: u32 = 45 * 60;

/// Runs the world of a seed, with a rule taken out if asked.
pub(crate) fn check(seed: u64, mutation: Option<Mutation>, keeps_trace: bool) -> Report<()> {
    let options = SimOptions::new(seed).faults(Faults::none()).trace(keeps_trace);
    Sim::run(options, |sim| async move {
        if let Err(error) = run(&sim, mutation).await {
            sim.fail(format!("a call failed although nothing was wrong: {error}"));
        }
    })
}

#[derive(Debug, Clone)]
enum Act {
    /// Waits for the lead, and writes what only the leader may write: at once or after a nap, which can outlast the reign.
    Lead { waits_ms: u64, writes: u64, nap_ms: u64, confirms: bool },
    /// Does nothing but take part.
    Rest(u64),
    /// Closes the database, and opens it again.
    Restart,
}

/// Who is there, and how each sees it.
type Crowd = Arc<Mutex<Vec<(Node, Coordinator)>>>;

#[derive(Debug, Clone)]
struct Client {
    sim: Sim,
    number: u64,
    mutation: Option<Mutation>,
    crowd: Crowd,
    acts: Arc<Mutex<VecDeque<Act>>>,
    /// Whether all may go. Looked at now and then: a channel would wake them in an order that no seed replays.
    ends: Arc<AtomicBool>,
}

async fn run(sim: &Sim, mutation: Option<Mutation>) -> Result<()> {
    let setup = sim.node("setup");
    let db = setup.open(PREFIX).await?;
    let attributes = json!({"epoch": "number", "holder": "string", "total": "number"});
    let books = db.create_resource(ResourceConfig::new("books", attributes)).await?;
    books.insert(json!({"id": "main", "epoch": 0, "holder": "", "total": 0})).await?;
    db.close().await;
    let crowd = Crowd::default();
    let is_vandalised = sim.below(3) == 0;
    let mut watch = Watch::open(sim.objects(), is_vandalised)?;
    let seen = crowd.clone();
    sim.observe(move |_, key| {
        watch.after_write(key)?;
        at_most_one(&seen)
    });

    sim.set_faults(Faults::swarm(sim.seed()));
    let ends = Arc::new(AtomicBool::new(false));
    let mut running = Vec::new();
    for number in 0..2 + sim.below(3) {
        let acts = Arc::new(Mutex::new(acts(sim)));
        let client =
            Client { sim: sim.clone(), number, mutation, crowd: crowd.clone(), acts, ends: ends.clone() };
        running.push((client.acts.clone(), tokio::spawn(client.lives())));
    }
    while running.iter().any(|(acts, _)| !lock(acts).is_empty()) {
        sleep(&setup, 1000).await;
        if is_vandalised && sim.below(20) == 0 {
            vandalise(sim).await?;
        }
        step(sim, &crowd);
    }
    sim.set_faults(Faults::none());
    if is_vandalised {
        // Until who led has noticed the last of it.
        sleep(&setup, 30_000).await;
    }
    let mut waited = 0;
    while !lock(&crowd).iter().any(|(node, process)| node.is_alive() && process.is_leader()) {
        waited += 1;
        if waited > PEACE_WITHIN {
            sim.fail("nothing goes wrong any more, and nobody leads");
            return Ok(());
        }
        sleep(&setup, 1000).await;
        step(sim, &crowd);
    }
    ends.store(true, Ordering::Relaxed);
    for (_, task) in running {
        if let Err(error) = task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    the_next_leads_at_once(sim, &crowd).await?;
    sim.settle().await;
    // The processes are not kept: each holds the world that holds them.
    lock(&crowd).clear();
    Ok(())
}

/// Somebody takes the lease away, or puts something else in its place.
async fn vandalise(sim: &Sim) -> Result<()> {
    let key = format!("{PREFIX}/plugin=coordinator/namespace=default/state.json");
    let is_deleted = sim.below(2) == 0;
    sim.note("vandal", if is_deleted { "deletes the lease" } else { "damages the lease" });
    if is_deleted {
        return sim.objects().delete(&key, Condition::None).await;
    }
    let body = [DAMAGED, format!(",\"at\":{}}}", sim.now_ms()).as_bytes()].concat();
    let damaged = PutObject { body: body.into(), ..PutObject::default() };
    sim.objects().put(&key, damaged, Condition::None).await.map(drop)
}

/// All have stopped, and given back what they had.
async fn the_next_leads_at_once(sim: &Sim, crowd: &Crowd) -> Result<()> {
    let node = sim.node("last");
    let (db, coordinator) = open(&node, "last", None).await?;
    lock(crowd).push((node.clone(), coordinator.clone()));
    let leadership = coordinator.leadership()?;
    tokio::select! {
        biased;
        _ = leadership.changed(None) => {}
        () = sleep(&node, 1000) => sim.fail("all have stopped, and the next one waits"),
    }
    db.close().await;
    Ok(())
}

fn acts(sim: &Sim) -> VecDeque<Act> {
    (0..3 + sim.below(6))
        .map(|_| match sim.below(8) {
            0 => Act::Restart,
            1 | 2 => Act::Rest(sim.below(40_000)),
            _ => {
                // Some naps outlast the reign.
                let longest_ms = [50, 5_000, 40_000][sim.below(3) as usize];
                Act::Lead {
                    waits_ms: sim.below(30_000),
                    writes: 1 + sim.below(3),
                    nap_ms: sim.below(longest_ms),
                    confirms: sim.below(2) == 0,
                }
            }
        })
        .collect()
}

impl Client {
    /// Lives as often as it takes to do all acts, and until all may go.
    async fn lives(self) {
        loop {
            let node = self.sim.node(&format!("c{}", self.number));
            match node.spawn(self.clone().life(node.clone())).await {
                Ok(is_over) => {
                    node.exit();
                    if is_over {
                        break;
                    }
                }
                // It has died, and somebody starts it again.
                Err(_) => self.sim.note(&format!("c{}", self.number), "again"),
            }
        }
    }

    /// One life of the process. Returns whether it was the last one.
    async fn life(self, node: Node) -> bool {
        let name = format!("c{}", self.number);
        let (db, coordinator) = loop {
            match open(&node, &name, self.mutation).await {
                Ok(opened) => break opened,
                Err(_) => sleep(&node, 100).await,
            }
        };
        lock(&self.crowd).push((node.clone(), coordinator.clone()));
        loop {
            let act = lock(&self.acts).pop_front();
            let Some(act) = act else { break };
            self.sim.note(&name, &format!("{act:?}"));
            match act {
                Act::Restart => {
                    db.close().await;
                    return false;
                }
                Act::Rest(ms) => sleep(&node, ms).await,
                Act::Lead { waits_ms, writes, nap_ms, confirms } => {
                    let led = self.lead(&node, &db, &coordinator, waits_ms, writes, nap_ms, confirms);
                    if let Err(error) = led.await {
                        self.sim.note(&name, &format!("{error:?}"));
                    }
                }
            }
            step(&self.sim, &self.crowd);
        }
        while !self.ends.load(Ordering::Relaxed) {
            sleep(&node, 300).await;
        }
        db.close().await;
        true
    }

    #[expect(clippy::too_many_arguments, reason = "the members of one act")]
    async fn lead(
        &self,
        node: &Node,
        db: &Database,
        coordinator: &Coordinator,
        waits_ms: u64,
        writes: u64,
        nap_ms: u64,
        confirms: bool,
    ) -> Result<()> {
        let leadership = coordinator.leadership()?;
        let epoch = tokio::select! {
            biased;
            epoch = leadership.changed(None) => epoch,
            () = sleep(node, waits_ms) => None,
        };
        let Some(epoch) = epoch else { return Ok(()) };
        let (fence, holder) = (Fence::new(epoch), coordinator.worker_id().unwrap_or_default());
        let is_fenced = self.mutation != Some(Mutation::FenceIgnored);
        for _ in 0..writes {
            if confirms && !leadership.confirm(epoch).await? {
                break;
            }
            step(&self.sim, &self.crowd);
            sleep(node, nap_ms).await;
            let edit = |book: &mut Document| {
                if is_fenced {
                    fence.mark(book, "epoch")?;
                }
                let total = book.get("total").and_then(Value::as_u64).unwrap_or(0);
                book.insert("total".to_owned(), json!(total + 1));
                book.insert("epoch".to_owned(), json!(epoch));
                book.insert("holder".to_owned(), json!(holder));
                Ok(())
            };
            db.resource("books")?.update_with("main", edit).await?;
        }
        Ok(())
    }
}

async fn open(node: &Node, name: &str, mutation: Option<Mutation>) -> Result<(Database, Coordinator)> {
    // All names are the same: what tells two apart is what each adds.
    let options = CoordinatorOptions::default().worker_name("same").host_name("host");
    let coordinator = Coordinator::with(options);
    let is_slow = mutation == Some(Mutation::LeadersOverstay) && name == "c0";
    let env = if is_slow { LazyClock::wrap(node.env()) } else { node.env() };
    let store = match mutation {
        Some(mutation) => Mutant::wrap(node.store(), mutation),
        None => node.store(),
    };
    let db = Database::builder_on(store, PREFIX).env(env).plugin(coordinator.clone()).connect().await?;
    Ok((db, coordinator))
}

async fn sleep(node: &Node, ms: u64) {
    node.env().sleep(Duration::from_millis(ms)).await;
}

fn step(sim: &Sim, crowd: &Crowd) {
    if let Err(violation) = at_most_one(crowd) {
        sim.fail(violation);
    }
}

/// Never do two living processes believe that they lead.
fn at_most_one(crowd: &Crowd) -> Result<(), String> {
    let mut crowd = lock(crowd);
    crowd.retain(|(node, _)| node.is_alive());
    let leaders: Vec<_> = crowd
        .iter()
        .filter(|(_, process)| process.is_leader())
        .map(|(_, process)| (process.worker_id(), process.leader().map(|leader| leader.epoch)))
        .collect();
    match leaders.len() {
        0 | 1 => Ok(()),
        _ => Err(format!("more than one believe that they lead: {leaders:?}")),
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
