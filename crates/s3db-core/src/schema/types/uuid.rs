//! UUIDs.

use std::borrow::Cow;

use serde_json::Value;

use super::super::run::Report;

/// A UUID of versions 1 to 8, or the nil one.
pub(super) fn any_version(text: &str) -> Option<Cow<'_, str>> {
    let (_, variant_is_right) = version(text)?;
    variant_is_right.then_some(Cow::Borrowed(text))
}

/// Checks a `uuid` attribute, of one version when `wanted` says so.
pub(crate) fn apply(wanted: Option<u8>, value: &Value, report: &mut Report<'_>) {
    let Value::String(text) = value else {
        report.fail("string", None, Some(value));
        return;
    };
    match (version(text), wanted) {
        (None, _) => report.fail("uuid", None, Some(value)),
        (Some((found, _)), Some(wanted)) if found != wanted => {
            report.fail("uuidVersion", Some(wanted.into()), Some(&found.into()));
        }
        (Some((_, false)), _) => report.fail("uuid", None, Some(value)),
        (Some((_, true)), _) => {}
    }
}

/// The version digit, and whether the variant is right for the versions that fix it (RFC 9562).
fn version(text: &str) -> Option<(u8, bool)> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let shaped = bytes.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    let version = bytes.get(14)?.wrapping_sub(b'0');
    let nil = bytes.iter().all(|b| matches!(b, b'0' | b'-'));
    if !shaped || !(nil || (1..=8).contains(&version)) {
        return None;
    }
    let variant = bytes.get(19)?.to_ascii_lowercase();
    let fixed = matches!(version, 3 | 4 | 5 | 7 | 8);
    Some((version, !fixed || matches!(variant, b'8' | b'9' | b'a' | b'b')))
}
