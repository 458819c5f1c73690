//! The message of every error code, one row each.
//!
//! The sentences are those of s3db.js, so that programs which show them keep their texts. `{field}` is the label when
//! there is one, `{expected}` and `{actual}` are the values of the error.

use serde_json::Value;

use super::types::number::number_text;

const MESSAGES: &[(&str, &str)] = &[
    ("required", "The '{field}' field is required."),
    ("forbidden", "The '{field}' field is forbidden."),
    ("string", "The '{field}' field must be a string."),
    ("stringEmpty", "The '{field}' field must not be empty."),
    ("stringMin", "The '{field}' field length must be greater than or equal to {expected} characters long."),
    ("stringMax", "The '{field}' field length must be less than or equal to {expected} characters long."),
    ("stringLength", "The '{field}' field length must be {expected} characters long."),
    ("stringPattern", "The '{field}' field fails to match the required pattern."),
    ("stringContains", "The '{field}' field must contain the '{expected}' text."),
    ("stringEnum", "The '{field}' field does not match any of the allowed values."),
    ("stringNumeric", "The '{field}' field must be a numeric string."),
    ("stringAlpha", "The '{field}' field must be an alphabetic string."),
    ("stringAlphanum", "The '{field}' field must be an alphanumeric string."),
    ("stringAlphadash", "The '{field}' field must be an alphadash string."),
    ("stringHex", "The '{field}' field must be a hex string."),
    ("stringBase64", "The '{field}' field must be a base64 string."),
    ("stringSingleLine", "The '{field}' field must be a single line string."),
    ("number", "The '{field}' field must be a number."),
    ("numberMin", "The '{field}' field must be greater than or equal to {expected}."),
    ("numberMax", "The '{field}' field must be less than or equal to {expected}."),
    ("numberEqual", "The '{field}' field must be equal to {expected}."),
    ("numberNotEqual", "The '{field}' field can't be equal to {expected}."),
    ("numberInteger", "The '{field}' field must be an integer."),
    ("numberPositive", "The '{field}' field must be a positive number."),
    ("numberNegative", "The '{field}' field must be a negative number."),
    ("boolean", "The '{field}' field must be a boolean."),
    ("array", "The '{field}' field must be an array."),
    ("arrayEmpty", "The '{field}' field must not be an empty array."),
    ("arrayMin", "The '{field}' field must contain at least {expected} items."),
    ("arrayMax", "The '{field}' field must contain less than or equal to {expected} items."),
    ("arrayLength", "The '{field}' field must contain {expected} items."),
    ("arrayContains", "The '{field}' field must contain the '{expected}' item."),
    ("arrayUnique", "The '{actual}' value in '{field}' field does not unique the '{expected}' values."),
    ("arrayEnum", "The '{actual}' value in '{field}' field does not match any of the '{expected}' values."),
    ("tuple", "The '{field}' field must be an array."),
    ("tupleEmpty", "The '{field}' field must not be an empty array."),
    ("tupleLength", "The '{field}' field must contain {expected} items."),
    ("object", "The '{field}' must be an Object."),
    ("objectStrict", "The object '{field}' contains forbidden keys: '{actual}'."),
    ("objectMinProps", "The object '{field}' must contain at least {expected} properties."),
    ("objectMaxProps", "The object '{field}' must contain {expected} properties at most."),
    ("record", "The '{field}' must be an Object."),
    ("enumValue", "The '{field}' field value '{expected}' does not match any of the allowed values."),
    ("equalValue", "The '{field}' field value must be equal to '{expected}'."),
    ("equalField", "The '{field}' field value must be equal to '{expected}' field value."),
    ("email", "The '{field}' field must be a valid e-mail."),
    ("emailEmpty", "The '{field}' field must not be empty."),
    ("emailMin", "The '{field}' field length must be greater than or equal to {expected} characters long."),
    ("emailMax", "The '{field}' field length must be less than or equal to {expected} characters long."),
    ("url", "The '{field}' field must be a valid URL."),
    ("urlEmpty", "The '{field}' field must not be empty."),
    ("uuid", "The '{field}' field must be a valid UUID."),
    ("uuidVersion", "The '{field}' field must be a valid UUID version provided."),
    ("date", "The '{field}' field must be a valid date."),
    ("datetime", "The '{field}' field must be a valid datetime."),
    ("timeonly", "The '{field}' field must be a valid time (HH:mm, HH:mm:ss, or HH:mm:ss.SSS)."),
    ("mac", "The '{field}' field must be a valid MAC address (e.g., AA:BB:CC:DD:EE:FF)."),
    ("luhn", "The '{field}' field must be a valid checksum luhn."),
    ("ip4", "The '{field}' field must be a valid IPv4 address (e.g., 192.168.1.1)."),
    ("ip6", "The '{field}' field must be a valid IPv6 address (e.g., 2001:db8::1)."),
    ("cidr", "The '{field}' field must be a valid CIDR notation (e.g., 192.168.1.0/24)."),
    ("phone", "The '{field}' field must be a valid phone number in E.164 format (e.g., +5511999999999)."),
    ("color", "The '{field}' field must be a valid hex color (e.g., #FF5733 or #F57)."),
    (
        "semver",
        "The '{field}' field must be a valid semantic version (e.g., 1.2.3, each later part below 1000).",
    ),
    ("duration", "The '{field}' field must be a valid duration (e.g., PT1H30M, 1h30m, 90m)."),
    ("cron", "The '{field}' field must be a valid 5-field cron expression (e.g., 0 */5 * * *)."),
    ("locale", "The '{field}' field must be a valid locale (e.g., pt-BR, en-US, or just en)."),
    ("currency", "The '{field}' field must be a valid 3-letter currency code (e.g., USD, BRL, EUR)."),
    ("country", "The '{field}' field must be a valid 2-letter country code (e.g., BR, US, DE)."),
    ("ean", "The '{field}' field must be a valid barcode (EAN-8, UPC-A 12, EAN-13, or GTIN-14 digits)."),
    ("geoPoint", "The '{field}' field must be a valid point (e.g., {latitude: -23.5, longitude: -46.6})."),
    ("buffer", "The '{field}' field must be bytes in base64."),
    ("bits", "The '{field}' field must be bits in base64."),
    ("bitsLength", "The '{field}' field must hold exactly {expected} bits."),
];

/// The usual sentence of `code`.
pub(super) fn template(code: &str) -> &'static str {
    MESSAGES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("The '{field}' field is not valid.", |(_, text)| text)
}

/// Whether `code` can be the key of a `messages` rule.
pub(super) fn is_code(code: &str) -> bool {
    MESSAGES.iter().any(|(known, _)| *known == code)
}

/// Every code.
pub(super) fn codes() -> impl Iterator<Item = &'static str> {
    MESSAGES.iter().map(|(code, _)| *code)
}

/// Fills the placeholders of `template`.
pub(super) fn render(
    template: &str,
    label: &str,
    expected: Option<&Value>,
    actual: Option<&Value>,
) -> String {
    let mut out = String::with_capacity(template.len() + label.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let filled = [
            ("{field}", Some(label.to_owned())),
            ("{expected}", Some(display(expected))),
            ("{actual}", Some(display(actual))),
        ]
        .into_iter()
        .find(|(mark, _)| from.starts_with(mark));
        if let Some((mark, text)) = filled {
            out.push_str(&text.unwrap_or_default());
            rest = &from[mark.len()..];
        } else {
            out.push('{');
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    out
}

/// A value as a person reads it: text bare, lists with commas.
fn display(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number_text(number),
        Some(Value::Array(items)) => {
            items.iter().map(|item| display(Some(item))).collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    }
}
