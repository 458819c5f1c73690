//! The endpoint that Prometheus scrapes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3db_core::env::Env;
use s3db_core::plugin::Shutdown;
use s3db_core::{Error, ErrorKind, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::options::Endpoint;

/// Scrapes at a time. Others wait in the queue of the system.
const CONNECTIONS_MAX: usize = 16;

/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The format of the text.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

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

    async fn scrape(&self, stream: TcpStream, peer: SocketAddr) {
        let service = service_fn(|request| {
            let answer = self.answer(&request, peer);
            async { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .keep_alive(false)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            () = self.env.sleep(SCRAPE_MAX) => {}
            served = connection => if let Err(error) = served {
                tracing::debug!(%error, "a scrape broke off");
            }
        }
    }

    fn answer(&self, request: &Request<Incoming>, peer: SocketAddr) -> Response<String> {
        if !self.endpoint.allow.iter().any(|network| network.holds(peer.ip())) {
            return response(StatusCode::FORBIDDEN, "this address may not scrape\n");
        }
        if request.uri().path() != self.endpoint.path {
            return response(StatusCode::NOT_FOUND, "there is nothing here\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        match (self.render)() {
            Ok(text) => response(StatusCode::OK, text),
            Err(_) => response(StatusCode::SERVICE_UNAVAILABLE, "the database is closed\n"),
        }
    }
}

fn response(status: StatusCode, body: impl Into<String>) -> Response<String> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}
