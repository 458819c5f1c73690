//! What s3db itself is checked with. Each seed is one of these worlds:
//!
//! - [Documents](documents): operations on single documents, partitions, unique values and the catalogue.
//! - Numbers: sequences, of which no number is given twice, and counters, of which no addition is lost.
//! - Leases: at most one holder acts under an epoch, whatever its clock says and however long it has slept.

use s3db_core::Result;

pub mod documents;
mod leases;
mod numbers;
mod process;

use super::{Faults, Mutation, Report, Sim, SimOptions};

/// Prefix of the simulated database.
const PREFIX: &str = "sim";

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
    match seed % 8 {
        3 => numbers::run(sim, seed, mutation).await,
        7 => leases::run(sim, seed, mutation).await,
        _ => documents::run(sim, seed, mutation).await,
    }
}
