//! MiniStack: an S3 server with AWS's strict key order and key shapes.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use super::process::{Server, free_port, http_status};

/// Starts it, makes the bucket, and returns its connection string. It takes any credentials.
pub(super) fn start(bin: &Path) -> Result<(Server, String)> {
    let data = super::folder()?.join("ministack");
    std::fs::create_dir_all(&data)?;
    let port = free_port(0)?;
    let mut command = Command::new(bin.join("ministack"));
    command
        .current_dir(&data)
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("SERVICES", "s3")
        // Without this it listens for MQTT on every address.
        .env("IOT_MTLS_ENABLED", "0");
    let mut server = Server::start("ministack", &mut command, &data.join("log.txt"))?;
    server.wait("answer", || http_status(port, "GET", "/_ministack/health") == Some(200))?;
    let made = http_status(port, "PUT", &format!("/{}", super::BUCKET));
    ensure!(made == Some(200), "the bucket was not made: status {made:?}");
    Ok((server, format!("http://any:any@127.0.0.1:{port}/{}", super::BUCKET)))
}
