//! Numbers and booleans, with JavaScript's conversions.

use serde_json::{Number, Value};

use super::super::run::Report;
use super::is_blank;

/// The rules of a number, money, decimal or coordinate.
#[derive(Debug)]
pub(crate) struct NumberRules {
    pub(crate) convert: bool,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) equal: Option<f64>,
    pub(crate) not_equal: Option<f64>,
    pub(crate) integer: bool,
    pub(crate) positive: bool,
    pub(crate) negative: bool,
}

impl NumberRules {
    /// Whether every finite number is right as it is.
    pub(crate) fn is_free(&self) -> bool {
        let bounds = [self.min, self.max, self.equal, self.not_equal];
        bounds.iter().all(Option::is_none) && !(self.integer || self.positive || self.negative)
    }

    pub(crate) fn apply(&self, value: &mut Value, report: &mut Report<'_>) {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            _ if self.convert => from_json(value),
            _ => None,
        };
        let Some(number) = number.filter(|number| number.is_finite()) else {
            report.fail("number", None, Some(value));
            return;
        };
        let mut check = |fails: bool, code: &'static str, expected: Option<f64>| {
            if fails {
                report.fail(code, expected.and_then(to_json), Some(value));
            }
        };
        check(self.min.is_some_and(|min| number < min), "numberMin", self.min);
        check(self.max.is_some_and(|max| number > max), "numberMax", self.max);
        check(self.equal.is_some_and(|equal| number != equal), "numberEqual", self.equal);
        check(self.not_equal == Some(number), "numberNotEqual", self.not_equal);
        check(self.integer && number.fract() != 0.0, "numberInteger", None);
        check(self.positive && number <= 0.0, "numberPositive", None);
        check(self.negative && number >= 0.0, "numberNegative", None);
        if !value.is_number() {
            *value = to_json(number).unwrap_or_default();
        }
    }
}

/// Checks a boolean; with `convert`, `1`, `0` and the words `true`, `false`, `1`, `0`, `on`, `off` become one.
pub(crate) fn apply_boolean(convert: bool, value: &mut Value, report: &mut Report<'_>) {
    let converted = match value {
        Value::Bool(_) => return,
        _ if !convert => None,
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(text) => match text.as_str() {
            "true" | "1" | "on" => Some(true),
            "false" | "0" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    };
    match converted {
        Some(boolean) => *value = boolean.into(),
        None => report.fail("boolean", None, Some(value)),
    }
}

/// What JavaScript's `Number(value)` gives for a number, a text or a boolean.
pub(crate) fn from_json(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(boolean) => Some(f64::from(u8::from(*boolean))),
        Value::String(text) => from_text(text),
        _ => None,
    }
}

/// What JavaScript's `Number(text)` gives; `None` for NaN.
pub(crate) fn from_text(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_blank);
    let (head, digits) = text.split_at_checked(2).unwrap_or((text, ""));
    let radix = match head {
        "" => return Some(0.0),
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => {
            let decimal =
                text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
            return if decimal { text.parse().ok() } else { infinity(text) };
        }
    };
    let digit = |c: char| c.to_digit(radix).map(f64::from);
    let mut digits = digits.chars().peekable();
    digits.peek()?;
    digits.try_fold(0.0, |sum, c| Some(sum * f64::from(radix) + digit(c)?))
}

fn infinity(text: &str) -> Option<f64> {
    match text {
        "Infinity" | "+Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The JSON number of a double: an integer when it is one that a double holds exactly.
pub(crate) fn to_json(number: f64) -> Option<Value> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= SAFE {
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

/// The whole number, when it is one.
pub(super) fn integer(number: &Number) -> Option<i64> {
    let value = to_json(number.as_f64()?)?;
    value.as_i64()
}

/// JavaScript's `Math.round`: halves go towards positive infinity.
pub(super) fn round(number: f64) -> f64 {
    (number + 0.5).floor()
}

/// The text JavaScript prints for a number.
pub(crate) fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(0.0) => "0".to_owned(),
        Some(double) => ryu_js::Buffer::new().format(double).to_owned(),
        None => number.to_string(),
    }
}
