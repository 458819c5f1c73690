//! Clients that hold one lease in turn, and write what it protects.
//!
//! - Each new holder has a higher epoch than all before it; a renewal and a release change none.
//! - What the lease protects is never written under an epoch after a higher one has written, and under one epoch by one
//!   holder only. Holders pause for longer than their lease lasts, and write then.
//! - Where clocks differ by no more than was allowed for, no two processes believe at one moment that they hold it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3db_core::lease::{AcquireOptions, Fence, Lease};
use s3db_core::{Database, Document, ResourceConfig, Result};
use serde_json::json;

use super::PREFIX;
use super::process::{self, Process, Program, lock};
use crate::random::SplitMix;
use crate::sim::{Faults, Mutation, Node, Sim};
use watch::Watch;

mod watch;

const PLUGIN: &str = "reports";
const LEASE: &str = "nightly";
const TTL: Duration = Duration::from_secs(4);

/// What two clocks may differ by when each is off by this much is within twice the skew that leases allow for.
const SMALL_SKEW_MS: u64 = 200;

#[derive(Debug, Clone)]
enum Act {
    /// Acquires, writes now and then whether the lease still holds or not, and perhaps gives it back.
    Hold { writes: u64, nap_ms: u64, renews: bool, releases: bool },
    /// Works while the lease is renewed.
    Work { writes: u64, nap_ms: u64 },
    /// Looks who holds it.
    Look,
}

#[derive(Debug, Clone)]
struct Client {
    number: u64,
    mutation: Option<Mutation>,
    clocks_agree: bool,
    /// The last lease of each client, and the process that holds it.
    held: Arc<Mutex<BTreeMap<u64, (Node, Lease)>>>,
}

pub(super) async fn run(sim: &Sim, seed: u64, mutation: Option<Mutation>) -> Result<()> {
    let mut random = SplitMix::new(seed ^ 0x0001_EA5E);
    let node = sim.node("setup");
    let db = Database::builder_on(node.store(), PREFIX).env(node.env()).connect().await?;
    let attributes = json!({"epoch": "number", "holder": "string", "total": "number"});
    let books = db.create_resource(ResourceConfig::new("books", attributes)).await?;
    books.insert(json!({"id": "main", "epoch": 0, "holder": "", "total": 0})).await?;
    let mut watch = Watch::open(sim.objects())?;
    sim.observe(move |_, key| watch.after_write(key));

    let mut faults = Faults::swarm(seed);
    faults.clock_skew_ms_max = [SMALL_SKEW_MS, faults.clock_skew_ms_max][random.below(2) as usize];
    let clocks_agree = faults.clock_skew_ms_max <= SMALL_SKEW_MS;
    sim.set_faults(faults);
    let client = Client { number: 0, mutation, clocks_agree, held: Arc::default() };
    let running = (0..2 + random.below(3))
        .map(|number| {
            let client = Client { number, ..client.clone() };
            process::start(sim, format!("c{number}"), mutation, client, acts(&mut random))
        })
        .collect();
    process::wait(running).await;
    sim.settle().await;
    // The clients are not kept: each holds the world that holds them.
    lock(&client.held).clear();
    Ok(())
}

fn acts(random: &mut SplitMix) -> Vec<Act> {
    let acts = 2 + random.below(5);
    let ttl_ms = TTL.as_millis() as u64;
    (0..acts)
        .map(|_| {
            let writes = 1 + random.below(3);
            // Some naps outlast the lease.
            let longest_ms = [50, 500, ttl_ms * 2][random.below(3) as usize];
            let nap_ms = random.below(longest_ms);
            match random.below(8) {
                0 => Act::Look,
                1 | 2 => Act::Work { writes, nap_ms },
                _ => {
                    Act::Hold { writes, nap_ms, renews: random.below(2) == 0, releases: random.below(3) > 0 }
                }
            }
        })
        .collect()
}

impl Program for Client {
    type Act = Act;

    async fn act(&self, process: &Process, act: Act) -> Result<()> {
        let leases = process.db.plugin_storage(PLUGIN)?.leases().worker(&format!("c{}", self.number));
        let wait = Duration::from_secs(20);
        let options = AcquireOptions { ttl: TTL, ..AcquireOptions::wait(wait) };
        match act {
            Act::Look => drop(leases.lock_info(LEASE).await?),
            Act::Work { writes, nap_ms } => {
                let (client, process) = (self.clone(), process.clone());
                leases
                    .with_lock(LEASE, options, |lease| async move {
                        client.holds(&process, &lease);
                        for _ in 0..writes {
                            process.node.env().sleep(Duration::from_millis(nap_ms)).await;
                            client.write(&process, &lease).await?;
                        }
                        Ok(())
                    })
                    .await?;
            }
            Act::Hold { writes, nap_ms, renews, releases } => {
                let Some(lease) = leases.acquire(LEASE, options).await? else {
                    return Ok(());
                };
                self.holds(process, &lease);
                for _ in 0..writes {
                    process.node.env().sleep(Duration::from_millis(nap_ms)).await;
                    if renews {
                        // A holder that does not look whether it still is one.
                        let _ = lease.renew().await;
                        self.holds(process, &lease);
                    }
                    self.write(process, &lease).await?;
                }
                if releases {
                    lease.release().await?;
                }
            }
        }
        Ok(())
    }
}

impl Client {
    /// Writes what the lease protects, under its epoch.
    async fn write(&self, process: &Process, lease: &Lease) -> Result<()> {
        let (fence, holder) = (lease.fence(), lease.token());
        let is_fenced = self.mutation != Some(Mutation::FenceIgnored);
        let books = process.db.resource("books")?;
        let edit = |book: &mut Document| {
            if is_fenced {
                fence.mark(book, "epoch")?;
            }
            write(book, fence, holder);
            Ok(())
        };
        books.update_with("main", edit).await.map(drop)
    }

    /// Says so if another process believes the same.
    fn holds(&self, process: &Process, lease: &Lease) {
        let mut held = lock(&self.held);
        held.insert(self.number, (process.node.clone(), lease.clone()));
        held.retain(|_, (node, _)| node.is_alive());
        if !self.clocks_agree || !lease.is_valid() {
            return;
        }
        for (other, (_, theirs)) in held.iter() {
            if *other != self.number && theirs.is_valid() {
                process.sim.fail(format!(
                    "c{} and c{other} both believe that they hold the lease, under the epochs {} and {}",
                    self.number,
                    lease.epoch(),
                    theirs.epoch()
                ));
            }
        }
    }
}

fn write(book: &mut Document, fence: Fence, holder: &str) {
    let total = book.get("total").and_then(serde_json::Value::as_u64).unwrap_or(0);
    book.insert("total".to_owned(), json!(total + 1));
    book.insert("epoch".to_owned(), json!(fence.epoch()));
    book.insert("holder".to_owned(), json!(holder));
}
