//! The one error type of s3db: what to do next, what went wrong, where, and what to try.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Result with the error of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The document, resource, object or bucket does not exist.
    NotFound,
    /// A create found the id taken.
    AlreadyExists,
    /// Another writer won, or a precondition did not hold: read again and re-apply.
    Conflict,
    /// The document breaks its schema; [`Error::fields`] lists every failing field.
    Validation,
    /// A unique value is already held by another document.
    Unique,
    /// The document, key or value passes a limit of the format.
    TooLarge,
    /// The call would pass its request or dollar budget; nothing was sent.
    Budget,
    /// The store refused the credentials or the permission.
    Denied,
    /// The store asks to slow down; retried calls may succeed.
    Throttled,
    /// The store could not be reached or failed; retried calls may succeed.
    Unavailable,
    /// Stored bytes cannot be understood.
    Corrupt,
    /// The store or this build cannot do it.
    Unsupported,
    /// A connection string, option, schema or argument is wrong.
    Config,
    /// A secret cannot be sealed or opened, for example with a wrong passphrase.
    Crypto,
}

impl ErrorKind {
    /// Short lower-case name, stable, for logs and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::Validation => "validation",
            Self::Unique => "unique",
            Self::TooLarge => "too_large",
            Self::Budget => "budget",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Config => "config",
            Self::Crypto => "crypto",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failing field of a document.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldError {
    /// Dotted path with `[i]` for array items.
    pub field: String,
    /// Code of the rule that failed, such as `stringMin` or `required`.
    pub rule: String,
    /// Message for people; the schema's own when it gives one.
    pub message: String,
    /// What the rule wanted, when it has a value.
    pub expected: Option<serde_json::Value>,
    /// What the document held; absent for secrets and passwords.
    pub actual: Option<serde_json::Value>,
}

impl FieldError {
    /// A failing field without expected and actual values.
    pub fn new(field: impl Into<String>, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into(), message: message.into(), expected: None, actual: None }
    }

    /// Adds what the rule wanted.
    #[must_use]
    pub fn expected(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.expected = Some(value.into());
        self
    }

    /// Adds what the document held. Never pass a secret.
    #[must_use]
    pub fn actual(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.actual = Some(value.into());
        self
    }
}

/// An error of s3db: a [kind](ErrorKind) that tells what to do next, a message, context, and a hint.
///
/// ```
/// use s3db_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "document not found")
///     .with("resource", "users")
///     .with("id", "u1")
///     .hint("list the ids with `list_ids`");
/// assert_eq!(error.to_string(), "document not found resource=users id=u1");
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert!(!error.is_retryable());
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    hint: Option<String>,
    fields: Vec<FieldError>,
    retryable: bool,
    outcome_unknown: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a message in lower case that says what happened.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            context: Vec::new(),
            hint: None,
            fields: Vec::new(),
            retryable: matches!(kind, ErrorKind::Throttled | ErrorKind::Unavailable),
            outcome_unknown: kind == ErrorKind::Unavailable,
            source: None,
        }))
    }

    /// A schema violation with every failing field.
    pub fn validation(fields: Vec<FieldError>) -> Self {
        let mut error = Self::new(ErrorKind::Validation, "the document does not match its schema");
        error.0.fields = fields;
        error
    }

    /// Adds a `key=value` to the message. Never pass a secret.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        if !self.0.context.iter().any(|(k, _)| *k == key) {
            self.0.context.push((key, value.to_string()));
        }
        self
    }

    /// Says what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Overrides whether trying the same call again may help.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Overrides whether the call may have happened although it failed.
    #[must_use]
    pub fn outcome_unknown(mut self, unknown: bool) -> Self {
        self.0.outcome_unknown = unknown;
        self
    }

    /// Changes the kind, keeping all else.
    #[must_use]
    pub fn into_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without the context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to try, when there is something.
    pub fn suggestion(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Every failing field of a [`ErrorKind::Validation`] error.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// A value of the context, such as `resource`, `id` or `key`.
    pub fn context(&self, key: &str) -> Option<&str> {
        self.0.context.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str())
    }

    /// Whether trying the same call again may help.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether the call may have happened although it failed: its answer was lost, or a retry below this library was
    /// refused by what the first try had written. From the start true of `Unavailable` only.
    pub fn is_outcome_unknown(&self) -> bool {
        self.0.outcome_unknown
    }

    /// The error as a JSON object: `kind`, `message`, the context, `hint`, `fields`.
    pub fn to_json(&self) -> serde_json::Value {
        let mut out = serde_json::Map::new();
        out.insert("kind".into(), self.kind().as_str().into());
        out.insert("message".into(), self.message().into());
        for (key, value) in &self.0.context {
            out.insert((*key).into(), value.as_str().into());
        }
        if let Some(hint) = self.suggestion() {
            out.insert("hint".into(), hint.into());
        }
        if !self.fields().is_empty() {
            let fields = self.fields().iter().map(field_json).collect::<Vec<_>>();
            out.insert("fields".into(), fields.into());
        }
        out.into()
    }
}

fn field_json(field: &FieldError) -> serde_json::Value {
    let mut out = serde_json::Map::new();
    out.insert("field".into(), field.field.as_str().into());
    out.insert("rule".into(), field.rule.as_str().into());
    out.insert("message".into(), field.message.as_str().into());
    if let Some(expected) = &field.expected {
        out.insert("expected".into(), expected.clone());
    }
    if let Some(actual) = &field.actual {
        out.insert("actual".into(), actual.clone());
    }
    out.into()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (key, value) in &self.0.context {
            write!(f, " {key}={value}")?;
        }
        for (i, field) in self.0.fields.iter().enumerate() {
            write!(
                f,
                "{} {}: {} [{}]",
                if i == 0 { ":" } else { ";" },
                field.field,
                field.message,
                field.rule
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {self}", self.kind())?;
        if let Some(hint) = self.suggestion() {
            write!(f, "; hint: {hint}")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, "; caused by: {source}")?;
        }
        f.write_str(")")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
