//! The promises of `docs/consistency.md` over a bad network: the real SDK, an HTTP proxy that breaks things, and real
//! servers behind it.
//!
//! Each test runs on the server in this process, and on SeaweedFS and MiniStack where `S3DB_TEST_SEAWEEDFS` and
//! `S3DB_TEST_MINISTACK` name them. A failure prints the seed that planned its faults; `S3DB_WIRE_SEED=7` runs that one
//! alone, and `S3DB_WIRE_SEED=0..100` runs many.

mod answers;
mod content;
mod counting;
mod faults;
mod leases;
mod observed;
mod partitions;
mod sequences;
mod unique;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use s3db::fsck::{Finding, FindingKind, FsckOptions};
use s3db::store::{Capability, MemoryStore, S3Config, S3Store};
use s3db::{Database, Document, ErrorKind, Resource, ResourceConfig, Result};
use s3db_testkit::fault_proxy::{FaultProxy, Plan};
use s3db_testkit::s3_server::{S3Server, ServerOptions};

use crate::s3::{config, independent};

/// A server that the tests run on.
struct Site {
    name: &'static str,
    config: S3Config,
    /// The one in this process lives as long as this.
    _server: Option<S3Server>,
}

async fn sites() -> Vec<Site> {
    let server = S3Server::start(Arc::new(MemoryStore::new()), ServerOptions::default()).await.unwrap();
    let config_of = |connection: &str, change: fn(&mut Capability)| {
        let mut capability = Capability::default();
        change(&mut capability);
        config(connection).capability(capability)
    };
    let in_process = config_of(&server.connection_string(), |_| {});
    let mut sites =
        vec![Site { name: "the server in this process", config: in_process, _server: Some(server) }];
    if let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") {
        let config = config_of(&connection, |capability| {
            capability.keeps_empty_metadata = false;
            capability.list_is_ordered = false;
            capability.key_segment_bytes_max = 255;
            capability.keeps_double_slash = false;
        });
        sites.push(Site { name: "SeaweedFS", config, _server: None });
    }
    if let Some(connection) = independent("S3DB_TEST_MINISTACK") {
        let config = config_of(&connection, |capability| capability.conditional_copy = false);
        sites.push(Site { name: "MiniStack", config, _server: None });
    }
    sites
}

/// One database, with a clear way to it and a bad one.
struct Wire {
    site: &'static str,
    proxy: FaultProxy,
    config: S3Config,
    prefix: String,
}

impl Wire {
    async fn before(site: &Site, test: &str, seed: u64, plan: Plan) -> Self {
        let endpoint = site.config.endpoint.as_deref().unwrap();
        let proxy = FaultProxy::start(endpoint, plan).await.unwrap();
        let prefix = format!("wire-{test}-{seed}-{}", std::process::id());
        let mut config = site.config.clone();
        config.attempt_timeout = Duration::from_secs(20);
        config.backoff_max = Duration::from_millis(30);
        Self { site: site.name, proxy, config, prefix }
    }

    /// The database without the proxy.
    async fn direct(&self) -> Database {
        self.open(self.config.clone()).await.unwrap()
    }

    /// The database as a process of its own sees it through the proxy, once the catalogue has come through.
    async fn through_proxy(&self) -> Database {
        insist(|| self.open(self.config.clone().endpoint(self.proxy.endpoint()))).await
    }

    async fn open(&self, config: S3Config) -> Result<Database> {
        let store = Arc::new(S3Store::connect(config).await?);
        Database::builder_on(store, &self.prefix)
            .options(|options| options.update_attempts_max = 10_000)
            .connect()
            .await
    }

    async fn create(&self, config: ResourceConfig) -> Resource {
        self.direct().await.create_resource(config).await.unwrap()
    }

    /// What is wrong with the database before anything is repaired; repairs it, and proves that it is clean then.
    async fn repair(&self) -> Vec<Finding> {
        // No request is on its way any more, so that nothing is too young to touch.
        self.proxy.settle().await;
        let db = self.direct().await;
        let check = async |repair| {
            let options = FsckOptions { repair, grace: Duration::ZERO, ..FsckOptions::default() };
            db.fsck(options).await.unwrap().collect().await.unwrap()
        };
        let (findings, repaired) = check(true).await;
        assert!(repaired.is_clean(), "{findings:#?}");
        let (left, _) = check(false).await;
        assert_eq!(left, [], "after the repair");
        findings
    }
}

/// Runs a scenario on each server with the faults of each seed.
async fn everywhere(test: &str, scenario: impl AsyncFn(&Wire)) {
    for site in sites().await {
        for seed in seeds() {
            let wire = Wire::before(&site, test, seed, Plan::seeded(seed)).await;
            let replay = Replay(format!("S3DB_WIRE_SEED={seed} cargo test -p s3db-tests wire::{test}"));
            scenario(&wire).await;
            drop(replay);
            let counts = wire.proxy.counts();
            println!("{test} seed {seed} on {}: {counts:?}", wire.site);
            assert_eq!(counts.unreachable, 0, "seed {seed}: {} did not answer", wire.site);
            wire.proxy.stop().await;
        }
    }
}

/// Runs a scenario on each server with the faults that it asks for.
async fn scripted(test: &str, scenario: impl AsyncFn(&Wire)) {
    for site in sites().await {
        let wire = Wire::before(&site, test, 0, Plan::none()).await;
        println!("{test} on {}", wire.site);
        scenario(&wire).await;
        wire.proxy.stop().await;
    }
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("S3DB_WIRE_SEED") else { return 0..3 };
    let number = |text: &str| text.parse().expect("S3DB_WIRE_SEED is a number, or a range such as 0..100");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&text)..number(&text) + 1,
    }
}

/// Tells how to run a failure again.
struct Replay(String);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("run it again with: {}", self.0);
        }
    }
}

/// Tries until the network lets it through.
async fn insist<T>(action: impl AsyncFn() -> Result<T>) -> T {
    for _ in 0..200 {
        match action().await {
            Err(error) if error.is_retryable() => {}
            result => return result.unwrap(),
        }
    }
    panic!("the network let nothing through in 200 tries");
}

/// Documents by their ids.
async fn all(resource: &Resource) -> BTreeMap<String, Document> {
    let listing = resource.get_all().await.unwrap();
    assert!(listing.unreadable.is_empty(), "{:?}", listing.unreadable);
    listing.records.into_iter().map(|record| (record.id, record.data)).collect()
}

/// Fails for a kind of finding that faults of the network cannot excuse.
fn excuse_only(findings: &[Finding], excused: &[FindingKind]) {
    let inexcusable: Vec<_> = findings.iter().filter(|finding| !excused.contains(&finding.kind)).collect();
    assert!(inexcusable.is_empty(), "{inexcusable:#?}");
}

/// Whether a call that failed has surely done nothing. Errors that blame the caller are a bug of the test.
fn surely_not_done(error: &s3db::Error) -> bool {
    let blames_network =
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::Conflict);
    assert!(blames_network, "the network was to blame: {error:?}");
    !error.is_outcome_unknown()
}
