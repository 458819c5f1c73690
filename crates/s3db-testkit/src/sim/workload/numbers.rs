//! Clients that take numbers of sequences, one by one and in batches, and count in plugin storage.
//!
//! - No number is given twice, neither as the id of a document nor in a reserved batch. Gaps are allowed.
//! - A counter is linearizable: no addition is lost, and none that was acknowledged happens twice.
//! - Of all who set a value that must be absent, one is told that it did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use s3db_core::id::{IdGenerator, Incremental, SequenceMode};
use s3db_core::plugin::storage::SetOptions;
use s3db_core::{Database, Error, ErrorKind, ResourceConfig, Result};
use serde_json::json;

use super::PREFIX;
use super::process::{self, Process, Program, lock};
use crate::random::SplitMix;
use crate::sim::{Faults, History, Model, Mutation, Sim};

const COUNTER: &str = "hits";
const PLUGIN: &str = "counts";

#[derive(Debug, Clone)]
enum Act {
    /// Inserts a document that comes without an id.
    Insert(&'static str),
    Reserve(&'static str, u32),
    GiveUpBatch,
    Count(i64),
    ReadCounter,
    /// Sets a value if it is absent.
    BeFirst(u64),
}

#[derive(Debug, Clone)]
struct Client {
    number: u64,
    /// Who got each number.
    given: Arc<Mutex<BTreeMap<String, u64>>>,
    counter: History<Counter>,
    first: Arc<Mutex<BTreeMap<u64, u64>>>,
}

pub(super) async fn run(sim: &Sim, seed: u64, mutation: Option<Mutation>) -> Result<()> {
    let mut random = SplitMix::new(seed ^ 0x0C0_7E75);
    let node = sim.node("setup");
    let db = Database::builder_on(node.store(), PREFIX).env(node.env()).connect().await?;
    let fast = Incremental {
        mode: SequenceMode::Fast,
        batch_size: 2 + random.below(3) as u32,
        start: 100,
        increment: [1, 10, -1][random.below(3) as usize],
        ..Incremental::default()
    };
    for (name, ids) in [("orders", Incremental::default()), ("tickets", fast)] {
        let config = ResourceConfig::new(name, json!({"by": "number"}));
        db.create_resource(config.id_generator(IdGenerator::Incremental(ids))).await?;
    }
    let client = Client { number: 0, given: Arc::default(), counter: History::new(), first: Arc::default() };
    sim.set_faults(Faults::swarm(seed));
    let running = (0..2 + random.below(3))
        .map(|number| {
            let client = Client { number, ..client.clone() };
            process::start(sim, format!("c{number}"), mutation, client, acts(&mut random))
        })
        .collect();
    process::wait(running).await;
    sim.settle().await;
    sim.set_faults(Faults::none());
    // What was counted is checked against what is there in the end.
    let pending = client.counter.begin(COUNTER, None);
    let count = db.plugin_storage(PLUGIN)?.get(COUNTER).await?;
    let count = count.as_ref().and_then(|count| count.get("value")?.as_i64()).unwrap_or(0);
    pending.done(Operation::Read { seen: count });
    for (_, operations) in client.counter.unexplained() {
        sim.fail(format!("the operations on the counter fit no order:\n{operations}"));
    }
    Ok(())
}

fn acts(random: &mut SplitMix) -> Vec<Act> {
    let acts = 4 + random.below(10);
    let resource = |random: &mut SplitMix| ["orders", "tickets"][random.below(2) as usize];
    (0..acts)
        .map(|_| match random.below(12) {
            0..=4 => Act::Insert(resource(random)),
            5 => Act::Reserve(resource(random), 1 + random.below(4) as u32),
            6 => Act::GiveUpBatch,
            7..=9 => Act::Count([1, 5, -2][random.below(3) as usize]),
            10 => Act::ReadCounter,
            _ => Act::BeFirst(random.below(2)),
        })
        .collect()
}

impl Program for Client {
    type Act = Act;

    async fn act(&self, process: &Process, act: Act) -> Result<()> {
        let Process { sim, db, .. } = process;
        let storage = db.plugin_storage(PLUGIN)?;
        match act {
            Act::Insert(name) => match db.resource(name)?.insert(json!({"by": self.number})).await {
                Ok(record) => self.got(sim, name, &record.id),
                // Nobody brings an id, so that only a number can be taken that was given to somebody else.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && !error.is_outcome_unknown() => {
                    sim.fail(format!("a number of {name} was given twice: {error}"));
                }
                Err(error) => return Err(error),
            },
            Act::Reserve(name, count) => {
                let batch = db.resource(name)?.reserve_batch(count).await?;
                batch.ids().for_each(|id| self.got(sim, name, &id));
            }
            Act::GiveUpBatch => drop(db.resource("tickets")?.release_batch()),
            Act::Count(by) => {
                let pending = self.counter.begin(COUNTER, Some(Operation::Add { by, seen: None }));
                match storage.increment(COUNTER, by).await {
                    Ok(sum) => pending.done(Operation::Add { by, seen: Some(sum) }),
                    Err(error) => {
                        give_up(pending, &error);
                        return Err(error);
                    }
                }
            }
            Act::ReadCounter => {
                let pending = self.counter.begin(COUNTER, None);
                let count = storage.get(COUNTER).await?;
                let seen = count.as_ref().and_then(|count| count.get("value")?.as_i64()).unwrap_or(0);
                pending.done(Operation::Read { seen });
            }
            Act::BeFirst(race) => {
                let (key, value) = (format!("first-{race}"), json!({"by": self.number}));
                let set = storage.set_if_absent(&key, value, SetOptions::default());
                if set.await?.is_some()
                    && let Some(other) = lock(&self.first).insert(race, self.number)
                {
                    sim.fail(format!("c{other} and c{} were both first", self.number));
                }
            }
        }
        Ok(())
    }
}

impl Client {
    fn got(&self, sim: &Sim, resource: &str, number: &str) {
        let number = format!("{resource}/{number}");
        if let Some(other) = lock(&self.given).insert(number.clone(), self.number) {
            sim.fail(format!("{number} was given to c{other} and again to c{}", self.number));
        }
    }
}

fn give_up(pending: crate::sim::Pending<Counter>, error: &Error) {
    if !error.is_outcome_unknown() {
        pending.nothing();
    }
}

/// A counter in plugin storage.
#[derive(Debug)]
struct Counter;

#[derive(Debug, Clone)]
enum Operation {
    Add { by: i64, seen: Option<i64> },
    Read { seen: i64 },
}

impl Model for Counter {
    type State = i64;
    type Operation = Operation;

    fn initial() -> i64 {
        0
    }

    fn apply(state: &i64, operation: &Operation) -> Option<i64> {
        match operation {
            Operation::Add { by, seen } => {
                let sum = state + by;
                seen.is_none_or(|seen| seen == sum).then_some(sum)
            }
            Operation::Read { seen } => (seen == state).then_some(*state),
        }
    }
}
