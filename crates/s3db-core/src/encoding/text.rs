//! The text codec: any text as a metadata value that survives HTTP headers, and back.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::dictionary::{self, Code, FONT_WOFF2};
use super::{base64, compress};

/// What a metadata value means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// The value is null.
    Null,
    /// The value is absent.
    Absent,
    /// The value is this text.
    Text(Cow<'a, str>),
}

/// What a null is written as.
pub const NULL: &str = "null";

/// What an absent value is written as, where it is written at all.
pub const ABSENT: &str = "undefined";

/// What the empty text is written as where a store drops entries without a value: base64 of nothing. Every reader since
/// s3db.js 12 takes it for the empty text.
///
/// ```
/// use s3db_core::encoding::text::{Decoded, EMPTY, decode};
///
/// assert_eq!(decode(EMPTY), Decoded::Text("".into()));
/// ```
pub const EMPTY: &str = "b:=";

/// The characters that `encodeURIComponent` escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Writes a text exactly as s3db.js writes it, including texts that it reads back as something else.
///
/// ```
/// use s3db_core::encoding::text;
///
/// assert_eq!(text::encode("plain"), "plain");
/// assert_eq!(text::encode("application/json"), "d:j");
/// assert_eq!(text::encode("São Paulo"), "u:S%C3%A3o%20Paulo");
/// ```
pub fn encode(text: &str) -> Cow<'_, str> {
    if is_prefixed(text) {
        return as_base64(text);
    }
    if let Some(code) = dictionary::find(text) {
        return as_code(code);
    }
    if is_printable(text) { Cow::Borrowed(text) } else { as_escaped(text) }
}

/// Writes a text so that every reader, s3db.js too, gets the same text back.
///
/// Use it for all values that are neither null nor absent, compact ones too: the number 5598187 is `null` in base62.
/// It differs from [`encode`] for `null`, `undefined`, `font/woff2`, texts with a blank at either end (HTTP trims
/// them), and non-ASCII text behind a URL prefix (which has no place in a header).
///
/// ```
/// use s3db_core::encoding::text;
///
/// assert_eq!(text::encode_exact("null"), "b:bnVsbA==");
/// assert_eq!(text::encode_exact("https://x.com/é"), "u:https%3A%2F%2Fx.com%2F%C3%A9");
/// // An encoded word of RFC 2047, in which S3 answers with non-ASCII values, would be decoded on the way back.
/// assert_eq!(text::encode_exact("=?UTF-8?B?w6k=?="), "b:PT9VVEYtOD9CP3c2az0/PQ==");
/// ```
pub fn encode_exact(text: &str) -> Cow<'_, str> {
    if is_prefixed(text) {
        return as_base64(text);
    }
    let ends = (text.as_bytes().first(), text.as_bytes().last());
    if !is_printable(text) {
        return as_escaped(text);
    }
    let blank_end = ends.0 == Some(&b' ') || ends.1 == Some(&b' ');
    if blank_end || [NULL, ABSENT, FONT_WOFF2].contains(&text) || holds_encoded_word(text) {
        return as_base64(text);
    }
    match dictionary::find(text) {
        Some(code) => as_code(code),
        None => Cow::Borrowed(text),
    }
}

/// Reads a metadata value. What is not in a known form is the text itself.
///
/// ```
/// use s3db_core::encoding::text::{Decoded, decode};
///
/// assert_eq!(decode("u:%E6%97%A5"), Decoded::Text("日".into()));
/// assert_eq!(decode("null"), Decoded::Null);
/// assert_eq!(decode("u:%ZZ"), Decoded::Text("u:%ZZ".into()));
/// ```
pub fn decode(text: &str) -> Decoded<'_> {
    let decoded = match text.as_bytes() {
        b"null" => return Decoded::Null,
        b"undefined" => return Decoded::Absent,
        [b'd', b':', ..] => text.get(2..).and_then(dictionary::expand),
        [b'z', b'8', b'5', b':', _, ..] => text.get(4..).and_then(compress::inflate_base85),
        [b'z', b':', _, ..] => text.get(2..).and_then(compress::inflate_base64),
        [b'u', b':', _, ..] => text.get(2..).and_then(unescape),
        [b'b', b':', _, ..] => {
            text.get(2..).map(|payload| match String::from_utf8(base64::decode_lenient(payload)) {
                Ok(text) => text,
                Err(damaged) => String::from_utf8_lossy(damaged.as_bytes()).into_owned(),
            })
        }
        _ => None,
    };
    Decoded::Text(decoded.map_or(Cow::Borrowed(text), Cow::Owned))
}

/// Whether a reader would take the text for one of the forms.
fn is_prefixed(text: &str) -> bool {
    matches!(text.as_bytes(), [b'd' | b'u' | b'b' | b'z', b':', ..] | [b'z', b'8', b'5', b':', ..])
}

/// One pass without branches, which the compiler turns into vector instructions.
fn is_printable(text: &str) -> bool {
    text.bytes().fold(true, |all, byte| all & (byte.wrapping_sub(0x20) <= 0x5e))
}

/// Whether the text may hold an encoded word of RFC 2047.
fn holds_encoded_word(text: &str) -> bool {
    // Few texts hold a `=`, and a search for one byte needs no preparation.
    text.contains('=') && text.contains("=?")
}

fn as_code(code: Code<'_>) -> Cow<'static, str> {
    let mut out = String::from("d:");
    match code {
        Code::Word(letter) => out.push(letter),
        Code::Prefix(letter, rest) => {
            out.reserve(2 + rest.len());
            out.push('@');
            out.push(letter);
            out.push_str(rest);
        }
    }
    Cow::Owned(out)
}

fn as_base64(text: &str) -> Cow<'static, str> {
    let mut out = String::with_capacity(2 + text.len().div_ceil(3) * 4);
    out.push_str("b:");
    base64::push(&mut out, text.as_bytes());
    Cow::Owned(out)
}

/// Percent escapes when few characters need them, else base64. The counts are of UTF-16 units, as in s3db.js.
fn as_escaped(text: &str) -> Cow<'static, str> {
    let (mut units, mut latin, mut other) = (0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        let width = c.len_utf16();
        units += width;
        match c {
            ' '..='~' => {}
            '\u{80}'..='\u{ff}' => latin += width,
            _ => other += width,
        }
    }
    let base64 = match other {
        0 => latin as f64 / units as f64 > 0.5,
        _ => other as f64 / units as f64 > 0.3,
    };
    if base64 {
        return as_base64(text);
    }
    let mut out = String::with_capacity(2 + text.len() * 2);
    out.push_str("u:");
    out.extend(utf8_percent_encode(text, ESCAPED));
    Cow::Owned(out)
}

/// Percent-decodes as `decodeURIComponent`: `None` for a broken escape or bytes that are not UTF-8.
fn unescape(text: &str) -> Option<String> {
    let broken = text.split('%').skip(1).any(|part| {
        let escape = part.as_bytes().get(..2);
        !escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}
