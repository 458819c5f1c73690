//! An S3 server in this process, over any store, with AWS's limits, codes and order of keys.
//!
//! It verifies signatures, so that a client under test must sign as for AWS. It can refuse writes or everything, and
//! its clock can differ from the machine's.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use s3db_core::store::MemoryStore;
//! use s3db_testkit::s3_server::{S3Server, ServerOptions};
//!
//! let server = S3Server::start(Arc::new(MemoryStore::new()), ServerOptions::default()).await?;
//! assert!(server.connection_string().starts_with("http://test:testsecret@127.0.0.1:"));
//! server.stop().await;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3db_core::env::{Env, SystemEnv};
use s3db_core::store::Store;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

mod bucket;
mod gate;
mod keys;
mod policy;
mod versions;

use bucket::Bucket;
use gate::Gate;
use keys::Keys;
use policy::Policy;

/// Most headers of a request: 2 KB of metadata can be hundreds of entries.
const HEADERS_MAX: usize = 2048;

/// Choices of a server.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The one bucket.
    pub bucket: String,
    /// Access key that is known.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// What is allowed.
    pub access: Access,
    /// An IAM policy, beyond which everything is denied. It may hold what `s3db_core::doctor::policy` makes.
    pub policy: Option<serde_json::Value>,
    /// How far the server's clock is ahead of `env`'s, in milliseconds. Requests more than 15 minutes off are refused.
    pub clock_ahead_ms: i64,
    /// Whether the `Date` of answers is that of the server's clock. A client that is told can correct itself.
    pub tells_time: bool,
    /// The clock of the machine.
    pub env: Arc<dyn Env>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            bucket: "bucket".into(),
            access_key_id: "test".into(),
            secret_access_key: "testsecret".into(),
            access: Access::Full,
            policy: None,
            clock_ahead_ms: 0,
            tells_time: true,
            env: Arc::new(SystemEnv),
        }
    }
}

impl fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerOptions")
            .field("bucket", &self.bucket)
            .field("access", &self.access)
            .field("policy", &self.policy)
            .field("clock_ahead_ms", &self.clock_ahead_ms)
            .field("tells_time", &self.tells_time)
            .finish_non_exhaustive()
    }
}

/// What a server allows to those who know its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    Full,
    /// Reading and listing.
    ReadOnly,
    /// Nothing.
    Denied,
}

/// A running server. It stops when this is dropped; [`S3Server::stop`] also waits for it.
pub struct S3Server {
    address: SocketAddr,
    options: ServerOptions,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl S3Server {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start(store: Arc<dyn Store>, options: ServerOptions) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let policy = Policy::of(options.policy.as_ref());
        let mut service = S3ServiceBuilder::new(Bucket::new(store, options.bucket.clone(), policy.clone()));
        service.set_auth(Keys::of(&options));
        service.set_access(policy);
        // The gate checks the clock, and its clock is not the machine's.
        let mut config = S3Config::default();
        config.presigned_url_max_skew_time_secs = u32::MAX;
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let gate = Gate::new(service.build(), &options);
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(serve(listener, gate, stopped));
        Ok(Self { address, options, stop, task })
    }

    /// Where it listens, as a URL without a path.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Name of its bucket.
    pub fn bucket(&self) -> &str {
        &self.options.bucket
    }

    /// A connection string with its credentials and bucket.
    pub fn connection_string(&self) -> String {
        let ServerOptions { access_key_id, secret_access_key, bucket, .. } = &self.options;
        format!("http://{access_key_id}:{secret_access_key}@{}/{bucket}", self.address)
    }

    /// Closes the port and every connection, and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.send_replace(());
        // The task does not panic; a runtime that is going down may have cancelled it.
        let _ = (&mut self.task).await;
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for S3Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Server")
            .field("endpoint", &self.endpoint())
            .field("bucket", &self.options.bucket)
            .finish_non_exhaustive()
    }
}

/// Accepts connections until told to stop. Dropping the future closes all of them.
async fn serve(listener: TcpListener, gate: Gate, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => break,
            _ = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        // A refused option costs latency, nothing else.
        let _ = stream.set_nodelay(true);
        let gate = gate.clone();
        connections.spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new()).http1_only();
            builder.http1().max_headers(HEADERS_MAX).max_buf_size(1 << 20);
            // A client that goes away in the middle of a request is none of the server's business.
            let _ = builder.serve_connection(TokioIo::new(stream), gate).await;
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// AWS allows this much between a request's time and its own.
const SKEW_MAX: Duration = Duration::from_secs(15 * 60);
