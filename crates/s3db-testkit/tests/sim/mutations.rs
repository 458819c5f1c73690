//! Each rule of the protocols, taken out, makes a world go wrong.

use s3db_testkit::sim::{Mutation, workload};

/// Worlds in which each missing rule must have shown itself. `no_world_shows_a_violation` visits the first of them with
/// all rules in place.
const SEEDS: u64 = 1000;

#[test]
fn every_rule_that_is_taken_out_is_missed() {
    let mut unseen = Vec::new();
    for mutation in Mutation::ALL {
        match (0..SEEDS).find(|seed| workload::check(*seed, Some(mutation), false).violation.is_some()) {
            Some(seed) => println!("{mutation:?} shows itself in the world of seed {seed}"),
            None => unseen.push(mutation),
        }
    }
    assert!(unseen.is_empty(), "{SEEDS} worlds do not show that these rules are missing: {unseen:?}");
}
