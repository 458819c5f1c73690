//! Network addresses.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::is_blank;

/// Twelve hexadecimal digits, with `:`, `-`, `.` or nothing between them; lower case with colons.
pub(super) fn mac(text: &str) -> Option<Cow<'_, str>> {
    let mut out = String::with_capacity(17);
    let mut digits = 0;
    for c in text.chars().filter(|c| !matches!(c, ':' | '-' | '.')) {
        if !c.is_ascii_hexdigit() || digits == 12 {
            return None;
        }
        if digits > 0 && digits % 2 == 0 {
            out.push(':');
        }
        out.push(c.to_ascii_lowercase());
        digits += 1;
    }
    (digits == 12).then(|| same_or_owned(text, out))
}

/// Four decimal bytes, without leading zeros.
pub(super) fn ip4(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim_matches(is_blank);
    trimmed.parse::<Ipv4Addr>().ok()?;
    Some(if trimmed.len() == text.len() { Cow::Borrowed(text) } else { Cow::Owned(trimmed.to_owned()) })
}

/// An IPv6 address in the form in which it is read back: lower case, the first longest run of zero groups as `::`,
/// hexadecimal groups only.
pub(super) fn ip6(text: &str) -> Option<Cow<'_, str>> {
    let address = text.trim_matches(is_blank).parse::<Ipv6Addr>().ok()?;
    Some(same_or_owned(text, ip6_text(address.segments())))
}

fn ip6_text(groups: [u16; 8]) -> String {
    let (mut best_at, mut best_len) = (0, 0);
    let (mut at, mut len) = (0, 0);
    for (i, group) in groups.iter().enumerate() {
        if *group != 0 {
            len = 0;
            continue;
        }
        if len == 0 {
            at = i;
        }
        len += 1;
        if len > best_len {
            (best_at, best_len) = (at, len);
        }
    }
    let mut out = String::with_capacity(39);
    let skip = if best_len >= 2 { best_at..best_at + best_len } else { 8..8 };
    for (i, group) in groups.iter().enumerate() {
        if i == skip.start {
            out.push_str("::");
        }
        if skip.contains(&i) {
            continue;
        }
        if i > 0 && i != skip.end {
            out.push(':');
        }
        // Writing to a String does not fail.
        let _ = write!(out, "{group:x}");
    }
    out
}

/// `a.b.c.d/0` to `/32`; leading zeros are dropped.
pub(super) fn cidr(text: &str) -> Option<Cow<'_, str>> {
    let (address, prefix) = text.split_once('/')?;
    let prefix = digits(prefix, 2).filter(|bits| *bits <= 32)?;
    let mut octets = [0; 4];
    let mut parts = address.split('.');
    for octet in &mut octets {
        *octet = digits(parts.next()?, 3).filter(|byte| *byte <= 255)?;
    }
    if parts.next().is_some() {
        return None;
    }
    let [a, b, c, d] = octets;
    Some(same_or_owned(text, format!("{a}.{b}.{c}.{d}/{prefix}")))
}

/// A number of one to `max` decimal digits.
fn digits(text: &str, max: usize) -> Option<u32> {
    let fits = !text.is_empty() && text.len() <= max && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

fn same_or_owned(text: &str, normal: String) -> Cow<'_, str> {
    if text == normal { Cow::Borrowed(text) } else { Cow::Owned(normal) }
}
