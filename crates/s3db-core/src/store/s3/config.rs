//! Where a bucket is and how to talk to its server.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::connection::{Connection, Credentials, Scheme};
use crate::store::Capability;
use crate::{Error, ErrorKind, Result};

/// What [`S3Store::connect`](super::S3Store::connect) needs to know. `Debug` shows no key, secret or token.
///
/// ```
/// use s3db_core::connection::Credentials;
/// use s3db_core::store::S3Config;
///
/// // AWS, with the credentials of the environment.
/// let aws = S3Config::new("my-bucket");
/// // Another server.
/// let local = S3Config::new("my-bucket")
///     .endpoint("http://127.0.0.1:9000")
///     .credentials(Credentials::new("minio", "secret"));
/// assert!(!aws.path_style && local.path_style);
/// assert!(!format!("{local:?}").contains("secret"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct S3Config {
    /// Name of the bucket.
    pub bucket: String,
    /// Region to sign for. `None` asks the environment, then the shared config file; then it is `us-east-1`.
    pub region: Option<String>,
    /// Origin of the server, such as `http://127.0.0.1:9000`. `None` is AWS in the region, unless the environment
    /// names an endpoint.
    pub endpoint: Option<String>,
    /// Whether the bucket goes into the path of the URL and not into the host name.
    pub path_style: bool,
    /// Static credentials. `None` is the chain of the SDK: environment, shared files, container, instance. Requests
    /// are never sent unsigned: where the chain finds nothing they fail.
    pub credentials: Option<Credentials>,
    /// What the server can do. `None` is what AWS can do; but of a server at another endpoint it is not expected that it
    /// keeps metadata entries with an empty value.
    pub capability: Option<Capability>,
    /// Longest time to open a connection.
    pub connect_timeout: Duration,
    /// Longest time from the start of one attempt to the head of its answer.
    pub attempt_timeout: Duration,
    /// Attempts of one request, the first one included; at least one.
    pub attempts_max: u32,
    /// Longest pause between two attempts; the first pauses are shorter, and each is shortened at random.
    pub backoff_max: Duration,
}

impl S3Config {
    /// A bucket on AWS, with the credentials of the environment.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: None,
            endpoint: None,
            path_style: false,
            credentials: None,
            capability: None,
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(60),
            attempts_max: 4,
            backoff_max: Duration::from_secs(20),
        }
    }

    /// The bucket that a connection string names. Its prefix is the database's business.
    ///
    /// Parameters beside `region`, `endpoint`, `forcePathStyle` and `sessionToken`: `connectTimeoutMs`, `timeoutMs`
    /// (of one attempt), `retries` (attempts after the first one).
    ///
    /// # Errors
    /// `Config` for a connection to anything but S3, and for a parameter with a wrong value.
    pub fn from_connection(connection: &Connection) -> Result<Self> {
        if !matches!(connection.scheme, Scheme::S3 | Scheme::Http | Scheme::Https) {
            return Err(Error::new(ErrorKind::Config, "the connection string does not name an S3 bucket")
                .with("scheme", connection.scheme));
        }
        let mut config = Self {
            region: connection.region.clone(),
            endpoint: connection.endpoint.clone(),
            path_style: connection.path_style,
            credentials: connection.credentials.clone(),
            ..Self::new(&connection.bucket)
        };
        if let Some(ms) = connection.parameter_u64("connectTimeoutMs")? {
            config.connect_timeout = Duration::from_millis(ms);
        }
        if let Some(ms) = connection.parameter_u64("timeoutMs")? {
            config.attempt_timeout = Duration::from_millis(ms);
        }
        if let Some(retries) = connection.parameter_u64("retries")? {
            config.attempts_max = u32::try_from(retries).unwrap_or(u32::MAX).saturating_add(1);
        }
        Ok(config)
    }

    /// Sets the region to sign for.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the server, and path style with it, which most servers beside AWS want.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self.path_style = true;
        self
    }

    /// Sets static credentials.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Says what the server can do.
    #[must_use]
    pub fn capability(mut self, capability: Capability) -> Self {
        self.capability = Some(capability);
        self
    }

    /// Sets the attempts of one request, the first one included.
    #[must_use]
    pub fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = attempts;
        self
    }

    /// Refuses what can be seen to be wrong before a request is sent.
    pub(super) fn check(&self) -> Result<()> {
        let bucket = self.bucket.as_str();
        if bucket.is_empty() || bucket.contains(['/', '\\', '?', '#']) || bucket.contains(char::is_whitespace)
        {
            return Err(Error::new(ErrorKind::Config, "the name of the bucket cannot be one")
                .with("bucket", format_args!("{bucket:?}"))
                .hint("3 to 63 lower-case letters, digits, `-` and `.`"));
        }
        if let Some(endpoint) = &self.endpoint {
            check_endpoint(endpoint)?;
        }
        Ok(())
    }
}

/// Never repeats the endpoint: it may hold a secret where it is wrong.
fn check_endpoint(endpoint: &str) -> Result<()> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Config, format!("the endpoint {what}"))
            .hint("an endpoint is http(s)://host:port, such as http://127.0.0.1:9000")
    };
    let url = Url::parse(endpoint).map_err(|reason| wrong(&format!("is not a URL: {reason}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("holds credentials, which belong elsewhere"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("holds a query or a fragment"));
    }
    Ok(())
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint.as_deref().map(without_user_info))
            .field("path_style", &self.path_style)
            .field("credentials", &self.credentials.as_ref().map(|_| "***"))
            .field("capability", &self.capability)
            .field("connect_timeout", &self.connect_timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("attempts_max", &self.attempts_max)
            .field("backoff_max", &self.backoff_max)
            .finish()
    }
}

fn without_user_info(endpoint: &str) -> &str {
    endpoint.rsplit_once('@').map_or(endpoint, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_says_where_the_bucket_is() {
        let check = |text: &str, expected: (&str, Option<&str>, Option<&str>, bool, bool)| {
            let config = S3Config::from_connection(&text.parse().unwrap()).unwrap();
            let found = (
                config.bucket.as_str(),
                config.endpoint.as_deref(),
                config.region.as_deref(),
                config.path_style,
                config.credentials.is_some(),
            );
            assert_eq!(found, expected, "{text}");
        };
        check("s3://bucket/app", ("bucket", None, None, false, false));
        check("s3://k:s@bucket?region=eu-west-1", ("bucket", None, Some("eu-west-1"), false, true));
        check(
            "s3://k:s@bucket?endpoint=http://127.0.0.1:9000&forcePathStyle=true",
            ("bucket", Some("http://127.0.0.1:9000"), None, true, true),
        );
        check(
            "http://k:s@localhost:9000/data/app",
            ("data", Some("http://localhost:9000"), None, true, true),
        );
        check(
            "https://k:s@r2.example.com/data?forcePathStyle=false&region=auto",
            ("data", Some("https://r2.example.com"), Some("auto"), false, true),
        );
    }

    #[test]
    fn a_connection_string_sets_timeouts_and_retries() {
        let text = "s3://bucket?connectTimeoutMs=250&timeoutMs=1500&retries=0";
        let config = S3Config::from_connection(&text.parse().unwrap()).unwrap();
        assert_eq!(config.connect_timeout, Duration::from_millis(250));
        assert_eq!(config.attempt_timeout, Duration::from_millis(1500));
        assert_eq!(config.attempts_max, 1);
    }

    #[test]
    fn what_cannot_work_is_refused_before_a_request_and_without_repeating_secrets() {
        for config in [
            S3Config::new(""),
            S3Config::new("a/b"),
            S3Config::new("b").endpoint("127.0.0.1:9000"),
            S3Config::new("b").endpoint("ftp://host"),
            S3Config::new("b").endpoint("http://key:hunter2@host"),
            S3Config::new("b").endpoint("http://host?token=hunter2"),
        ] {
            let error = config.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
            assert!(error.suggestion().is_some(), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let config = S3Config::new("b").endpoint("http://key:hunter2@host");
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        let memory = S3Config::from_connection(&Connection::memory("b"));
        assert_eq!(memory.unwrap_err().kind(), ErrorKind::Config);
    }
}
