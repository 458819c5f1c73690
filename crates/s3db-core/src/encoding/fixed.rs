//! Fixed-point numbers: embeddings, money, decimals and coordinates, scaled by a power of ten and rounded.

use serde_json::{Map, Value};

use super::base62::{self, EXACT};
use super::number;

/// Decimal digits kept of an embedding's items.
pub(super) const EMBEDDING_DECIMALS: u32 = 6;

/// Rounds as `Math.round`: to the nearest integer, halves towards plus infinity, also for negatives.
pub(super) fn round(n: f64) -> f64 {
    // Through an integer, where it is exact: without SSE 4.1, `floor` is a call.
    let floor = if n.abs() < EXACT {
        let whole = n as i64 as f64;
        if whole > n { whole - 1.0 } else { whole }
    } else {
        n.floor()
    };
    if n - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// `10^decimals`; exact up to 22.
fn scale(decimals: u32) -> f64 {
    10_f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX))
}

/// Appends a scaled integer in base62. Above 2^53 it takes the digits that s3db.js reads back as the same double,
/// where there are such digits.
fn push_scaled(out: &mut String, scaled: f64) {
    if scaled == 0.0 {
        return out.push('0');
    }
    if scaled.abs() < 14_776_336.0 {
        if scaled < 0.0 {
            out.push('-');
        }
        return base62::push_short(out, scaled.abs() as u32);
    }
    let start = out.len();
    base62::push(out, scaled);
    if scaled.abs() <= EXACT || out.get(start..).map(base62::decode) == Some(scaled) || scaled.abs() >= 1e38 {
        return;
    }
    let mut exact = String::with_capacity(24);
    if scaled < 0.0 {
        exact.push('-');
    }
    base62::push_u128(&mut exact, scaled.abs() as u128);
    if base62::decode(&exact) == scaled {
        out.truncate(start);
        out.push_str(&exact);
    }
}

/// A number as a prefix and its scaled integer; `None` when scaling overflows.
pub(super) fn encode(prefix: char, n: f64, decimals: u32) -> Option<String> {
    let scaled = round(n * scale(decimals));
    scaled.is_finite().then(|| {
        let mut out = String::with_capacity(12);
        out.push(prefix);
        push_scaled(&mut out, scaled);
        out
    })
}

/// Reads what [`encode`] wrote; `None` for any other text.
pub(super) fn decode(prefix: char, text: &str, decimals: u32) -> Option<Value> {
    let scaled = base62::decode(text.strip_prefix(prefix)?);
    number::from_f64(scaled / scale(decimals)).map(Value::Number)
}

/// Half the circle that a coordinate moves on: what is added so that it is never negative.
#[derive(Debug, Clone, Copy)]
pub(super) enum Axis {
    Latitude,
    Longitude,
}

impl Axis {
    fn offset(self) -> f64 {
        match self {
            Self::Latitude => 90.0,
            Self::Longitude => 180.0,
        }
    }
}

/// A coordinate in degrees; `None` when it is out of range.
pub(super) fn encode_degrees(axis: Axis, degrees: f64, decimals: u32) -> Option<String> {
    let offset = axis.offset();
    if (-offset..=offset).contains(&degrees) { encode('~', degrees + offset, decimals) } else { None }
}

/// Reads a coordinate. The noise of `n / 10^decimals - offset` is part of the value that every reader returns.
pub(super) fn decode_degrees(axis: Axis, text: &str, decimals: u32) -> Option<Value> {
    let scaled = base62::decode(text.strip_prefix('~')?);
    number::from_f64(scaled / scale(decimals) - axis.offset()).map(Value::Number)
}

/// A point given as `{lat, lon}`, `{latitude, longitude}` or `[latitude, longitude]`, without any other member.
pub(super) fn encode_point(value: &Value, decimals: u32) -> Option<String> {
    let (latitude, longitude) = match value {
        Value::Array(items) => match items.as_slice() {
            [latitude, longitude] => (latitude, longitude),
            _ => return None,
        },
        Value::Object(members) if members.len() == 2 => members
            .get("lat")
            .zip(members.get("lon"))
            .or_else(|| members.get("latitude").zip(members.get("longitude")))?,
        _ => return None,
    };
    let mut out = encode_degrees(Axis::Latitude, latitude.as_f64()?, decimals)?;
    out.push_str(&encode_degrees(Axis::Longitude, longitude.as_f64()?, decimals)?);
    Some(out)
}

/// Reads a point as `{latitude, longitude}`.
pub(super) fn decode_point(text: &str, decimals: u32) -> Option<Value> {
    let split = text.strip_prefix('~')?.find('~')? + 1;
    let (latitude, longitude) = text.split_at_checked(split)?;
    let mut point = Map::new();
    point.insert("latitude".to_owned(), decode_degrees(Axis::Latitude, latitude, decimals)?);
    point.insert("longitude".to_owned(), decode_degrees(Axis::Longitude, longitude, decimals)?);
    Some(Value::Object(point))
}

/// Numbers as `^[a,b,…]`; null items are left empty. `None` when an item is something else.
pub(super) fn encode_batch(items: &[Value], decimals: u32) -> Option<String> {
    let scale = scale(decimals);
    let mut out = String::with_capacity(3 + items.len() * 6);
    out.push_str("^[");
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        match item {
            Value::Number(n) => {
                let scaled = round(n.as_f64()? * scale);
                if !scaled.is_finite() {
                    return None;
                }
                push_scaled(&mut out, scaled);
            }
            // One empty item alone would read as no item.
            Value::Null if items.len() > 1 => {}
            _ => return None,
        }
    }
    out.push(']');
    Some(out)
}

/// Whether [`round_batch`] gives what a reader gets. Of larger numbers only the stored text tells.
pub(super) fn can_round_batch(items: &[Value]) -> bool {
    // A billion with six digits after the point is well below 2^53.
    items.iter().all(|item| item.as_f64().is_none_or(|n| n.abs() < 1e9))
}

/// Rounds numbers as [`decode_batch`] gives them back after [`encode_batch`].
pub(super) fn round_batch(items: &mut [Value], decimals: u32) {
    let scale = scale(decimals);
    for item in items {
        if let Some(n) = item.as_f64() {
            let scaled = round(n * scale);
            // Zero is written without a sign.
            let read = if scaled == 0.0 { 0.0 } else { scaled / scale };
            *item = number::from_f64(read).map_or(Value::Null, Value::Number);
        }
    }
}

/// Reads `^[a,b,…]`, and `^a|^b` of older releases. Items that are no numbers become null.
pub(super) fn decode_batch(text: &str, decimals: u32) -> Option<Value> {
    let scale = scale(decimals);
    let item = |digits: &[u8]| {
        let n = if digits.is_empty() { f64::NAN } else { base62::decode_bytes(digits) / scale };
        number::from_f64(n).map_or(Value::Null, Value::Number)
    };
    if text.is_empty() || text == "^[]" {
        return Some(Value::Array(Vec::new()));
    }
    if let Some(list) = text.strip_prefix("^[") {
        // The last character is the bracket, and s3db.js does not look at it.
        let mut chars = list.chars();
        chars.next_back();
        let list = chars.as_str().as_bytes();
        let mut items = Vec::with_capacity(1 + list.iter().filter(|byte| **byte == b',').count());
        items.extend(list.split(|byte| *byte == b',').map(item));
        return Some(Value::Array(items));
    }
    text.starts_with('^').then(|| {
        let items = text
            .split('|')
            .map(|part| part.strip_prefix('^').map_or(Value::Null, |digits| item(digits.as_bytes())));
        Value::Array(items.collect())
    })
}
