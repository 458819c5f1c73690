//! Points in time: ISO 8601 text and epoch milliseconds, read as JavaScript reads them.
//!
//! The calendar is the proleptic Gregorian one.

use std::borrow::Cow;

use serde_json::Value;

use super::formats::Verdict;
use super::number::from_json;
use crate::encoding::time::{date_of, days_of};

const DAY_MS: i64 = 86_400_000;
/// JavaScript's dates end here, in milliseconds on each side of 1970.
const TIME_MAX: i64 = 8_640_000_000_000_000;

/// A date with time, written `2024-01-15T10:20:30.123Z`.
pub(super) fn datetime(value: &Value, code: &'static str) -> Verdict {
    match instant(value) {
        None => Verdict::Wrong(code),
        Some(ms) => replace(value, iso(ms)),
    }
}

/// A date without time, written `2024-01-15`.
pub(super) fn dateonly(value: &Value) -> Verdict {
    let ms = match value {
        // Without a time a text is a day, and must not become a moment of another zone.
        Value::String(text) if !text.contains('T') => parse(text).filter(|_| !text.contains(':')),
        other => instant(other),
    };
    match ms {
        None => Verdict::Wrong("date"),
        Some(ms) => {
            let mut text = iso(ms);
            text.truncate(text.find('T').unwrap_or(text.len()));
            replace(value, text)
        }
    }
}

/// `HH:mm`, `HH:mm:ss`, `HH:mm:ss.SSS`, or the time of a date; written `HH:mm:ss.SSS`.
pub(super) fn timeonly(text: &str) -> Option<Cow<'_, str>> {
    let normal = match clock(text) {
        Some((ms, "")) if ms < DAY_MS && fraction_len(text) <= 3 => time_text(ms),
        _ if text.contains('T') => time_text(parse(text)?.rem_euclid(DAY_MS)),
        _ => return None,
    };
    Some(if normal == text { Cow::Borrowed(text) } else { Cow::Owned(normal) })
}

fn fraction_len(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, digits)| digits.len())
}

fn replace(value: &Value, text: String) -> Verdict {
    if value.as_str() == Some(&text) { Verdict::Keep } else { Verdict::Replace(text.into()) }
}

/// Epoch milliseconds of a number or a text.
fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) => {
            let ms = from_json(value)?.trunc();
            (ms.abs() <= TIME_MAX as f64).then_some(ms as i64)
        }
        Value::String(text) => parse(text),
        _ => None,
    }
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `±YYYYYY-…`, then perhaps a time and a zone. No zone is UTC.
fn parse(text: &str) -> Option<i64> {
    let (year, rest) = year(text)?;
    let (month, rest) = optional(rest, '-')?;
    let (day, rest) = if month.is_some() { optional(rest, '-')? } else { (None, rest) };
    let (month, day) = (month.unwrap_or(1), day.unwrap_or(1));
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let date = days_of(year, month, day) * DAY_MS;
    let (time, zone) = match rest.strip_prefix(['T', 't', ' ']) {
        None if rest.is_empty() => return Some(date),
        None => return None,
        Some(rest) => clock(rest)?,
    };
    let ms = date + time - offset(zone)?;
    (ms.abs() <= TIME_MAX).then_some(ms)
}

fn year(text: &str) -> Option<(i64, &str)> {
    let (sign, rest, width) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest, 6),
        None => text.strip_prefix('+').map_or((1, text, 4), |rest| (1, rest, 6)),
    };
    let (year, rest) = digits(rest, width)?;
    // JavaScript refuses the year -000000.
    (sign > 0 || year > 0).then_some((sign * year, rest))
}

/// Two digits after `mark`, when the mark is there.
fn optional(text: &str, mark: char) -> Option<(Option<i64>, &str)> {
    match text.strip_prefix(mark) {
        None => Some((None, text)),
        Some(rest) => digits(rest, 2).map(|(n, rest)| (Some(n), rest)),
    }
}

/// Exactly `width` decimal digits.
fn digits(text: &str, width: usize) -> Option<(i64, &str)> {
    let head = text.get(..width)?;
    let valid = head.bytes().all(|b| b.is_ascii_digit());
    Some((valid.then(|| head.parse().ok())??, text.get(width..)?))
}

/// Milliseconds since midnight of `HH:mm[:ss[.S…]]`, and the rest. `24:00` is the end of the day.
fn clock(text: &str) -> Option<(i64, &str)> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = optional(rest, ':')?;
    let (millis, rest) = match (second, rest.strip_prefix('.')) {
        (Some(_), Some(fraction)) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            let digits = fraction.get(..end).filter(|digits| !digits.is_empty())?;
            let padded: String = digits.chars().chain("00".chars()).take(3).collect();
            (padded.parse::<i64>().ok()?, fraction.get(end..)?)
        }
        _ => (0, rest),
    };
    let ms = ((hour * 60 + minute) * 60 + second.unwrap_or(0)) * 1000 + millis;
    (minute < 60 && second.unwrap_or(0) < 60 && ms <= DAY_MS).then_some((ms, rest))
}

/// Milliseconds to take off for a zone.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, rest) = digits(zone.strip_prefix(['+', '-'])?, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The text of JavaScript's `toISOString`.
fn iso(ms: i64) -> String {
    let (year, month, day) = date_of(ms.div_euclid(DAY_MS));
    let time = time_text(ms.rem_euclid(DAY_MS));
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}T{time}Z"),
        _ => {
            let sign = if year < 0 { '-' } else { '+' };
            format!("{sign}{:06}-{month:02}-{day:02}T{time}Z", year.abs())
        }
    }
}

fn time_text(ms: i64) -> String {
    let (seconds, millis) = (ms / 1000, ms % 1000);
    let (minutes, second) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{second:02}.{millis:03}", minutes / 60, minutes % 60)
}
