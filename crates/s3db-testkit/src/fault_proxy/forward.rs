//! Takes a request to the server.

use std::error::Error as StdError;
use std::io;

use bytes::Bytes;
use futures::future::join;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Body;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{HEAD_BYTES_MAX, HEADERS_MAX};

/// Longest body of a request or an answer, in bytes. A document's is far smaller.
const BODY_BYTES_MAX: usize = 64 << 20;

pub(super) type Failure = Box<dyn StdError + Send + Sync>;

/// A server that speaks HTTP without TLS.
#[derive(Debug)]
pub(super) struct Server {
    host: String,
    port: u16,
}

impl Server {
    pub(super) fn parse(endpoint: &str) -> io::Result<Self> {
        let wrong = || io::Error::new(io::ErrorKind::InvalidInput, "the endpoint is no http://host:port");
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) => {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                Ok(Self { host, port: uri.port_u16().unwrap_or(80) })
            }
            _ => Err(wrong()),
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// Each request has a connection of its own: an idle one that the server closes would be a fault that nobody
    /// planned. Dropping the future closes it.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_headers(HEADERS_MAX).max_buf_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let exchange = async move {
            let answer = sender.send_request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            Ok(Response::from_parts(head, whole(body).await?))
        };
        // The connection ends once the exchange has dropped its sender.
        join(exchange, connection).await.0
    }
}

/// Reads a body to its end.
pub(super) async fn whole<B>(body: B) -> Result<Bytes, Failure>
where
    B: Body,
    B::Error: Into<Failure>,
{
    Ok(Limited::new(body, BODY_BYTES_MAX).collect().await?.to_bytes())
}
