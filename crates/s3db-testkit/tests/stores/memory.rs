use std::sync::Arc;

use s3db_core::store::{MemoryOptions, MemoryStore, Meter};
use s3db_testkit::conformance::{self, Options, Verdict};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_conforms() {
    conformance::check(Arc::new(MemoryStore::new()), Options::default()).await.assert_green();
}

#[tokio::test]
async fn the_memory_store_conforms_behind_a_meter_and_with_another_limit() {
    let mut options = MemoryOptions::default();
    options.capability.metadata_bytes_max = 4096;
    let (store, meter) = Meter::wrap(Arc::new(MemoryStore::with(options)));
    conformance::check(store, Options::default()).await.assert_green();
    let requests = meter.snapshot();
    assert!(requests.named().iter().all(|(_, count)| *count > 0), "{requests}");
    assert!(meter.traffic().bytes_in > 1_048_576 && meter.traffic().bytes_out > 1_048_576);
}

#[tokio::test]
async fn a_run_leaves_nothing_behind() {
    let store = MemoryStore::new();
    conformance::check(Arc::new(store.clone()), Options::default()).await.assert_green();
    assert_eq!(store.len(), 0);
}

#[tokio::test]
async fn the_memory_store_that_keeps_versions_conforms() {
    let (store, _) = Meter::wrap(Arc::new(MemoryStore::with(MemoryOptions::default().keep_versions())));
    let report = conformance::check(store, Options::default()).await;
    report.assert_green();
    let checked =
        |name: &str| report.cases().iter().any(|case| case.name == name && case.verdict == Verdict::Passed);
    assert!(checked("versions_newest_first") && checked("versions_in_pages"), "{report}");
}
