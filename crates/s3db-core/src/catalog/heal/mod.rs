//! Reading a catalogue that may be damaged.

mod nesting;
mod structure;
#[cfg(test)]
mod tests;
mod text;

use serde_json::Value;

use super::Catalog;
use crate::{Error, ErrorKind, Result};

/// Where entries are kept that cannot be used: `_s3db.aside.<resource>` at the top level of the catalogue. s3db.js
/// ignores the member, and drops it when it next writes; the backup keeps the entry in any case.
pub(super) const PRIVATE_MEMBER: &str = "_s3db";

/// Whether a repair may lose something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// A damaged text must give every definition back whole, else reading it is an error.
    #[default]
    Refuse,
    /// Take what can be read, down to nothing. For a caller who has seen the error and has a backup.
    Accept,
}

/// One repair.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mended {
    /// What was wrong and what was done.
    pub what: String,
    /// Where: a path such as `resources.users.currentVersion`, or `byte 120` of the text.
    pub at: String,
}

/// A catalogue as read, and what was mended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Healed {
    /// The sound catalogue.
    pub catalog: Catalog,
    /// Every repair, in the order of the text; empty when there was nothing to mend. When it is not empty, write the
    /// original bytes to [`catalog_backup`](crate::key::Keys::catalog_backup) before anything else.
    pub mended: Vec<Mended>,
}

/// Reads a catalogue, and mends what can be mended. `now` is an ISO time with milliseconds.
///
/// Text: a byte order mark, trailing or missing commas, names without quotes, single quotes, missing closing or opening
/// brackets, text after the end, several of them at once. Where brackets, quotes or colons were missing, what is left
/// must be whole: every definition must match its hash and every resource must have its registry. Else, and where the
/// text breaks off within a value, it is an error under [`Loss::Refuse`].
///
/// Structure: missing or mistyped members at the top and of a resource; a `currentVersion` that points nowhere moves to
/// the highest version that has attributes; null hooks go. A resource without any usable version is kept aside.
///
/// # Errors
/// `Corrupt`, with the place and what to try.
pub fn heal(bytes: &[u8], now: &str, loss: Loss) -> Result<Healed> {
    let mut mended = Vec::new();
    let read = text::read(bytes, loss, &mut mended).and_then(|read| match read.value {
        Value::Object(root) => Ok((root, read.has_gaps)),
        other => Err(corrupt("the catalogue is not a JSON object").with("found", kind_of(&other))),
    });
    let (mut root, has_gaps) = match read {
        Ok(read) => read,
        Err(_) if loss == Loss::Accept => {
            mended.push(Mended::new("nothing could be read: a blank catalogue takes its place", "byte 0"));
            return Ok(Healed { catalog: Catalog::blank(now), mended });
        }
        Err(error) => return Err(error),
    };
    if has_gaps && root.get("resources").is_some_and(Value::is_object) {
        nesting::restore(&mut root, &mut mended);
    }
    let catalog = structure::mend(root, now, loss, has_gaps, &mut mended)?;
    Ok(Healed { catalog, mended })
}

impl Mended {
    fn new(what: impl Into<String>, at: impl Into<String>) -> Self {
        Self { what: what.into(), at: at.into() }
    }
}

fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, message).with("object", "s3db.json").hint(
        "the object was left as it is; put back a good copy (an older object version, or a \
         s3db.json.corrupted.*.backup), or ask to heal it with loss accepted",
    )
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
