//! A bad network before an S3 server: an HTTP proxy that delays, cuts, loses, repeats and refuses, by a script or a seed.
//!
//! Requests go on as they came. The `Host` header is signed and stays that of the proxy, which servers accept: they
//! check a signature against the header that they got.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use s3db_core::store::MemoryStore;
//! use s3db_testkit::fault_proxy::{Fault, FaultProxy, Plan};
//! use s3db_testkit::s3_server::{S3Server, ServerOptions};
//!
//! let server = S3Server::start(Arc::new(MemoryStore::new()), ServerOptions::default()).await?;
//! let proxy = FaultProxy::start(&server.endpoint(), Plan::none()).await?;
//! // The next PUT of this document is done, and its client never hears of it.
//! proxy.next("PUT", "data/id=ann", Fault::LoseAnswer);
//! // ... point a client at `proxy.endpoint()` ...
//! proxy.stop().await;
//! server.stop().await;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

mod answer;
mod fault;
mod forward;
mod plan;
mod traffic;

pub use fault::{Counts, Fault};
pub use plan::{Odds, Plan};

use forward::Server;
use traffic::{Delivery, Traffic};

/// Connections that are served at once. More wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// Requests that wait to be delivered late or once more.
const DELIVERIES_MAX: usize = 1024;

/// Most headers of a request or an answer: 2 KB of metadata can be hundreds of entries.
const HEADERS_MAX: usize = 2048;

/// Longest head of a request or an answer, in bytes.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// A running proxy. It stops when this is dropped; [`FaultProxy::stop`] also waits for it.
pub struct FaultProxy {
    address: SocketAddr,
    traffic: Arc<Traffic>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy on a free port of the loopback interface, before the server at `endpoint`, such as
    /// `http://127.0.0.1:9000`.
    ///
    /// # Errors
    /// When `endpoint` is no plain `http` URL, or no port can be opened.
    pub async fn start(endpoint: &str, plan: Plan) -> std::io::Result<Self> {
        let server = Server::parse(endpoint)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (later, deliveries) = mpsc::channel(DELIVERIES_MAX);
        let traffic = Arc::new(Traffic::new(server, plan, later));
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(serve(listener, traffic.clone(), deliveries, stopped));
        Ok(Self { address, traffic, stop, task })
    }

    /// Where it listens, as a URL without a path.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request of this method whose path or query holds `part`, percent-decoded, goes wrong. Comes before the
    /// plan, and several for the same request are used up in the order in which they were given.
    pub fn next(&self, method: &str, part: &str, fault: Fault) {
        self.traffic.script(method, part, fault);
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.traffic.counts()
    }

    /// Waits until no request is on its way to the server, now or later.
    pub async fn settle(&self) {
        self.traffic.settle().await;
    }

    /// Closes the port and every connection, drops what was to be delivered later, and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(());
        // The task does not panic; a runtime that is going down may have cancelled it.
        let _ = (&mut self.task).await;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultProxy")
            .field("endpoint", &self.endpoint())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Accepts connections and late deliveries until told to stop. Dropping the future ends all of them.
async fn serve(
    listener: TcpListener,
    traffic: Arc<Traffic>,
    mut later: mpsc::Receiver<Delivery>,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    let mut deliveries = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            Some(_) = deliveries.join_next() => {}
            Some(delivery) = later.recv(), if deliveries.len() < DELIVERIES_MAX => {
                deliveries.spawn(traffic.clone().deliver(delivery));
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                let Ok((stream, _)) = accepted else { continue };
                // A refused option costs latency, nothing else.
                let _ = stream.set_nodelay(true);
                let traffic = traffic.clone();
                connections.spawn(async move {
                    let mut builder = hyper::server::conn::http1::Builder::new();
                    builder.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
                    let service = service_fn(|request| traffic.clone().answer(request));
                    // A connection that is cut ends in an error, as it was asked to.
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
    deliveries.shutdown().await;
}
