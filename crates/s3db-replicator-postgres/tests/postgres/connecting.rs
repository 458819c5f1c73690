use s3db_core::ErrorKind;
use s3db_replicator::{Drivers, Target as _};
use s3db_replicator_postgres::{PostgresTarget, Ssl, register};
use serde_json::json;

use crate::support::{Source, server, variable};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_verified_where_that_is_asked_for() {
    let Some(server) = server().await else { return };
    let Some(certificate) = variable("S3DB_TEST_POSTGRES_CA") else { return };
    let text = std::fs::read_to_string(&certificate).unwrap();
    let check = async |ssl, root_ca: Option<&str>| {
        let mut options = server.options().ssl(ssl);
        if let Some(root_ca) = root_ca {
            options = options.root_ca(root_ca);
        }
        PostgresTarget::new(options).unwrap().check().await
    };
    check(Ssl::Disable, None).await.unwrap();
    check(Ssl::Prefer, None).await.unwrap();
    check(Ssl::Require, None).await.unwrap();
    check(Ssl::VerifyFull, Some(&certificate)).await.unwrap();
    check(Ssl::VerifyFull, Some(&text)).await.unwrap();
    // Nobody whom the system trusts has signed for it.
    let error = check(Ssl::VerifyFull, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(!error.is_retryable(), "{error:?}");
    let error = check(Ssl::VerifyFull, Some("/no/such/file.pem")).await.unwrap_err();
    assert_eq!(error.context("option"), Some("root_ca"));
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_go_over_an_encrypted_connection() {
    let Some(server) = server().await else { return };
    let Some(certificate) = variable("S3DB_TEST_POSTGRES_CA") else { return };
    let options = server.options().ssl(Ssl::VerifyFull).root_ca(certificate);
    let source = Source::new(options).await;
    let users = source.resource("users", json!({"name": "string"})).await;
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    source.flush().await;
    assert_eq!(server.rows("SELECT * FROM users").await, ["a|A"]);
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
                     WHERE s.ssl AND a.application_name = 's3db-replicator'";
    assert_eq!(server.rows(encrypted).await, ["t"]);
    source.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_fails_the_start_and_is_not_shown() {
    let Some(server) = server().await else { return };
    let options = server.options().password("hunter2");
    let routes = s3db_replicator::Routes::all();
    let store = std::sync::Arc::new(s3db_core::store::MemoryStore::new());
    let error = Source::on(store, options, routes).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(error.context("plugin"), Some("replicator"));
    assert_eq!(error.context("sqlstate"), Some("28P01"));
    assert!(!format!("{error:?}").contains("hunter2"));

    let error = PostgresTarget::new(server.options().database("nowhere")).unwrap().check().await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Config, false));
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_target_has_no_connections_and_may_be_opened_again() {
    let Some(server) = server().await else { return };
    let name = format!("closing {}", std::process::id());
    let connection = format!("{}?application_name={}", server.connection, name.replace(' ', "%20"));
    let target = PostgresTarget::new(server.options().connection_string(connection)).unwrap();
    let count = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'");
    target.open(&[]).await.unwrap();
    assert_eq!(server.rows(&count).await, ["1"]);
    target.close().await;
    let error = target.check().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    // The server notices within moments.
    while server.rows(&count).await != ["0"] {
        tokio::task::yield_now().await;
    }
    target.open(&[]).await.unwrap();
    target.check().await.unwrap();
    target.close().await;
    server.clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_makes_a_target() {
    let mut drivers = Drivers::new();
    register(&mut drivers);
    let config = json!({"host": "h", "user": "u", "password": "hunter2", "logTable": "log"});
    let target = drivers.build("postgres", config.as_object().unwrap()).unwrap();
    assert_eq!(target.driver(), "postgres");
    assert!(!format!("{target:?}").contains("hunter2"));
    let error = drivers.build("postgres", json!({"hots": "h"}).as_object().unwrap()).unwrap_err();
    assert_eq!(error.context("option"), Some("hots"));
}
