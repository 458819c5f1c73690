//! The stamp of a write, which gives every write of a document an ETag of its own.
//!
//! An S3 ETag is the hash of the body alone. A document that lives in the metadata gets a body that says nothing but
//! which write it was; one that overflows gets the stamp as the first member of its body.

/// What a stamped body begins with.
const PREFIX: &str = r#"{"_w":""#;

/// The stamp of the write that made a body.
///
/// ```
/// use s3db_core::behavior::stamp_of;
///
/// assert_eq!(stamp_of(br#"{"_w":"3kTMd9"}"#), Some("3kTMd9"));
/// assert_eq!(stamp_of(br#"{"_w":"3kTMd9","1":"long text"}"#), Some("3kTMd9"));
/// assert_eq!(stamp_of(b"content of the user"), None);
/// ```
pub fn stamp_of(body: &[u8]) -> Option<&str> {
    split(body).map(|(stamp, _)| stamp)
}

/// Whether a body holds a stamp and nothing else.
pub(crate) fn is_stamp_alone(body: &[u8]) -> bool {
    split(body).is_some_and(|(_, rest)| rest == b"}")
}

/// The stamp, and what follows it.
fn split(body: &[u8]) -> Option<(&str, &[u8])> {
    let rest = body.strip_prefix(PREFIX.as_bytes())?;
    let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    let (stamp, after) = rest.split_at_checked(end)?;
    let after = after.strip_prefix(b"\"")?;
    let whole = matches!(after.first(), Some(b'}' | b','));
    std::str::from_utf8(stamp).ok().filter(|stamp| whole && !stamp.is_empty()).map(|stamp| (stamp, after))
}

/// A body that holds nothing but a stamp.
pub(crate) fn alone(stamp: &str) -> String {
    format!("{PREFIX}{stamp}\"}}")
}
