//! Types that are one function over the whole value: dates, addresses, codes. One row each.

use std::borrow::Cow;

use serde_json::Value;

use super::{binary, code, geo, network, schedule, time, uuid, web};

/// What a format says of a value.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Valid as it is.
    Keep,
    /// Valid; write this instead.
    Replace(Value),
    /// Not valid: the code of the error.
    Wrong(&'static str),
}

impl Verdict {
    /// Text that may have been rewritten; `None` is not valid.
    fn text(normal: Option<Cow<'_, str>>, code: &'static str) -> Self {
        match normal {
            None => Self::Wrong(code),
            Some(Cow::Borrowed(_)) => Self::Keep,
            Some(Cow::Owned(text)) => Self::Replace(text.into()),
        }
    }
}

/// One format: the word in a schema, and the function.
#[derive(Debug)]
pub(crate) struct Format {
    pub(crate) word: &'static str,
    pub(crate) apply: fn(&Value) -> Verdict,
}

/// A format over text; anything else fails with `other`.
macro_rules! text_format {
    ($word:literal, $function:path) => {
        text_format!($word, $function, $word)
    };
    ($word:literal, $function:path, $other:literal) => {
        Format {
            word: $word,
            apply: |value| match value {
                Value::String(text) => Verdict::text($function(text), $word),
                _ => Verdict::Wrong($other),
            },
        }
    };
}

/// Every format. As a rule of a text (`string|email`) a format checks and does not rewrite.
pub(crate) const FORMATS: &[Format] = &[
    text_format!("email", web::email_quick, "string"),
    text_format!("url", web::url, "string"),
    text_format!("uuid", uuid::any_version, "string"),
    Format { word: "date", apply: |value| time::datetime(value, "date") },
    Format { word: "datetime", apply: |value| time::datetime(value, "datetime") },
    Format { word: "dateonly", apply: time::dateonly },
    text_format!("timeonly", time::timeonly),
    text_format!("mac", network::mac),
    text_format!("luhn", code::luhn, "string"),
    text_format!("ip4", network::ip4, "string"),
    text_format!("ip6", network::ip6, "string"),
    text_format!("cidr", network::cidr),
    text_format!("phone", code::phone),
    text_format!("color", code::color),
    text_format!("semver", code::semver),
    Format { word: "duration", apply: schedule::duration },
    text_format!("cron", schedule::cron),
    text_format!("locale", code::locale),
    text_format!("currency", code::currency),
    text_format!("country", code::country),
    Format { word: "ean", apply: code::ean },
    Format { word: "geo:point", apply: geo::point },
    text_format!("buffer", binary::buffer, "string"),
];
