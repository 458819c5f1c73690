//! Texts: sanitisers, lengths, patterns and character classes.

use regex::Regex;
use serde_json::Value;

use super::super::run::Report;
use super::formats::{Format, Verdict};
use super::number::number_text;
use super::{is_blank, utf16_len};

/// One step that rewrites a text before it is checked.
#[derive(Debug)]
pub(crate) enum Sanitise {
    Trim,
    TrimLeft,
    TrimRight,
    PadStart(usize, String),
    PadEnd(usize, String),
    Lowercase,
    Uppercase,
}

/// A class of characters, or another property of the whole text.
#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) rule: &'static str,
    pub(crate) code: &'static str,
    pub(crate) holds: fn(&str) -> bool,
}

/// Every class rule, in the order in which errors are reported.
pub(crate) const CLASSES: &[Class] = &[
    class("numeric", "stringNumeric", is_numeric),
    class("alpha", "stringAlpha", |text| filled(text, |b| b.is_ascii_alphabetic())),
    class("alphanum", "stringAlphanum", |text| filled(text, |b| b.is_ascii_alphanumeric())),
    class("alphadash", "stringAlphadash", |text| {
        filled(text, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    }),
    class("hex", "stringHex", |text| text.len().is_multiple_of(2) && filled(text, |b| b.is_ascii_hexdigit())),
    class("singleLine", "stringSingleLine", |text| !text.contains('\n')),
    class("base64", "stringBase64", is_base64),
];

const fn class(rule: &'static str, code: &'static str, holds: fn(&str) -> bool) -> Class {
    Class { rule, code, holds }
}

/// A pattern of the user, and how it is shown.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    pub(crate) shown: String,
}

/// The rules of a text attribute.
#[derive(Debug, Default)]
pub(crate) struct TextRules {
    pub(crate) convert: bool,
    pub(crate) sanitise: Vec<Sanitise>,
    /// `Some(false)` refuses the empty text; `Some(true)` takes it without looking at other rules.
    pub(crate) empty: Option<bool>,
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
    pub(crate) length: Option<usize>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) contains: Option<String>,
    pub(crate) one_of: Option<Vec<Value>>,
    pub(crate) classes: Vec<&'static Class>,
    pub(crate) formats: Vec<&'static Format>,
}

impl TextRules {
    pub(crate) fn apply(&self, value: &mut Value, report: &mut Report<'_>) {
        if self.convert {
            match value {
                Value::Number(number) => *value = number_text(number).into(),
                Value::Bool(boolean) => *value = boolean.to_string().into(),
                _ => {}
            }
        }
        let Value::String(text) = value else {
            report.fail("string", None, Some(value));
            return;
        };
        for step in &self.sanitise {
            step.apply(text);
        }
        match self.empty {
            Some(true) if text.is_empty() => return,
            Some(false) if text.is_empty() => report.fail("stringEmpty", None, Some(&Value::from(""))),
            _ => {}
        }
        self.check_length(text, report);
        self.check_content(value, report);
    }

    fn check_length(&self, text: &str, report: &mut Report<'_>) {
        if self.min.is_none() && self.max.is_none() && self.length.is_none() {
            return;
        }
        let len = utf16_len(text);
        let mut check = |limit: Option<usize>, holds: bool, code: &'static str| {
            if let Some(limit) = limit.filter(|_| !holds) {
                report.fail(code, Some(limit.into()), Some(&len.into()));
            }
        };
        check(self.min, self.min.is_none_or(|min| len >= min), "stringMin");
        check(self.max, self.max.is_none_or(|max| len <= max), "stringMax");
        check(self.length, self.length.is_none_or(|exact| len == exact), "stringLength");
    }

    fn check_content(&self, value: &Value, report: &mut Report<'_>) {
        let text = value.as_str().unwrap_or_default();
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.regex.is_match(text)) {
            report.fail("stringPattern", Some(pattern.shown.as_str().into()), Some(value));
        }
        if let Some(part) = self.contains.as_ref().filter(|part| !text.contains(part.as_str())) {
            report.fail("stringContains", Some(part.as_str().into()), Some(value));
        }
        if let Some(allowed) = self.one_of.as_ref().filter(|allowed| !allowed.contains(value)) {
            report.fail("stringEnum", Some(allowed.clone().into()), Some(value));
        }
        for class in self.classes.iter().filter(|class| !(class.holds)(text)) {
            report.fail(class.code, None, Some(value));
        }
        for format in &self.formats {
            if let Verdict::Wrong(code) = (format.apply)(value) {
                report.fail(code, None, Some(value));
            }
        }
    }
}

impl Sanitise {
    fn apply(&self, text: &mut String) {
        match self {
            Self::Trim => {
                trim_end(text);
                trim_start(text);
            }
            Self::TrimLeft => trim_start(text),
            Self::TrimRight => trim_end(text),
            Self::PadStart(width, fill) => {
                let padding = padding(text, *width, fill);
                text.insert_str(0, &padding);
            }
            Self::PadEnd(width, fill) => {
                let padding = padding(text, *width, fill);
                text.push_str(&padding);
            }
            Self::Lowercase => {
                if text.is_ascii() {
                    text.make_ascii_lowercase();
                } else {
                    *text = text.to_lowercase();
                }
            }
            Self::Uppercase => {
                if text.is_ascii() {
                    text.make_ascii_uppercase();
                } else {
                    *text = text.to_uppercase();
                }
            }
        }
    }
}

fn trim_start(text: &mut String) {
    let kept = text.trim_start_matches(is_blank).len();
    text.drain(..text.len() - kept);
}

fn trim_end(text: &mut String) {
    text.truncate(text.trim_end_matches(is_blank).len());
}

/// `fill` repeated until `text` has `width` UTF-16 units. A character of two units that does not fit is left out.
fn padding(text: &str, width: usize, fill: &str) -> String {
    let mut left = width.saturating_sub(utf16_len(text));
    let mut out = String::new();
    for c in fill.chars().cycle().take(left) {
        if c.len_utf16() > left {
            break;
        }
        left -= c.len_utf16();
        out.push(c);
    }
    out
}

fn filled(text: &str, holds: fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(holds)
}

/// Digits with perhaps a sign and a fraction.
fn is_numeric(text: &str) -> bool {
    let digits = |text: &str| filled(text, |b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        None => digits(text),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
    }
}

/// Whole groups of four, the last padded with `=`; the empty text counts.
fn is_base64(text: &str) -> bool {
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let alphabet = body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'));
    text.len().is_multiple_of(4) && alphabet
}
