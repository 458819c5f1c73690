//! What the codecs promise: the golden vectors of s3db.js, and round trips of all values.

mod crypto;
mod passwords;
mod properties;
mod scalars;
mod texts;
mod types;

use serde_json::{Map, Value};

/// The cases of one file of golden vectors.
fn cases(file: &str) -> Vec<Case> {
    let document: Value = serde_json::from_str(file).expect("vectors are JSON");
    let list = document["cases"].as_array().expect("vectors have cases");
    list.iter().map(|case| Case(case.as_object().expect("a case is an object").clone())).collect()
}

struct Case(Map<String, Value>);

impl Case {
    fn str(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}

/// A number of the vectors, where `{"$number": "NaN"}` and the like stand for what JSON lacks.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(n) => n.as_f64(),
        Value::Object(_) => value["$number"].as_str().and_then(|text| text.parse().ok()),
        _ => None,
    }
}

fn same_double(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
        || a == b && a.is_sign_negative() == b.is_sign_negative()
        || a.is_nan() && b.is_nan()
}

/// JSON equality with numbers as doubles, which is what s3db.js sees.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            same_double(a.as_f64().unwrap_or(0.0), b.as_f64().unwrap_or(1.0))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| b.get(name).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

macro_rules! vectors {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/", $name, ".json"))
    };
}
use vectors;
