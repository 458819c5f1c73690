//! The parameters after the `?`.

use std::fmt;

use serde_json::{Map, Value};
use url::form_urlencoded;

const TOKEN: &str = "sessionToken";

/// Parameters nested at dots, with typed values; and the session token, which is kept out of them.
pub(super) fn parse(query: &str) -> (Map<String, Value>, Option<String>) {
    let mut parameters = Map::new();
    let mut token = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name == TOKEN {
            // A blank is what is left of a `+` that was not escaped: tokens are base64.
            token = Some(value.replace(' ', "+")).filter(|token| !token.is_empty());
        } else {
            insert(&mut parameters, &name, typed(&value));
        }
    }
    (parameters, token)
}

pub(super) fn get<'p>(parameters: &'p Map<String, Value>, name: &str) -> Option<&'p Value> {
    let mut parts = name.split('.');
    let first = parameters.get(parts.next()?)?;
    parts.try_fold(first, |at, part| at.get(part))
}

/// Writes `?a=1&b.c=2`, with the values of secret-looking names masked.
pub(super) fn write(f: &mut fmt::Formatter<'_>, parameters: &Map<String, Value>) -> fmt::Result {
    let mut out = form_urlencoded::Serializer::new(String::new());
    append(&mut out, "", parameters);
    match out.finish().as_str() {
        "" => Ok(()),
        query => write!(f, "?{query}"),
    }
}

fn append(out: &mut form_urlencoded::Serializer<'_, String>, parent: &str, parameters: &Map<String, Value>) {
    for (name, value) in parameters {
        let name = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        match value {
            Value::Object(nested) => append(out, &name, nested),
            Value::String(text) => {
                out.append_pair(&name, if is_secret(&name) { "***" } else { text });
            }
            other => {
                let text = other.to_string();
                out.append_pair(&name, if is_secret(&name) { "***" } else { &text });
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "token", "passphrase", "password", "credential"].iter().any(|word| name.contains(word))
}

fn insert(parameters: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            parameters.insert(name.to_owned(), value);
        }
        Some((first, rest)) => {
            let nested = parameters.entry(first).or_insert_with(|| Map::new().into());
            if !nested.is_object() {
                *nested = Map::new().into();
            }
            if let Value::Object(nested) = nested {
                insert(nested, rest, value);
            }
        }
    }
}

/// `true`, `false`, integers and decimals are converted; all else stays a text.
fn typed(text: &str) -> Value {
    match text {
        "true" => return true.into(),
        "false" => return false.into(),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = match digits.split_once('.') {
        None if all_digits(digits) => text.parse::<i64>().ok().map(Value::from),
        Some((whole, fraction)) if all_digits(whole) && all_digits(fraction) => {
            text.parse::<f64>().ok().map(Value::from)
        }
        _ => None,
    };
    number.unwrap_or_else(|| text.into())
}
