//! Base62 (`0-9a-zA-Z`) with the arithmetic of JavaScript doubles, and the base36 of short keys.

use super::js;

const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Value of each digit; 255 is no digit.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut i = 0;
    while i < DIGITS.len() {
        values[DIGITS[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// Integers up to here are exact in a double: 2^53.
pub(super) const EXACT: f64 = 9_007_199_254_740_992.0;

/// Base62 of an integer; a fraction is cut off towards minus infinity, as s3db.js does.
///
/// ```
/// use s3db_core::encoding::base62;
///
/// assert_eq!(base62::encode(-62.0), "-10");
/// assert_eq!(base62::encode(f64::NAN), "undefined");
/// ```
pub fn encode(n: f64) -> String {
    let mut out = String::with_capacity(12);
    push(&mut out, n);
    out
}

/// Appends base62 of an integer held in a double. Above 2^53 digits are lost exactly as in s3db.js.
pub fn push(out: &mut String, n: f64) {
    if !n.is_finite() {
        return out.push_str("undefined");
    }
    // Nearly all are integers that are exact in a double.
    let integer = n as i64;
    if integer as f64 == n && integer.unsigned_abs() <= 1 << 53 {
        if integer < 0 {
            out.push('-');
        }
        return push_u64(out, integer.unsigned_abs());
    }
    let magnitude = if n < 0.0 {
        out.push('-');
        -n.floor()
    } else {
        n.floor()
    };
    if magnitude == 0.0 {
        // For 0 < n < 1 the loop of s3db.js writes no digit at all.
        if n == 0.0 {
            out.push('0');
        }
    } else if magnitude <= EXACT {
        push_u64(out, magnitude as u64);
    } else {
        push_radix(out, magnitude, 62.0);
    }
}

/// Appends base62 of an integer, without a sign and exact.
pub fn push_u64(out: &mut String, n: u64) {
    push_padded(out, n, 1);
}

/// Appends base62 of an integer below 62^4, such as an item of an embedding.
pub(super) fn push_short(out: &mut String, n: u32) {
    debug_assert!(n < 14_776_336, "{n} has more than four digits");
    let digit = |n: u32| DIGITS[(n % 62) as usize];
    let digits = [digit(n / 238_328), digit(n / 3844), digit(n / 62), digit(n)];
    let zeroes = usize::from(n < 62) + usize::from(n < 3844) + usize::from(n < 238_328);
    if let Some(Ok(digits)) = digits.get(zeroes..).map(std::str::from_utf8) {
        out.push_str(digits);
    }
}

/// Appends base62 of an integer, exact.
pub(super) fn push_u128(out: &mut String, n: u128) {
    ::base62::encode_alternative_buf(n, out);
}

/// Appends base62 of an integer, filled up with `0` to `width` digits.
pub fn push_padded(out: &mut String, n: u64, width: usize) {
    // The widths of the format are 4 to 14; the loop is several times faster than general code for 128 bits.
    let mut buffer = [b'0'; 22];
    let (mut rest, mut used) = (n, 0);
    for place in buffer.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        *place = DIGITS[(rest % 62) as usize];
        rest /= 62;
        used += 1;
    }
    let first = buffer.len() - used.max(width.min(buffer.len()));
    if let Some(Ok(digits)) = buffer.get(first..).map(std::str::from_utf8) {
        out.push_str(digits);
    }
}

/// Reads base62 as a double: optional `-`, digits; empty is 0, anything else is NaN.
pub fn decode(text: &str) -> f64 {
    decode_bytes(text.as_bytes())
}

/// As [`decode`].
pub(super) fn decode_bytes(text: &[u8]) -> f64 {
    decode_radix(text, 62)
}

/// Reads digits alone, exactly; `None` when empty, with another character, or above `u64::MAX`.
pub fn decode_u64(digits: &str) -> Option<u64> {
    // Ten digits always fit; longer texts are rare.
    if !(1..=10).contains(&digits.len()) {
        return decode_u128(digits).and_then(|n| u64::try_from(n).ok());
    }
    let mut n = 0;
    for byte in digits.bytes() {
        let value = VALUES[usize::from(byte)];
        if value == 255 {
            return None;
        }
        n = n * 62 + u64::from(value);
    }
    Some(n)
}

/// Reads digits alone, exactly; `None` when empty, with another character, or above `u128::MAX`.
pub(super) fn decode_u128(digits: &str) -> Option<u128> {
    ::base62::decode_alternative(digits).ok()
}

/// Base62 of the integer part and the decimal digits that JavaScript prints after the point.
///
/// Numbers that JavaScript prints with an exponent and without a point are damaged by this form;
/// see `number` for the form that is not.
pub fn encode_decimal(n: f64) -> String {
    let mut out = String::with_capacity(20);
    push_decimal(&mut out, n);
    out
}

/// Appends what [`encode_decimal`] gives.
pub fn push_decimal(out: &mut String, n: f64) {
    if !n.is_finite() {
        return out.push_str("undefined");
    }
    let magnitude = n.abs();
    if n < 0.0 {
        out.push('-');
    }
    if magnitude <= EXACT && magnitude.fract() == 0.0 {
        return push_u64(out, magnitude as u64);
    }
    let mut buffer = ryu_js::Buffer::new();
    match buffer.format_finite(magnitude).split_once('.') {
        Some((whole, digits)) => {
            push(out, whole.parse().unwrap_or(f64::NAN));
            out.push('.');
            out.push_str(digits);
        }
        None => push(out, magnitude),
    }
}

/// Reads what [`encode_decimal`] writes, and exponents after the point; NaN when it is something else.
///
/// ```
/// use s3db_core::encoding::base62;
///
/// assert_eq!(base62::decode_decimal("u.5"), 30.5);
/// assert_eq!(base62::decode_decimal("-1.e300"), -1e300);
/// ```
pub fn decode_decimal(text: &str) -> f64 {
    let (negative, text) = split_sign(text);
    let mut parts = text.split('.');
    let whole = decode(parts.next().unwrap_or_default());
    let n = match parts.next() {
        Some(digits) if !digits.is_empty() && !whole.is_nan() => {
            let mut joined = String::with_capacity(24 + digits.len());
            js::push_f64(&mut joined, whole);
            joined.push('.');
            joined.push_str(digits);
            js::parse_number(&joined)
        }
        _ => whole,
    };
    if negative { -n } else { n }
}

/// Base36 of a short key's index, lower case.
pub fn encode_key(n: f64) -> String {
    if !n.is_finite() {
        return "undefined".to_owned();
    }
    let mut out = String::with_capacity(4);
    let magnitude = if n < 0.0 {
        out.push('-');
        -n.floor()
    } else {
        n.floor()
    };
    if n == 0.0 {
        out.push('0');
    }
    push_radix(&mut out, magnitude, 36.0);
    out
}

/// Reads a short key; NaN when it is none. Upper case is none.
pub fn decode_key(text: &str) -> f64 {
    decode_radix(text.as_bytes(), 36)
}

pub(super) fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn push_radix(out: &mut String, mut n: f64, radix: f64) {
    // A double has at most 1024 binary digits, so 200 digits of base 36 are enough.
    let mut buffer = [0; 200];
    let mut first = buffer.len();
    while n != 0.0 && first > 0 {
        first -= 1;
        let digit = (n % radix) as usize;
        if let (Some(place), Some(&text)) = (buffer.get_mut(first), DIGITS.get(digit)) {
            *place = text;
        }
        n = (n / radix).floor();
    }
    for &digit in buffer.iter().skip(first) {
        out.push(char::from(digit));
    }
}

fn decode_radix(text: &[u8], radix: u8) -> f64 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return if negative { -0.0 } else { 0.0 };
    }
    // Eight digits are below 2^53, where integers and doubles agree and integers are faster.
    let (head, tail) = digits.split_at(digits.len().min(8));
    let mut exact = 0_u64;
    for byte in head {
        let value = VALUES[usize::from(*byte)];
        if value >= radix {
            return f64::NAN;
        }
        exact = exact * u64::from(radix) + u64::from(value);
    }
    let mut n = exact as f64;
    for byte in tail {
        let value = VALUES[usize::from(*byte)];
        if value >= radix {
            return f64::NAN;
        }
        n = n * f64::from(radix) + f64::from(value);
    }
    if negative { -n } else { n }
}
