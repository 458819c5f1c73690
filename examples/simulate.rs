//! Your own application in simulated worlds: two box offices sell the last seats of a hall, and an invariant is checked over
//! many seeds. One version has a bug, which is found together with a seed that replays it; the other has none.
//!
//! `cargo run -p s3db-examples --example simulate`
//! `S3DB_SIM_SEED=0 cargo run -p s3db-examples --example simulate` for the events of one world
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::{Database, Error, ErrorKind, ResourceConfig, Result};
use s3db_testkit::sim::{Faults, Sim, SimOptions};
use serde_json::json;

const SEATS: u64 = 3;

/// How an office sells a seat.
#[derive(Clone, Copy, PartialEq)]
enum Office {
    /// Reads how many are left, and writes what it has computed from that.
    Careless,
    /// Lets the database compute it anew when the other office was faster.
    Careful,
}

impl Office {
    async fn sell(self, db: &Database, buyer: &str) -> Result<()> {
        let halls = db.resource("halls")?;
        match self {
            Self::Careless => {
                let left = halls.get("opera").await?.data["left"].as_u64().unwrap_or(0);
                if left == 0 {
                    return Err(sold_out());
                }
                halls.update("opera", json!({ "left": left - 1 })).await?;
            }
            Self::Careful => {
                halls
                    .update_with("opera", |hall| {
                        let left = hall["left"].as_u64().unwrap_or(0);
                        hall["left"] = json!(left.checked_sub(1).ok_or_else(sold_out)?);
                        Ok(())
                    })
                    .await?;
            }
        }
        // An office that dies here, or never hears whether the seat is its own, leaves it empty: no seat is sold twice.
        db.resource("tickets")?.insert(json!({ "buyer": buyer })).await?;
        Ok(())
    }
}

fn sold_out() -> Error {
    Error::new(ErrorKind::Validation, "there are no seats left")
}

/// One world: two processes, a bad network, and what must hold in the end.
async fn evening(sim: Sim, office: Office) -> Result<()> {
    // Nothing goes wrong while the hall is set up.
    sim.set_faults(Faults::none());
    let db = sim.node("setup").open("theatre").await?;
    let halls = db.create_resource(ResourceConfig::new("halls", json!({ "left": "number" }))).await?;
    let tickets = db.create_resource(ResourceConfig::new("tickets", json!({ "buyer": "string" }))).await?;
    halls.insert(json!({ "id": "opera", "left": SEATS })).await?;

    // From now on the seed decides what does: lost answers, crashes, pauses, clocks that jump.
    sim.set_faults(Faults::swarm(sim.seed()));
    let mut offices = Vec::new();
    for name in ["north", "south"] {
        let node = sim.node(name);
        offices.push(node.clone().spawn(async move {
            let db = node.open("theatre").await?;
            for buyer in 0..3 {
                if let Err(error) = office.sell(&db, &format!("{name}-{buyer}")).await {
                    // It stands between the requests of the trace.
                    node.note(&error.to_string());
                }
            }
            Ok::<_, Error>(())
        }));
    }
    for office in offices {
        // Whether it died or could not open the database: what it did before must be right.
        let _ = office.await;
    }

    // Late requests arrive, and then the invariant is checked on a quiet store.
    sim.settle().await;
    sim.set_faults(Faults::none());
    let sold = tickets.count().await?;
    if sold > SEATS {
        sim.fail(format!("{sold} tickets were sold for {SEATS} seats"));
    }
    Ok(())
}

fn main() {
    let careless = |sim| evening(sim, Office::Careless);
    let careful = |sim| evening(sim, Office::Careful);

    if let Some(seed) = std::env::var("S3DB_SIM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        let report = Sim::run(SimOptions::new(seed).trace(true), careless);
        println!("{}\n{:?}", report.trace.join("\n"), report.violation);
        return;
    }

    match Sim::explore(0..200, careless) {
        Ok(()) => println!("careless: no violation"),
        Err(found) => {
            println!("careless: seed {} shows that {}", found.seed, found.violation);
            let again = Sim::explore([found.seed], careless);
            println!("the seed replays it, event for event: {}", again == Err(found.clone()));
            println!("its last events:");
            found.trace.iter().rev().take(12).rev().for_each(|line| println!("  {line}"));
        }
    }
    match Sim::explore(0..200, careful) {
        Ok(()) => println!("careful: no violation in 200 worlds"),
        Err(found) => println!("careful: {found}"),
    }
}
