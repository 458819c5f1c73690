//! Visits the worlds of many seeds and stops at the first in which something is wrong.
//!
//! `cargo xtask sim` runs it: `sim FROM SEEDS SECONDS`, where 0 seconds are no limit, `sim replay SEED`, or
//! `sim mutations SEEDS [NAME]`, which takes the rules out one by one, or that one, and says which world shows it.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on its standard streams")]
#![expect(
    clippy::disallowed_methods,
    reason = "the speed is measured for people; nothing is replayed from it"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use s3db_testkit::sim::{Mutation, workload};

fn main() -> ExitCode {
    let number = || std::env::args().nth(2).and_then(|number| number.parse().ok());
    match std::env::args().nth(1).as_deref() {
        Some("replay") => return replay(number().unwrap_or(0)),
        Some("mutations") => return mutations(number().unwrap_or(1000)),
        _ => {}
    }
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap_or(0));
    let (from, seeds, seconds) =
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(1000), numbers.next().unwrap_or(0));
    let started = Instant::now();
    let (mut visited, mut events) = (0, 0);
    for seed in from..from.saturating_add(seeds) {
        if seconds > 0 && started.elapsed() >= Duration::from_secs(seconds) {
            break;
        }
        let report = workload::check(seed, None, false);
        if let Some(violation) = report.violation {
            println!("{}", workload::failure(seed, &violation));
            return ExitCode::FAILURE;
        }
        visited += 1;
        events += report.steps;
    }
    let took = started.elapsed().as_secs_f64();
    println!(
        "{visited} worlds from seed {from}, {events} events, no violation; {:.0} worlds/s",
        visited as f64 / took.max(0.001)
    );
    ExitCode::SUCCESS
}

fn replay(seed: u64) -> ExitCode {
    let report = workload::check(seed, None, true);
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

fn mutations(seeds: u64) -> ExitCode {
    let mut unseen = 0;
    let name = std::env::args().nth(3);
    let named = |mutation: &Mutation| name.as_ref().is_none_or(|name| format!("{mutation:?}") == *name);
    let chosen: Vec<_> = Mutation::ALL.into_iter().filter(named).collect();
    if chosen.is_empty() {
        println!("there is no such mutation; they are {:?}", Mutation::ALL);
        return ExitCode::FAILURE;
    }
    for mutation in chosen {
        let violation = |seed| Some((seed, workload::check(seed, Some(mutation), false).violation?));
        match (0..seeds).find_map(violation) {
            Some((seed, violation)) => {
                let line = violation.lines().next().unwrap_or_default();
                println!("{mutation:?} shows itself in the world of seed {seed}: {line}");
            }
            None => {
                unseen += 1;
                println!("{mutation:?} shows itself in none of {seeds} worlds");
            }
        }
    }
    if unseen == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
