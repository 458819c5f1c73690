//! Calls, times and failures, for people and for Prometheus.
//!
//! `cargo run -p s3db-examples --example metrics --features metrics`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::metrics::{Endpoint, Metrics, MetricsOptions};
use s3db::{Database, Error, ErrorKind, ResourceConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // Any port that is free; Prometheus usually finds 9090.
    let endpoint = Endpoint::default().address(([127, 0, 0, 1], 0).into());
    let metrics = Metrics::with(MetricsOptions::default().endpoint(endpoint));
    let db = Database::builder("memory://shop/metrics")?.plugin(metrics.clone()).connect().await?;
    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;

    for i in 0..3 {
        users.insert(json!({"id": format!("u{i}"), "name": "Ann"})).await?;
        users.get("u0").await?;
    }
    println!("updated: {}", users.update("nobody", json!({"name": "Bob"})).await.is_ok());

    let report = metrics.report()?;
    println!(
        "{} calls, {} failed: {:?}",
        report.usage.total_operations, report.errors.total, report.errors.by_type
    );
    println!("slowest: {:?}", report.performance.slowest_operations.first().map(|slow| slow.operation));

    if let Some(address) = metrics.address() {
        let text = scrape(address)
            .await
            .map_err(|error| Error::new(ErrorKind::Unavailable, "the scrape failed").caused_by(error))?;
        for line in text.lines().filter(|line| line.starts_with("s3db_operations_total")) {
            println!("{line}");
        }
    }
    db.close().await;
    Ok(())
}

async fn scrape(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}
