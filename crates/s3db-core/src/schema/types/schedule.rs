//! Durations and cron expressions.

use std::borrow::Cow;

use serde_json::Value;

use super::formats::Verdict;
use super::is_blank;
use super::number::{from_json, round, to_json};

const SECOND: f64 = 1000.0;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Milliseconds, `P1DT2H3M4.5S` or `1d2h3m4s5ms`; written as milliseconds.
pub(super) fn duration(value: &Value) -> Verdict {
    let ms = match value {
        Value::Number(_) => {
            return match from_json(value) {
                Some(ms) if ms >= 0.0 => Verdict::Keep,
                _ => Verdict::Wrong("duration"),
            };
        }
        Value::String(text) => iso(text).or_else(|| words(text)),
        _ => None,
    };
    match ms.and_then(|ms| to_json(round(ms))) {
        Some(ms) => Verdict::Replace(ms),
        None => Verdict::Wrong("duration"),
    }
}

/// ISO 8601 with days, hours, minutes and seconds; only seconds may have a fraction.
fn iso(text: &str) -> Option<f64> {
    let rest = text.strip_prefix('P')?;
    let (days, clock) = match rest.split_once('T') {
        Some((days, clock)) => (days, Some(clock)),
        None => (rest, None),
    };
    if text == "P" || text == "PT" {
        return None;
    }
    let mut seconds = units(days, &[('D', 86_400.0)])?;
    if let Some(clock) = clock {
        seconds += units(clock, &[('H', 3_600.0), ('M', 60.0), ('S', 1.0)])?;
    }
    Some(seconds * SECOND)
}

/// A run of `<number><unit>` in the order of `known`, each at most once.
fn units(mut text: &str, known: &[(char, f64)]) -> Option<f64> {
    let mut total = 0.0;
    let mut left = known;
    while !text.is_empty() {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, rest) = text.split_at(end);
        let unit = rest.chars().next()?;
        let at = left.iter().position(|(name, _)| *name == unit)?;
        let (_, factor) = left.get(at)?;
        total += decimal(number, unit == 'S')? * factor;
        left = left.get(at + 1..)?;
        text = rest.get(1..)?;
    }
    Some(total)
}

/// `12` or, with `fraction`, `12.5`.
fn decimal(text: &str, fraction: bool) -> Option<f64> {
    let (whole, part) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let valid = digits(whole) && part.is_none_or(|part| fraction && digits(part));
    valid.then(|| text.parse().ok())?
}

/// The first amount of each of `d`, `h`, `m`, `s` and `ms`, wherever it stands.
fn words(text: &str) -> Option<f64> {
    let text = text.to_lowercase();
    let (millis, rest) = take_millis(&text);
    let amounts = [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)]
        .into_iter()
        .filter_map(|(unit, factor)| Some(amount_before(&rest, unit)? * factor));
    let all: Vec<f64> = millis.into_iter().chain(amounts).collect();
    (!all.is_empty()).then(|| all.iter().sum())
}

/// The first whole number before `ms`, and the text without any of them.
fn take_millis(text: &str) -> (Option<f64>, String) {
    let mut first = None;
    let mut rest = String::with_capacity(text.len());
    let mut pieces = text.split("ms").peekable();
    while let Some(piece) = pieces.next() {
        let head = piece.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = piece.get(head.len()..).unwrap_or_default();
        if pieces.peek().is_none() {
            rest.push_str(piece);
        } else if digits.is_empty() {
            rest.push_str(piece);
            rest.push_str("ms");
        } else {
            first = first.or_else(|| digits.parse().ok());
            rest.push_str(head);
        }
    }
    (first, rest)
}

/// The first number that stands right before `unit`.
fn amount_before(text: &str, unit: &str) -> Option<f64> {
    text.match_indices(unit).find_map(|(at, _)| {
        let before = text.get(..at)?;
        let whole = before.trim_end_matches(|c: char| c.is_ascii_digit());
        if whole.len() == before.len() {
            return None;
        }
        let start = match whole.strip_suffix('.') {
            Some(head) if head.ends_with(|c: char| c.is_ascii_digit()) => {
                head.trim_end_matches(|c: char| c.is_ascii_digit()).len()
            }
            _ => whole.len(),
        };
        before.get(start..)?.parse().ok()
    })
}

/// Five fields of numbers, ranges, steps and lists; blanks are collapsed.
pub(super) fn cron(text: &str) -> Option<Cow<'_, str>> {
    let fields: Vec<&str> = text.split(is_blank).filter(|field| !field.is_empty()).collect();
    if fields.len() != 5 || !fields.iter().all(|field| is_cron_field(field)) {
        return None;
    }
    let normal = fields.join(" ");
    Some(if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) })
}

/// `*`, `*/5`, or a list of `1`, `1-5`, `1-5/2`.
fn is_cron_field(field: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if field == "*" {
        return true;
    }
    if let Some(step) = field.strip_prefix("*/") {
        return digits(step);
    }
    field.split(',').all(|item| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let (from, to) = range.split_once('-').map_or((range, None), |(from, to)| (from, Some(to)));
        digits(from) && to.is_none_or(digits) && step.is_none_or(digits)
    })
}
