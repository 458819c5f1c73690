//! Metadata values that a header cannot carry as they are: encoded words of RFC 2047.
//!
//! S3 decodes encoded words in a request, and answers with them when a value is not ASCII
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>); other servers keep the text as it is.
//! Either way, what this module has written reads the same through it.
//!
//! A document may hold a text that looks like an encoded word, such as the raw subject of a mail. s3db.js writes it as
//! it is and reads it back as it is, from every server. So words are decoded only when they are marked as ours.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of text in one word: 60 characters of base64, under the 75 that RFC 2047 allows a word.
const WORD_BYTES: usize = 45;

/// The first character of what this module encodes: WORD JOINER, which shows nothing. As it is not ASCII, a server that
/// decodes words must encode them again in its answer.
const MARK: char = '\u{2060}';

/// The value as a header carries it.
pub(super) fn encode(value: &str) -> Cow<'_, str> {
    if is_plain(value) {
        return Cow::Borrowed(value);
    }
    let marked = format!("{MARK}{value}");
    let mut out = String::with_capacity(marked.len() * 2);
    let mut rest = marked.as_str();
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

/// The value of a header, decoded when it is made of encoded words that are marked as ours.
pub(super) fn decode(value: String) -> String {
    if !value.starts_with("=?") {
        return value;
    }
    match decode_words(&value) {
        Some(text) => text.strip_prefix(MARK).map(str::to_owned).unwrap_or(value),
        None => value,
    }
}

/// The text of encoded words with blanks between them; `None` when there is anything else.
fn decode_words(words: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(words.len());
    let mut rest = words;
    while !rest.is_empty() {
        let (word, next) = decode_word(rest)?;
        bytes.extend_from_slice(&word);
        rest = next.trim_start_matches([' ', '\t']);
    }
    // A character may be split between two words, so that only the whole can be checked.
    String::from_utf8(bytes).ok()
}

/// Whether a header brings the value back unchanged: printable ASCII, no blank at an end. A tab inside is allowed by
/// HTTP, but clients and servers differ in how they sign it.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|b| (b' '..=b'~').contains(&b)) && !value.starts_with(' ') && !value.ends_with(' ')
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
    fn words_of_any_form_are_read() {
        for (header, text) in [
            ("=?UTF-8?B?w6k=?=", Some("é")),
            ("=?utf-8?q?caf=C3=A9_noir?=", Some("café noir")),
            ("=?UTF-8?Q?a?= =?UTF-8?B?Yg==?=\t=?US-ASCII?Q?c?=", Some("abc")),
            ("=?UTF-8*de?B?w6k=?=", Some("é")),
            // One character over two words.
            ("=?UTF-8?B?ww==?= =?UTF-8?B?qQ==?=", Some("é")),
            ("=?UTF-8?B?w6k=?= and more", None),
            ("=?UTF-8?B?%%%?=", None),
            ("=?ISO-8859-1?Q?=E9?=", None),
            ("=?UTF-8?X?a?=", None),
            ("=?UTF-8?B?/w==?=", None),
            ("=?UTF-8?Q?=E?=", None),
        ] {
            assert_eq!(decode_words(header).as_deref(), text, "{header:?}");
        }
    }

    #[test]
    fn words_that_are_not_ours_stay_as_s3db_js_reads_them() {
        for text in ["plain", "", "=?UTF-8?B?w6k=?=", "=?utf-8?q?caf=C3=A9?=", "a=?b", "=?"] {
            assert!(matches!(encode(text), Cow::Borrowed(_)), "{text:?} is sent as it is");
            assert_eq!(decode(text.to_owned()), text);
        }
    }

    #[test]
    fn every_value_comes_back() {
        let long = "日本語".repeat(60);
        for value in
            ["", " blanks ", "a\tb", "é", "\n\t\u{0}", "=?é", "=?UTF-8?B?w6k=?= é", "\u{2060}a", &long]
        {
            let header = encode(value);
            assert!(header.bytes().all(|b| (b' '..=b'~').contains(&b)), "{header:?}");
            assert!(header.split(' ').all(|word| word.len() <= 75), "{header:?}");
            assert_eq!(decode(header.clone().into_owned()), value);
            // A server that decodes and encodes again, in words of another form.
            let again = header.replace("UTF-8?B", "utf-8?b");
            assert_eq!(decode(again), value);
        }
    }
}
