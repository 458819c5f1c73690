//! Codes people write: telephone numbers, colours, versions, barcodes, names of countries, currencies and languages.

use std::borrow::Cow;

use serde_json::Value;

use super::formats::Verdict;
use super::is_blank;
use super::number::integer;

/// Digits whose checksum by Luhn's algorithm is right; other characters do not count.
/// <https://en.wikipedia.org/wiki/Luhn_algorithm>
pub(super) fn luhn(text: &str) -> Option<Cow<'_, str>> {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit).map(|b| u32::from(b - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(i, digit)| match (i % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    (sum > 0 && sum.is_multiple_of(10)).then_some(Cow::Borrowed(text))
}

/// 7 to 15 digits that do not start with 0 (E.164), written `+digits`. Blanks, `-`, `(`, `)` and `.` are dropped.
pub(super) fn phone(text: &str) -> Option<Cow<'_, str>> {
    let mut out = String::with_capacity(16);
    out.push('+');
    let kept = text.chars().filter(|&c| !is_blank(c) && !matches!(c, '-' | '(' | ')' | '.'));
    for (i, c) in kept.enumerate() {
        match c {
            '+' if i == 0 => {}
            '0'..='9' if out.len() < 16 => out.push(c),
            _ => return None,
        }
    }
    let valid = out.len() > 7 && !out.starts_with("+0");
    valid.then(|| same_or_owned(text, out))
}

/// Three or six hexadecimal digits, with or without `#`; written `#rrggbb` in lower case.
pub(super) fn color(text: &str) -> Option<Cow<'_, str>> {
    let hex = text.strip_prefix('#').unwrap_or(text);
    if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = String::with_capacity(7);
    out.push('#');
    match hex.len() {
        3 => hex.chars().for_each(|c| out.extend([c, c])),
        6 => out.push_str(hex),
        _ => return None,
    }
    out.make_ascii_lowercase();
    Some(same_or_owned(text, out))
}

/// The format packs a version as `major * 1e6 + minor * 1e3 + patch`, in a double.
const MAJOR_MAX: u64 = 9_007_199_253;

/// `major.minor.patch`, with or without a leading `v`. Minor and patch are below 1000, since the format cannot hold more.
pub(super) fn semver(text: &str) -> Option<Cow<'_, str>> {
    let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
    let mut part = |max: u64| {
        let digits = parts.next()?;
        let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| digits.parse::<u64>().ok())?.filter(|n| *n <= max)
    };
    let (major, minor, patch) = (part(MAJOR_MAX)?, part(999)?, part(999)?);
    if parts.next().is_some() {
        return None;
    }
    Some(same_or_owned(text, format!("{major}.{minor}.{patch}")))
}

/// `pt`, `pt-BR`, `pt_br`; written with `-` and the usual case.
pub(super) fn locale(text: &str) -> Option<Cow<'_, str>> {
    let (language, country) = match text.split_once(['-', '_']) {
        None => (text, None),
        Some((language, country)) => (language, Some(country)),
    };
    let mut out = letters(language, 2)?.to_ascii_lowercase();
    if let Some(country) = country {
        out.push('-');
        out.push_str(&letters(country, 2)?.to_ascii_uppercase());
    }
    Some(same_or_owned(text, out))
}

/// Three letters, written in upper case.
pub(super) fn currency(text: &str) -> Option<Cow<'_, str>> {
    Some(same_or_owned(text, letters(text, 3)?.to_ascii_uppercase()))
}

/// Two letters, written in upper case.
pub(super) fn country(text: &str) -> Option<Cow<'_, str>> {
    Some(same_or_owned(text, letters(text, 2)?.to_ascii_uppercase()))
}

fn letters(text: &str, count: usize) -> Option<&str> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_alphabetic())).then_some(text)
}

/// 8, 12, 13 or 14 digits; a whole number is padded to 13.
pub(super) fn ean(value: &Value) -> Verdict {
    match value {
        Value::String(text)
            if matches!(text.len(), 8 | 12..=14) && text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Verdict::Keep
        }
        Value::Number(number) => match integer(number) {
            Some(digits @ 0..=99_999_999_999_999) => Verdict::Replace(format!("{digits:013}").into()),
            _ => Verdict::Wrong("ean"),
        },
        _ => Verdict::Wrong("ean"),
    }
}

fn same_or_owned(text: &str, normal: String) -> Cow<'_, str> {
    if text == normal { Cow::Borrowed(text) } else { Cow::Owned(normal) }
}
