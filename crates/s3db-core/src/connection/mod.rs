//! Connection strings. Pure.
//!
//! | Form | Bucket | Prefix | Where |
//! |---|---|---|---|
//! | `s3://KEY:SECRET@bucket/prefix?region=eu-west-1` | the host | the path | AWS S3; without keys, the SDK's own credential chain |
//! | `http://KEY:SECRET@host:9000/bucket/prefix`, `https://…` | first part of the path | the rest | any S3 server, path style |
//! | `memory://bucket/prefix` | the host | the path, percent-decoded | this process |
//! | `file:///abs`, `file://./rel`, `file://../rel`, `file://C:/x`, `file://server/share` | `s3db` | none | a folder |
//!
//! A missing bucket is `s3db`. Key, secret, bucket and file path are percent-decoded, so that a secret with `/` in it
//! is written with `%2F`. The prefix of `s3` and `http(s)` is taken as written: a blank stays `%20`, as in s3db.js.
//!
//! | Parameter | Means |
//! |---|---|
//! | `region` | region to sign for |
//! | `forcePathStyle=true\|false` | whether the bucket goes into the path of the URL; the default is `false` for `s3`, `true` for `http(s)` |
//! | `sessionToken` | token of temporary credentials |
//! | `endpoint` | for `s3`: another server than AWS |
//! | anything else, such as `executorPool.concurrency=20` | kept in [`Connection::parameters`]; dots nest, `true`, `false` and numbers are converted |
//!
//! Where this is stricter than s3db.js, which accepts all of these and then does something else: unknown schemes, a
//! port after an `s3` bucket, a `#`, an access key without its secret, and malformed escapes are errors; `region`,
//! `forcePathStyle` and `executorPool.*` have an effect; the prefix is normalised, with the same keys as a result.

mod credentials;
mod file;
mod parameters;
mod resolve;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use url::Url;

pub use credentials::Credentials;

use crate::key::normalize_prefix;
use crate::{Error, ErrorKind, Result};

/// The bucket of a connection string that names none.
pub const DEFAULT_BUCKET: &str = "s3db";

/// Which kind of store a connection string names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// AWS S3.
    S3,
    /// An S3 server over plain HTTP.
    Http,
    /// An S3 server over TLS.
    Https,
    /// The memory of this process.
    Memory,
    /// A folder.
    File,
}

impl Scheme {
    /// As it stands in a connection string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Http => "http",
            Self::Https => "https",
            Self::Memory => "memory",
            Self::File => "file",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::S3, Self::Http, Self::Https, Self::Memory, Self::File];
        all.into_iter().find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A parsed connection string. `Display` and `Debug` show no key, secret or token.
///
/// ```
/// use s3db_core::connection::{Connection, Scheme};
///
/// let connection: Connection = "http://minio:s%2Fcret@localhost:9000/data/app/?region=eu-west-1".parse()?;
/// assert_eq!(connection.scheme, Scheme::Http);
/// assert_eq!((connection.bucket.as_str(), connection.prefix.as_str()), ("data", "app"));
/// assert_eq!(connection.endpoint.as_deref(), Some("http://localhost:9000"));
/// assert_eq!(connection.credentials.as_ref().unwrap().secret_access_key(), "s/cret");
/// assert_eq!(connection.to_string(), "http://***:***@localhost:9000/data/app?region=eu-west-1");
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Connection {
    /// The kind of store.
    pub scheme: Scheme,
    /// The bucket; for a folder, always [`DEFAULT_BUCKET`].
    pub bucket: String,
    /// Key prefix, [normalised](normalize_prefix).
    pub prefix: String,
    /// Origin of the S3 server; `None` is AWS, in the region.
    pub endpoint: Option<String>,
    /// Region to sign for, when the string gives one.
    pub region: Option<String>,
    /// Whether the bucket goes into the path of the URL.
    pub path_style: bool,
    /// Static credentials; `None` is the SDK's own chain.
    pub credentials: Option<Credentials>,
    /// The folder of `file`.
    pub path: Option<PathBuf>,
    /// Every parameter but `sessionToken`, nested at dots.
    pub parameters: Map<String, Value>,
}

impl Connection {
    /// Parses a connection string.
    ///
    /// # Errors
    /// `Config`, naming the part that is wrong. The string itself is never repeated: it may hold a secret.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(config("the connection string is empty").hint(FORMS));
        }
        let (name, rest) = text
            .split_once(':')
            .filter(|(name, _)| is_scheme(name))
            .ok_or_else(|| config("the connection string does not start with a scheme").hint(FORMS))?;
        let scheme = Scheme::parse(name).ok_or_else(|| unknown_scheme(name))?;
        match scheme {
            Scheme::File => file::parse(rest),
            _ => Self::parse_url(scheme, text),
        }
    }

    /// A database in the memory of this process.
    pub fn memory(bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), ..Self::new(Scheme::Memory) }
    }

    /// A database in a folder.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..Self::new(Scheme::File) }
    }

    /// A database on AWS S3, with the SDK's own credentials.
    pub fn s3(bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), ..Self::new(Scheme::S3) }
    }

    /// Finds the connection string of a command: the flag, then `S3DB_CONNECTION`, `S3DB_CONNECTION_STRING`,
    /// `S3_CONNECTION_STRING`, `DATABASE_URL` if its scheme is one of ours, then `AWS_ACCESS_KEY_ID` with
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_S3_BUCKET` or `S3_BUCKET` (and `AWS_SESSION_TOKEN`, `AWS_REGION` or
    /// `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`). Empty variables count as unset.
    ///
    /// # Errors
    /// `Config` when the first one found is wrong; the context `source` says which it was.
    pub fn resolve(flag: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        resolve::resolve(flag, &variable)
    }

    /// A parameter by its dotted name.
    pub fn parameter(&self, name: &str) -> Option<&Value> {
        parameters::get(&self.parameters, name)
    }

    /// A parameter that must be a whole number, by its dotted name.
    ///
    /// # Errors
    /// `Config` when it is something else.
    pub fn parameter_u64(&self, name: &str) -> Result<Option<u64>> {
        self.typed(name, "a whole number", Value::as_u64)
    }

    /// A parameter that must be `true` or `false`, by its dotted name.
    ///
    /// # Errors
    /// `Config` when it is something else.
    pub fn parameter_bool(&self, name: &str) -> Result<Option<bool>> {
        self.typed(name, "true or false", Value::as_bool)
    }

    fn typed<T>(&self, name: &str, wanted: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.parameter(name) else {
            return Ok(None);
        };
        let typed = read(value).ok_or_else(|| {
            config(format!("a parameter of the connection string is not {wanted}")).with("parameter", name)
        })?;
        Ok(Some(typed))
    }

    fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            bucket: DEFAULT_BUCKET.to_owned(),
            prefix: String::new(),
            endpoint: None,
            region: None,
            path_style: matches!(scheme, Scheme::Http | Scheme::Https),
            credentials: None,
            path: None,
            parameters: Map::new(),
        }
    }

    fn parse_url(scheme: Scheme, text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|reason| malformed(scheme, text, &reason))?;
        if url.cannot_be_a_base() {
            return Err(config(format!("`{scheme}:` is not followed by `//`")).hint(FORMS));
        }
        if url.fragment().is_some() {
            return Err(config("the connection string holds a `#`").hint("write `%23` for a `#`"));
        }
        let mut connection = Self::new(scheme);
        let token = connection.take_parameters(url.query())?;
        connection.credentials = credentials::parse(&url, scheme, token)?;
        match scheme {
            Scheme::Http | Scheme::Https => {
                let (bucket, prefix) = url
                    .path()
                    .trim_start_matches('/')
                    .split_once('/')
                    .unwrap_or_else(|| (url.path().trim_start_matches('/'), ""));
                connection.set_bucket(bucket)?;
                connection.prefix = normalize_prefix(prefix);
                connection.endpoint = Some(url.origin().ascii_serialization());
            }
            _ => {
                if url.port().is_some() {
                    let hint = "write http(s)://host:port/bucket for another server than AWS; in keys and secrets \
                                write `%3A` for `:`, `%2F` for `/`";
                    return Err(config(format!("`{scheme}://` takes no port")).hint(hint));
                }
                connection.set_bucket(url.host_str().unwrap_or_default())?;
                let path = url.path().strip_prefix('/').unwrap_or_default();
                connection.prefix = match scheme {
                    Scheme::Memory => {
                        normalize_prefix(&decode("prefix", path)?).trim_start_matches('/').to_owned()
                    }
                    _ => normalize_prefix(path),
                };
            }
        }
        Ok(connection)
    }

    fn set_bucket(&mut self, encoded: &str) -> Result<()> {
        let bucket = decode("bucket", encoded)?;
        if bucket.contains(['/', '\\']) {
            return Err(config("the bucket name holds a `/`").with("bucket", bucket));
        }
        if !bucket.is_empty() {
            self.bucket = bucket;
        }
        Ok(())
    }

    /// Keeps the parameters, and returns the session token.
    fn take_parameters(&mut self, query: Option<&str>) -> Result<Option<String>> {
        let (parameters, token) = parameters::parse(query.unwrap_or_default());
        self.parameters = parameters;
        self.region = self.text_parameter("region")?;
        if let Some(path_style) = self.parameter_bool("forcePathStyle")? {
            self.path_style = path_style;
        }
        if self.scheme == Scheme::S3 {
            self.endpoint = self.text_parameter("endpoint")?;
        }
        Ok(token)
    }

    fn text_parameter(&self, name: &str) -> Result<Option<String>> {
        let text = self.typed(name, "a text", |value| value.as_str().map(str::to_owned))?;
        Ok(text.filter(|text| !text.is_empty()))
    }
}

impl FromStr for Connection {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Scheme::File, Some(path)) = (self.scheme, &self.path) {
            write!(f, "file://{}", path.display())?;
            return parameters::write(f, &self.parameters);
        }
        write!(f, "{}://", self.scheme)?;
        if self.credentials.is_some() {
            f.write_str("***:***@")?;
        }
        match (&self.endpoint, self.scheme) {
            (Some(endpoint), Scheme::Http | Scheme::Https) => {
                let host = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, host)| host);
                write!(f, "{host}/{}", self.bucket)?;
            }
            _ => f.write_str(&self.bucket)?,
        }
        if !self.prefix.is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        parameters::write(f, &self.parameters)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({self})")
    }
}

const FORMS: &str = "use s3://KEY:SECRET@bucket/prefix, http(s)://KEY:SECRET@host:port/bucket/prefix, \
                     file:///folder, file://./folder or memory://bucket";

pub(crate) fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

fn unknown_scheme(name: &str) -> Error {
    let hint = match name {
        "sqlite" | "sqlite+libsql" | "sqlite+d1" | "reddb" => {
            "databases of s3db.js on SQLite or RedDB cannot be opened; copy them to a folder or a bucket with s3db.js"
        }
        _ => FORMS,
    };
    config("the scheme of the connection string is not one of s3, http, https, memory, file")
        .with("scheme", name)
        .hint(hint)
}

/// The parser's reason never repeats the text.
fn malformed(scheme: Scheme, text: &str, reason: &url::ParseError) -> Error {
    let after_authority =
        text.split("://").nth(1).and_then(|rest| rest.split_once('/')).map_or("", |(_, path)| path);
    let hint = if after_authority.contains('@') {
        "a key or secret with `/`, `@`, `:`, `#`, `?` or `%` in it must be percent-encoded: `/` is `%2F`, `+` may stay"
    } else {
        FORMS
    };
    config(format!("the {scheme} connection string cannot be read: {reason}")).hint(hint)
}

/// Decodes percent escapes, strictly.
fn decode(part: &'static str, encoded: &str) -> Result<String> {
    let bytes = encoded.as_bytes();
    let malformed = encoded
        .match_indices('%')
        .any(|(at, _)| !bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)));
    let decoded = percent_decode_str(encoded).decode_utf8().ok().filter(|_| !malformed);
    decoded.map(std::borrow::Cow::into_owned).ok_or_else(|| {
        config(format!("the {part} of the connection string holds a malformed percent escape"))
            .hint("an escape is `%` and two hex digits, such as `%2F`; a `%` itself is `%25`")
    })
}
