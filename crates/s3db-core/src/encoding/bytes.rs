//! Bytes, which documents give as base64 text.

use serde_json::Value;

use super::base64;

/// Standard base64 of bytes given as base64 text, as an array of bytes, or as the JSON form of a Node buffer.
pub(super) fn encode(value: &Value) -> Option<String> {
    let bytes = match value {
        Value::String(text) => base64::decode_strict(text)?,
        Value::Array(items) => of_items(items)?,
        Value::Object(members) if members.get("type").and_then(Value::as_str) == Some("Buffer") => {
            of_items(members.get("data")?.as_array()?)?
        }
        _ => return None,
    };
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    base64::push(&mut out, &bytes);
    Some(out)
}

fn of_items(items: &[Value]) -> Option<Vec<u8>> {
    items.iter().map(|item| item.as_u64().and_then(|n| u8::try_from(n).ok())).collect()
}
