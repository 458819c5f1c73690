//! Each rule of the protocols, taken out, makes a world go wrong.

use s3db_testkit::sim::{Mutation, workload};

/// Worlds in which each missing rule must have shown itself. `no_world_shows_a_violation` visits the first of them with
/// all rules in place, `cargo xtask sim` all of them.
const SEEDS: u64 = 3000;

#[test]
fn every_rule_that_is_taken_out_is_missed() {
    let mut unseen = Vec::new();
    for mutation in Mutation::ALL {
        let from = first(mutation);
        let mut seeds = (from..from + SEEDS).filter(|seed| concerns(mutation, *seed));
        match seeds.find(|seed| workload::check(*seed, Some(mutation), false).violation.is_some()) {
            Some(seed) => println!("{mutation:?} shows itself in the world of seed {seed}"),
            None => unseen.push(mutation),
        }
    }
    assert!(unseen.is_empty(), "{SEEDS} worlds do not show that these rules are missing: {unseen:?}");
}

/// The seed to begin with. The worlds that show a rare one come late, and those before them need not be visited each time.
fn first(mutation: Mutation) -> u64 {
    match mutation {
        Mutation::ReferencePutsUnchecked => 2000,
        Mutation::SlowWritesGoOn => 900,
        Mutation::NotFlushed => 500,
        Mutation::FsckGraceIgnored => 400,
        Mutation::NoGrace => 200,
        _ => 0,
    }
}

/// Whether the world of a seed has what the rule is about; the others need not be visited.
fn concerns(mutation: Mutation, seed: u64) -> bool {
    match mutation {
        Mutation::NotFlushed | Mutation::FsckGraceIgnored | Mutation::SlowWritesGoOn => {
            matches!(seed % 8, 1 | 5 | 6)
        }
        Mutation::ReferencesTrusted | Mutation::ReferencePutsUnchecked => matches!(seed % 8, 2 | 6),
        _ => true,
    }
}
