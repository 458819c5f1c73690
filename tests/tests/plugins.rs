//! Plugins over an independent server.

use std::sync::Arc;
use std::time::Duration;

use s3db::audit::{Audit, AuditOptions};
use s3db::cache::{Cache, CacheOptions, Tier};
use s3db::coordinator::{Coordinator, CoordinatorOptions};
use s3db::costs::{Costs, CostsOptions};
use s3db::metrics::{Metrics, MetricsOptions};
use s3db::plugin::Plugin;
use s3db::replicator::{Replicator, ReplicatorOptions, Routes, S3dbTarget};
use s3db::store::S3Store;
use s3db::ttl::{OnExpire, Ttl, TtlOptions, TtlRule};
use s3db_testkit::plugins::{self, Options};
use s3db_testkit::wrong::plugin::{PluginFault, WrongPlugin};

use crate::s3::{config, independent};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sound_plugin_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        Arc::new(WrongPlugin::new(PluginFault::Nothing, namespace))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_cache_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let options = CacheOptions::default().tier(Tier::Bucket);
        Arc::new(Cache::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_coordinator_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let options = CoordinatorOptions::default();
        Arc::new(Coordinator::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_audit_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let options = AuditOptions::default();
        Arc::new(Audit::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_replicator_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let copy = S3dbTarget::connect("memory://conformance/copy").unwrap();
        let options = ReplicatorOptions::default().target("copy", copy, Routes::only(["kit_users"]));
        Arc::new(Replicator::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_time_to_live_conforms_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let rule = TtlRule::after(Duration::from_secs(3_600), OnExpire::HardDelete);
        let options = TtlOptions::default().rule("kit_users", rule);
        Arc::new(Ttl::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_costs_conform_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let options = CostsOptions::default();
        Arc::new(Costs::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_metrics_conform_over_seaweedfs() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store = Arc::new(S3Store::connect(config(&connection)).await.unwrap());
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let options = MetricsOptions::default();
        Arc::new(Metrics::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(store, factory, Options::default()).await.assert_green();
}
