//! Base64: standard when writing, as lenient as Node's `Buffer` when reading.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT};

/// Appends standard base64 with padding.
pub(super) fn push(out: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, out);
}

/// Reads standard base64, padded or not; `None` for any other character.
pub(super) fn decode_strict(text: &str) -> Option<Vec<u8>> {
    STANDARD_PAD_INDIFFERENT.decode(text).ok()
}

/// Reads what can be read: both alphabets, up to the first `=`, skipping any other character and a lone last digit.
pub(super) fn decode_lenient(text: &str) -> Vec<u8> {
    if let Some(bytes) = decode_strict(text) {
        return bytes;
    }
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}
