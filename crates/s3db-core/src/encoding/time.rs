//! Dates, times and durations as base62, and the ISO texts that JavaScript prints.

use std::fmt::Write;

use super::{base62, fixed};

const DAY_MS: i64 = 86_400_000;

/// The last millisecond that a JavaScript date can hold, on either side of 1970.
const DATE_MS_MAX: f64 = 8.64e15;

/// Milliseconds since 1970 of an ISO date or date and time; a missing zone is UTC. `None` for any other text.
///
/// Fractions of a second are cut to milliseconds. Days up to 31 are taken in every month and carry over, as in
/// JavaScript.
pub(super) fn parse_datetime(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut ms = parse_date(date)?.checked_mul(DAY_MS)?;
    if let Some(time) = time {
        let (clock, zone_ms) = split_zone(time)?;
        ms = ms.checked_add(parse_clock(clock, 9)?)?.checked_sub(zone_ms)?;
    }
    ((ms as f64).abs() <= DATE_MS_MAX).then_some(ms)
}

/// Milliseconds since 1970 of an ISO date, or date and time; a missing zone is UTC. `None` for any other text.
///
/// ```
/// use s3db_core::encoding::{iso_from_ms, ms_from_iso};
///
/// assert_eq!(ms_from_iso("1970-01-02"), Some(86_400_000));
/// assert_eq!(ms_from_iso("1970-01-01T01:00:00.5+01:00"), Some(500));
/// assert_eq!(iso_from_ms(500).as_deref(), Some("1970-01-01T00:00:00.500Z"));
/// assert_eq!(ms_from_iso("yesterday"), None);
/// ```
pub fn ms_from_iso(text: &str) -> Option<i64> {
    parse_datetime(text)
}

/// An ISO time with milliseconds in UTC, as JavaScript prints it; `None` outside the range of its dates.
pub fn iso_from_ms(ms: i64) -> Option<String> {
    let mut out = String::with_capacity(24);
    push_iso(&mut out, ms as f64)?;
    Some(out)
}

/// Appends the ISO text of milliseconds since 1970, as `toISOString` prints it. `None` outside JavaScript's range.
pub(super) fn push_iso(out: &mut String, ms: f64) -> Option<()> {
    if ms.is_nan() || ms.abs() > DATE_MS_MAX {
        return None;
    }
    let ms = ms as i64;
    push_date(out, ms.div_euclid(DAY_MS));
    out.push('T');
    push_clock(out, ms.rem_euclid(DAY_MS));
    out.push('Z');
    Some(())
}

/// Milliseconds since 1970 as base62.
pub(super) fn encode_ms(ms: f64) -> Option<String> {
    (ms.abs() <= DATE_MS_MAX).then(|| base62::encode(ms))
}

/// Reads base62 milliseconds as ISO text; `None` for any other text, ISO text among them.
pub(super) fn decode_datetime(text: &str) -> Option<String> {
    let ms = read_digits(text)?;
    let mut out = String::with_capacity(24);
    push_iso(&mut out, ms)?;
    Some(out)
}

/// A date, or the UTC day of a date and time, as base62 of the days since 1970.
pub(super) fn encode_dateonly(text: &str) -> Option<String> {
    Some(base62::encode(parse_datetime(text)?.div_euclid(DAY_MS) as f64))
}

/// Reads base62 days as `YYYY-MM-DD`.
pub(super) fn decode_dateonly(text: &str) -> Option<String> {
    let days = read_digits(text)?;
    (days.abs() * DAY_MS as f64 <= DATE_MS_MAX).then(|| {
        let mut out = String::with_capacity(10);
        push_date(&mut out, days as i64);
        out
    })
}

/// `HH:MM[:SS[.mmm]]` as base62 of the milliseconds since midnight.
pub(super) fn encode_timeonly(text: &str) -> Option<String> {
    Some(base62::encode(parse_clock(text, 3)? as f64))
}

/// Reads base62 milliseconds as `HH:MM:SS.mmm`.
pub(super) fn decode_timeonly(text: &str) -> Option<String> {
    let ms = read_digits(text)?;
    (0.0..DAY_MS as f64).contains(&ms).then(|| {
        let mut out = String::with_capacity(12);
        push_clock(&mut out, ms as i64);
        out
    })
}

/// An ISO duration of days and smaller units, or milliseconds, as base62 of milliseconds.
///
/// A leading `P` would be taken for ISO text by s3db.js; a zero before it changes no value.
pub(super) fn encode_duration_ms(ms: f64) -> Option<String> {
    let ms = fixed::round(ms);
    (0.0..=base62::EXACT).contains(&ms).then(|| {
        let mut out = base62::encode(ms);
        if out.starts_with('P') {
            out.insert(0, '0');
        }
        out
    })
}

/// Milliseconds of an ISO duration such as `P2DT3H4M5.678S`; `None` for any other text.
pub(super) fn parse_duration(text: &str) -> Option<f64> {
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return None,
        None => (text.strip_prefix('P')?, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let mut seconds = take_unit(&mut { days }, 'D', true)? * 86_400.0;
    let mut rest = time;
    seconds += take_unit(&mut rest, 'H', false)? * 3_600.0;
    seconds += take_unit(&mut rest, 'M', false)? * 60.0;
    // Added after it was rounded: a fraction next to millions of days would lose its last digit.
    let millis = fixed::round(take_unit(&mut rest, 'S', true)? * 1_000.0);
    Some(seconds * 1_000.0 + millis)
}

/// Reads base62 milliseconds as an ISO duration; `None` for ISO text and anything else.
pub(super) fn decode_duration(text: &str) -> Option<String> {
    if parse_duration(text).is_some() {
        return None;
    }
    let ms = read_digits(text)?;
    (0.0..=base62::EXACT).contains(&ms).then(|| iso_duration(ms as u64))
}

fn iso_duration(ms: u64) -> String {
    let mut out = String::with_capacity(16);
    out.push('P');
    let days = ms / DAY_MS as u64;
    if days > 0 {
        let _ = write!(out, "{days}D");
    }
    let (hours, minutes, seconds) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1_000 % 60);
    let millis = ms % 1_000;
    if !ms.is_multiple_of(DAY_MS as u64) || ms == 0 {
        out.push('T');
    }
    if hours > 0 {
        let _ = write!(out, "{hours}H");
    }
    if minutes > 0 {
        let _ = write!(out, "{minutes}M");
    }
    if millis > 0 {
        let _ = write!(out, "{seconds}.{millis:03}S");
    } else if seconds > 0 || ms == 0 {
        let _ = write!(out, "{seconds}S");
    }
    out
}

/// Base62 digits alone, so that other texts never pass for a number.
fn read_digits(text: &str) -> Option<f64> {
    let n = if text.is_empty() { f64::NAN } else { base62::decode(text) };
    (!n.is_nan()).then_some(n)
}

/// Takes `<number><unit>` off the front, 0 when it is not there. With `last`, nothing may follow, and a fraction may
/// stand in it.
fn take_unit(rest: &mut &str, unit: char, last: bool) -> Option<f64> {
    let Some((number, tail)) = rest.split_once(unit) else {
        return (!last || rest.is_empty()).then_some(0.0);
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if unit == 'S' => (whole, fraction),
        Some(_) => return None,
        None => (number, "0"),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (last && !tail.is_empty()) {
        return None;
    }
    *rest = tail;
    number.parse().ok()
}

/// Days since 1970 of `YYYY[-MM[-DD]]`, years also as `+YYYYYY` and `-YYYYYY`.
fn parse_date(text: &str) -> Option<i64> {
    let (sign, width, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, 6, rest),
        ("-", rest) => (-1, 6, rest),
        _ => (1, 4, text),
    };
    let (year, rest) = digits.split_at_checked(width)?;
    let year = sign * parse_digits(year, width)?;
    let mut parts = rest.split('-');
    if !parts.next()?.is_empty() {
        return None;
    }
    let month = parts.next().map_or(Some(1), |text| parse_digits(text, 2))?;
    let day = parts.next().map_or(Some(1), |text| parse_digits(text, 2))?;
    let valid = parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then(|| days_of(year, month, day))
}

/// Milliseconds since midnight of `HH:MM[:SS[.f]]`.
fn parse_clock(text: &str, fraction_digits_max: usize) -> Option<i64> {
    let mut parts = text.split(':');
    let hours = parse_digits(parts.next()?, 2)?;
    let minutes = parse_digits(parts.next()?, 2)?;
    let (seconds, millis) = match parts.next() {
        None => (0, 0),
        Some(text) => match text.split_once('.') {
            None => (parse_digits(text, 2)?, 0),
            Some((seconds, fraction)) => {
                (parse_digits(seconds, 2)?, parse_millis(fraction, fraction_digits_max)?)
            }
        },
    };
    let valid = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60;
    valid.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis)
}

fn parse_millis(fraction: &str, digits_max: usize) -> Option<i64> {
    if fraction.is_empty()
        || fraction.len() > digits_max
        || !fraction.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let millis = fraction.bytes().chain([b'0'; 3]).take(3);
    Some(millis.fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')))
}

/// Splits `Z`, `+HH:MM` or `+HHMM` off a time; gives its distance to UTC in milliseconds.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (clock, zone) = time.split_at_checked(at)?;
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = zone.split_at_checked(2)?;
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    let (hours, minutes) = (parse_digits(hours, 2)?, parse_digits(minutes, 2)?);
    let ms = (hours * 60 + minutes) * 60_000;
    (hours < 24 && minutes < 60).then_some((clock, if sign == "-" { -ms } else { ms }))
}

fn parse_digits(text: &str, width: usize) -> Option<i64> {
    let valid = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.bytes().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')))
}

fn push_date(out: &mut String, days: i64) {
    let (year, month, day) = date_of(days);
    match year {
        0..=9_999 => push_padded(out, year, 4),
        _ => {
            out.push(if year < 0 { '-' } else { '+' });
            push_padded(out, year.abs(), 6);
        }
    }
    out.push('-');
    push_padded(out, month, 2);
    out.push('-');
    push_padded(out, day, 2);
}

fn push_clock(out: &mut String, ms: i64) {
    push_padded(out, ms / 3_600_000, 2);
    out.push(':');
    push_padded(out, ms / 60_000 % 60, 2);
    out.push(':');
    push_padded(out, ms / 1_000 % 60, 2);
    out.push('.');
    push_padded(out, ms % 1_000, 3);
}

/// Appends a small number with leading zeroes; several times faster than a format string.
fn push_padded(out: &mut String, n: i64, width: u32) {
    for place in (0..width).rev() {
        let digit = n / 10_i64.pow(place) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

/// Days since 1970 of a proleptic Gregorian date; a day beyond its month carries over.
/// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_of`]; same source, `civil_from_days`.
pub(crate) fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
