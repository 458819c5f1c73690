//! The endpoint that Prometheus scrapes.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use s3db_core::env::Env;
use s3db_core::plugin::Shutdown;
use s3db_core::{Error, ErrorKind, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::options::Endpoint;

/// Scrapes at a time. Others wait in the queue of the system.
const CONNECTIONS_MAX: usize = 16;

/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// How long one scrape may take.
const SCRAPE_MAX: Duration = Duration::from_secs(10);

/// Pause after a connection could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Makes the text of a scrape.
pub(crate) type Render = Arc<dyn Fn() -> Result<String> + Send + Sync>;

pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) endpoint: Endpoint,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) render: Render,
}

/// Opens the port. Errors: `Config` when it is taken or may not be opened.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::new(ErrorKind::Config, "the endpoint of the metrics cannot be opened")
            .with("address", address)
            .hint("choose another port")
            .caused_by(error)
    })
}

impl Server {
    /// Answers until the plugin stops. Scrapes that are on their way then are cut off, and none is left behind.
    pub(crate) async fn run(self, shutdown: Shutdown) -> Result<()> {
        let server = Arc::new(self);
        let mut scrapes = JoinSet::new();
        let mut stop = pin!(shutdown.requested());
        loop {
            let is_full = scrapes.len() >= CONNECTIONS_MAX;
            tokio::select! {
                () = &mut stop => break,
                _ = scrapes.join_next(), if !scrapes.is_empty() => {}
                accepted = server.listener.accept(), if !is_full => match accepted {
                    Ok((stream, peer)) => {
                        let server = server.clone();
                        scrapes.spawn(async move { server.scrape(stream, peer).await });
                    }
                    // Such as too many open files: it passes.
                    Err(error) => {
                        tracing::warn!(%error, "a scrape could not be accepted");
                        server.env.sleep(PAUSE).await;
                    }
                },
            }
        }
        scrapes.shutdown().await;
        Ok(())
    }

    async fn scrape(&self, mut stream: TcpStream, peer: SocketAddr) {
        tokio::select! {
            () = self.env.sleep(SCRAPE_MAX) => {}
            result = self.answer(&mut stream, peer) => if let Err(error) = result {
                tracing::debug!(%error, "a scrape broke off");
            }
        }
    }

    async fn answer(&self, stream: &mut TcpStream, peer: SocketAddr) -> std::io::Result<()> {
        let mut head = Vec::with_capacity(512);
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            if head.len() >= HEAD_BYTES_MAX {
                return write(stream, "431 Request Header Fields Too Large", "", true).await;
            }
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        if !self.endpoint.allow.iter().any(|network| network.holds(peer.ip())) {
            return write(stream, "403 Forbidden", "this address may not scrape\n", true).await;
        }
        let head = String::from_utf8_lossy(&head);
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let has_body = method != "HEAD";
        if path != self.endpoint.path {
            return write(stream, "404 Not Found", "there is nothing here\n", has_body).await;
        }
        if !matches!(method, "GET" | "HEAD") {
            return write(stream, "405 Method Not Allowed", "only GET\n", true).await;
        }
        match (self.render)() {
            Ok(text) => write(stream, "200 OK", &text, has_body).await,
            Err(_) => write(stream, "503 Service Unavailable", "the database is closed\n", has_body).await,
        }
    }
}

async fn write(stream: &mut TcpStream, status: &str, body: &str, has_body: bool) -> std::io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    if has_body {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}
