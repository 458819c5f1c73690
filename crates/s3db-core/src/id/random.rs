//! Random ids, and the stamps of writes.

use crate::env::Random;

/// The 64 characters of ids: those of nanoid, which s3db.js uses, so that one random byte masked to six bits picks one
/// without bias.
pub(super) const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// A random id of `size` characters of `A-Za-z0-9_-`; 22 characters hold 132 random bits.
pub(crate) fn random_id(random: &dyn Random, size: usize) -> String {
    let mut bytes = vec![0_u8; size];
    random.fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// A random id of `size` characters of `alphabet`, which holds from 2 to 256 of them.
///
/// A byte that would make some characters more likely than others is thrown away, as nanoid does:
/// <https://github.com/ai/nanoid#custom-alphabet-or-size>.
pub(super) fn random_id_of(random: &dyn Random, alphabet: &[char], size: usize) -> String {
    let mask = alphabet.len().max(2).next_power_of_two() - 1;
    let mut id = String::with_capacity(size);
    let (mut left, mut bytes) = (size, [0_u8; 64]);
    while left > 0 {
        random.fill(&mut bytes);
        for character in bytes.iter().filter_map(|byte| alphabet.get(usize::from(*byte) & mask)).take(left) {
            id.push(*character);
            left -= 1;
        }
    }
    id
}

/// Longest stamp: 96 bits in base62.
pub(crate) const STAMP_BYTES_MAX: usize = 17;

/// A stamp: 96 random bits in base62, which names one write.
pub(crate) fn stamp(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill_ahead(&mut bytes[4..]);
    base62::encode_alternative(u128::from_be_bytes(bytes))
}
