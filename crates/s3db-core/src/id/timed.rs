//! Ids of fixed forms: UUIDs and ULIDs.

use uuid::Builder;

use crate::env::Random;

/// The alphabet of ULIDs: <https://www.crockford.com/base32.html>.
const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Milliseconds fill 48 bits, both in UUIDs of version 7 and in ULIDs.
const TIME_MAX: u64 = (1 << 48) - 1;

/// A UUID of version 4: random (RFC 9562, section 5.4).
pub(super) fn uuid_v4(random: &dyn Random) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A UUID of version 7: the time, then random (RFC 9562, section 5.7).
pub(super) fn uuid_v7(random: &dyn Random, now_ms: i64) -> String {
    let mut bytes = [0_u8; 10];
    random.fill(&mut bytes);
    Builder::from_unix_timestamp_millis(time(now_ms), &bytes).into_uuid().to_string()
}

/// A ULID: 48 bits of time and 80 random ones in 26 characters (<https://github.com/ulid/spec>).
pub(super) fn ulid(random: &dyn Random, now_ms: i64) -> String {
    let mut bytes = [0_u8; 16];
    random.fill(&mut bytes[6..]);
    let bits = (u128::from(time(now_ms)) << 80) | u128::from_be_bytes(bytes);
    (0..26).rev().map(|at| char::from(CROCKFORD[(bits >> (at * 5)) as usize & 31])).collect()
}

fn time(now_ms: i64) -> u64 {
    u64::try_from(now_ms).unwrap_or(0).min(TIME_MAX)
}
