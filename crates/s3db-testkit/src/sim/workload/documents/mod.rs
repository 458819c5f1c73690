//! Clients on a few documents, and what must hold of them at every moment and at the end.
//!
//! - Documents that all clients insert, count up, change and read; documents that one client inserts and all may delete.
//!   Their operations must be linearizable, document by document.
//! - A counter: its value is the number of acknowledged additions, and of those of unknown outcome at most.
//! - Partitions of one and of two fields: after each single write, no document is missing from one.
//! - A unique field: after each single write, no two documents hold one value.
//! - The catalogue: resources that clients create at once are all there, and so is what s3db does not understand.
//!
//! In some worlds clients write index entries beside or after their documents, rest for long and check the database
//! beside each other. There an entry may be missing only where a write was cut off, and a check mends it. In some,
//! documents move between partitions while others read by partition.
//!
//! Ids are not used again after a delete: an absent object has no version that a late insert could be checked against.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use s3db_core::fsck::{FindingKind, FsckOptions};
use s3db_core::plan::PartitionWrites;
use s3db_core::{Database, Result};
use serde_json::{Value, json};

mod acts;
mod client;
mod invariants;
mod model;
mod reader;
mod timeline;

pub use model::{Document, Documents, Operation};

use super::{PREFIX, process};
use crate::random::SplitMix;
use crate::sim::{Faults, History, Mutation, Node, Sim};
use client::{Act, Client};
use invariants::Invariants;
use reader::Reader;
use timeline::Timeline;

const COUNTER: &str = "counter";
const STATUSES: [&str; 3] = ["new", "paid", "sent"];

pub(super) async fn run(sim: &Sim, seed: u64, mutation: Option<Mutation>) -> Result<()> {
    set_up(sim).await?;
    let invariants = Arc::new(Invariants::open(sim.objects())?);
    let (watched, excused) = (invariants.clone(), sim.clone());
    let writes = Writes::of(seed);
    let is_indexed_at_once = writes == Writes::Safe;
    let timeline: Arc<Mutex<Timeline>> = Arc::default();
    let recorded = timeline.clone();
    sim.observe(move |_, key| {
        watched.record(key, &mut process::lock(&recorded))?;
        watched.after_write(key, &Excused::of(&excused, is_indexed_at_once))
    });

    let history = History::<Documents>::new();
    let mut random = SplitMix::new(seed ^ 0x0B5E_55ED);
    let clients = 2 + random.below(3);
    let client = Client {
        number: 0,
        writes: PartitionWrites::Safe,
        mutation,
        history: history.clone(),
        users: Arc::default(),
        created: Arc::default(),
        is_torn: Arc::default(),
    };
    let mut faults = Faults::swarm(seed);
    if is_about_indexes(seed) && random.below(2) == 0 {
        // Writers stand still in the middle, and a check comes by meanwhile.
        (faults.pause_permille, faults.pause_ms_max) = (15, 60 * 60_000);
    }
    if is_about_partitions(seed) && random.below(3) == 0 {
        // References are put and deleted, and put once more by the network.
        (faults.duplicate_permille, faults.late_ms_max) = (200, 400);
    }
    sim.set_faults(faults);
    let mut running: Vec<_> = (0..clients)
        .map(|number| {
            let client = Client { number, writes: writes.pick(&mut random), ..client.clone() };
            let acts = acts::acts(seed, number, clients, &mut random);
            process::start(sim, format!("c{number}"), mutation, client, acts)
        })
        .collect();
    if is_about_indexes(seed) {
        let checks = (0..2 + random.below(6)).flat_map(|_| [Act::Rest(random.below(40 * 60_000)), Act::Fsck]);
        running.push(process::start(sim, "fsck".to_owned(), mutation, client.clone(), checks.collect()));
    }
    if is_about_partitions(seed) {
        let longest_rest_ms = if is_about_indexes(seed) { 10 * 60_000 } else { 500 };
        running.extend((0..1 + random.below(2)).map(|number| {
            let reader = Reader { timeline: timeline.clone(), is_indexed_at_once, mutation };
            let acts = reader::acts(longest_rest_ms, &mut random);
            process::start(sim, format!("r{number}"), mutation, reader, acts)
        }));
    }
    process::wait(running).await;
    sim.settle().await;
    sim.set_faults(Faults::none());
    let checked = finish(sim, &client, &invariants, is_indexed_at_once).await?;
    if let Err(violation) = checked {
        sim.fail(violation);
    }
    Ok(())
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

/// What must hold once everything has come to rest.
async fn finish(
    sim: &Sim,
    client: &Client,
    invariants: &Invariants,
    is_indexed_at_once: bool,
) -> Result<Result<(), String>> {
    let node = sim.node("check");
    let db = Database::builder_on(node.store(), PREFIX).env(node.env()).connect().await?;
    let items = db.resource("items")?;
    // What the clients did is checked against what is there in the end.
    for id in invariants.ids("items") {
        let pending = client.history.begin(&id, None);
        let seen = items.get_or_none(&id).await?.as_ref().and_then(Document::of);
        pending.done(Operation::Read { seen });
    }
    let excused = Excused::of(sim, is_indexed_at_once);
    for (id, operations) in client.history.unexplained() {
        if !excused.documents.contains(&id) {
            return Ok(Err(format!("the operations on items/{id} fit no order:\n{operations}")));
        }
    }
    let created = process::lock(&client.created).clone();
    let is_whole = || {
        if is_indexed_at_once || !client.is_torn.load(Ordering::Relaxed) {
            invariants.all_are_in_their_partitions(&excused)?;
        }
        invariants.emails_are_unique(&excused)?;
        invariants.catalog_is_whole(&created)
    };
    if let Err(violation) = is_whole() {
        return Ok(Err(violation));
    }
    repair(&node, &db, invariants, &excused).await
}

/// Whether a check mends what writes have left that were cut off, so that the next one finds nothing.
async fn repair(
    node: &Node,
    db: &Database,
    invariants: &Invariants,
    excused: &Excused,
) -> Result<Result<(), String>> {
    let options = FsckOptions { repair: true, ..FsckOptions::default() };
    node.env().sleep(options.grace * 2).await;
    db.fsck(options.clone()).await?.collect().await?;
    let nobody = Excused { documents: BTreeSet::new(), is_indexed_at_once: true };
    if let Err(violation) = invariants.all_are_in_their_partitions(&nobody) {
        return Ok(Err(format!("after the repair {violation}")));
    }
    let (findings, _) = db.fsck(options).await?.collect().await?;
    let is_excused = |id: &Option<String>| id.as_ref().is_some_and(|id| excused.documents.contains(id));
    // Two documents that hold one value, since one was brought back, are left to a person.
    let left = findings.into_iter().find(|finding| {
        finding.kind != FindingKind::SharedValue || !(is_excused(&finding.id) || is_excused(&finding.other))
    });
    if let Some(left) = left {
        return Ok(Err(format!("a second check finds {left:?}")));
    }
    // What keys alone answer is exact now.
    let items = db.resource("items")?;
    for status in STATUSES {
        let query = || items.query(json!({"status": status}));
        let (told, read) = (query().ids().await?, query().scan().ids().await?);
        if told != read {
            return Ok(Err(format!(
                "after the repair the keys of {status} tell {told:?}; the documents are {read:?}"
            )));
        }
    }
    Ok(Ok(()))
}

/// When the clients of a world write index entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    Safe,
    Parallel,
    Background,
    Mixed,
}

impl Writes {
    fn of(seed: u64) -> Self {
        match (is_about_indexes(seed), seed / 8 % 4) {
            (false, _) | (true, 0) => Self::Safe,
            // A missing entry excuses a reader; there are to be more worlds in which nothing does.
            (true, 1) if is_about_partitions(seed) => Self::Safe,
            (true, 1) => Self::Parallel,
            (true, 2) => Self::Background,
            (true, _) => Self::Mixed,
        }
    }

    fn pick(self, random: &mut SplitMix) -> PartitionWrites {
        match self {
            Self::Safe => PartitionWrites::Safe,
            Self::Parallel => PartitionWrites::Parallel,
            Self::Background => PartitionWrites::Background,
            Self::Mixed => [PartitionWrites::Safe, PartitionWrites::Parallel, PartitionWrites::Background]
                [random.below(3) as usize],
        }
    }
}

/// Whether clients write index entries in all ways, rest and check. The world of a seed stays what it is when kinds are
/// added: rules whose loss is rare are looked for from the seeds on that show it.
fn is_about_indexes(seed: u64) -> bool {
    matches!(seed % 8, 1 | 5 | 6)
}

/// Whether documents move between partitions, and clients read by partition.
fn is_about_partitions(seed: u64) -> bool {
    matches!(seed % 8, 2 | 6)
}

/// Of what less can be asked.
#[derive(Debug)]
struct Excused {
    /// Documents that one request has written twice: it may have put back what was deleted in between.
    documents: BTreeSet<String>,
    /// Whether all clients write index entries before their documents.
    is_indexed_at_once: bool,
}

impl Excused {
    fn of(sim: &Sim, is_indexed_at_once: bool) -> Self {
        let documents = sim.written_twice().into_iter().filter(|key| key.contains("/data/"));
        let documents = documents.filter_map(|key| Some(key.rsplit_once("/id=")?.1.to_owned())).collect();
        Self { documents, is_indexed_at_once }
    }
}
