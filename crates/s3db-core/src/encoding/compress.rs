//! Reading of compressed text: raw deflate in base64 (`z:`) or base85 (`z85:`).

use std::io::Read;

use flate2::read::DeflateDecoder;

use super::base64;

/// A metadata value has two kilobytes, which deflate cannot blow up beyond this; more is an attack or damage.
const INFLATED_BYTES_MAX: u64 = 4 << 20;

/// Base85 digits in order of their value.
const DIGITS85: &[u8; 85] =
    b"!#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxy";

/// Text of a raw deflate stream in base64.
pub(super) fn inflate_base64(payload: &str) -> Option<String> {
    inflate(&base64::decode_lenient(payload))
}

/// Text of a raw deflate stream in base85.
pub(super) fn inflate_base85(payload: &str) -> Option<String> {
    inflate(&decode_base85(payload)?)
}

fn inflate(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    DeflateDecoder::new(bytes).take(INFLATED_BYTES_MAX + 1).read_to_end(&mut out).ok()?;
    let complete = !bytes.is_empty() && out.len() as u64 <= INFLATED_BYTES_MAX;
    complete.then(|| String::from_utf8_lossy(&out).into_owned())
}

/// Five digits are four bytes, big endian; a tail of n + 1 digits is n bytes.
pub(super) fn decode_base85(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 5 * 4 + 4);
    for group in text.as_bytes().chunks(5) {
        let mut n = 0_u64;
        for i in 0..5 {
            // A short last group is filled up with the highest digit.
            let digit = match group.get(i) {
                Some(digit) => DIGITS85.iter().position(|d| d == digit)?,
                None => 84,
            };
            n = n * 85 + digit as u64;
        }
        let bytes = (n as u32).to_be_bytes();
        out.extend_from_slice(bytes.get(..group.len() - 1).unwrap_or_default());
    }
    Some(out)
}
