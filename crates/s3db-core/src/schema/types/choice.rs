//! Types that compare a value: one of a list, equal to a value or to another field.

use serde_json::{Map, Value};

use super::super::run::Report;
use super::number::from_json;

/// The rules of an `equal` attribute.
#[derive(Debug)]
pub(crate) struct EqualRules {
    /// Name of the field beside this one; else compare with `value`.
    pub(crate) field: Option<String>,
    pub(crate) value: Value,
    pub(crate) strict: bool,
}

impl EqualRules {
    pub(crate) fn check(&self, value: &Value, parent: &Map<String, Value>, report: &mut Report<'_>) {
        let wanted = match &self.field {
            None => &self.value,
            Some(field) => parent.get(field).unwrap_or(&Value::Null),
        };
        let holds = if self.strict { same(value, wanted) } else { alike(value, wanted) };
        if holds {
            return;
        }
        match &self.field {
            None => report.fail("equalValue", Some(self.value.clone()), Some(value)),
            Some(field) => report.fail("equalField", Some(field.as_str().into()), Some(value)),
        }
    }
}

/// Checks that `value` is one of `allowed`.
pub(crate) fn one_of(allowed: &[Value], value: &Value, report: &mut Report<'_>) {
    if !allowed.iter().any(|one| same(one, value)) {
        report.fail("enumValue", Some(allowed.to_vec().into()), Some(value));
    }
}

/// JavaScript's `===`, except that lists and objects compare by content.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

/// JavaScript's `==` between scalars: a number, a numeric text and a boolean may be alike.
fn alike(left: &Value, right: &Value) -> bool {
    let scalar = |value: &Value| matches!(value, Value::Number(_) | Value::String(_) | Value::Bool(_));
    let both_text = left.is_string() && right.is_string();
    if same(left, right) || both_text || !scalar(left) || !scalar(right) {
        return same(left, right);
    }
    matches!((from_json(left), from_json(right)), (Some(left), Some(right)) if left == right)
}
