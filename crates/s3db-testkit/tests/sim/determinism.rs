//! A seed replays a run, event for event.

use s3db_testkit::sim::workload;

#[test]
fn a_seed_gives_the_same_run_twice() {
    let hashes = |seed| {
        let report = workload::check(seed, None, false);
        (report.hash, report.steps)
    };
    let runs: Vec<_> = (0..20).map(hashes).collect();
    assert_eq!(runs, (0..20).map(hashes).collect::<Vec<_>>());
    let different: std::collections::BTreeSet<_> = runs.iter().collect();
    assert_eq!(different.len(), runs.len(), "each seed is a run of its own");
}

#[test]
fn a_trace_changes_nothing() {
    let (silent, traced) = (workload::check(3, None, false), workload::check(3, None, true));
    assert_eq!(silent.hash, traced.hash);
    assert!(traced.trace.iter().any(|line| line.contains("PUT-if")), "the trace names the requests");
}
