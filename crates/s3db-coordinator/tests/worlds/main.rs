//! Leaders in simulated worlds, and the proof that the worlds see what they are there to see.

mod leaders;

use leaders::{Mutation, check};

#[test]
fn no_world_of_leaders_shows_a_violation() {
    for seed in 0..150 {
        let violation = check(seed, None, false).violation;
        assert_eq!(violation, None, "replay it with `S3DB_SIM_SEED={seed} cargo xtask sim --leaders`");
    }
}

#[test]
fn every_rule_of_the_election_that_is_taken_out_is_missed() {
    let is_seen = |mutation| (0..500).any(|seed| check(seed, Some(mutation), false).violation.is_some());
    let unseen: Vec<_> = Mutation::ALL.into_iter().filter(|mutation| !is_seen(*mutation)).collect();
    assert!(unseen.is_empty(), "500 worlds do not show that these rules are missing: {unseen:?}");
}

#[test]
fn the_same_seed_gives_the_same_leaders() {
    for seed in 0..20 {
        let (one, two) = (check(seed, None, false), check(seed, None, false));
        assert_eq!((one.hash, one.steps), (two.hash, two.steps), "seed {seed}");
    }
}
