//! The text codec: any text as a metadata value that survives HTTP headers, and back.

use std::borrow::Cow;

/// What a metadata value means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<'a> {
    /// The value is null.
    Null,
    /// The value is absent.
    Absent,
    /// The value is this text.
    Text(Cow<'a, str>),
}

/// Writes a text exactly as s3db.js writes it, including texts that it reads back as something else.
pub fn encode(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Writes a text so that every reader, s3db.js too, gets the same text back.
pub fn encode_exact(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// Reads a metadata value.
pub fn decode(text: &str) -> Decoded<'_> {
    Decoded::Text(Cow::Borrowed(text))
}
