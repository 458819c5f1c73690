//! Worlds in which nothing may go wrong for the users, whatever goes wrong below.

use s3db_testkit::sim::workload;

/// Worlds that every run of the tests visits; `cargo xtask sim` visits many more.
const SEEDS: u64 = 150;

#[test]
fn no_world_shows_a_violation() {
    for seed in 0..SEEDS {
        if let Some(violation) = workload::check(seed, None, false).violation {
            panic!("{}", workload::failure(seed, &violation));
        }
    }
}
