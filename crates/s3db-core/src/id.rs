//! Generated ids. Pure but for the randomness it is given.

use crate::env::Random;

/// The 64 characters of ids: those of nanoid, which s3db.js uses, so that one random byte masked to six bits picks one
/// without bias.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// A random id of `size` characters of `A-Za-z0-9_-`; 22 characters hold 132 random bits.
pub(crate) fn random_id(random: &dyn Random, size: usize) -> String {
    let mut bytes = vec![0_u8; size];
    random.fill(&mut bytes);
    bytes.into_iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// Longest stamp: 96 bits in base62.
pub(crate) const STAMP_BYTES_MAX: usize = 17;

/// A stamp: 96 random bits in base62, which names one write.
pub(crate) fn stamp(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes[4..]);
    base62::encode_alternative(u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemEnv;

    #[test]
    fn ids_have_the_asked_length_and_alphabet_and_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| random_id(&SystemEnv, 22)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 22 && id.bytes().all(|byte| ALPHABET.contains(&byte))));
        assert!(stamp(&SystemEnv).len() <= STAMP_BYTES_MAX);
        assert_ne!(stamp(&SystemEnv), stamp(&SystemEnv));
    }
}
