//! What went wrong, in words that say what to try.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use super::attempts::is_retried;
use super::{Condition, limits};
use crate::env::{Env as _, SystemEnv};
use crate::{Error, ErrorKind};

/// Longest text of a server that is repeated, in characters.
const SERVER_TEXT_MAX: usize = 300;

/// What was being done when something went wrong.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) operation: &'static str,
    pub(super) bucket: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) key: Option<&'a str>,
}

/// What a 404 says is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Bucket,
    Key,
    /// The answer had no body that says so.
    Unknown,
}

/// What an answer is missing, when it is a 404.
pub(super) fn missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<Missing> {
    if status(error) != Some(404) {
        return None;
    }
    Some(match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("NoSuchBucket") => Missing::Bucket,
        Some("NoSuchKey" | "NoSuchVersion") => Missing::Key,
        _ => Missing::Unknown,
    })
}

/// HTTP status of the answer, when there was one.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

impl<'a> Call<'a> {
    /// The error of a call without a condition.
    pub(super) fn failed<E>(&self, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(_) | SdkError::ResponseError(_)
                if status(&error).is_some_and(|status| status >= 300) =>
            {
                self.answered(&Answer::of(&error))
            }
            SdkError::ServiceError(_) | SdkError::ResponseError(_) => self
                .error(ErrorKind::Unavailable, "the server's answer cannot be understood")
                .hint("check that the endpoint is the S3 port of the server, and not its console or a proxy")
                .caused_by(chain(&error)),
            SdkError::TimeoutError(_) => self
                .error(ErrorKind::Unavailable, "the server did not answer in time")
                .hint("check the endpoint and the network, or allow more time")
                .caused_by(chain(&error)),
            _ if has_source::<CredentialsError>(&error) => self
                .error(ErrorKind::Denied, "no usable credentials were found")
                .hint(
                    "put KEY:SECRET@ into the connection string, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
                     or AWS_PROFILE",
                )
                .caused_by(chain(&error)),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => self
                .error(ErrorKind::Unavailable, "the server did not answer in time")
                .hint("check the endpoint and the network, or allow more time")
                .caused_by(chain(&error)),
            SdkError::DispatchFailure(_) => self
                .error(ErrorKind::Unavailable, "the server cannot be reached")
                .hint("check that the endpoint is right and that the server is up")
                .caused_by(chain(&error)),
            _ => self.error(ErrorKind::Config, "the request cannot be built").caused_by(chain(&error)),
        }
    }

    /// The error of a listing.
    pub(super) fn failed_with_prefix<E>(&self, prefix: &str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        self.failed(error).with("prefix", prefix)
    }

    /// The error of a write that may have had a condition.
    pub(super) fn write_failed<E>(&self, condition: &Condition, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let key = self.key.unwrap_or_default();
        let is_retried = is_retried(error.raw_response());
        let is_lost_race = match (condition, status(&error)) {
            (Condition::None, _) => false,
            (_, Some(412)) => true,
            // AWS says 404, others 412, when there is nothing to match.
            (Condition::IfMatch(_), Some(404)) => missing(&error) != Some(Missing::Bucket),
            _ => false,
        };
        if is_lost_race {
            return limits::condition_failed(key, condition).outcome_unknown(is_retried);
        }
        let error = self.failed(error);
        let unknown = is_retried || error.is_outcome_unknown();
        error.outcome_unknown(unknown)
    }

    /// Refuses a condition that the server is said not to check.
    pub(super) fn check_condition(&self, condition: &Condition, is_supported: bool) -> Result<(), Error> {
        match condition {
            Condition::None => Ok(()),
            Condition::IfAbsent | Condition::IfMatch(_) if is_supported => Ok(()),
            Condition::IfAbsent | Condition::IfMatch(_) => Err(self.unsupported("check conditions")),
        }
    }

    /// The server cannot do it.
    pub(super) fn unsupported(&self, what: &str) -> Error {
        self.error(ErrorKind::Unsupported, format!("the server cannot {what} in a {}", self.operation))
    }

    /// One key of a multi-object delete was refused.
    pub(super) fn refused(&self, code: Option<&str>, message: Option<&str>) -> Error {
        let status = match code {
            Some("AccessDenied") => 403,
            Some("SlowDown") => 503,
            Some("InternalError") => 500,
            _ => 400,
        };
        self.answered(&Answer { status, code, message, ..Answer::default() })
    }

    pub(super) fn no_such_bucket(&self) -> Error {
        self.error(ErrorKind::NotFound, "the bucket does not exist")
            .hint("create the bucket, or check its name, the region and the endpoint")
    }

    pub(super) fn no_such_source(&self) -> Error {
        self.error(ErrorKind::NotFound, "the object to copy does not exist")
    }

    /// The connection broke while the body was read.
    pub(super) fn broken_body(&self, error: impl StdError + 'static) -> Error {
        self.error(ErrorKind::Unavailable, "the body of the answer ended early").caused_by(chain(&error))
    }

    /// The request could not be put together.
    pub(super) fn unbuildable(&self, error: impl StdError + 'static) -> Error {
        self.error(ErrorKind::Config, "the request cannot be built").caused_by(chain(&error))
    }

    /// The server broke the protocol.
    /// Metadata that the server holds and does not give.
    pub(super) fn metadata_missing(&self, entries: i32) -> Error {
        self.error(ErrorKind::Corrupt, "the server cannot give all metadata of the object")
            .with("missing_entries", entries)
            .hint("the object was written with names or values that no header can hold; write it again")
    }

    pub(super) fn senseless(&self, what: &str) -> Error {
        self.error(ErrorKind::Corrupt, format!("the server's answer makes no sense: {what}"))
            .hint("check that the endpoint is an S3 server")
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        let error = Error::new(kind, message).with("operation", self.operation).with("bucket", self.bucket);
        let error = match self.key {
            Some(key) => error.with("key", key),
            None => error,
        };
        error.with("endpoint", self.endpoint)
    }

    /// The error of an answer that says no.
    fn answered(&self, answer: &Answer<'_>) -> Error {
        let (kind, message, hint) = explain(answer);
        let mut error = self.error(kind, message).with("status", answer.status);
        if let Some(code) = answer.code {
            error = error.with("code", code);
        }
        if let Some(region) = answer.region {
            error = error.with("bucket_region", region);
        }
        if let (Some("RequestTimeTooSkewed"), Some(server_ms)) = (answer.code, answer.date_ms) {
            error = error.with("clock_ahead_seconds", (SystemEnv.now_ms() - server_ms) / 1000);
        }
        if let Some(id) = answer.request_id {
            error = error.with("request_id", id);
        }
        if let Some(hint) = hint {
            error = error.hint(hint);
        }
        if kind == ErrorKind::Conflict {
            error = error.retryable(true);
        }
        match answer.message {
            Some(text) if !text.is_empty() => error.caused_by(shortened(text)),
            _ => error,
        }
    }
}

/// The parts of an answer that explain it.
#[derive(Debug, Default)]
struct Answer<'a> {
    status: u16,
    code: Option<&'a str>,
    message: Option<&'a str>,
    request_id: Option<&'a str>,
    region: Option<&'a str>,
    date_ms: Option<i64>,
}

impl<'a> Answer<'a> {
    fn of<E: ProvideErrorMetadata>(error: &'a SdkError<E, HttpResponse>) -> Self {
        let service = error.as_service_error();
        let response = error.raw_response();
        let header = |name: &str| response.and_then(|response| response.headers().get(name));
        let date = header("date").and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok());
        Self {
            status: response.map(|response| response.status().as_u16()).unwrap_or_default(),
            code: service.and_then(ProvideErrorMetadata::code),
            message: service.and_then(ProvideErrorMetadata::message),
            request_id: response.and_then(|response| response.headers().request_id()),
            region: header("x-amz-bucket-region"),
            date_ms: date.and_then(|date| date.to_millis().ok()),
        }
    }
}

/// Kind, message and hint. The codes: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
fn explain(answer: &Answer<'_>) -> (ErrorKind, &'static str, Option<&'static str>) {
    use ErrorKind::{Config, Conflict, Denied, NotFound, Throttled, TooLarge, Unavailable, Unsupported};
    let by_code = match answer.code.unwrap_or_default() {
        "NoSuchBucket" => Some((
            NotFound,
            "the bucket does not exist",
            Some("create the bucket, or check its name, the region and the endpoint"),
        )),
        "InvalidAccessKeyId" => Some((
            Denied,
            "the server does not know the access key",
            Some("check the access key and the endpoint"),
        )),
        "SignatureDoesNotMatch" => Some((
            Denied,
            "the secret does not fit the access key",
            Some(
                "check the secret; in a connection string its `/`, `+`, `@`, `:` and `%` must be percent-encoded. If \
                 it is right, check the region and the clock",
            ),
        )),
        "RequestTimeTooSkewed" => Some((
            Denied,
            "the clock of this machine is too far from the server's",
            Some("set the clock, best by NTP; S3 allows 15 minutes"),
        )),
        "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" | "ExpiredTokenException" => {
            Some((Denied, "the session token is no longer good", Some("get new temporary credentials")))
        }
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "TooManyRequests"
        | "TooManyRequestsException" => {
            Some((Throttled, "the server asks to slow down", Some("send fewer requests at once")))
        }
        "MetadataTooLarge" | "MaxMessageLengthExceeded" => Some((
            TooLarge,
            "the metadata of an object is too large",
            Some("use a behavior that moves fields to the body, such as body-overflow"),
        )),
        "KeyTooLongError" | "KeyTooLong" => Some((
            TooLarge,
            "the key of an object is too long",
            Some("shorten the key prefix, the resource name, the partition values or the id"),
        )),
        "EntityTooLarge" => Some((TooLarge, "the body of an object is too large", None)),
        "RequestTimeout" | "RequestTimeoutException" => {
            Some((Unavailable, "the server waited too long for the request", Some("check the network")))
        }
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => Some((
            Config,
            "the bucket is in another region",
            Some("name the bucket's region, such as `?region=eu-west-1` in the connection string"),
        )),
        "InvalidBucketName" => Some((
            Config,
            "the name of the bucket cannot be one",
            Some("3 to 63 lower-case letters, digits, `-` and `.`"),
        )),
        "NotImplemented" => Some((Unsupported, "the server cannot do this", None)),
        _ => None,
    };
    by_code.unwrap_or_else(|| match answer.status {
        401 | 403 => (
            Denied,
            "the server refuses access",
            Some(
                "the credentials need s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket's objects and \
                 s3:ListBucket on the bucket; without the last, an absent object looks denied",
            ),
        ),
        404 => (NotFound, "the server knows no such thing", Some("check the bucket, the region and the endpoint")),
        301 | 307 | 308 => (
            Config,
            "the bucket is somewhere else",
            Some("name the bucket's region, such as `?region=eu-west-1` in the connection string"),
        ),
        // Two writers of one key at the same moment: AWS refuses one without looking at its condition.
        409 => (Conflict, "another write to the object is under way", Some("try again")),
        412 => (Conflict, "a condition does not hold", None),
        413 => (TooLarge, "the request is too large", None),
        429 => (Throttled, "the server asks to slow down", Some("send fewer requests at once")),
        503 if answer.code.is_none() => {
            (Throttled, "the server asks to slow down", Some("send fewer requests at once"))
        }
        405 | 501 => (Unsupported, "the server cannot do this", None),
        408 | 500..=599 => (Unavailable, "the server failed", Some("try again; look at the server's log")),
        400 if answer.code.is_none() => (
            Config,
            "the server refuses the request",
            Some("check the region and the credentials: to a HEAD, S3 gives no reason"),
        ),
        _ => (Config, "the server refuses the request", None),
    })
}

/// An error and its causes as one text. Types of the SDK stay out: their `Debug` shows requests.
#[derive(Debug)]
struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Cause {}

fn chain(error: &(dyn StdError + 'static)) -> Cause {
    let mut out = String::new();
    for cause in causes(error) {
        let text = cause.to_string();
        // Wrappers often repeat what they wrap.
        if !out.ends_with(&text) {
            if !out.is_empty() {
                out.push_str(": ");
            }
            out.push_str(&text);
        }
    }
    shortened(&out)
}

fn shortened(text: &str) -> Cause {
    Cause(text.chars().take(SERVER_TEXT_MAX).collect())
}

fn has_source<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<T>())
}

fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source())
}
