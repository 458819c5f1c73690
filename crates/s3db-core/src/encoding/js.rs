//! Values as JavaScript prints them: `String(value)`, `JSON.stringify(value)` and `Number(text)`.

use std::fmt::Write;

use serde_json::{Number, Value};

/// Text of a number as `String(n)` prints it: shortest digits, an exponent from 1e21 up and below 1e-6.
///
/// Integers above 2^53 are printed as the double that JavaScript would hold; [`push_exact`] keeps their digits.
///
/// ```
/// use s3db_core::encoding::js;
///
/// assert_eq!(js::number_text(&serde_json::json!(30.0).as_number().unwrap()), "30");
/// assert_eq!(js::number_text(&serde_json::json!(1e-7).as_number().unwrap()), "1e-7");
/// ```
pub fn number_text(n: &Number) -> String {
    let mut out = String::with_capacity(24);
    push_number(&mut out, n);
    out
}

/// Appends what [`number_text`] gives.
pub fn push_number(out: &mut String, n: &Number) {
    match n.as_i64() {
        Some(n) if n.unsigned_abs() <= 1 << 53 => push_integer(out, n),
        _ => push_f64(out, n.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Appends a number so that nothing is lost: integers with all their digits, -0 with its sign, others as JavaScript
/// prints them. JavaScript reads the nearest double.
pub fn push_exact(out: &mut String, n: &Number) {
    if let Some(n) = n.as_i64() {
        push_integer(out, n);
    } else if let Some(n) = n.as_u64() {
        push_integer(out, n);
    } else {
        let n = n.as_f64().unwrap_or(f64::NAN);
        if n == 0.0 && n.is_sign_negative() {
            out.push('-');
        }
        push_f64(out, n);
    }
}

/// Appends a double as `String(n)` prints it; -0 is `0`.
pub fn push_f64(out: &mut String, n: f64) {
    if n.fract() == 0.0 && n.abs() <= super::base62::EXACT {
        push_integer(out, n as i64);
    } else {
        out.push_str(ryu_js::Buffer::new().format(n));
    }
}

fn push_integer(out: &mut String, n: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(out, "{n}");
}

/// Text of a value as `String(value)` prints it: arrays joined with `,`, objects as `[object Object]`.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    push_text(&mut out, value);
    out
}

/// Appends what [`to_text`] gives.
pub fn push_text(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(n) => push_number(out, n),
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if !item.is_null() {
                    push_text(out, item);
                }
            }
        }
        Value::Object(_) => out.push_str("[object Object]"),
    }
}

/// A value as `JSON.stringify` prints it, but for integers above 2^53, which keep their digits, and -0, its sign.
///
/// ```
/// use s3db_core::encoding::js;
/// use serde_json::json;
///
/// assert_eq!(js::to_json(&json!({ "b": 1.0, "a": [1e21, "é\n"] })), r#"{"b":1,"a":[1e+21,"é\n"]}"#);
/// ```
pub fn to_json(value: &Value) -> String {
    let mut out = String::with_capacity(64);
    push_json(&mut out, value);
    out
}

/// Appends what [`to_json`] gives.
pub fn push_json(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(n) => push_exact(out, n),
        Value::String(text) => push_json_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_json(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (name, member)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_json_string(out, name);
                out.push(':');
                push_json(out, member);
            }
            out.push('}');
        }
    }
}

/// Appends a text as a JSON string, escaped as `JSON.stringify` escapes it.
pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // One pass without branches, which the compiler turns into vector instructions, does for most texts.
    if text.bytes().fold(true, |plain, byte| plain & (byte >= 0x20) & (byte != b'"') & (byte != b'\\')) {
        out.push_str(text);
        return out.push('"');
    }
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut chars = tail.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Reads a text as `Number(text)` does; NaN when it is not a number.
pub fn parse_number(text: &str) -> f64 {
    let text = text.trim_matches(is_blank);
    if text.is_empty() {
        return 0.0;
    }
    let radix = match text.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ => return parse_decimal(text),
    };
    // Digits beyond 128 bits are not worth an exact sum.
    match text.get(2..) {
        Some(digits) if !digits.starts_with(['+', '-']) => {
            u128::from_str_radix(digits, radix).map_or(f64::NAN, |n| n as f64)
        }
        _ => f64::NAN,
    }
}

fn parse_decimal(text: &str) -> f64 {
    // Rust reads every decimal literal of JavaScript, and words that JavaScript spells otherwise.
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned.bytes().next() {
        Some(b'0'..=b'9' | b'.') => text.parse().unwrap_or(f64::NAN),
        _ if unsigned == "Infinity" => text.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

/// The white space that JavaScript trims; unlike Rust's it holds the byte order mark, and no next-line.
pub(super) fn is_blank(c: char) -> bool {
    c == '\u{feff}' || (c != '\u{85}' && c.is_whitespace())
}
