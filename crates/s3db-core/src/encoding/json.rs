//! Values as JSON text.

use serde_json::Value;

use super::js;

/// Reads JSON; `None` when the text is none.
pub(super) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Reads a text as JSON when it starts like an object or an array.
pub(super) fn parse_container(text: &str) -> Option<Value> {
    if text.starts_with(['{', '[']) { parse(text) } else { None }
}

/// Whether a string stored without quotes could be read as another value by some reader.
pub(super) fn is_ambiguous(text: &str) -> bool {
    match text.trim_start_matches(js::is_blank).bytes().next() {
        // Our parser and that of JavaScript differ in depth and lone surrogates: do not ask it.
        Some(b'{' | b'[' | b'"') => true,
        Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        }
        _ => false,
    }
}
