//! Hashing and verifying. Both take a good part of a second of CPU: call them on a blocking thread.

use argon2::{Argon2, Params, Version};
use zeroize::Zeroizing;

use super::super::base64;
use super::super::crypto::Passphrase;
use super::{MEMORY_LOG2_MAX, Parsed, compact, expand, parse};
use crate::env::Random;
use crate::{Error, ErrorKind, Result};

const SALT_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;

/// How passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Bcrypt; the cost is `2^rounds`.
    Bcrypt {
        /// 12 to 31.
        rounds: u32,
    },
    /// Argon2id, version 19.
    Argon2id {
        /// Memory in KiB, a power of two up to 2 GiB.
        memory_kib: u32,
        /// Passes over the memory.
        passes: u32,
        /// Lanes, which are computed one after the other here.
        lanes: u32,
    },
}

impl Algorithm {
    /// Bcrypt with 12 rounds.
    pub const BCRYPT: Self = Self::Bcrypt { rounds: 12 };

    /// Argon2id with 64 MiB, 3 passes and 4 lanes.
    pub const ARGON2ID: Self = Self::Argon2id { memory_kib: 65_536, passes: 3, lanes: 4 };
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::BCRYPT
    }
}

/// Hashes a password, with the pepper appended to it, into the compact form.
///
/// Does not look whether the password is a hash already: see [`is_hash`](super::is_hash).
///
/// # Errors
///
/// `Validation` for an empty password, `Config` for settings out of bounds.
pub fn hash(
    password: &str,
    algorithm: Algorithm,
    pepper: Option<&Passphrase>,
    random: &dyn Random,
) -> Result<String> {
    if password.is_empty() {
        return Err(Error::new(ErrorKind::Validation, "a password may not be empty"));
    }
    let peppered = with_pepper(password, pepper);
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let full = match algorithm {
        Algorithm::Bcrypt { rounds } => {
            if !(12..=31).contains(&rounds) {
                let error = Error::new(ErrorKind::Config, "the rounds of bcrypt must be 12 to 31");
                return Err(error.with("rounds", rounds));
            }
            bcrypt::hash_with_salt(peppered.as_bytes(), rounds, salt)
                .map_err(|cause| {
                    Error::new(ErrorKind::Crypto, "the password cannot be hashed").with("cause", cause)
                })?
                .format_for_version(bcrypt::Version::TwoB)
        }
        Algorithm::Argon2id { memory_kib, passes, lanes } => {
            if !memory_kib.is_power_of_two() || u64::from(memory_kib) > 1 << MEMORY_LOG2_MAX {
                let error =
                    Error::new(ErrorKind::Config, "the memory of argon2 must be a power of two up to 2 GiB");
                return Err(error.with("memory_kib", memory_kib));
            }
            let digest = argon2id(&peppered, &salt, [memory_kib, passes, lanes], 19, DIGEST_BYTES)?;
            let (salt, digest) = (unpadded(&salt), unpadded(&digest));
            format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}")
        }
    };
    compact(&full).ok_or_else(|| Error::new(ErrorKind::Crypto, "the password cannot be hashed"))
}

/// Whether a password, with the pepper appended to it, is the one behind a stored hash in any form.
/// False for an empty password and for a text that is no hash.
pub fn verify(password: &str, stored: &str, pepper: Option<&Passphrase>) -> bool {
    let Some(full) = expand(stored).filter(|_| !password.is_empty()) else {
        return false;
    };
    let peppered = with_pepper(password, pepper);
    match parse(&full) {
        Some(Parsed::Bcrypt { .. }) => bcrypt::verify(peppered.as_bytes(), &full).unwrap_or(false),
        Some(Parsed::Argon2id { version, memory_kib, passes, lanes, salt, digest }) => {
            let settings = [memory_kib, passes, lanes].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
            let (Some(salt), Some(digest)) = (base64::decode_strict(salt), base64::decode_strict(digest))
            else {
                return false;
            };
            argon2id(&peppered, &salt, settings, version, digest.len())
                .is_ok_and(|found| same(&found, &digest))
        }
        None => false,
    }
}

fn with_pepper(password: &str, pepper: Option<&Passphrase>) -> Zeroizing<String> {
    let pepper = pepper.map_or("", Passphrase::expose);
    Zeroizing::new([password, pepper].concat())
}

fn argon2id(
    password: &str,
    salt: &[u8],
    [memory_kib, passes, lanes]: [u32; 3],
    version: u64,
    bytes: usize,
) -> Result<Vec<u8>> {
    let failed = |cause: argon2::Error| {
        Error::new(ErrorKind::Config, "argon2 refuses its settings").with("cause", cause)
    };
    let version = if version == 16 { Version::V0x10 } else { Version::V0x13 };
    let params = Params::new(memory_kib, passes, lanes, Some(bytes)).map_err(failed)?;
    let mut digest = vec![0; bytes];
    Argon2::new(argon2::Algorithm::Argon2id, version, params)
        .hash_password_into(password.as_bytes(), salt, &mut digest)
        .map_err(failed)?;
    Ok(digest)
}

fn unpadded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(44);
    base64::push(&mut out, bytes);
    out.truncate(out.trim_end_matches('=').len());
    out
}

/// Compares without stopping at the first difference, so that the time says nothing about the digest.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
