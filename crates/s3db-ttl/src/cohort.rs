//! Cohorts: the minute, hour, day or week that a deadline is in, in UTC. Pure.

use std::time::Duration;

use jiff::civil::ISOWeekDate;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use s3db_core::{Error, ErrorKind, Result};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;

/// How finely deadlines are filed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Granularity {
    Minute,
    Hour,
    Day,
    Week,
}

impl Granularity {
    /// That of a time to live, as s3db.js chooses it; without one it is days.
    pub(crate) fn of(ttl: Option<Duration>) -> Self {
        match ttl.map(|ttl| ttl.as_secs()) {
            Some(..3_600) => Self::Minute,
            Some(..86_400) => Self::Hour,
            None | Some(..2_592_000) => Self::Day,
            Some(_) => Self::Week,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// How often cohorts of this size are looked at, as s3db.js does.
    pub(crate) fn scan_every(self) -> Duration {
        Duration::from_secs(match self {
            Self::Minute => 10,
            Self::Hour => 600,
            Self::Day => 3_600,
            Self::Week => 86_400,
        })
    }

    /// The cohort of a time.
    ///
    /// Errors: `Validation` for a time that no calendar has.
    pub(crate) fn cohort(self, at_ms: i64) -> Result<String> {
        let at = utc(at_ms).ok_or_else(|| {
            Error::new(ErrorKind::Validation, "the deadline is out of range").with("milliseconds", at_ms)
        })?;
        Ok(match self {
            Self::Minute => at.strftime("%Y-%m-%dT%H:%M").to_string(),
            Self::Hour => at.strftime("%Y-%m-%dT%H").to_string(),
            Self::Day => at.strftime("%Y-%m-%d").to_string(),
            Self::Week => {
                let week = ISOWeekDate::from(at.date());
                format!("{:04}-W{:02}", week.year(), week.week())
            }
        })
    }
}

/// When the cohort of a text may begin; `None` of a text that is none, which may hold anything.
///
/// s3db.js pairs the week of ISO with the year of the calendar: around new year the text of a week can be that of the year
/// before or after. The earliest is taken, since looking too early costs a look and looking too late costs a year.
pub(crate) fn start(cohort: &str) -> Option<i64> {
    let parse = |text: String| text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
    match cohort.len() {
        16 => parse(format!("{cohort}:00Z")),
        13 => parse(format!("{cohort}:00:00Z")),
        10 => parse(format!("{cohort}T00:00:00Z")),
        8 => {
            let (year, week) = cohort.split_once("-W")?;
            let (year, week) = (year.parse::<i16>().ok()?, week.parse::<i8>().ok()?);
            let year = if week >= 52 { year.saturating_sub(1) } else { year };
            let day = |week| ISOWeekDate::new(year, week, jiff::civil::Weekday::Monday).ok();
            let day = day(week).or_else(|| day(52))?;
            let at = day.date().to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
            // Local time and UTC are mixed there too.
            Some(at.saturating_sub(DAY_MS).min(at).saturating_sub(if week >= 52 { WEEK_MS } else { 0 }))
        }
        _ => None,
    }
}

/// A time as JavaScript writes it.
pub(crate) fn iso(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

fn utc(at_ms: i64) -> Option<Zoned> {
    Timestamp::from_millisecond(at_ms).ok().map(|at| at.to_zoned(TimeZone::UTC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_filed_as_s3db_js_files_it_and_looked_for_in_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let check = |granularity: Granularity, time: &str, cohort: &str| {
            let at_ms = at(time);
            assert_eq!(granularity.cohort(at_ms).unwrap(), cohort);
            let start = start(cohort).unwrap();
            assert!(start <= at_ms && at_ms - start < 400 * DAY_MS, "{time}");
        };
        check(Granularity::Minute, "2026-01-01T12:30:59.999Z", "2026-01-01T12:30");
        check(Granularity::Hour, "2026-01-01T14:59:00Z", "2026-01-01T14");
        check(Granularity::Day, "2026-01-08T00:00:00Z", "2026-01-08");
        check(Granularity::Week, "2026-03-05T00:00:00Z", "2026-W10");
        // The year of the week, not of the day.
        check(Granularity::Week, "2027-01-01T00:00:00Z", "2026-W53");
        check(Granularity::Week, "2024-12-31T00:00:00Z", "2025-W01");
        // What s3db.js writes for the first of these is looked at before a year has gone.
        assert!(start("2027-W53").unwrap() <= at("2027-01-01T00:00:00Z"));
        assert_eq!(start("anything"), None);
        assert!(Granularity::Day.cohort(i64::MAX).is_err());
    }

    #[test]
    fn the_size_of_cohorts_follows_the_time_to_live() {
        for (seconds, expected) in [
            (Some(30), Granularity::Minute),
            (Some(3_599), Granularity::Minute),
            (Some(3_600), Granularity::Hour),
            (Some(86_400), Granularity::Day),
            (Some(2_592_000), Granularity::Week),
            (None, Granularity::Day),
        ] {
            assert_eq!(Granularity::of(seconds.map(Duration::from_secs)), expected, "{seconds:?}");
        }
    }
}
