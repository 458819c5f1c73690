//! Conditions of PUT and DELETE, one at a time: what must be refused is refused, and has changed nothing.

use crate::Result;
use crate::doctor::trial::{Answer, Trial};
use crate::doctor::{ExamineOptions, Finding, Probe, Verdict};
use crate::store::{Condition, ETag, Requests};

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    Requests { get: 5, head: 1, put: 8, delete: 4, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let mut findings = vec![put_if_absent(trial).await?, put_if_match(trial).await?];
    findings.extend(delete(trial).await?);
    Ok(findings)
}

async fn put_if_absent(trial: &Trial<'_>) -> Result<Finding> {
    let name = "conditions/absent";
    let first = trial.put(name, "first", Condition::IfAbsent).await?;
    let second = trial.put(name, "second", Condition::IfAbsent).await?;
    let body = trial.body(name).await?;
    let complaint = must_do("the first PUT", &first)
        .or_else(|| must_refuse("a second PUT", &second))
        .or_else(|| must_be("the first object", body.as_deref(), Some("first")));
    Ok(Finding::unless(Probe::PutIfAbsent, complaint, "refused where there is an object"))
}

async fn put_if_match(trial: &Trial<'_>) -> Result<Finding> {
    let name = "conditions/match";
    let first = trial.put(name, "first", Condition::None).await?.etag();
    let wrong = trial.put(name, "wrong", if_match(&foreign())).await?;
    let after_wrong = trial.body(name).await?;
    let right = trial.put(name, "right", if_match(&first)).await?;
    let stale = trial.put(name, "stale", if_match(&first)).await?;
    let after_stale = trial.body(name).await?;
    let absent = trial.put("conditions/nothing", "created", if_match(&first)).await?;
    let created = trial.head("conditions/nothing").await?;
    let complaint = must_refuse("a PUT with a wrong ETag", &wrong)
        .or_else(|| must_be("the object after a wrong ETag", after_wrong.as_deref(), Some("first")))
        .or_else(|| must_do("a PUT with the right ETag", &right))
        .or_else(|| must_refuse("a PUT with an old ETag", &stale))
        .or_else(|| must_be("the object after an old ETag", after_stale.as_deref(), Some("right")))
        .or_else(|| must_refuse("a PUT where nothing is", &absent))
        .or_else(|| created.map(|_| "a refused PUT has created an object".to_owned()));
    Ok(Finding::unless(Probe::PutIfMatch, complaint, "refused with a wrong, an old and no object"))
}

async fn delete(trial: &Trial<'_>) -> Result<[Finding; 2]> {
    let name = "conditions/delete";
    let etag = trial.put(name, "first", Condition::None).await?.etag();
    let wrong = trial.delete(name, if_match(&foreign())).await?;
    let kept = trial.body(name).await?;
    let right = trial.delete(name, if_match(&etag)).await?;
    let gone = trial.body(name).await?;
    let again = trial.delete(name, if_match(&etag)).await?;
    let absent = trial.delete(name, Condition::None).await?;
    let complaint = must_refuse("a DELETE with a wrong ETag", &wrong)
        .or_else(|| must_be("the object after a wrong ETag", kept.as_deref(), Some("first")))
        .or_else(|| must_do("a DELETE with the right ETag", &right))
        .or_else(|| must_be("the object after its delete", gone.as_deref(), None));
    let conditional = match (complaint, again.is_refused()) {
        (None, false) => Finding::other(
            Probe::DeleteIfMatch,
            Verdict::Differs,
            "of what is not there it says that it was deleted",
            "two that delete one document are both told that they did; nothing is lost",
            "",
        ),
        (complaint, _) => {
            Finding::unless(Probe::DeleteIfMatch, complaint, "refused with a wrong ETag and no object")
        }
    };
    let complaint = absent.reason();
    Ok([conditional, Finding::unless(Probe::DeleteAbsent, complaint, "succeeds")])
}

pub(super) fn if_match(etag: &ETag) -> Condition {
    Condition::IfMatch(etag.clone())
}

/// The ETag of no object of an examination.
pub(super) fn foreign() -> ETag {
    ETag::md5_of(b"an object of nobody")
}

/// A complaint unless it was done.
pub(super) fn must_do<T>(what: &str, answer: &Answer<T>) -> Option<String> {
    answer.reason().map(|reason| format!("{what} fails: {reason}"))
}

/// A complaint unless it was refused because of its condition.
pub(super) fn must_refuse<T>(what: &str, answer: &Answer<T>) -> Option<String> {
    match answer {
        Answer::Refused(_) => None,
        Answer::Done(_) => Some(format!("{what} succeeds: the condition is ignored")),
        Answer::Failed(_) => answer.reason().map(|reason| format!("{what} is not judged: {reason}")),
    }
}

/// A complaint unless the body is the expected one.
pub(super) fn must_be(what: &str, body: Option<&str>, expected: Option<&str>) -> Option<String> {
    if body == expected {
        return None;
    }
    let shown = |body: Option<&str>| body.map_or_else(|| "absent".to_owned(), |body| format!("{body:?}"));
    Some(format!("{what} is {}, not {}", shown(body), shown(expected)))
}
