//! The doctor on servers: the one in this process, which answers as AWS does, and independent ones.

use std::sync::Arc;

use s3db::connection::Connection;
use s3db::doctor::{self, ExamineOptions, Probe, Report, Verdict};
use s3db::env::SystemEnv;
use s3db::store::{Capability, ListRequest, MemoryStore, S3Config, S3Store, Store};
use s3db::{ErrorKind, Result};
use s3db_testkit::s3_server::{Access, S3Server, ServerOptions};
use s3db_testkit::wrong::{Fault, WrongStore};

use crate::s3::independent;

/// A store that leaves every judgement to its server.
async fn bare(connection: &Connection) -> S3Store {
    let mut capability = Capability::default();
    capability.metadata_bytes_max = usize::MAX;
    let config = S3Config::from_connection(connection).unwrap().capability(capability);
    S3Store::connect(config).await.unwrap()
}

async fn examine(connection: &str) -> Result<Report> {
    let connection = Connection::parse(connection).unwrap();
    let store = bare(&connection).await;
    let options = ExamineOptions::below(&connection.prefix);
    let report = doctor::examine(Arc::new(store.clone()), Arc::new(SystemEnv), options.clone()).await?;
    assert_eq!(report.requests, options.requests(), "{report:#?}");
    assert_eq!(report.left_behind, Vec::<String>::new());
    let left = store.list(ListRequest::prefix(format!("{}/", connection.prefix))).await?;
    assert!(left.entries.is_empty(), "{left:?}");
    Ok(report)
}

fn complaints(report: &Report) -> Vec<(Probe, Verdict)> {
    let complaints = report.findings.iter().filter(|finding| finding.verdict != Verdict::Holds);
    complaints.map(|finding| (finding.probe, finding.verdict)).collect()
}

/// What the doctor finds behind a server in this process, over a store.
async fn over(store: Arc<dyn Store>) -> Report {
    let server = S3Server::start(store, ServerOptions::default()).await.unwrap();
    let report = examine(&format!("{}/app", server.connection_string())).await.unwrap();
    server.stop().await;
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_answers_as_aws_is_safe_and_left_empty() {
    let store = MemoryStore::new();
    let report = over(Arc::new(store.clone())).await;
    assert_eq!(complaints(&report), [], "{report:#?}");
    assert!(report.is_safe());
    assert_eq!(store.len(), 0);
    // The server says no by itself, and names are folded on the way.
    assert_eq!(report.finding(Probe::MetadataOverLimit).unwrap().observed, "refused");
    let names = &report.finding(Probe::MetadataNames).unwrap().observed;
    assert_eq!(names, "upper case is folded, non-ASCII refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_ignores_conditions_is_found_over_the_wire() {
    let report = over(Arc::new(WrongStore::new(Fault::IgnoresConditions))).await;
    for probe in [Probe::PutIfAbsent, Probe::PutIfMatch, Probe::RacePutIfMatch, Probe::DeleteIfMatch] {
        assert_eq!(report.finding(probe).unwrap().verdict, Verdict::Lost, "{probe}");
    }
    assert!(!report.is_safe() && !report.capability().conditional_put);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_loses_metadata_is_found_over_the_wire() {
    let report = over(Arc::new(WrongStore::new(Fault::DropsMetadata))).await;
    assert_eq!(report.finding(Probe::MetadataLimit).unwrap().verdict, Verdict::Lost, "{report:#?}");
}

#[tokio::test]
async fn who_may_not_write_is_told_so() {
    for access in [Access::ReadOnly, Access::Denied] {
        let store = MemoryStore::new();
        let mut options = ServerOptions::default();
        options.access = access;
        let server = S3Server::start(Arc::new(store.clone()), options).await.unwrap();
        let denied = examine(&format!("{}/app", server.connection_string())).await.unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::Denied, "{access:?}: {denied:?}");
        assert_eq!(denied.context("left_behind"), None, "{denied}");
        assert_eq!(store.len(), 0);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_told_from_a_wrong_store() {
    let server = S3Server::start(Arc::new(MemoryStore::new()), ServerOptions::default()).await.unwrap();
    let connection = server.connection_string().replace("/bucket", "/nowhere");
    let error = examine(&connection).await.unwrap_err();
    assert_eq!((error.kind(), error.context("bucket")), (ErrorKind::NotFound, Some("nowhere")), "{error:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn seaweedfs_is_safe_and_its_differences_are_known() {
    use Probe::*;
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let report = examine(&format!("{connection}/doctor-{}", std::process::id())).await.unwrap();
    use Verdict::Differs;
    let known = [
        (MetadataOverLimit, Differs),
        (MetadataEmptyValues, Differs),
        (KeyLength, Differs),
        (KeyDoubleSlash, Differs),
        (ListOrderAcrossLevels, Differs),
    ];
    let mut found = complaints(&report);
    // It is written at the same time as the key above it, and now and then takes its place.
    found.retain(|complaint| *complaint != (KeyBelowKey, Differs));
    assert_eq!(found, known, "{report:#?}");
    assert!(report.is_safe());
    let found = report.capability();
    assert_eq!((found.key_segment_bytes_max, found.list_is_ordered), (255, false), "{found:?}");
    assert!(!found.keeps_empty_metadata && !found.keeps_double_slash && found.conditional_put, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ministack_is_safe_and_its_differences_are_known() {
    use Probe::*;
    let Some(connection) = independent("S3DB_TEST_MINISTACK") else { return };
    let report = examine(&format!("{connection}/doctor-{}", std::process::id())).await.unwrap();
    let differences = [RaceCopyIfAbsent, ConditionalCopy, MetadataOverLimit];
    assert_eq!(complaints(&report), differences.map(|probe| (probe, Verdict::Differs)), "{report:#?}");
    assert!(!report.capability().conditional_copy && report.capability().conditional_put);
}
