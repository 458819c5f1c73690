//! How many bytes a document takes, counted as s3db.js counts them: before the text codec.

use serde_json::Value;

use super::js;

/// Bytes of user metadata that a document may take on S3.
pub const METADATA_BYTES_MAX: usize = 2047;

/// An ISO time, of which `createdAt` and `updatedAt` take one each.
const ISO_BYTES: usize = 24;

/// Bytes of a value: nothing for null, one for a boolean, arrays joined with `|`, objects as JSON.
///
/// ```
/// use s3db_core::encoding::size;
/// use serde_json::json;
///
/// assert_eq!(size::value_bytes(&json!(true)), 1);
/// assert_eq!(size::value_bytes(&json!("日")), 3);
/// ```
pub fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::String(text) => text.len(),
        _ => value_text(value).len(),
    }
}

/// The text whose bytes [`value_bytes`] counts.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "1" } else { "0" }.to_owned(),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => items.iter().map(js::to_text).collect::<Vec<_>>().join("|"),
        Value::Object(_) => js::to_json(value),
        Value::Number(_) | Value::String(_) => js::to_text(value),
    }
}

/// Bytes of names and values together.
pub fn total_bytes<'a>(entries: impl IntoIterator<Item = (&'a str, &'a Value)>) -> usize {
    entries.into_iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

/// Bytes that the system fields take: `_v`, both times with `timestamps`, and the id where the caller passes one.
pub fn overhead_bytes(version: &str, timestamps: bool, id: Option<&str>) -> usize {
    let times = if timestamps { "createdAt".len() + "updatedAt".len() + 2 * ISO_BYTES } else { 0 };
    let id = id.filter(|id| !id.is_empty()).map_or(0, |id| "id".len() + id.len());
    "_v".len() + version.len() + times + id
}

/// Bytes that are left for the document's own fields.
pub fn effective_limit(limit: usize, version: &str, timestamps: bool, id: Option<&str>) -> usize {
    limit.saturating_sub(overhead_bytes(version, timestamps, id))
}
