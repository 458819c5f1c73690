//! Conditions of COPY, one at a time.

use super::conditions::{foreign, if_match, must_be, must_do, must_refuse};
use crate::Result;
use crate::doctor::trial::Trial;
use crate::doctor::{ExamineOptions, Finding, Probe};
use crate::store::{Condition, Requests};

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    Requests { put: 2, copy: 5, get: 3, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let (first, second, to) = ("copies/first", "copies/second", "copies/to");
    trial.put(first, "first", Condition::None).await?;
    trial.put(second, "second", Condition::None).await?;
    let created = trial.copy(first, to, None, Condition::IfAbsent).await?;
    let again = trial.copy(second, to, None, Condition::IfAbsent).await?;
    let after_again = trial.body(to).await?;
    let wrong = trial.copy(second, to, None, if_match(&foreign())).await?;
    let after_wrong = trial.body(to).await?;
    let right = trial.copy(second, to, None, if_match(&created.etag())).await?;
    let stale = trial.copy(first, to, None, if_match(&created.etag())).await?;
    let after_stale = trial.body(to).await?;
    let complaint = must_do("the first COPY", &created)
        .or_else(|| must_refuse("a COPY onto an object with If-None-Match: *", &again))
        .or_else(|| must_be("the object after it", after_again.as_deref(), Some("first")))
        .or_else(|| must_refuse("a COPY with a wrong ETag", &wrong))
        .or_else(|| must_be("the object after a wrong ETag", after_wrong.as_deref(), Some("first")))
        .or_else(|| must_do("a COPY with the right ETag", &right))
        .or_else(|| must_refuse("a COPY with an old ETag", &stale))
        .or_else(|| must_be("the object after an old ETag", after_stale.as_deref(), Some("second")));
    Ok(vec![Finding::unless(Probe::ConditionalCopy, complaint, "refused where they do not hold")])
}
