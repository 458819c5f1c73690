//! Password hashes: their full and compact forms, and with the feature `passwords` hashing and verifying.
//!
//! | algorithm | full | compact |
//! |---|---|---|
//! | bcrypt | `$2b$12$<53 characters>` | `$c$<53 characters>` |
//! | argon2id | `$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>` | `$j\|g\|3\|4$<salt>$<digest>` |
//!
//! The numbers of the compact forms are base62; memory is the power of two.

use super::base62;
#[cfg(feature = "passwords")]
mod hashing;
#[cfg(feature = "passwords")]
pub use hashing::{Algorithm, hash, verify};

/// Characters of a bcrypt hash behind its rounds: 22 of the salt and 31 of the digest.
const BCRYPT_BODY: usize = 53;

/// Rounds of hashes that were stored as their 53 last characters (releases 13.6.0 to 20.x), which lost them.
const LOST_ROUNDS: u64 = 10;

/// The most memory that a hash may ask for, as a power of two of KiB: 2 GiB. A damaged hash must not end the process.
const MEMORY_LOG2_MAX: u64 = 21;

/// Whether a text is a complete bcrypt or argon2id hash, full or compact, and so is stored as it is.
///
/// s3db.js takes any text such as `$a$b` or `$x|y` for a hash and stores such a password in the clear. Here every part
/// must be right.
///
/// ```
/// use s3db_core::encoding::password;
///
/// assert!(password::is_hash("$c$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"));
/// assert!(!password::is_hash("$a$b"));
/// ```
pub fn is_hash(text: &str) -> bool {
    parse(text).is_some()
}

/// The compact form of a hash in either form. A hash that has no compact form (memory that is no power of two) is
/// given back as it is. `None` when the text is no hash.
pub fn compact(hash: &str) -> Option<String> {
    let mut out = String::from("$");
    match parse(hash)? {
        Parsed::Bcrypt { rounds, body } => {
            base62::push_u64(&mut out, rounds);
            out.push('$');
            out.push_str(body);
        }
        Parsed::Argon2id { version, memory_kib, passes, lanes, salt, digest } => {
            if !memory_kib.is_power_of_two() {
                return Some(hash.to_owned());
            }
            let numbers = [version, memory_kib.ilog2().into(), passes, lanes];
            for (i, n) in numbers.into_iter().enumerate() {
                if i > 0 {
                    out.push('|');
                }
                base62::push_u64(&mut out, n);
            }
            for part in [salt, digest] {
                out.push('$');
                out.push_str(part);
            }
        }
    }
    Some(out)
}

/// The full form of a stored hash: of a compact one, a full one, or the bare 53 characters of old bcrypt hashes.
/// The letter of bcrypt's variant is not stored; it comes back as `2b`.
pub fn expand(stored: &str) -> Option<String> {
    if stored.starts_with("$2") && is_hash(stored) {
        return Some(stored.to_owned());
    }
    Some(match parse(stored).or_else(|| bare_bcrypt(stored))? {
        Parsed::Bcrypt { rounds, body } => format!("$2b${rounds:02}${body}"),
        Parsed::Argon2id { version, memory_kib, passes, lanes, salt, digest } => {
            format!("$argon2id$v={version}$m={memory_kib},t={passes},p={lanes}${salt}${digest}")
        }
    })
}

/// The parts of a hash. Texts are known to be in the alphabet of their algorithm.
enum Parsed<'a> {
    Bcrypt { rounds: u64, body: &'a str },
    Argon2id { version: u64, memory_kib: u64, passes: u64, lanes: u64, salt: &'a str, digest: &'a str },
}

fn parse(text: &str) -> Option<Parsed<'_>> {
    let rest = text.strip_prefix('$')?;
    if let Some(rest) = rest.strip_prefix("argon2id$v=") {
        return parse_argon2(rest);
    }
    let (head, tail) = rest.split_once('$')?;
    if head.contains('|') {
        return parse_compact_argon2(head, tail);
    }
    match head {
        "2a" | "2b" | "2x" | "2y" => {
            let (rounds, body) = tail.split_once('$')?;
            bcrypt(if rounds.len() == 2 { decimal(rounds)? } else { return None }, body)
        }
        rounds if rounds.len() == 1 => bcrypt(base62::decode_u64(rounds)?, tail),
        _ => None,
    }
}

fn bare_bcrypt(text: &str) -> Option<Parsed<'_>> {
    bcrypt(LOST_ROUNDS, text)
}

fn bcrypt(rounds: u64, body: &str) -> Option<Parsed<'_>> {
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
    let valid = (4..=31).contains(&rounds) && body.len() == BCRYPT_BODY && body.bytes().all(alphabet);
    valid.then_some(Parsed::Bcrypt { rounds, body })
}

/// `19$m=65536,t=3,p=4$<salt>$<digest>`
fn parse_argon2(rest: &str) -> Option<Parsed<'_>> {
    let (version, rest) = rest.split_once("$m=")?;
    let (memory, rest) = rest.split_once(",t=")?;
    let (passes, rest) = rest.split_once(",p=")?;
    let (lanes, rest) = rest.split_once('$')?;
    argon2([decimal(version)?, decimal(memory)?, decimal(passes)?, decimal(lanes)?], rest)
}

/// `j|g|3|4` and `<salt>$<digest>`
fn parse_compact_argon2<'a>(head: &str, rest: &'a str) -> Option<Parsed<'a>> {
    let mut numbers = head.split('|').map(base62::decode_u64);
    let (version, log2) = (numbers.next()??, numbers.next()??);
    let (passes, lanes) = (numbers.next()??, numbers.next()??);
    let memory = (log2 <= MEMORY_LOG2_MAX).then(|| 1 << log2)?;
    if numbers.next().is_some() {
        return None;
    }
    argon2([version, memory, passes, lanes], rest)
}

fn argon2([version, memory_kib, passes, lanes]: [u64; 4], rest: &str) -> Option<Parsed<'_>> {
    let (salt, digest) = rest.split_once('$')?;
    let alphabet =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    // Bounds of the algorithm; a salt of 8 bytes has 11 digits, a digest of 12 bytes 16.
    let numbers = [16, 19].contains(&version)
        && (8 * lanes..=1 << MEMORY_LOG2_MAX).contains(&memory_kib)
        && (1..=u64::from(u32::MAX)).contains(&passes)
        && (1..=0xff_ffff).contains(&lanes);
    let texts = (11..=86).contains(&salt.len()) && (16..=172).contains(&digest.len());
    (numbers && texts && alphabet(salt) && alphabet(digest)).then_some(Parsed::Argon2id {
        version,
        memory_kib,
        passes,
        lanes,
        salt,
        digest,
    })
}

fn decimal(text: &str) -> Option<u64> {
    let valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}
