//! Keys in URLs and in XML.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in the value of `x-amz-copy-source`: the characters that a signature leaves alone too.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The value of `x-amz-copy-source`.
pub(super) fn copy_source(bucket: &str, key: &str) -> String {
    format!("{bucket}/{}", utf8_percent_encode(key, KEPT))
}

/// A key out of a listing that was asked for with `encoding-type=url`: percent escapes, and `+` for a blank.
pub(super) fn decode_listed(key: &str) -> Option<Cow<'_, str>> {
    if !key.contains('+') {
        return percent_decode_str(key).decode_utf8().ok();
    }
    let blanks = key.replace('+', " ");
    let decoded = percent_decode_str(&blanks).decode_utf8().ok()?.into_owned();
    Some(Cow::Owned(decoded))
}

/// Whether an XML 1.0 document can hold the key (<https://www.w3.org/TR/xml/#charsets>).
pub(super) fn fits_xml(key: &str) -> bool {
    key.chars().all(
        |c| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}'),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_a_copy_is_a_path_that_needs_no_guessing() {
        for (key, expected) in [
            ("a/b=c-d._~", "bucket/a/b%3Dc-d._~"),
            ("a b+c%2F?&#", "bucket/a%20b%2Bc%252F%3F%26%23"),
            ("é\n", "bucket/%C3%A9%0A"),
        ] {
            assert_eq!(copy_source("bucket", key), expected);
        }
    }

    #[test]
    fn listed_keys_are_decoded() {
        for (listed, key) in [
            ("a/b", Some("a/b")),
            ("a+b%2Bc%20d", Some("a b+c d")),
            ("%C3%A9%01", Some("é\u{1}")),
            ("%FF", None),
        ] {
            assert_eq!(decode_listed(listed).as_deref(), key, "{listed:?}");
        }
    }

    #[test]
    fn keys_that_xml_cannot_hold_are_known() {
        for (key, fits) in
            [("a\t\n\r<&>é\u{1F600}", true), ("\u{1}", false), ("\u{1b}", false), ("\u{ffff}", false)]
        {
            assert_eq!(fits_xml(key), fits, "{key:?}");
        }
    }
}
