//! The HTTP client under the SDK.
//!
//! The SDK's own one takes at most 100 headers in an answer, and an object may have hundreds of metadata entries.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind as RetryKind;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector as TcpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::{Error, ErrorKind, Result};

/// Most headers of an answer. 2,048 bytes of metadata hold at most some 700 entries with a value.
const HEADERS_MAX: usize = 1024;

/// How long a connection may wait for its next request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A client that speaks TLS, with the root certificates of the system, and plain HTTP.
///
/// # Errors
/// `Config` when the system has no root certificates.
pub(super) fn encrypted(connect_timeout: Duration) -> Result<SharedHttpClient> {
    let no_roots = |reason| {
        Error::new(ErrorKind::Config, "the root certificates of the system cannot be read")
            .hint("install the ca-certificates package, or name a file with SSL_CERT_FILE")
            .caused_by(reason)
    };
    let mut tcp = tcp(connect_timeout);
    tcp.enforce_http(false);
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(no_roots)?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(client(tls))
}

/// A client without TLS, which needs no root certificates.
pub(super) fn plain(connect_timeout: Duration) -> SharedHttpClient {
    client(tcp(connect_timeout))
}

fn tcp(connect_timeout: Duration) -> TcpConnector {
    let mut tcp = TcpConnector::new();
    tcp.set_connect_timeout(Some(connect_timeout));
    tcp.set_nodelay(true);
    tcp
}

fn client<C: Connect + Clone + Send + Sync + 'static>(connector: C) -> SharedHttpClient {
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http1_max_headers(HEADERS_MAX)
        .build(connector);
    SharedHttpClient::new(Shared(SharedHttpConnector::new(Hyper(client))))
}

/// Hands out the same connections to every request.
#[derive(Debug)]
struct Shared(SharedHttpConnector);

impl HttpClient for Shared {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

struct Hyper<C>(Client<C, SdkBody>);

impl<C> fmt::Debug for Hyper<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hyper")
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> HttpConnector for Hyper<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = answer.await.map_err(failed)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Tells the SDK what kind of failure it was, from which it knows whether to try again.
fn failed(error: hyper_util::client::legacy::Error) -> ConnectorError {
    if error.is_connect() || source::<std::io::Error>(&error).is_some() {
        return ConnectorError::io(error.into());
    }
    let Some(cause) = source::<hyper::Error>(&error) else {
        return ConnectorError::other(error.into(), None);
    };
    if cause.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if cause.is_user() {
        ConnectorError::user(error.into())
    } else if cause.is_closed() || cause.is_canceled() {
        ConnectorError::io(error.into())
    } else if cause.is_incomplete_message() {
        // The server has closed the connection without an answer.
        ConnectorError::other(error.into(), Some(RetryKind::TransientError))
    } else {
        ConnectorError::other(error.into(), None)
    }
}

fn source<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source())
        .find_map(|error| error.downcast_ref())
}
