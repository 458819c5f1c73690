//! Numbers as base62: the integer part in base62, decimal digits after a point, an exponent where one is needed.

use serde_json::{Number, Value};

use super::base62::{self, EXACT};
use super::js;

/// Appends a number in the form that loses nothing and that s3db.js reads as the nearest double.
///
/// The plain form is `<base62 integer>[.<decimal digits>]`. It cannot hold `1e-7` (s3db.js writes an empty text) nor
/// all integers above 2^53; these are written as `<digit>.<digits>e<exponent>`, which every release reads.
pub(super) fn push(out: &mut String, n: &Number) {
    match (n.as_i64(), n.as_u64()) {
        (Some(n), _) => push_integer(out, n < 0, n.unsigned_abs()),
        (None, Some(n)) => push_integer(out, false, n),
        (None, None) => push_f64(out, n.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Appends the integer form, for attributes whose reader knows no decimal point.
///
/// Integers of 64 bits and more are written exactly; s3db.js gets the double that its own arithmetic makes of them.
pub(super) fn push_as_integer(out: &mut String, n: &Number) {
    match (n.as_i64(), n.as_u64(), n.as_f64()) {
        (Some(n), _, _) => push_exact(out, n < 0, n.unsigned_abs().into()),
        (None, Some(n), _) => push_exact(out, false, n.into()),
        (None, None, Some(n)) if n.fract() == 0.0 && n.abs() < 1e38 && n != 0.0 => {
            push_exact(out, n < 0.0, n.abs() as u128);
        }
        (None, None, _) => push(out, n),
    }
}

/// Reads either form; `None` when the text is not a number.
pub(super) fn decode(text: &str) -> Option<Value> {
    let n = base62::decode_decimal(text);
    if n.abs() >= EXACT
        && text.contains('.')
        && let Some(exact) = exact_decimal(text)
    {
        return Some(Value::Number(exact));
    }
    from_f64(n).map(Value::Number)
}

/// Reads the integer form exactly, and the other one too.
pub(super) fn decode_as_integer(text: &str) -> Option<Value> {
    let (negative, digits) = base62::split_sign(text);
    match base62::decode_u128(digits) {
        Some(n) if n > 0 || !negative => from_exact(negative, n).map(Value::Number),
        _ => decode(text),
    }
}

/// A double as a JSON number: an integer when it is integral and fits 64 bits. `None` for NaN and infinities.
pub(super) fn from_f64(n: f64) -> Option<Number> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if (-TWO_63..TWO_63).contains(&n) {
        let integer = n as i64;
        if integer as f64 == n && !(integer == 0 && n.is_sign_negative()) {
            return Some(Number::from(integer));
        }
    } else if (TWO_63..TWO_63 * 2.0).contains(&n) {
        // Doubles of this size have no fraction.
        return Some(Number::from(n as u64));
    }
    Number::from_f64(n)
}

/// A JSON value as the number that s3db.js takes it for: numbers, and texts that hold one.
pub(super) fn of_value(value: &Value) -> Option<Number> {
    match value {
        Value::Number(n) => Some(n.clone()),
        Value::String(text) if !text.is_empty() => from_f64(js::parse_number(text)),
        _ => None,
    }
}

fn push_integer(out: &mut String, negative: bool, magnitude: u64) {
    if magnitude <= 1 << 53 || survives(magnitude) {
        if negative {
            out.push('-');
        }
        base62::push(out, magnitude as f64);
    } else {
        push_scientific(out, negative, &magnitude.to_string(), 0);
    }
}

/// Whether the plain form of an integer above 2^53 is read back as this integer.
fn survives(magnitude: u64) -> bool {
    let n = magnitude as f64;
    n as u128 == u128::from(magnitude) && base62::decode(&base62::encode(n)) == n
}

fn push_f64(out: &mut String, n: f64) {
    if n == 0.0 && n.is_sign_negative() {
        return out.push_str("-0");
    }
    let start = out.len();
    base62::push_decimal(out, n);
    let plain = (1e-6..=EXACT).contains(&n.abs()) || n == 0.0;
    if plain || out.get(start..).map(base62::decode_decimal) == Some(n) {
        return;
    }
    out.truncate(start);
    let mut buffer = ryu_js::Buffer::new();
    let text = buffer.format_finite(n.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    push_scientific(out, n < 0.0, digits, exponent.trim_start_matches('+').parse().unwrap_or(0));
}

/// Appends `digits * 10^exponent` as `<digit>.<digits>e<exponent>`: one digit is the same in base 10 and base 62.
fn push_scientific(out: &mut String, negative: bool, digits: &str, exponent: i32) {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    if negative {
        out.push('-');
    }
    out.push_str(first);
    out.push('.');
    out.push_str(rest.trim_end_matches('0'));
    out.push('e');
    js::push_f64(out, f64::from(exponent) + rest.len() as f64);
}

fn push_exact(out: &mut String, negative: bool, magnitude: u128) {
    if negative {
        out.push('-');
    }
    base62::push_u128(out, magnitude);
}

fn from_exact(negative: bool, magnitude: u128) -> Option<Number> {
    let small = u64::try_from(magnitude).ok();
    match (negative, small) {
        (false, Some(n)) => Some(Number::from(n)),
        (true, Some(n)) if n <= 1 << 63 => Some(Number::from((n as i64).wrapping_neg())),
        _ => from_f64(if negative { -(magnitude as f64) } else { magnitude as f64 }),
    }
}

/// Reads `<base62 integer>.<digits>e<exponent>` without going through a double, when it is an integer of 64 bits.
fn exact_decimal(text: &str) -> Option<Number> {
    let (negative, text) = base62::split_sign(text);
    let (whole, rest) = text.split_once('.')?;
    let (digits, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let digits = digits.trim_end_matches('0');
    let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let zeroes = u32::try_from(exponent.checked_sub(i32::try_from(digits.len()).ok()?)?).ok()?;
    let mut magnitude = base62::decode_u128(whole)?;
    for byte in digits.bytes() {
        let digit = byte.is_ascii_digit().then(|| u128::from(byte - b'0'))?;
        magnitude = magnitude.checked_mul(10)?.checked_add(digit)?;
    }
    let magnitude = magnitude.checked_mul(10_u128.checked_pow(zeroes)?)?;
    u64::try_from(magnitude).ok().filter(|n| !negative || *n <= 1 << 63)?;
    from_exact(negative, magnitude)
}
