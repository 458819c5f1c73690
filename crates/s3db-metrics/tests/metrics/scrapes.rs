use std::collections::BTreeMap;

use s3db_core::plugin::Purge;
use s3db_core::{Database, ErrorKind};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{database, endpoint, exchange, scrape, users, with};

/// Values by series.
fn values(answer: &str) -> BTreeMap<String, f64> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("text/plain; version=0.0.4"), "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_over_tcp_and_no_counter_goes_down() {
    let metrics = with(endpoint());
    let db = database(&metrics).await;
    let users = users(&db).await;
    let address = metrics.address().unwrap();
    let mut before = BTreeMap::new();
    for i in 0..3 {
        users.insert(json!({"id": format!("u{i}"), "name": "Ann"})).await.unwrap();
        users.get("u0").await.unwrap();
        users.update("nobody", json!({"name": "B"})).await.unwrap_err();
        db.flush().await;
        let now = values(&scrape(address).await);
        for (series, value) in &before {
            assert!(now[series] >= *value, "{series} went from {value} to {}", now[series]);
        }
        before = now;
    }
    let of = |series: &str| before.get(series).copied();
    assert_eq!(of("s3db_operations_total{operation=\"insert\",resource=\"users\"}"), Some(3.0));
    let failed = "s3db_operation_errors_total{operation=\"update\",resource=\"users\",kind=\"not_found\"}";
    assert_eq!(of(failed), Some(3.0));
    let count = "s3db_operation_duration_seconds_count{operation=\"get\",resource=\"users\"}";
    assert_eq!(of(count), Some(3.0));
    let all = "s3db_operation_duration_seconds_bucket{operation=\"get\",resource=\"users\",le=\"+Inf\"}";
    assert_eq!(of(all), Some(3.0));
    assert_eq!(of("s3db_requests_total{kind=\"PUT\"}"), Some(db.requests().put as f64));
    assert_eq!(of("s3db_resources_total"), Some(1.0));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_allowed_gets_nothing_whatever_it_says_of_itself() {
    let metrics = with(endpoint().allow(["10.0.0.0/8".parse().unwrap()]));
    let db = database(&metrics).await;
    let address = metrics.address().unwrap();
    for header in ["", "x-forwarded-for: 10.0.0.1\r\n", "forwarded: for=10.0.0.1\r\nx-real-ip: 10.0.0.1\r\n"]
    {
        let answer = exchange(address, &format!("GET /metrics HTTP/1.1\r\n{header}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{header}: {answer}");
        assert!(!answer.contains("s3db_"), "{answer}");
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_scrape_is_refused() {
    let metrics = with(endpoint());
    let db = database(&metrics).await;
    let address = metrics.address().unwrap();
    let long = format!("GET /metrics HTTP/1.1\r\nx: {}", "a".repeat(9_000));
    for (request, status) in [
        ("GET /metrics?x=1 HTTP/1.1\r\n\r\n", "200 OK"),
        ("HEAD /metrics HTTP/1.1\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        ("nonsense\r\n\r\n", "400 Bad Request"),
        (long.as_str(), "431 "),
    ] {
        let answer = exchange(address, request).await;
        let shown: String = request.chars().take(40).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{shown:?}: {answer}");
    }
    assert!(exchange(address, "HEAD /metrics HTTP/1.1\r\n\r\n").await.ends_with("\r\n\r\n"));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_closes_waits_for_no_scrape_and_leaves_the_port() {
    let metrics = with(endpoint());
    let db = database(&metrics).await;
    let address = metrics.address().unwrap();
    // Scrapes that say nothing. As many as are served at once, and one more that waits.
    let mut silent = Vec::new();
    for _ in 0..17 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET ").await.unwrap();
        silent.push(stream);
    }
    db.clone().stop_plugins().await.unwrap();
    assert_eq!(db.plugins()[0].tasks, 0, "every task has ended");
    assert_eq!((db.plugins()[0].failures, metrics.address()), (0, None));
    for mut stream in silent {
        let mut rest = Vec::new();
        // Cut off, by an end or by a reset.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    }
    db.uninstall_plugin("metrics", Purge::Keep).await.unwrap();
    let again = with(endpoint().address(address));
    db.plugin(again.clone()).await.unwrap();
    assert!(scrape(address).await.starts_with("HTTP/1.1 200 OK"));
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_told_when_the_database_opens() {
    let metrics = with(endpoint());
    let db = database(&metrics).await;
    let second = with(endpoint().address(metrics.address().unwrap()));
    let error =
        Database::builder("memory://metrics/taken").unwrap().plugin(second).connect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.context("address").is_some(), "{error}");
    db.close().await;
}
