//! Visits the worlds of leaders of many seeds and stops at the first in which something is wrong.
//!
//! `cargo xtask sim --leaders` runs it: `leaders FROM SEEDS SECONDS`, where 0 seconds are no limit, `leaders replay SEED`,
//! or `leaders mutations SEEDS [NAME]`, which takes the rules out one by one, or that one, and says which world shows it.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on its standard streams")]
#![expect(
    clippy::disallowed_methods,
    reason = "the speed is measured for people; nothing is replayed from it"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use worlds::{Mutation, check};

#[path = "../tests/worlds/leaders/mod.rs"]
mod worlds;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|number| number.parse::<u64>().ok());
    match arguments.first().map(String::as_str) {
        Some("replay") => replay(number(1).unwrap_or(0)),
        Some("mutations") => mutations(number(1).unwrap_or(1000), arguments.get(2)),
        _ => visit(number(0).unwrap_or(0), number(1).unwrap_or(1000), number(2).unwrap_or(0)),
    }
}

fn visit(from: u64, seeds: u64, seconds: u64) -> ExitCode {
    let started = Instant::now();
    let (mut visited, mut events) = (0, 0);
    for seed in from..from.saturating_add(seeds) {
        if seconds > 0 && started.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        let report = check(seed, None, false);
        if report.violation.is_some() {
            println!("replay it with `S3DB_SIM_SEED={seed} cargo xtask sim --leaders`");
            return replay(seed);
        }
        visited += 1;
        events += report.steps;
    }
    let speed = visited as f64 / started.elapsed().as_secs_f64().max(0.001);
    println!(
        "{visited} worlds of leaders from seed {from}, {events} events, no violation; {speed:.0} worlds/s"
    );
    ExitCode::SUCCESS
}

fn replay(seed: u64) -> ExitCode {
    let report = check(seed, None, true);
    println!("{}", report.trace.join("\n"));
    match report.violation {
        Some(violation) => {
            println!("seed {seed}: {violation}");
            ExitCode::FAILURE
        }
        None => {
            println!("seed {seed}: {} events, no violation", report.steps);
            ExitCode::SUCCESS
        }
    }
}

fn mutations(seeds: u64, name: Option<&String>) -> ExitCode {
    let named = |mutation: &Mutation| name.is_none_or(|name| format!("{mutation:?}") == *name);
    let chosen: Vec<_> = Mutation::ALL.into_iter().filter(named).collect();
    if chosen.is_empty() {
        println!("there is no such mutation; they are {:?}", Mutation::ALL);
        return ExitCode::FAILURE;
    }
    let mut unseen = 0;
    for mutation in chosen {
        let violation = |seed| Some((seed, check(seed, Some(mutation), false).violation?));
        match (0..seeds).find_map(violation) {
            Some((seed, violation)) => {
                println!("{mutation:?} shows itself in the world of seed {seed}: {violation}");
            }
            None => {
                unseen += 1;
                println!("{mutation:?} shows itself in none of {seeds} worlds");
            }
        }
    }
    if unseen == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
