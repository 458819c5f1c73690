use s3db_core::plugin::PluginRegistry;
use s3db_replicator::{Drivers, register};
use serde_json::{Value, json};

fn registry() -> PluginRegistry {
    let (mut registry, mut drivers) = (PluginRegistry::new(), Drivers::new());
    drivers.absent("postgres", "replicator-postgres");
    register(&mut registry, drivers);
    registry
}

#[test]
fn a_configuration_names_targets_as_s3db_js_does_or_as_we_do() {
    let memory = json!({"connection": "memory://backup/configuration"});
    for targets in [
        json!({"targets": [{"name": "backup", "driver": "s3db", "config": memory, "resources": ["users"]}]}),
        json!({"replicators": [{"driver": "s3db", "config": {"connectionString": "memory://b"}, "resources": {"users": "people"}}]}),
        json!({"targets": [{"driver": "s3db", "config": memory, "resources": {"users": {"to": "people",
            "operations": ["insert"], "only": ["name"], "without": ["age"], "send_secrets": true}}}], "batch_max": 10,
            "attempts": 5, "pause_first_ms": 10, "pause_max_ms": 20, "timeout_ms": 30, "sweep_every_ms": 40, "namespace": "eu",
            "take_over_after_ms": 50, "keep_for_ms": 60, "memory_max": 70, "log_resource": "letters", "batching": false}),
        json!({"enabled": false}),
    ] {
        registry().build("replicator", &targets).unwrap_or_else(|error| panic!("{targets}: {error}"));
    }
}

#[test]
fn what_is_wrong_in_a_configuration_is_named() {
    let target = |driver: &str, resources: Value| json!({"targets": [{"driver": driver, "resources": resources, "config": {"connection": "memory://b"}}]});
    for (options, parts) in [
        (json!({"target": []}), vec!["target", "targets, enabled"]),
        (json!({"attempts": 0}), vec!["attempts", "at least 1"]),
        (json!({"take_over_after_ms": 10, "keep_for_ms": 5}), vec!["keep_for_ms"]),
        (target("postgres", json!(["users"])), vec!["postgres", "replicator-postgres"]),
        (target("mysql", json!(["users"])), vec!["mysql", "the drivers are: s3db"]),
        (target("s3db", json!([])), vec!["resources"]),
        (target("s3db", json!([3])), vec!["resources"]),
        (
            target("s3db", json!({"users": {"operations": ["upsert"]}})),
            vec!["users", "upsert", "insert, update or delete"],
        ),
        (target("s3db", json!({"users": {"table": 3}})), vec!["users", "table"]),
        (json!({"targets": [{"driver": "s3db", "config": {}}]}), vec!["connection"]),
        (
            json!({"targets": [{"driver": "s3db", "config": {"connection": "memory://b", "region": 1}}]}),
            vec!["region"],
        ),
        (json!({"targets": [{"config": {}}]}), vec!["driver"]),
    ] {
        let error = registry().build("replicator", &options).err().unwrap_or_else(|| panic!("{options}"));
        let told = format!("{error} {}", error.suggestion().unwrap_or_default());
        for part in parts {
            assert!(told.contains(part), "{options}: {part}: {told}");
        }
    }
    let twice = json!({"driver": "s3db", "config": {"connection": "memory://b"}});
    let error = registry().build("replicator", &json!({"targets": [twice, twice]})).unwrap_err();
    assert!(error.to_string().contains("a name of its own"), "{error}");
}
