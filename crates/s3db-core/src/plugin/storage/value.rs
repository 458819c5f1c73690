//! One value as an object, and back. Pure.
//!
//! s3db.js writes all fields as texts into the metadata and guesses their types when it reads: `"007"` becomes 7, and a
//! null makes the read fail. So only what survives the guess goes into the metadata here; the rest goes into the JSON
//! body, which keeps types and the case of names.

use serde_json::{Number, Value};

use crate::encoding::{js, text};
use crate::plan::STAMP;
use crate::store::{Metadata, Object, PutObject};
use crate::{Document, Error, ErrorKind, Result};

/// When a value expires: the name in bodies, and what S3 makes of it in metadata.
const EXPIRES_AT: &str = "_expiresAt";
const EXPIRES_AT_LOWER: &str = "_expiresat";

/// Bytes that s3db.js leaves free in the metadata of plugin storage.
const SPARED_BYTES: usize = 3;

/// Deepest nesting of a value. Readers of JSON stop at 128.
const DEPTH_MAX: usize = 100;

/// Where a value is put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum WriteMode {
    /// Fields go into the metadata, the smallest first, and what does not fit there into the body.
    #[default]
    BodyOverflow,
    /// All of it goes into the body.
    BodyOnly,
    /// As `BodyOverflow`, but a value larger than the metadata is refused.
    EnforceLimits,
}

/// A value as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    pub(super) value: Document,
    pub(super) expires_at_ms: Option<i64>,
    /// Whether its ETag tells it from every other value.
    pub(super) is_checked: bool,
    /// The mode that would leave it where it is.
    pub(super) mode: WriteMode,
}

/// A JSON object that can be stored.
pub(super) fn document(value: Value) -> Result<Document> {
    let Value::Object(document) = value else {
        return Err(Error::new(ErrorKind::Validation, "a stored value is a JSON object")
            .hint("for example {\"value\": 3}"));
    };
    check(&document)?;
    Ok(document)
}

/// Errors: `Validation`.
pub(super) fn check(document: &Document) -> Result<()> {
    for name in [STAMP, EXPIRES_AT, EXPIRES_AT_LOWER] {
        if document.contains_key(name) {
            return Err(Error::new(ErrorKind::Validation, "the member is reserved in stored values")
                .with("field", name)
                .hint("give a time to live with the options of the write"));
        }
    }
    let deep = document.iter().find(|(_, value)| !is_within(value, DEPTH_MAX));
    match deep {
        None => Ok(()),
        Some((name, _)) => Err(Error::new(ErrorKind::Validation, "the value nests too deep")
            .with("field", name)
            .with("limit", DEPTH_MAX)),
    }
}

/// Places a value. `limit` is the bytes of metadata that there are.
///
/// Errors: `TooLarge` in [`WriteMode::EnforceLimits`].
pub(super) fn place(
    document: &Document,
    mode: WriteMode,
    expires_at_ms: Option<i64>,
    stamp: &str,
    limit: usize,
) -> Result<PutObject> {
    let limit = limit.saturating_sub(SPARED_BYTES);
    let mut metadata = Metadata::new();
    let mut body = Document::new();
    body.insert(STAMP.to_owned(), stamp.into());
    match expires_at_ms {
        Some(at) if mode == WriteMode::BodyOnly => drop(body.insert(EXPIRES_AT.to_owned(), at.into())),
        Some(at) => metadata.insert(EXPIRES_AT_LOWER, at.to_string()),
        None => {}
    }
    let mut used = metadata.size_bytes();
    let mut small = Vec::new();
    for (name, value) in document {
        match as_metadata(name, value) {
            Some(text) if mode != WriteMode::BodyOnly => small.push((name, value, text)),
            _ => {
                if mode == WriteMode::EnforceLimits {
                    used += name.len() + js::to_json(value).len();
                }
                body.insert(name.clone(), value.clone());
            }
        }
    }
    small.sort_by_key(|(name, _, text)| name.len() + text.len());
    for (name, value, text) in small {
        let size = name.len() + text.len();
        if used + size <= limit {
            metadata.push_new(name, &text);
        } else {
            body.insert(name.clone(), value.clone());
        }
        used += size;
    }
    if mode == WriteMode::EnforceLimits && used > limit {
        return Err(Error::new(ErrorKind::TooLarge, "the value is larger than metadata can be")
            .with("bytes", used)
            .with("limit", limit)
            .hint("use WriteMode::BodyOverflow or WriteMode::BodyOnly"));
    }
    // serde_json's own text keeps the difference between 30 and 30.0, and s3db.js reads both.
    let body = Value::Object(body).to_string().into();
    Ok(PutObject { metadata: metadata.into(), body, content_type: Some("application/json".into()) })
}

/// An object that reads as absent, for stores that cannot delete under a condition.
pub(super) fn tombstone(stamp: &str) -> PutObject {
    let mut body = Document::new();
    body.insert(STAMP.to_owned(), stamp.into());
    body.insert(EXPIRES_AT.to_owned(), 1.into());
    let body = Value::Object(body).to_string().into();
    PutObject { body, content_type: Some("application/json".into()), ..PutObject::default() }
}

/// Reads what this crate or s3db.js wrote.
///
/// Errors: `Corrupt` when the body is not a JSON object.
pub(super) fn read(object: &Object) -> Result<Stored> {
    let mut value = Document::new();
    for (name, stored) in object.head.metadata.iter() {
        match text::decode(stored) {
            text::Decoded::Null => drop(value.insert(name.to_owned(), Value::Null)),
            text::Decoded::Absent => {}
            text::Decoded::Text(text) => drop(value.insert(name.to_owned(), retype(&text))),
        }
    }
    let is_checked = !object.body.is_empty();
    if !object.body.trim_ascii().is_empty() {
        let body: Document = serde_json::from_slice(&object.body).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the body of a stored value is no JSON object").caused_by(error)
        })?;
        value.extend(body);
    }
    let expiries = [value.remove(EXPIRES_AT_LOWER), value.remove(EXPIRES_AT)];
    let expires_at_ms = expiries.into_iter().flatten().find_map(|at| at.as_f64()).map(|at| at as i64);
    value.remove(STAMP);
    let has_fields = object.head.metadata.iter().any(|(name, _)| !name.starts_with('_'));
    let mode = if has_fields || value.is_empty() { WriteMode::BodyOverflow } else { WriteMode::BodyOnly };
    Ok(Stored { value, expires_at_ms: expires_at_ms.filter(|at| *at != 0), is_checked, mode })
}

/// The metadata text of a field; `None` when s3db.js would not read it back as it is.
fn as_metadata(name: &str, value: &Value) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.starts_with('_') || !name.bytes().all(plain) {
        return None;
    }
    let text = match value {
        Value::Null => return None,
        Value::String(text) if text.is_empty() || is_guessed(text) => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(text::encode_exact(&text).into_owned())
}

/// Whether s3db.js, or this module, may take a text for something else.
fn is_guessed(text: &str) -> bool {
    matches!(text, "true" | "false") || is_bracketed(text) || !js::parse_number(text).is_nan()
}

fn is_bracketed(text: &str) -> bool {
    (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'))
}

/// A metadata text as s3db.js takes it, but for integers above 2^53, which keep their digits.
fn retype(text: &str) -> Value {
    if is_bracketed(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return value;
    }
    match text {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    let number = js::parse_number(text);
    if number.is_nan() || text.trim().is_empty() {
        return text.into();
    }
    if let Ok(exact) = serde_json::from_str::<Number>(text) {
        return exact.into();
    }
    if number.fract() == 0.0 && number.abs() <= 9e15 {
        return (number as i64).into();
    }
    Number::from_f64(number).map_or_else(|| text.into(), Value::Number)
}

fn is_within(value: &Value, depth: usize) -> bool {
    let Some(below) = depth.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Array(items) => items.iter().all(|item| is_within(item, below)),
        Value::Object(members) => members.values().all(|member| is_within(member, below)),
        _ => true,
    }
}
