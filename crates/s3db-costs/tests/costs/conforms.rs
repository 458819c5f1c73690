use std::sync::Arc;

use s3db_core::plugin::{Plugin, PluginRegistry};
use s3db_core::store::MemoryStore;
use s3db_core::{Document, ErrorKind};
use s3db_costs::{Costs, CostsOptions, register};
use s3db_testkit::plugins::{self, Options};
use serde_json::{Value, json};

use crate::support::{plain, world};

fn factory(namespace: Option<&str>) -> Arc<dyn Plugin> {
    let options = CostsOptions::default();
    Arc::new(Costs::with(match namespace {
        Some(namespace) => options.namespace(namespace),
        None => options,
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_costs_conform() {
    plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
}

#[test]
fn a_configuration_names_it_and_wrong_options_are_told() {
    let mut registry = PluginRegistry::new();
    register(&mut registry);
    let options = json!({"prices": "cloudflare-r2/standard", "free_tier": true, "history_seconds": 3600, "points_max": 1000});
    assert_eq!(registry.build("costs", &options).unwrap().manifest().name, "costs");
    for (options, option) in [
        (json!({"prices": "the-moon"}), "prices"),
        (json!({"prices": 5}), "prices"),
        (json!({"free_tier": "yes"}), "free_tier"),
        (json!({"history_seconds": 59}), "history_seconds"),
        (json!({"history_seconds": -1}), "history_seconds"),
        (json!({"points_max": 999}), "points_max"),
        (json!({"names_max": 0}), "names_max"),
        (json!({"stored_keys_max": -1}), "stored_keys_max"),
        (json!({"namespace": 1}), "namespace"),
        (json!({"region": "eu"}), "region"),
    ] {
        let error = registry.build("costs", &options).unwrap_err();
        assert_eq!((error.kind(), error.context("option")), (ErrorKind::Config, Some(option)), "{error}");
    }
}

#[tokio::test]
async fn people_and_dashboards_see_what_was_spent() {
    let world = world().await;
    let users = plain(&world.db, "users").await;
    world.costs(CostsOptions::default()).await;
    users.count().await.unwrap();
    let run = async |command: &str, arguments: Value| {
        let arguments: Document = arguments.as_object().cloned().unwrap();
        world.db.run_plugin_command("costs", command, arguments).await
    };
    let report = run("report", json!({})).await.unwrap();
    assert_eq!((&report["requests"]["list"], &report["total"]), (&json!(1), &json!(0.000005)));
    let snapshot = run("snapshot", json!({"resource": "users", "seconds": "60"})).await.unwrap();
    assert_eq!(snapshot["totalRequests"], 1);
    world.env.advance_ms(1_000);
    let estimate = run("estimate", json!({"days": 1})).await.unwrap();
    assert_eq!(estimate["projected"]["totalRequests"], 86_400);
    assert_eq!(run("estimate", json!({"days": "many"})).await.unwrap_err().kind(), ErrorKind::Config);
    let metrics = world.db.plugin_metrics();
    let requests = metrics.iter().find(|metric| metric.metric.name == "s3db_costs_requests").unwrap();
    assert_eq!(requests.readings[0].value, 1.0);
}
