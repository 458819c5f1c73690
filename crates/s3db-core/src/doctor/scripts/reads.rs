//! The first contact: absent objects, the clock, and old versions.

use crate::ErrorKind;
use crate::Result;
use crate::doctor::trial::{Trial, told};
use crate::doctor::{ExamineOptions, Finding, Probe, Verdict};
use crate::store::{Condition, ListRequest, Requests};

/// Beyond this, in seconds, clocks are worth a word.
const SKEW_SECONDS: i64 = 2;

/// Beyond this, in seconds, S3 refuses signatures, and the ages of leases cannot be judged.
const SKEW_SECONDS_MAX: i64 = 15 * 60;

/// Dates of S3 are in whole seconds.
const DATE_STEP_MS: i64 = 999;

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    Requests { get: 1, head: 1, put: 2, list: 1, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let absent = match trial.get("reads/absent").await {
        Ok(None) => Finding::holds(Probe::AbsentReads, "absent"),
        Ok(Some(_)) => Finding::fails(Probe::AbsentReads, "an object that nobody wrote"),
        Err(error) if error.kind() == ErrorKind::Denied => Finding::fails(Probe::AbsentReads, told(&error)),
        Err(error) => return Err(error),
    };
    let before_ms = trial.env.now_ms();
    let first = trial.put("reads/clock", "first", Condition::None).await?;
    let second = trial.put("reads/clock", "second", Condition::None).await?;
    let after_ms = trial.env.now_ms();
    let date_ms = trial.head("reads/clock").await?.map(|head| head.last_modified_ms);
    let page = trial.list(ListRequest::prefix("reads/clock")).await?;
    let listed_ms = page.entries.first().map(|entry| entry.last_modified_ms);
    date_ms.into_iter().for_each(|ms| trial.saw_date(ms));

    let dates = match (date_ms, listed_ms) {
        (Some(date), Some(listed)) if date.div_euclid(1000) == listed.div_euclid(1000) => {
            Finding::holds(Probe::DatesAgree, "the same to the second")
        }
        (Some(date), Some(listed)) => Finding::fails(
            Probe::DatesAgree,
            format!("LIST says {} s later than HEAD", (listed - date) / 1000),
        ),
        _ => Finding::fails(Probe::DatesAgree, "what was just written has no date"),
    };
    let clock = match date_ms {
        Some(date_ms) => clock(before_ms, after_ms, date_ms),
        None => Finding::fails(Probe::ClockSkew, "what was just written has no date"),
    };
    let version = [first, second].into_iter().find_map(|answer| match answer {
        crate::doctor::trial::Answer::Done(written) => written.version_id.filter(|id| &**id != "null"),
        _ => None,
    });
    let versioning = match version {
        Some(_) => Finding::fails(Probe::Versioning, "old versions are kept"),
        None => Finding::holds(Probe::Versioning, "old versions are not kept"),
    };
    Ok(vec![absent, dates, clock, versioning])
}

/// Compares a date that was given between two readings of our clock.
fn clock(before_ms: i64, after_ms: i64, date_ms: i64) -> Finding {
    let ahead_ms =
        if date_ms > after_ms { date_ms - after_ms } else { (date_ms + DATE_STEP_MS - before_ms).min(0) };
    let (seconds, way) = (ahead_ms.abs() / 1000, if ahead_ms > 0 { "ahead" } else { "behind" });
    match seconds {
        0..=SKEW_SECONDS => Finding::holds(Probe::ClockSkew, "the clocks agree"),
        SKEW_SECONDS_MAX.. => Finding::fails(Probe::ClockSkew, format!("it is {seconds} s {way}")),
        _ => Finding::other(
            Probe::ClockSkew,
            Verdict::Differs,
            format!("it is {seconds} s {way}"),
            "none for what is promised: ages are taken from the store's clock; dates in documents are from this one",
            "set the clock of this machine, for example by NTP, before S3 refuses signatures at 15 minutes",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_whole_seconds_is_no_wrong_clock() {
        for (before_ms, after_ms, date_ms, verdict) in [
            (10_500, 10_600, 10_000, Verdict::Holds),
            (10_500, 12_600, 12_000, Verdict::Holds),
            (10_500, 10_600, 13_000, Verdict::Holds),
            (10_500, 10_600, 14_000, Verdict::Differs),
            (10_500, 10_600, 6_000, Verdict::Differs),
            (10_500, 10_600, 911_000, Verdict::Lost),
            (1_000_000, 1_000_100, 90_000, Verdict::Lost),
        ] {
            let finding = clock(before_ms, after_ms, date_ms);
            assert_eq!(finding.verdict, verdict, "{date_ms}: {finding:?}");
        }
    }
}
