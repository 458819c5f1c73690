//! E-mail addresses and URLs.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::super::run::Report;
use super::{is_blank, utf16_len};

/// The rules of an `email` attribute.
#[derive(Debug, Default)]
pub(crate) struct EmailRules {
    pub(crate) precise: bool,
    pub(crate) normalize: bool,
    pub(crate) empty: bool,
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
}

impl EmailRules {
    pub(crate) fn apply(&self, value: &mut Value, report: &mut Report<'_>) {
        let Value::String(text) = value else {
            report.fail("string", None, Some(value));
            return;
        };
        if text.is_empty() {
            if !self.empty {
                report.fail("emailEmpty", None, Some(value));
            }
            return;
        }
        if self.normalize {
            let normal = text.trim_matches(is_blank).to_lowercase();
            if *text != normal {
                *text = normal;
            }
        }
        if self.min.is_some() || self.max.is_some() {
            let len = utf16_len(text);
            if let Some(min) = self.min.filter(|min| len < *min) {
                report.fail("emailMin", Some(min.into()), Some(&len.into()));
            }
            if let Some(max) = self.max.filter(|max| len > *max) {
                report.fail("emailMax", Some(max.into()), Some(&len.into()));
            }
        }
        let valid = if self.precise { email_precise(text) } else { email_quick(text).is_some() };
        if !valid {
            report.fail("email", None, Some(value));
        }
    }
}

/// `x@y.z` without blanks: at least one character on each side of the first `@` that has one before it, and of a dot
/// behind it.
pub(super) fn email_quick(text: &str) -> Option<Cow<'_, str>> {
    let at = text.bytes().skip(1).position(|b| b == b'@')? + 1;
    let dot = text.bytes().rev().skip(1).position(|b| b == b'.')?;
    let dot = text.len() - 2 - dot;
    let blank = match text.is_ascii() {
        true => text.bytes().any(|b| b == b' ' || (b'\t'..=b'\r').contains(&b)),
        false => text.contains(is_blank),
    };
    let valid = dot > at + 1 && !blank;
    valid.then_some(Cow::Borrowed(text))
}

/// The stricter shape of `mode:precise`: quoted or dotted local part, then a domain with a top level of two letters or
/// more, or an IPv4 address in brackets.
fn email_precise(text: &str) -> bool {
    static PRECISE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(concat!(
            r#"^(?:[^<>()\[\]\\.,;:\s@"]+(?:\.[^<>()\[\]\\.,;:\s@"]+)*|".+")@"#,
            r"(?:\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\]|(?:[a-zA-Z\-0-9]+\.)+[a-zA-Z]{2,})$",
        ))
        .ok()
    });
    PRECISE.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// Starts with `http://` or `https://` and a character that is not blank.
pub(super) fn url(text: &str) -> Option<Cow<'_, str>> {
    let rest = text.strip_prefix("http")?;
    let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix("://")?;
    let valid = rest.chars().next().is_some_and(|c| !is_blank(c));
    valid.then_some(Cow::Borrowed(text))
}

/// Checks a `url` attribute.
pub(crate) fn apply_url(empty: bool, value: &Value, report: &mut Report<'_>) {
    match value {
        Value::String(text) if text.is_empty() => {
            if !empty {
                report.fail("urlEmpty", None, Some(value));
            }
        }
        Value::String(text) => {
            if url(text).is_none() {
                report.fail("url", None, Some(value));
            }
        }
        _ => report.fail("string", None, Some(value)),
    }
}
