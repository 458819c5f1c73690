//! Identifiers with a fixed shape: uuid, semver, phone, color and ean.

use std::fmt::Write;

use super::base62;

/// Thirty-two hex digits, with or without dashes, as four words of six base62 digits.
pub(super) fn encode_uuid(text: &str) -> Option<String> {
    let mut hex = [0; 32];
    collect_hex(text, &['-'], &mut hex)?;
    let mut out = String::with_capacity(24);
    for word in hex.chunks_exact(8) {
        base62::push_padded(&mut out, hex_value(word), 6);
    }
    Some(out)
}

/// Reads four words of six base62 digits as a lower-case uuid.
pub(super) fn decode_uuid(text: &str) -> Option<String> {
    if text.len() != 24 {
        return None;
    }
    let mut words = [0_u32; 4];
    for (i, word) in words.iter_mut().enumerate() {
        *word = u32::try_from(base62::decode_u64(text.get(i * 6..i * 6 + 6)?)?).ok()?;
    }
    let [a, b, c, d] = words.map(u64::from);
    let mut out = String::with_capacity(36);
    push_hex(&mut out, a, 8);
    out.push('-');
    push_hex(&mut out, b >> 16, 4);
    out.push('-');
    push_hex(&mut out, b & 0xffff, 4);
    out.push('-');
    push_hex(&mut out, c >> 16, 4);
    out.push('-');
    push_hex(&mut out, c & 0xffff, 4);
    push_hex(&mut out, d, 8);
    Some(out)
}

/// `major.minor.patch` in base62 of one integer. Parts that would carry over into the next stay text.
pub(super) fn encode_semver(text: &str) -> Option<String> {
    let mut parts = text.split('.');
    let mut part = |max: u64| {
        let text = parts.next()?;
        let canonical = text == "0" || !text.starts_with('0');
        parse_digits(text).filter(|n| canonical && *n <= max)
    };
    let packed = part(9_007_199_254)? * 1_000_000 + part(999)? * 1_000 + part(999)?;
    (parts.next().is_none() && packed <= 1 << 53).then(|| base62::encode(packed as f64))
}

/// Reads the packed integer as `major.minor.patch`.
pub(super) fn decode_semver(text: &str) -> Option<String> {
    let packed = base62::decode_u64(text).filter(|n| *n <= 1 << 53)?;
    Some(format!("{}.{}.{}", packed / 1_000_000, packed / 1_000 % 1_000, packed % 1_000))
}

/// `+` and digits in base62. Numbers that start with a zero, or have more than fifteen digits, stay text.
pub(super) fn encode_phone(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+').filter(|digits| digits.len() <= 15 && !digits.starts_with('0'))?;
    parse_digits(digits).map(|n| base62::encode(n as f64))
}

/// Reads base62 as `+` and digits.
pub(super) fn decode_phone(text: &str) -> Option<String> {
    base62::decode_u64(text).filter(|n| *n <= 1 << 53).map(|n| format!("+{n}"))
}

/// `#rrggbb` as five base62 digits.
pub(super) fn encode_color(text: &str) -> Option<String> {
    let mut hex = [0; 6];
    collect_hex(text.strip_prefix('#')?, &[], &mut hex)?;
    let mut out = String::with_capacity(5);
    base62::push_padded(&mut out, hex_value(&hex), 5);
    Some(out)
}

/// Reads five base62 digits as `#rrggbb`.
pub(super) fn decode_color(text: &str) -> Option<String> {
    let rgb = base62::decode_u64(text).filter(|n| text.len() == 5 && *n < 1 << 24)?;
    let mut out = String::with_capacity(7);
    out.push('#');
    push_hex(&mut out, rgb, 6);
    Some(out)
}

/// Lengths of article numbers and the digit that stands for each.
const EAN_LENGTHS: [(usize, char); 4] = [(8, '0'), (13, '1'), (12, '2'), (14, '3')];

/// Article numbers of 8, 12, 13 or 14 digits as a length digit and base62.
///
/// s3db.js takes 8 to 14 plain digits for an article number that was never encoded; zeroes that change no value make
/// such a text longer than that.
pub(super) fn encode_ean(text: &str) -> Option<String> {
    let (_, prefix) = EAN_LENGTHS.iter().find(|(length, _)| *length == text.len())?;
    let n = parse_digits(text)?;
    let mut out = String::with_capacity(15);
    out.push(*prefix);
    base62::push_u64(&mut out, n);
    if is_plain_ean(&out) {
        out.truncate(1);
        base62::push_padded(&mut out, n, 14);
    }
    Some(out)
}

/// Reads a length digit and base62 as an article number with its leading zeroes.
pub(super) fn decode_ean(text: &str) -> Option<String> {
    if is_plain_ean(text) {
        return None;
    }
    let (prefix, digits) = text.split_at_checked(1)?;
    let (length, _) = EAN_LENGTHS.iter().find(|(_, p)| prefix.starts_with(*p))?;
    let n = base62::decode_u64(digits)?;
    let mut out = String::with_capacity(14);
    let _ = write!(out, "{n:0width$}", width = *length);
    (out.len() == *length).then_some(out)
}

fn is_plain_ean(text: &str) -> bool {
    (8..=14).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_digits(text: &str) -> Option<u64> {
    let valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}

/// Fills `hex` with the digits of `text`, passing over separators; `None` unless there are exactly that many.
pub(super) fn collect_hex(text: &str, separators: &[char], hex: &mut [u8]) -> Option<()> {
    let mut places = hex.iter_mut();
    for c in text.chars().filter(|c| !separators.contains(c)) {
        *places.next()? = c.to_digit(16)? as u8;
    }
    places.next().is_none().then_some(())
}

/// The number that hex digits stand for.
pub(super) fn hex_value(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |n, digit| n << 4 | u64::from(*digit))
}

/// Appends the low `width` hex digits of a number.
pub(super) fn push_hex(out: &mut String, n: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = (n >> (4 * place)) as u8 & 0xf;
        out.push(char::from(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }));
    }
}
