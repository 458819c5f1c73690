//! The value object of a sequence: `{"value": <next>, "name", "createdAt", "updatedAt"?, "resetAt"?}`, as s3db.js writes
//! it, with a stamp of ours that it carries along.

use serde_json::{Map, Value};

use crate::id::{NUMBER_MAX, NUMBER_MIN};
use crate::{Error, ErrorKind, Result};

/// Member that names the write which made the object.
const STAMP: &str = "_w";

/// A sequence as it stands on the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SequenceInfo {
    /// The field that it numbers.
    pub field: String,
    /// The number that is handed out next.
    pub next: i64,
    /// When it was made: an ISO time.
    pub created_at: Option<String>,
    /// When it last gave a number.
    pub updated_at: Option<String>,
    /// When it was last reset.
    pub reset_at: Option<String>,
}

/// The value object, with all its members.
#[derive(Debug, Clone)]
pub(super) struct SequenceValue {
    pub(super) next: i64,
    members: Map<String, Value>,
}

impl SequenceValue {
    /// A sequence that has given no number yet.
    pub(super) fn new(field: &str, start: i64, now: &str) -> Self {
        let mut members = Map::new();
        members.insert("value".into(), start.into());
        members.insert("name".into(), field.into());
        members.insert("createdAt".into(), now.into());
        Self { next: start, members }
    }

    /// Reads a body.
    ///
    /// Errors: `Corrupt`.
    pub(super) fn parse(key: &str, body: &[u8]) -> Result<Self> {
        let damaged = |what: &str| {
            Error::new(ErrorKind::Corrupt, "the value object of the sequence cannot be understood")
                .with("key", key)
                .with("problem", what)
                .hint("look at the ids that were given, then set the next number with reset_sequence")
        };
        let members: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| damaged("no JSON object").caused_by(error))?;
        let value = members.get("value").ok_or_else(|| damaged("no member `value`"))?;
        let next =
            whole(value).ok_or_else(|| damaged("`value` is no whole number that JavaScript can count"))?;
        Ok(Self { next, members })
    }

    /// Sets the next number after some were given.
    pub(super) fn advance(&mut self, next: i64, now: &str) {
        self.set(next);
        self.members.insert("updatedAt".into(), now.into());
    }

    /// Sets the next number by hand.
    pub(super) fn reset(&mut self, next: i64, now: &str) {
        self.advance(next, now);
        self.members.insert("resetAt".into(), now.into());
    }

    pub(super) fn set(&mut self, next: i64) {
        self.next = next;
        self.members.insert("value".into(), next.into());
    }

    /// The bytes to store, marked with the stamp of the write.
    pub(super) fn stamped(mut self, stamp: &str) -> Vec<u8> {
        self.members.insert(STAMP.into(), stamp.into());
        Value::Object(self.members).to_string().into_bytes()
    }

    pub(super) fn info(&self, field: &str) -> SequenceInfo {
        let text = |name: &str| self.members.get(name).and_then(Value::as_str).map(str::to_owned);
        SequenceInfo {
            field: field.to_owned(),
            next: self.next,
            created_at: text("createdAt"),
            updated_at: text("updatedAt"),
            reset_at: text("resetAt"),
        }
    }
}

/// Whether a body was written by the write of `stamp`, or after it by s3db.js, which carries the member along.
pub(super) fn carries(body: &[u8], stamp: &str) -> bool {
    let members: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    members.is_some_and(|members| members.get(STAMP).and_then(Value::as_str) == Some(stamp))
}

/// A whole number that JavaScript can count, also when it is written as `4.0`.
fn whole(value: &Value) -> Option<i64> {
    let number = value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
        (number.abs() <= NUMBER_MAX as f64).then_some(number as i64)
    })?;
    (NUMBER_MIN..=NUMBER_MAX).contains(&number).then_some(number)
}
