use std::net::SocketAddr;
use std::sync::Arc;

use s3db_core::store::MemoryStore;
use s3db_core::{Database, Resource, ResourceConfig};
use s3db_metrics::{Endpoint, Metrics, MetricsOptions};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) async fn database(metrics: &Metrics) -> Database {
    let builder = Database::builder_on(Arc::new(MemoryStore::new()), "app");
    builder.plugin(metrics.clone()).connect().await.unwrap()
}

pub(crate) async fn users(db: &Database) -> Resource {
    let attributes = json!({"name": "string", "region": "string|optional"});
    let config = ResourceConfig::new("users", attributes)
        .paranoid(false)
        .partitions(json!({"byRegion": {"fields": {"region": "string"}}}));
    db.create_resource(config).await.unwrap()
}

/// On any port that is free.
pub(crate) fn endpoint() -> Endpoint {
    Endpoint::default().address("127.0.0.1:0".parse().unwrap())
}

pub(crate) fn with(endpoint: Endpoint) -> Metrics {
    Metrics::with(MetricsOptions::default().endpoint(endpoint))
}

/// Sends bytes and reads the answer to its end.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

pub(crate) async fn scrape(address: SocketAddr) -> String {
    exchange(address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await
}
