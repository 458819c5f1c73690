//! The same history on every kind of bucket, and the conformance of those that keep versions.

use std::sync::Arc;

use aws_sdk_s3::config::{Credentials, Region};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use s3db::Database;
use s3db::store::{Capability, MemoryOptions, MemoryStore, S3Store, Store};
use s3db_testkit::conformance::{self, Options, Report, Verdict};
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::json;

use super::{names, users};
use crate::s3::{config, independent};

/// The bucket of an independent server in which these tests have versioning turned on.
const BUCKET: &str = "s3db-test-versions";

/// Makes the bucket and turns versioning on. Another run may have done so.
async fn versioned(connection: &str) -> S3Store {
    let mut config = config(connection);
    let credentials = config.credentials.as_ref().unwrap();
    let sdk = aws_sdk_s3::Config::builder()
        .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(config.endpoint.as_deref().unwrap())
        .force_path_style(true)
        .credentials_provider(Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key(),
            None,
            None,
            "test",
        ))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let client = aws_sdk_s3::Client::from_conf(sdk);
    let _ = client.create_bucket().bucket(BUCKET).send().await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client.put_bucket_versioning().bucket(BUCKET).versioning_configuration(on).send().await.unwrap();
    config.bucket = BUCKET.to_owned();
    let mut capability = Capability::default();
    capability.object_versions = true;
    S3Store::connect(config.capability(capability)).await.unwrap()
}

async fn server() -> S3Server {
    let bucket = MemoryStore::with(MemoryOptions::default().keep_versions());
    S3Server::start(Arc::new(bucket), ServerOptions::default()).await.unwrap()
}

async fn connect(server: &S3Server) -> Arc<dyn Store> {
    Arc::new(S3Store::connect(config(&server.connection_string())).await.unwrap())
}

#[track_caller]
fn checked_versions(report: &Report) {
    report.assert_green();
    for name in ["versions_newest_first", "versions_whole", "versions_of_neighbours", "versions_absent"] {
        let case = report.cases().iter().find(|case| case.name == name).unwrap();
        assert_eq!(case.verdict, Verdict::Passed, "{name}\n{report}");
    }
}

/// The cases about versions alone; the others run elsewhere.
async fn check_versions(store: Arc<dyn Store>, exceptions: &[(&str, &str)]) {
    let cases = conformance::cases().map(|(name, _)| name).filter(|name| name.starts_with("versions_"));
    for name in cases {
        let mut options = Options::default();
        options.only = Some(name.to_owned());
        for (case, reason) in exceptions.iter().filter(|(case, _)| *case == name) {
            options = options.except(case, reason);
        }
        let report = conformance::check(store.clone(), options).await;
        report.assert_green();
        let verdict = &report.cases()[0].verdict;
        assert!(!matches!(verdict, Verdict::NotApplicable(_)), "{name}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_s3_store_conforms_over_a_bucket_with_versions_in_this_process() {
    let server = server().await;
    let store = connect(&server).await;
    checked_versions(&conformance::check(store, Options::default()).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_conform_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(versioned(&connection).await);
    check_versions(
        store,
        &[("versions_of_neighbours", "what does not fit a page can be missing from the next one")],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_conform_over_ministack() {
    let Some(connection) = independent("S3DB_TEST_MINISTACK") else { return };
    check_versions(Arc::new(versioned(&connection).await), &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_have_the_same_history_on_every_bucket_that_keeps_versions() {
    let server = server().await;
    let mut stores: Vec<(&str, Arc<dyn Store>)> = vec![
        ("memory", Arc::new(MemoryStore::with(MemoryOptions::default().keep_versions()))),
        ("in this process", connect(&server).await),
    ];
    for variable in ["S3DB_TEST_SEAWEEDFS", "S3DB_TEST_MINISTACK"] {
        if let Some(connection) = independent(variable) {
            stores.push((variable, Arc::new(versioned(&connection).await)));
        }
    }
    for (name, store) in stores {
        let prefix = format!("history-{}", std::process::id());
        let db = Database::builder_on(store, &prefix).connect().await.unwrap();
        let users = users(&db).await;
        // Ids that begin with the same text, so that a listing by prefix sees all of them.
        for id in ["ann", "ann b", "anna"] {
            users.insert(json!({"id": id, "name": "Ann"})).await.unwrap();
        }
        users.update("ann", json!({"name": "Anna é"})).await.unwrap();
        users.delete("ann").await.unwrap();
        assert_eq!(names(&users, "ann").await, ["-", "Anna é", "Ann"], "{name}");

        let undone = users.undo("ann").await.unwrap();
        assert_eq!(undone.data["name"], "Anna é", "{name}");
        assert_eq!(users.get("ann").await.unwrap().data["name"], "Anna é", "{name}");
        users.update("ann", json!({"age": 30})).await.unwrap();
        users.undo("ann").await.unwrap();
        assert_eq!(
            names(&users, "ann").await,
            ["Anna é", "Anna é", "Anna é", "-", "Anna é", "Ann"],
            "{name}"
        );
        assert_eq!(names(&users, "ann b").await, ["Ann"], "{name}");

        let history = users.history("ann").await.unwrap();
        let latest: Vec<bool> = history.iter().map(|version| version.is_latest).collect();
        assert_eq!(latest, [true, false, false, false, false, false], "{name}");
        let (first, last) = (&history[5], &history[0]);
        let found = users.get_version("ann", &first.version_id).await.unwrap();
        assert_eq!(found.data["name"], "Ann", "{name}");
        let diff = users.diff("ann", &first.version_id, &last.version_id).await.unwrap();
        assert_eq!(diff.to_string(), "~ name: \"Ann\" -> \"Anna é\"\n", "{name}");
        assert_eq!(users.get_as_of("ann", last.at_ms).await.unwrap().data["name"], "Anna é", "{name}");
        let before = users.get_as_of("ann", first.at_ms - 1000).await.unwrap_err();
        assert_eq!(before.kind(), s3db::ErrorKind::NotFound, "{name}");
        users.delete_all(true).await.unwrap();
    }
    server.stop().await;
}
