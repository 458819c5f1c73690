use s3db_core::ErrorKind;
use serde_json::json;

use super::*;

fn read(options: &Value) -> Result<PostgresOptions> {
    PostgresOptions::from_json(options.as_object().unwrap())
}

#[test]
fn a_configuration_of_s3db_js_is_understood() {
    let options = read(&json!({
        "connectionString": "postgres://u@h/d",
        "ssl": {"rejectUnauthorized": false},
        "logTable": "replicator_log",
        "schemaSync": {
            "enabled": true, "strategy": "validate-only", "onMismatch": "warn", "autoCreateTable": false,
            "autoCreateColumns": false, "dropMissingColumns": false,
        },
    }))
    .unwrap();
    assert_eq!(options.ssl, Some(Ssl::Require));
    assert_eq!(options.log_table.as_deref(), Some("replicator_log"));
    let sync = SchemaSync::new()
        .strategy(Strategy::ValidateOnly)
        .on_mismatch(OnMismatch::Warn)
        .auto_create_table(false)
        .auto_create_columns(false);
    assert_eq!(options.schema_sync, Some(sync));
    assert_eq!(read(&json!({"schemaSync": {"enabled": false}})).unwrap().schema_sync, None);
    assert_eq!(read(&json!({"schema_sync": true})).unwrap().schema_sync, Some(SchemaSync::new()));
}

#[test]
fn a_wrong_option_is_named_and_its_value_is_not_shown() {
    #[track_caller]
    fn check(options: &Value, named: &str) {
        let error = read(options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.context("option"), Some(named));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    check(&json!({"passwort": "hunter2"}), "passwort");
    check(&json!({"password": ["hunter2"]}), "password");
    check(&json!({"port": 0}), "port");
    check(&json!({"ssl": "verify"}), "ssl");
    check(&json!({"pool_size_max": 0}), "pool_size_max");
    check(&json!({"lock_timeout_ms": 0}), "lock_timeout");
    check(&json!({"schema": ""}), "schema");
    check(&json!({"schema_sync": {"strategy": "drop"}}), "schema_sync.strategy");
    check(&json!({"schemaSync": {"dropMissingColumns": true}}), "schemaSync.dropMissingColumns");
}
