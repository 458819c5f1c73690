//! Metadata values that a header cannot carry as they are: encoded words of RFC 2047.
//!
//! S3 reads encoded words in a request, and answers with them when a value is not ASCII
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>). A server that knows nothing of them
//! keeps the text, which reads the same through this module.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text in one word: 60 characters of base64, under the 75 that RFC 2047 allows a word.
const WORD_BYTES: usize = 45;

/// The value as a header carries it.
pub(super) fn encode(value: &str) -> Cow<'_, str> {
    if is_plain(value) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() * 2);
    let mut rest = value;
    while !rest.is_empty() {
        let (word, tail) = rest.split_at(floor_char_boundary(rest, WORD_BYTES));
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str("=?UTF-8?B?");
        STANDARD.encode_string(word, &mut out);
        out.push_str("?=");
        rest = tail;
    }
    Cow::Owned(out)
}

/// The value of a header with its encoded words decoded. What is not one, or cannot be decoded, stays as it is.
pub(super) fn decode(value: String) -> String {
    if !value.contains("=?") {
        return value;
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_str();
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, tail) = rest.split_at(start);
        let Some((word, next)) = decode_word(tail) else {
            bytes.extend_from_slice(before.as_bytes());
            bytes.extend_from_slice(b"=?");
            rest = tail.get(2..).unwrap_or_default();
            after_word = false;
            continue;
        };
        // Blanks between two words are not part of the text.
        if !(after_word && before.bytes().all(|b| b == b' ' || b == b'\t')) {
            bytes.extend_from_slice(before.as_bytes());
        }
        bytes.extend_from_slice(&word);
        rest = next;
        after_word = true;
    }
    bytes.extend_from_slice(rest.as_bytes());
    // A character may be split between two words, so that only the whole can be checked.
    String::from_utf8(bytes).unwrap_or(value)
}

/// Whether a header brings the value back unchanged: printable ASCII, no blank at an end, nothing like a word.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.contains("=?")
}

/// The bytes of the encoded word that `text` starts with, and what follows it.
fn decode_word(text: &str) -> Option<(Vec<u8>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (payload, rest) = rest.split_once("?=")?;
    // RFC 2231 allows a language after the character set.
    let charset = charset.split('*').next()?;
    if !charset.eq_ignore_ascii_case("utf-8") && !charset.eq_ignore_ascii_case("us-ascii") {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(payload).ok()?,
        "Q" | "q" => decode_quoted(payload)?,
        _ => return None,
    };
    Some((bytes, rest))
}

/// The `Q` encoding: `=XX` is a byte, `_` is a blank.
fn decode_quoted(payload: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(payload.len());
    let mut bytes = payload.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let (high, low) = (bytes.next()?, bytes.next()?);
                hex_digit(high)? << 4 | hex_digit(low)?
            }
            other => other,
        });
    }
    Some(out)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn floor_char_boundary(text: &str, bytes_max: usize) -> usize {
    if text.len() <= bytes_max {
        return text.len();
    }
    (1..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_read() {
        for (header, value) in [
            ("plain", "plain"),
            ("", ""),
            ("=?UTF-8?B?w6k=?=", "é"),
            ("=?utf-8?q?caf=C3=A9_noir?=", "café noir"),
            ("=?UTF-8?Q?a?= =?UTF-8?B?Yg==?=  c", "ab  c"),
            ("=?UTF-8*de?B?w6k=?=", "é"),
            // One character over two words.
            ("=?UTF-8?B?ww==?= =?UTF-8?B?qQ==?=", "é"),
            ("before =?UTF-8?B?w6k=?= after", "before é after"),
            // Not words.
            ("a=?b", "a=?b"),
            ("=?UTF-8?B?%%%?=", "=?UTF-8?B?%%%?="),
            ("=?ISO-8859-1?Q?=E9?=", "=?ISO-8859-1?Q?=E9?="),
            ("=?UTF-8?X?a?=", "=?UTF-8?X?a?="),
            ("=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?="),
            ("=?UTF-8?Q?=E?=", "=?UTF-8?Q?=E?="),
        ] {
            assert_eq!(decode(header.to_owned()), value, "{header:?}");
        }
    }

    #[test]
    fn every_value_comes_back() {
        let long = "日本語".repeat(60);
        for value in ["", "plain", " blanks ", "é", "\n\t\u{0}", "=?UTF-8?B?w6k=?=", "a=?b", "=?", &long] {
            let header = encode(value);
            assert!(header.bytes().all(|b| (b' '..=b'~').contains(&b)), "{header:?}");
            assert!(header.split(' ').all(|word| word.len() <= 75), "{header:?}");
            assert_eq!(decode(header.into_owned()), value);
        }
        assert!(matches!(encode("plain text"), Cow::Borrowed(_)), "plain text is not copied");
    }
}
