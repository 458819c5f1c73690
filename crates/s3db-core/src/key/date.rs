//! The `date` rule of a partition field: the UTC day of a text that JavaScript reads as a date.

use crate::encoding::time;
use std::borrow::Cow;

/// The day of a text, as a `date` rule writes it; the text itself when it is no date.
///
/// A text with both `T` and `Z` is cut before its first `T`. Any other text that JavaScript parses as a date becomes
/// its UTC day, where a date and time without an offset count as UTC (s3db.js takes the time zone of its process).
///
/// ```
/// use s3db_core::key::day_of;
///
/// assert_eq!(day_of("2024-01-15T10:20:30.000Z"), "2024-01-15");
/// assert_eq!(day_of("2024-01-15T23:30:00-05:00"), "2024-01-16");
/// assert_eq!(day_of("2024-1-5"), "2024-01-05");
/// assert_eq!(day_of("2024-02-30"), "2024-03-01");
/// assert_eq!(day_of("soon"), "soon");
/// ```
pub fn day_of(text: &str) -> Cow<'_, str> {
    if text.contains('T') && text.contains('Z') {
        return Cow::Borrowed(text.split('T').next().unwrap_or(text));
    }
    match iso_days(text).or_else(|| numeric_days(text)) {
        Some(days) => day_text(days).map_or(Cow::Borrowed(text), Cow::Owned),
        None => Cow::Borrowed(text),
    }
}

/// Days since 1970 of an ISO date or date-time of ECMA-262.
fn iso_days(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let (year, rest) = year(date)?;
    let (month, day) = match rest.as_bytes() {
        [] => (1, 1),
        [b'-', m1, m2] => (two(*m1, *m2)?, 1),
        [b'-', m1, m2, b'-', d1, d2] => (two(*m1, *m2)?, two(*d1, *d2)?),
        _ => return None,
    };
    let offset = match time {
        None => 0,
        Some(time) => time_days_ms(time)?,
    };
    let days = checked_days(year, month, day)?;
    (days * DAY_MS).checked_add(offset).map(|ms| ms.div_euclid(DAY_MS))
}

const DAY_MS: i64 = 86_400_000;

/// Four digits, or a sign and six, and what follows.
fn year(date: &str) -> Option<(i64, &str)> {
    let digits = if date.starts_with(['+', '-']) { 7 } else { 4 };
    let (year, rest) = (date.get(..digits)?, date.get(digits..)?);
    let bare = year.trim_start_matches(['+', '-']);
    (bare.len() >= 4 && bare.bytes().all(|b| b.is_ascii_digit()) && year != "-000000")
        .then(|| year.parse().ok())?
        .map(|year| (year, rest))
}

/// `HH:mm[:ss[.fraction]]` and an optional offset, as milliseconds of UTC since midnight.
fn time_days_ms(time: &str) -> Option<i64> {
    let at = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (clock, zone) = (time.get(..at)?, time.get(at..)?);
    let zone_ms = match zone.as_bytes() {
        [] | [b'Z'] => 0,
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => {
            let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
            let ms = (hours * 60 + minutes) * 60_000;
            if *sign == b'-' { -ms } else { ms }
        }
        _ => return None,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let (hour, minute, second) = match clock.as_bytes() {
        [h1, h2, b':', m1, m2] => (two(*h1, *h2)?, two(*m1, *m2)?, 0),
        [h1, h2, b':', m1, m2, b':', s1, s2] => (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?),
        _ => return None,
    };
    let in_range = hour < 24 && minute < 60 && second < 60 || (hour, minute, second) == (24, 0, 0);
    if !in_range || fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // The fraction of a second never moves the day.
    Some(((hour * 60 + minute) * 60 + second) * 1000 - zone_ms)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// `Y-M-D` and `Y/M/D` with a year of at least three digits, `M-D-Y` and `M/D/Y` with any.
fn numeric_days(text: &str) -> Option<i64> {
    let separator = if text.contains('/') { '/' } else { '-' };
    let mut parts = text.split(separator);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let number = |part: &str| {
        (matches!(part.len(), 1..=6) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<i64>().ok())?
    };
    let (na, nb, nc) = (number(a)?, number(b)?, number(c)?);
    if a.len() >= 3 {
        return checked_days(na, nb, nc);
    }
    // JavaScript takes a short year for one of 1950 to 2049.
    let year = match nc {
        0..=49 => 2000 + nc,
        50..=99 => 1900 + nc,
        year => year,
    };
    checked_days(year, na, nb)
}

/// Days since 1970. A day up to 31 that the month lacks runs over into the next month.
fn checked_days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    Some(time::days_of(year, month, day))
}

/// `YYYY-MM-DD`; years outside 0 to 9999 with a sign and six digits.
fn day_text(days: i64) -> Option<String> {
    const DAYS_MAX: i64 = 100_000_000;
    if days.abs() > DAYS_MAX {
        return None;
    }
    let (year, month, day) = time::date_of(days);
    Some(match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{}{:06}-{month:02}-{day:02}", if year < 0 { '-' } else { '+' }, year.abs()),
    })
}
