//! Bytes and bits, given as base64 text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde_json::Value;

use super::super::run::Report;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 text, with or without padding.
pub(super) fn buffer(text: &str) -> Option<Cow<'_, str>> {
    LENIENT.decode(text).ok()?;
    Some(Cow::Borrowed(text))
}

/// Checks a `bits` attribute; `wanted` bits fill as many bytes as they need.
pub(crate) fn bits(wanted: Option<usize>, value: &Value, report: &mut Report<'_>) {
    let Value::String(text) = value else {
        report.fail("string", None, Some(value));
        return;
    };
    match (LENIENT.decode(text), wanted) {
        (Err(_), _) => report.fail("bits", None, Some(value)),
        (Ok(bytes), Some(wanted)) if bytes.len() != wanted.div_ceil(8) => {
            report.fail("bitsLength", Some(wanted.into()), Some(&(bytes.len() * 8).into()));
        }
        (Ok(_), _) => {}
    }
}
