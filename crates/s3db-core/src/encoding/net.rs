//! Network addresses: ip4, ip6, mac and cidr.

use std::fmt::Write;
use std::net::Ipv6Addr;

use super::{base62, base64, ident};

/// Dotted decimal as base64 of four bytes; leading zeroes are allowed and lost.
pub(super) fn encode_ip4(text: &str) -> Option<String> {
    let mut out = String::with_capacity(8);
    base64::push(&mut out, &parse_ip4(text)?);
    Some(out)
}

/// Reads base64 of exactly four bytes.
pub(super) fn decode_ip4(text: &str) -> Option<String> {
    // Strict base64 refuses dots, so an address that was stored or decoded already stays as it is.
    let bytes = short_base64(text, 8).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok())?;
    let mut out = String::with_capacity(15);
    push_ip4(&mut out, bytes);
    Some(out)
}

/// Eight groups in hex, `::` allowed, as base64 of sixteen bytes.
///
/// Addresses with a zone or an embedded ip4 stay text: s3db.js mangles them when it encodes them, and reads the text.
pub(super) fn encode_ip6(text: &str) -> Option<String> {
    if text.contains(['.', '%']) {
        return None;
    }
    let address: Ipv6Addr = text.parse().ok()?;
    let mut out = String::with_capacity(24);
    base64::push(&mut out, &address.octets());
    Some(out)
}

/// Reads base64 of exactly sixteen bytes; prints lower case and compresses the first longest run of zero groups.
pub(super) fn decode_ip6(text: &str) -> Option<String> {
    let bytes = short_base64(text, 24).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())?;
    let groups = Ipv6Addr::from(bytes).segments();
    let (start, length) = longest_zeroes(&groups);
    let mut out = String::with_capacity(39);
    for (i, group) in groups.iter().enumerate() {
        if length > 1 && (start..start + length).contains(&i) {
            if i == start {
                out.push_str("::");
            }
            continue;
        }
        if !out.is_empty() && !out.ends_with(':') {
            out.push(':');
        }
        let _ = write!(out, "{group:x}");
    }
    Some(out)
}

/// Twelve hex digits, in pairs or fours set apart by `:`, `-` or `.`, as nine base62 digits.
pub(super) fn encode_mac(text: &str) -> Option<String> {
    let mut hex = [0; 12];
    ident::collect_hex(text, &[':', '-', '.'], &mut hex)?;
    let mut out = String::with_capacity(9);
    base62::push_padded(&mut out, ident::hex_value(&hex), 9);
    Some(out)
}

/// Reads nine base62 digits as `aa:bb:cc:dd:ee:ff`.
pub(super) fn decode_mac(text: &str) -> Option<String> {
    let n = base62::decode_u64(text).filter(|n| text.len() == 9 && *n < 1 << 48)?;
    let mut out = String::with_capacity(17);
    for shift in (0..6).rev() {
        ident::push_hex(&mut out, n >> (8 * shift) & 0xff, 2);
        if shift > 0 {
            out.push(':');
        }
    }
    Some(out)
}

/// `a.b.c.d/prefix` as six base62 digits of the address and one of the prefix length.
pub(super) fn encode_cidr(text: &str) -> Option<String> {
    let (address, prefix) = text.split_once('/')?;
    let address = u32::from_be_bytes(parse_ip4(address)?);
    let prefix = parse_byte(prefix, 2).filter(|bits| *bits <= 32)?;
    let mut out = String::with_capacity(7);
    base62::push_padded(&mut out, address.into(), 6);
    base62::push_u64(&mut out, prefix.into());
    Some(out)
}

/// Reads seven base62 digits as `a.b.c.d/prefix`.
pub(super) fn decode_cidr(text: &str) -> Option<String> {
    let (address, prefix) = text.split_at_checked(6).filter(|(_, prefix)| prefix.len() == 1)?;
    let address = u32::try_from(base62::decode_u64(address)?).ok()?;
    let prefix = base62::decode_u64(prefix).filter(|bits| *bits <= 32)?;
    let mut out = String::with_capacity(18);
    push_ip4(&mut out, address.to_be_bytes());
    let _ = write!(out, "/{prefix}");
    Some(out)
}

/// Base64 of a few bytes, in either alphabet, padded or not.
fn short_base64(text: &str, padded_length: usize) -> Option<Vec<u8>> {
    let unpadded = text.trim_end_matches('=');
    let lengths = padded_length - 2..=padded_length;
    let digits = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    (lengths.contains(&text.len()) && unpadded.len() == padded_length - 2 && unpadded.bytes().all(digits))
        .then(|| base64::decode_lenient(unpadded))
}

fn parse_ip4(text: &str) -> Option<[u8; 4]> {
    let mut parts = text.split('.');
    let mut bytes = [0; 4];
    for byte in &mut bytes {
        *byte = parse_byte(parts.next()?, 3)?;
    }
    parts.next().is_none().then_some(bytes)
}

fn parse_byte(text: &str, digits_max: usize) -> Option<u8> {
    let valid = (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}

fn push_ip4(out: &mut String, [a, b, c, d]: [u8; 4]) {
    let _ = write!(out, "{a}.{b}.{c}.{d}");
}

/// Start and length of the first longest run of zero groups.
fn longest_zeroes(groups: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), (0, 0));
    for (i, group) in groups.iter().enumerate() {
        run = match (*group, run.1) {
            (0, 0) => (i, 1),
            (0, length) => (run.0, length + 1),
            _ => (0, 0),
        };
        if run.1 > best.1 {
            best = run;
        }
    }
    best
}
