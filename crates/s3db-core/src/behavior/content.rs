//! Whether a body is content of the user. Pure.
//!
//! `_hascontent` alone does not tell. An update by s3db.js leaves it on every document whose body was not empty before,
//! and then puts fields into the body.

use super::{private, stamp};
use crate::store::Metadata;

/// What metadata and length of an object tell of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Content,
    NoContent,
    /// Only the body itself tells.
    Nothing,
}

/// Whether the body is content of the user, and not fields or a stamp.
pub(crate) fn is_content(metadata: &Metadata, body: &[u8]) -> bool {
    match told(metadata, body.len() as u64, None) {
        Told::NoContent => false,
        Told::Content => stamp::stamp_of(body).is_none(),
        Told::Nothing => has_length(metadata, body) && !is_like_ours(body),
    }
}

/// Whether a body looks like one that s3db or s3db.js writes itself, so that it must not be content.
pub(crate) fn is_like_ours(body: &[u8]) -> bool {
    stamp::stamp_of(body).is_some() || is_of_s3db_js(body)
}

/// What can be said without the body. A content type of JSON makes it doubtful.
pub(crate) fn told(metadata: &Metadata, body_bytes: u64, content_type: Option<&str>) -> Told {
    let marked = metadata.get(private::HAS_CONTENT) == Some("true");
    if !marked || body_bytes == 0 || metadata.get(private::OVERFLOW).is_some() {
        return Told::NoContent;
    }
    let Some(length) = metadata.get(private::CONTENT_LENGTH) else {
        return Told::Nothing;
    };
    match length.parse::<u64>() {
        Ok(length) if length == body_bytes => {
            // A stamp beside the mark was put there with the content: an update by s3db.js takes it away.
            if metadata.get(private::STAMP).is_some() {
                return Told::Content;
            }
            let is_json = content_type.is_none_or(|text| text.starts_with("application/json"));
            if is_json { Told::Nothing } else { Told::Content }
        }
        // s3db.js counts the units of UTF-16 of a text, each of which takes up to three bytes.
        Ok(length) if (length..=length.saturating_mul(3)).contains(&body_bytes) => Told::Nothing,
        _ => Told::NoContent,
    }
}

fn has_length(metadata: &Metadata, body: &[u8]) -> bool {
    let Some(length) = metadata.get(private::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok())
    else {
        return metadata.get(private::CONTENT_LENGTH).is_none();
    };
    length == body.len() || std::str::from_utf8(body).is_ok_and(|text| text.encode_utf16().count() == length)
}

/// Whether the body is the copy of a record that updates by s3db.js leave: each holds the version of the schema.
fn is_of_s3db_js(body: &[u8]) -> bool {
    body.first() == Some(&b'{')
        && serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body)
            .is_ok_and(|members| members.contains_key(private::VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_from_fields_and_stamps() {
        let marked =
            |length: &str| Metadata::from_iter([("_hascontent", "true"), ("_contentlength", length)]);
        let check = |metadata: Metadata, body: &str, expected| {
            assert_eq!(is_content(&metadata, body.as_bytes()), expected, "{metadata:?} {body}");
        };
        check(marked("3"), "png", true);
        check(marked("1"), "é", true);
        check(marked("7"), r#"{"a":1}"#, true);
        check(Metadata::from_iter([("_hascontent", "true")]), "png", true);
        check(Metadata::from_iter([("_contentlength", "3")]), "png", false);
        check(marked("0"), "", false);
        check(marked("25"), r#"{"1":"long"}"#, false);
        check(marked("12"), r#"{"_w":"abc"}"#, false);
        check(marked("20"), r#"{"0":"Ann","_v":"v1"}"#, false);
        check(marked("21"), r#"{"0":"Ann","_v":"v1"}"#, false);
        let stamped = [("_hascontent", "true"), ("_contentlength", "21"), ("_w", "abc")];
        check(Metadata::from_iter(stamped), r#"{"0":"Ann","_v":"v1"}"#, true);
        check(Metadata::from_iter(stamped), r#"{"_w":"abcabcabcabc"}"#, false);
        let overflow = [("_hascontent", "true"), ("_contentlength", "3"), ("_overflow", "true")];
        check(Metadata::from_iter(overflow), "png", false);
    }

    #[test]
    fn a_head_tells_content_where_it_can() {
        let marked = Metadata::from_iter([("_hascontent", "true"), ("_contentlength", "10")]);
        let mut stamped = marked.clone();
        stamped.insert("_w", "abc");
        assert_eq!(told(&stamped, 10, Some("application/json")), Told::Content);
        assert_eq!(told(&stamped, 9, Some("application/json")), Told::NoContent);
        for (bytes, content_type, expected) in [
            (10, Some("image/png"), Told::Content),
            (10, Some("application/json"), Told::Nothing),
            (12, Some("text/plain"), Told::Nothing),
            (9, Some("text/plain"), Told::NoContent),
            (31, Some("text/plain"), Told::NoContent),
            (0, Some("image/png"), Told::NoContent),
        ] {
            assert_eq!(told(&marked, bytes, content_type), expected, "{bytes} {content_type:?}");
        }
    }
}
