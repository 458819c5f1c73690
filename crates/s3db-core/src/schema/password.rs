//! Recognises the hash of a password, which stands in a document that was read back.

use serde_json::Value;

/// Whether `value` is a bcrypt or Argon2 hash, in the usual form or in the compact form of the bucket.
///
/// Only the exact shapes count, so that a password which merely starts with `$` is still checked.
pub(super) fn is_hash(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.starts_with("$argon2") || is_bcrypt(text) || is_compact_bcrypt(text) || is_compact_argon2(text)
    })
}

/// `$2b$12$` and 53 characters.
fn is_bcrypt(text: &str) -> bool {
    text.len() == 60 && text.starts_with("$2")
}

/// `$c$` and 53 characters; the rounds are one or two base62 digits.
fn is_compact_bcrypt(text: &str) -> bool {
    let parts = text.strip_prefix('$').and_then(|rest| rest.split_once('$'));
    parts.is_some_and(|(rounds, hash)| is_base62(rounds, 2) && hash.len() == 53 && !hash.contains('$'))
}

/// `$j|g|3|4$salt$hash`; version, memory, time and lanes are base62 numbers.
fn is_compact_argon2(text: &str) -> bool {
    let mut parts = text.strip_prefix('$').unwrap_or_default().split('$');
    let settings = parts.next().unwrap_or_default();
    let numbers = settings.split('|').filter(|number| is_base62(number, 6)).count();
    numbers == 4 && settings.split('|').count() == 4 && parts.filter(|part| !part.is_empty()).count() == 2
}

fn is_base62(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}
