//! What happens before a request reaches the bucket: the clock, and what is allowed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{DATE, HeaderValue};
use hyper::{Method, Request};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use s3db_core::env::Env;
use s3s::service::S3Service;
use s3s::{Body, HttpError, HttpResponse, S3Error, S3ErrorCode};

use super::{Access, SKEW_MAX, ServerOptions};

#[derive(Clone)]
pub(super) struct Gate(Arc<Shared>);

struct Shared {
    service: S3Service,
    access: Access,
    clock_ahead_ms: i64,
    tells_time: bool,
    env: Arc<dyn Env>,
}

impl Gate {
    pub(super) fn new(service: S3Service, options: &ServerOptions) -> Self {
        Self(Arc::new(Shared {
            service,
            access: options.access,
            clock_ahead_ms: options.clock_ahead_ms,
            tells_time: options.tells_time,
            env: options.env.clone(),
        }))
    }

    async fn answer(self, request: Request<Incoming>) -> Result<HttpResponse, HttpError> {
        let now_ms = self.0.env.now_ms().saturating_add(self.0.clock_ahead_ms);
        let is_head = request.method() == Method::HEAD;
        let mut response = match self.refusal(&request, now_ms) {
            Some(error) => error.to_http_response().map_err(|error| HttpError::new(Box::new(error)))?,
            None => self.0.service.call(request.map(Body::from)).await?,
        };
        if is_head {
            // An answer to HEAD has no body, not even to say why.
            *response.body_mut() = Body::empty();
        }
        if self.0.tells_time
            && let Some(date) = http_date(now_ms)
        {
            response.headers_mut().insert(DATE, date);
        }
        Ok(response)
    }

    fn refusal(&self, request: &Request<Incoming>, now_ms: i64) -> Option<S3Error> {
        let signed_ms = request.headers().get("x-amz-date").and_then(|date| amz_date(date.to_str().ok()?));
        if signed_ms.is_some_and(|signed_ms| u128::from(signed_ms.abs_diff(now_ms)) > SKEW_MAX.as_millis()) {
            return Some(S3Error::with_message(
                S3ErrorCode::RequestTimeTooSkewed,
                "The difference between the request time and the current time is too large.",
            ));
        }
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match self.0.access {
            Access::Full => None,
            Access::ReadOnly if is_read => None,
            Access::ReadOnly | Access::Denied => {
                Some(S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied"))
            }
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Gate {
    type Response = HttpResponse;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(self.clone().answer(request))
    }
}

/// Milliseconds since 1970 of a `20261125T150000Z`.
fn amz_date(text: &str) -> Option<i64> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

fn http_date(now_ms: i64) -> Option<HeaderValue> {
    let time = Timestamp::from_millisecond(now_ms).ok()?;
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).ok()
}
