//! Arrays of strings and numbers, joined with `|`.

use serde_json::Value;

use super::{js, json, number};

const SEPARATOR: char = '|';

/// Strings joined with `|`, with `\` before `|` and `\`. Where the joined text would read as something else, a JSON
/// array, which every reader takes too.
pub(super) fn encode_strings(items: &[Value]) -> String {
    let mut out = String::with_capacity(items.len() * 12);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(SEPARATOR);
        }
        match item {
            Value::String(text) => push_escaped(&mut out, text),
            other => js::push_text(&mut out, other),
        }
    }
    let ambiguous = match out.as_str() {
        "" => !items.is_empty(),
        "null" | "undefined" => true,
        text => text.starts_with(['{', '[']),
    };
    if ambiguous {
        out.clear();
        let texts = items.iter().map(|item| Value::String(js::to_text(item))).collect();
        js::push_json(&mut out, &Value::Array(texts));
    }
    out
}

/// Reads joined strings, or a JSON array of strings.
pub(super) fn decode_strings(text: &str) -> Value {
    // A JSON array of anything but strings is the joined text of strings that look like JSON.
    if text.starts_with('[')
        && let Some(Value::Array(items)) = json::parse(text)
        && items.iter().all(Value::is_string)
    {
        return Value::Array(items);
    }
    Value::Array(split(text))
}

/// Numbers joined with `|`; null items are left empty. `None` when an item is no number.
pub(super) fn encode_numbers(items: &[Value], integer: bool) -> Option<String> {
    let mut out = String::with_capacity(items.len() * 4);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(SEPARATOR);
        }
        if item.is_null() && items.len() > 1 {
            continue;
        }
        let n = number::of_value(item)?;
        if integer {
            number::push_as_integer(&mut out, &n);
        } else {
            number::push(&mut out, &n);
        }
    }
    Some(out)
}

/// Reads joined numbers, or a JSON array. Items that are no numbers become null.
pub(super) fn decode_numbers(text: &str, integer: bool) -> Value {
    if text.starts_with('[')
        && let Some(value @ Value::Array(_)) = json::parse(text)
    {
        return value;
    }
    if text.is_empty() {
        return Value::Array(Vec::new());
    }
    let item = |text: &str| {
        let value = match (text, integer) {
            ("", _) => None,
            (_, true) => number::decode_as_integer(text),
            (_, false) => number::decode(text),
        };
        value.unwrap_or(Value::Null)
    };
    Value::Array(text.split(SEPARATOR).map(item).collect())
}

/// Reads a JSON array, or joined strings, which older definitions of the attribute may have left.
pub(super) fn decode_any(text: &str) -> Value {
    match json::parse(text) {
        Some(value @ Value::Array(_)) => value,
        _ if text.trim_start_matches(js::is_blank).starts_with('[') => Value::String(text.to_owned()),
        _ => Value::Array(split(text)),
    }
}

fn push_escaped(out: &mut String, text: &str) {
    if !text.contains([SEPARATOR, '\\']) {
        return out.push_str(text);
    }
    for c in text.chars() {
        if c == SEPARATOR || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
}

fn split(text: &str) -> Vec<Value> {
    if text.is_empty() {
        return Vec::new();
    }
    if !text.contains('\\') {
        return text.split(SEPARATOR).map(Value::from).collect();
    }
    let mut items = Vec::new();
    let mut current = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            SEPARATOR => items.push(Value::String(std::mem::take(&mut current))),
            // A backslash at the very end stands for itself.
            '\\' => current.push(chars.next().unwrap_or('\\')),
            _ => current.push(c),
        }
    }
    items.push(Value::String(current));
    items
}
