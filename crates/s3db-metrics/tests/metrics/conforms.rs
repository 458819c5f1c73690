use std::sync::Arc;

use s3db_core::ErrorKind;
use s3db_core::plugin::{Plugin, PluginRegistry};
use s3db_core::store::MemoryStore;
use s3db_metrics::{Metrics, MetricsOptions, register};
use s3db_testkit::plugins::{self, Options};
use serde_json::json;

fn factory(namespace: Option<&str>) -> Arc<dyn Plugin> {
    let options = MetricsOptions::default();
    Arc::new(Metrics::with(match namespace {
        Some(namespace) => options.namespace(namespace),
        None => options,
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_metrics_conform() {
    plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
}

#[test]
fn a_configuration_names_it_and_wrong_options_are_told() {
    let mut registry = PluginRegistry::new();
    register(&mut registry);
    let endpoint = json!({"address": "0.0.0.0", "port": 9100, "path": "/m", "allow": ["10.0.0.0/8", "::1"]});
    let options = json!({"endpoint": endpoint, "facade": false, "resources_max": 5});
    assert_eq!(registry.build("metrics", &options).unwrap().manifest().name, "metrics");
    registry.build("metrics", &json!({"endpoint": true})).unwrap();
    for (options, option) in [
        (json!({"endpoint": 9090}), "endpoint"),
        (json!({"endpoint": {"port": 70_000}}), "port"),
        (json!({"endpoint": {"address": "localhost"}}), "address"),
        (json!({"endpoint": {"path": "metrics"}}), "path"),
        (json!({"endpoint": {"allow": ["10.0.0.0/40"]}}), "allow"),
        (json!({"endpoint": {"host": "x"}}), "host"),
        (json!({"facade": 1}), "facade"),
        (json!({"resources_max": 0}), "resources_max"),
        (json!({"namespace": 1}), "namespace"),
        (json!({"interval": 1}), "interval"),
    ] {
        let error = registry.build("metrics", &options).unwrap_err();
        assert_eq!((error.kind(), error.context("option")), (ErrorKind::Config, Some(option)), "{error}");
    }
}
