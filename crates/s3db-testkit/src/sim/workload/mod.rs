//! What s3db is checked with: clients on a few documents, and what must hold of them at every moment and at the end.
//!
//! - Documents that all clients insert, count up, change and read; documents that one client inserts and all may delete.
//!   Their operations must be linearizable, document by document.
//! - A counter: its value is the number of acknowledged additions, and of those of unknown outcome at most.
//! - Partitions of one and of two fields: after each single write, no document is missing from one.
//! - A unique field: after each single write, no two documents hold one value.
//! - The catalogue: resources that clients create at once are all there, and so is what s3db does not understand.
//!
//! Ids are not used again after a delete: an absent object has no version that a late insert could be checked against.

use std::collections::BTreeSet;
use std::sync::Arc;

use s3db_core::{Database, Result};
use serde_json::{Value, json};

mod client;
mod invariants;
mod model;

pub use model::{Document, Documents, Operation};

use super::{Faults, History, Mutation, Report, Sim, SimOptions};
use crate::random::SplitMix;
use client::{Act, Client};
use invariants::Invariants;

const PREFIX: &str = "sim";
const COUNTER: &str = "counter";
const STATUSES: [&str; 3] = ["new", "paid", "sent"];

/// Runs the world of a seed, with a rule taken out if asked.
pub fn check(seed: u64, mutation: Option<Mutation>, keeps_trace: bool) -> Report<()> {
    let options = SimOptions::new(seed).faults(Faults::none()).trace(keeps_trace);
    Sim::run(options, |sim| async move {
        if let Err(error) = run(&sim, seed, mutation).await {
            sim.fail(format!("a call failed although nothing was wrong: {error}"));
        }
    })
}

/// What a failed seed is reported with: the violation, how to replay it, and its events.
pub fn failure(seed: u64, violation: &str) -> String {
    let trace = check(seed, None, true).trace.join("\n");
    format!(
        "seed {seed}: {violation}\n\nreplay it with\n  S3DB_SIM_SEED={seed} cargo xtask sim\n\nevents (virtual time, \
         process, request, key, outcome):\n{trace}\n\nseed {seed}: {violation}"
    )
}

async fn run(sim: &Sim, seed: u64, mutation: Option<Mutation>) -> Result<()> {
    set_up(sim).await?;
    let invariants = Arc::new(Invariants::open(sim.objects())?);
    let (watched, excused) = (invariants.clone(), sim.clone());
    sim.observe(move |_, key| watched.after_write(key, &Excused::of(&excused)));

    let history = History::<Documents>::new();
    let mut random = SplitMix::new(seed ^ 0x0B5E_55ED);
    let clients = 2 + random.below(3);
    let users = Arc::default();
    sim.set_faults(Faults::swarm(seed));
    let running: Vec<_> = (0..clients)
        .map(|number| {
            let (sim, history) = (sim.clone(), history.clone());
            let client = Client { number, mutation, sim, history, users: Arc::clone(&users) };
            tokio::spawn(client.run(acts(seed, number, clients, &mut random)))
        })
        .collect();
    let mut created = BTreeSet::new();
    for client in running {
        match client.await {
            Ok(resources) => created.extend(resources),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    sim.settle().await;
    sim.set_faults(Faults::none());
    finish(sim, &history, &invariants, created).await
}

/// Resources, and a member of the catalogue that s3db does not understand.
async fn set_up(sim: &Sim) -> Result<()> {
    use s3db_core::store::{Condition, PutObject, Store as _};
    let node = sim.node("setup");
    let db = Database::builder_on(node.store(), PREFIX).env(node.env()).connect().await?;
    for config in invariants::resources() {
        db.create_resource(config).await?;
    }
    let key = format!("{PREFIX}/s3db.json");
    let mut catalog = sim
        .objects()
        .get(&key)
        .await?
        .map_or(Value::Null, |object| serde_json::from_slice(&object.body).unwrap_or_default());
    if let Some(members) = catalog.as_object_mut() {
        members.insert("foreign".to_owned(), json!({"kept": true}));
    }
    let object = PutObject { body: catalog.to_string().into(), ..PutObject::default() };
    sim.objects().put(&key, object, Condition::None).await?;
    Ok(())
}

async fn finish(
    sim: &Sim,
    history: &History<Documents>,
    invariants: &Invariants,
    created: BTreeSet<String>,
) -> Result<()> {
    let node = sim.node("check");
    let db = Database::builder_on(node.store(), PREFIX).env(node.env()).connect().await?;
    let items = db.resource("items")?;
    // What the clients did is checked against what is there in the end.
    for id in invariants.ids("items") {
        let pending = history.begin(&id, None);
        let seen = items.get_or_none(&id).await?.as_ref().and_then(Document::of);
        pending.done(Operation::Read { seen });
    }
    let excused = Excused::of(sim);
    if let Err(violation) = invariants.at_end(&created, &excused) {
        sim.fail(violation);
    }
    for (id, operations) in history.unexplained() {
        if !excused.documents.contains(&id) {
            sim.fail(format!("the operations on items/{id} fit no order:\n{operations}"));
        }
    }
    Ok(())
}

/// Documents of which less can be asked, because one request has written twice.
#[derive(Debug)]
struct Excused {
    /// The document itself: such a request may put back what was deleted in between.
    documents: BTreeSet<String>,
}

impl Excused {
    fn of(sim: &Sim) -> Self {
        let documents = sim.written_twice().into_iter().filter(|key| key.contains("/data/"));
        Self { documents: documents.filter_map(|key| Some(key.rsplit_once("/id=")?.1.to_owned())).collect() }
    }
}

/// What a client is going to do.
fn acts(seed: u64, number: u64, clients: u64, random: &mut SplitMix) -> Vec<Act> {
    let mine = format!("m{number}");
    let mut acts =
        vec![Act::CreateResource(format!("own{number}")), Act::Insert(mine), Act::Insert("a".to_owned())];
    if number == 0 {
        acts.push(Act::Insert(COUNTER.to_owned()));
    }
    let email =
        |random: &mut SplitMix| format!("{}@example.com", ["ann", "bob", "eve"][random.below(3) as usize]);
    // In some worlds all clients change a few users, in others mostly documents.
    let about_users = seed.is_multiple_of(3);
    for act in 0..4 + random.below(10) {
        let shared =
            if random.below(2) == 0 { "a".to_owned() } else { format!("m{}", random.below(clients)) };
        let status = STATUSES[random.below(STATUSES.len() as u64) as usize];
        let tag = number * 100 + act;
        acts.push(match random.below(if about_users { 40 } else { 16 }) {
            0 | 1 => Act::Add(COUNTER.to_owned()),
            2 | 3 => Act::Add(shared),
            4..=6 => Act::Set(shared, status, tag),
            7 => Act::Replace("a".to_owned(), status, tag),
            8 => Act::Get(shared),
            14 | 15 => Act::DeleteSeen(shared.replace('a', "m0")),
            9 => Act::Delete(format!("m{}", random.below(clients))),
            10 | 11 | 16..20 => Act::AddUser(format!("u{number}-{act}"), email(random)),
            12 | 20.. => Act::ChangeUser(random.word(), email(random)),
            _ => Act::RemoveUser(random.word()),
        });
    }
    acts
}
