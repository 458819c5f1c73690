//! What is wrong is named, and there is something to try.

use std::sync::Arc;

use s3db::connection::Credentials;
use s3db::store::{Capability, Condition, ListRequest, Metadata, PutObject, S3Config, S3Store, Store};
use s3db::{Error, ErrorKind, Result};
use s3db_testkit::s3_server::{Access, ServerOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{config, connect, server};

#[track_caller]
fn check(error: &Error, kind: ErrorKind, says: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    let text = format!("{error:?}");
    for part in says {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(error.suggestion().is_some(), "no hint: {text}");
}

/// Every method once, on keys that are absent. The results are the errors.
async fn every_method(store: &S3Store) -> Vec<(&'static str, Result<()>)> {
    let keys = ["a".to_owned(), "b".to_owned()];
    vec![
        ("put", store.put("a", PutObject::default(), Condition::None).await.map(drop)),
        ("put if", store.put("a", PutObject::default(), Condition::IfAbsent).await.map(drop)),
        ("get", store.get("b").await.map(drop)),
        ("head", store.head("b").await.map(drop)),
        ("copy", store.copy("a", "b", None, Condition::None).await.map(drop)),
        ("list", store.list(ListRequest::default()).await.map(drop)),
        ("delete", store.delete("a", Condition::None).await),
        ("delete_many", store.delete_many(&keys).await.map(drop)),
    ]
}

#[tokio::test]
async fn an_unreachable_endpoint_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = S3Config::new("bucket").endpoint(&endpoint).credentials(Credentials::new("k", "s"));
    let store = connect(settings.attempts_max(1)).await;
    for (method, result) in every_method(&store).await {
        let error = result.expect_err(method);
        check(&error, ErrorKind::Unavailable, &[&endpoint, "bucket", "refused"]);
        assert!(error.is_retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let settings =
        S3Config::new("bucket").endpoint("http://nowhere.invalid").credentials(Credentials::new("k", "s"));
    let store = connect(settings.attempts_max(1)).await;
    let error = store.get("a").await.unwrap_err();
    check(&error, ErrorKind::Unavailable, &["nowhere.invalid", "dns"]);
}

#[tokio::test]
async fn a_missing_bucket_is_not_taken_for_a_missing_object() {
    let server = server(ServerOptions::default()).await;
    let mut settings = config(&server.connection_string());
    settings.bucket = "other".into();
    let store = connect(settings).await;
    for (method, result) in every_method(&store).await {
        let error = result.expect_err(method);
        check(&error, ErrorKind::NotFound, &["the bucket does not exist", "bucket=other"]);
        assert_eq!(error.context("bucket"), Some("other"), "{method}: {error:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn denied_access_says_which_permissions_are_needed() {
    let options = |access| {
        let mut options = ServerOptions::default();
        options.access = access;
        options
    };
    let denied = server(options(Access::Denied)).await;
    for (method, result) in every_method(&connect(config(&denied.connection_string())).await).await {
        let error = result.expect_err(method);
        check(&error, ErrorKind::Denied, &["refuses access", "s3:ListBucket", "bucket=bucket"]);
        assert!(!error.is_retryable(), "{error:?}");
    }
    denied.stop().await;

    let read_only = server(options(Access::ReadOnly)).await;
    let store = connect(config(&read_only.connection_string())).await;
    assert!(store.get("a").await.unwrap().is_none());
    assert!(store.list(ListRequest::default()).await.unwrap().entries.is_empty());
    let error = store.put("a", PutObject::default(), Condition::None).await.unwrap_err();
    check(&error, ErrorKind::Denied, &["AccessDenied", "s3:PutObject", "key=a"]);
    read_only.stop().await;
}

#[tokio::test]
async fn wrong_credentials_say_which_half_is_wrong() {
    let server = server(ServerOptions::default()).await;
    for (credentials, says) in [
        (Credentials::new("unknown", "testsecret"), "the server does not know the access key"),
        (Credentials::new("test", "wrong"), "the secret does not fit the access key"),
    ] {
        let store = connect(config(&server.connection_string()).credentials(credentials)).await;
        let error = store.put("a", PutObject::default(), Condition::None).await.unwrap_err();
        check(&error, ErrorKind::Denied, &[says]);
        // An answer to HEAD says no more than that.
        check(&store.head("a").await.unwrap_err(), ErrorKind::Denied, &[]);
    }
    server.stop().await;
}

const HOUR_MS: i64 = 3_600_000;

fn an_hour_ahead(tells_time: bool) -> ServerOptions {
    let mut options = ServerOptions::default();
    options.clock_ahead_ms = HOUR_MS;
    options.tells_time = tells_time;
    options
}

#[tokio::test]
async fn a_clock_skewed_by_an_hour_is_corrected_where_the_server_tells_its_time() {
    let server = server(an_hour_ahead(true)).await;
    let store = connect(config(&server.connection_string())).await;
    store.put("a", PutObject::default(), Condition::None).await.unwrap();
    assert!(store.get("a").await.unwrap().is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_clock_skewed_by_an_hour_is_named_with_the_skew() {
    let server = server(an_hour_ahead(true)).await;
    // With a single attempt there is none to correct.
    let store = connect(config(&server.connection_string()).attempts_max(1)).await;
    let error = store.put("a", PutObject::default(), Condition::None).await.unwrap_err();
    check(&error, ErrorKind::Denied, &["clock", "RequestTimeTooSkewed", "NTP"]);
    let skew: i64 = error.context("clock_ahead_seconds").unwrap().parse().unwrap();
    assert!((-3660..=-3540).contains(&skew), "{error:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_clock_skewed_by_an_hour_is_named_where_the_server_does_not_tell_its_time() {
    let server = server(an_hour_ahead(false)).await;
    let store = connect(config(&server.connection_string())).await;
    let error = store.put("a", PutObject::default(), Condition::None).await.unwrap_err();
    check(&error, ErrorKind::Denied, &["clock", "RequestTimeTooSkewed", "NTP"]);
    server.stop().await;
}

#[tokio::test]
async fn metadata_over_the_limit_is_refused_by_the_client_and_by_the_server() {
    let server = server(ServerOptions::default()).await;
    let object = || PutObject {
        metadata: Arc::new(Metadata::from_iter([("a", "x".repeat(2048))])),
        ..PutObject::default()
    };
    let store = connect(config(&server.connection_string())).await;
    let error = store.put("a", object(), Condition::None).await.unwrap_err();
    check(&error, ErrorKind::TooLarge, &["metadata", "bytes=2049", "limit=2048", "body-overflow"]);

    let mut boundless = Capability::default();
    boundless.metadata_bytes_max = usize::MAX;
    let store = connect(config(&server.connection_string()).capability(boundless)).await;
    let error = store.put("a", object(), Condition::None).await.unwrap_err();
    check(&error, ErrorKind::TooLarge, &["metadata", "MetadataTooLarge", "body-overflow"]);
    assert!(store.get("a").await.unwrap().is_none(), "it was written");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_s3_is_not_an_empty_bucket() {
    for answer in [
        "HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\nconnection: close\r\n\r\nNot Found",
        "HTTP/1.1 200 OK\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<html>Hi</html>",
        "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let web = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 16_384];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let settings = S3Config::new("bucket").endpoint(&endpoint).credentials(Credentials::new("k", "s"));
        let store = connect(settings.attempts_max(1)).await;
        for (method, error) in [
            ("head", store.head("a").await.map(drop)),
            ("list", store.list(ListRequest::default()).await.map(drop)),
            ("put", store.put("a", PutObject::default(), Condition::None).await.map(drop)),
        ] {
            let error = error.expect_err(&format!("{method} {answer:?}"));
            check(&error, error.kind(), &[&endpoint]);
        }
        web.abort();
    }
}
