//! What becomes of user metadata.

use std::sync::Arc;

use crate::Result;
use crate::doctor::trial::{Answer, Trial, metadata};
use crate::doctor::{ExamineOptions, Finding, Probe, Verdict};
use crate::store::{Metadata, Object, PutObject, PutResult, Requests};

/// What s3db puts at most, as s3db.js does.
const BYTES_MAX: usize = 2047;

/// More than the limit of AWS S3.
const BYTES_TOO_MANY: usize = 2049;

/// Texts that headers, proxies and servers like to change.
const VALUES: [(&str, &str); 5] = [
    ("accents", "é 日本 😀"),
    ("blanks", " at both ends "),
    ("case", "MiXeD"),
    ("tab", "a\tb"),
    ("word", "=?UTF-8?B?w6k=?="),
];

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    Requests { put: 8, get: 8, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    Ok(vec![
        limit(trial).await?,
        over_limit(trial).await?,
        names(trial).await?,
        values(trial).await?,
        empty(trial).await?,
        content_type(trial).await?,
    ])
}

/// As one large field, and as more than a hundred: many servers take a hundred headers unless told otherwise.
async fn limit(trial: &Trial<'_>) -> Result<Finding> {
    let one = round_trip(trial, "metadata/one", one_entry(BYTES_MAX)).await?;
    let many = round_trip(trial, "metadata/many", many_entries(BYTES_MAX)).await?;
    let complaint = one.change("one field").or_else(|| many.change("many fields"));
    Ok(Finding::unless(Probe::MetadataLimit, complaint, "as one field, and as 120"))
}

async fn over_limit(trial: &Trial<'_>) -> Result<Finding> {
    let sent = round_trip(trial, "metadata/over", one_entry(BYTES_TOO_MANY)).await?;
    Ok(match (&sent.answer, sent.change("")) {
        (Answer::Done(_), None) => Finding::fails(
            Probe::MetadataOverLimit,
            format!("{BYTES_TOO_MANY} bytes are taken, and come back"),
        ),
        (Answer::Done(_), Some(_)) => Finding::other(
            Probe::MetadataOverLimit,
            Verdict::Differs,
            format!("{BYTES_TOO_MANY} bytes are taken, and not kept"),
            "none for s3db, which keeps to 2,047 bytes by itself; what others write here may be cut in silence",
            "let no program write here that does not keep to 2,047 bytes",
        ),
        _ => Finding::holds(Probe::MetadataOverLimit, "refused"),
    })
}

async fn names(trial: &Trial<'_>) -> Result<Finding> {
    let sent = metadata([("_v", "v1"), ("a-b", "dash"), ("a_b", "underscore"), ("Upper", "case")]);
    let ascii = round_trip(trial, "metadata/names", sent).await?;
    let accent = round_trip(trial, "metadata/name-é", metadata([("é", "accent")])).await?;
    let got = |name: &str| ascii.found.as_ref().and_then(|found| found.head.metadata.get(name));
    let complaint = match [("_v", "v1"), ("a-b", "dash"), ("a_b", "underscore")]
        .into_iter()
        .find(|(name, value)| got(name) != Some(*value))
    {
        Some((name, _)) => ascii.answer.reason().or_else(|| Some(format!("`{name}` does not come back"))),
        None => None,
    };
    let case = match (got("Upper"), got("upper")) {
        (Some(_), _) => "kept",
        (None, Some(_)) => "folded",
        (None, None) => "dropped",
    };
    let accents = match (&accent.answer, accent.change("")) {
        (Answer::Done(_), None) => "kept",
        (Answer::Done(_), Some(_)) => "changed",
        _ => "refused",
    };
    Ok(Finding::unless(Probe::MetadataNames, complaint, format!("upper case is {case}, non-ASCII {accents}")))
}

async fn values(trial: &Trial<'_>) -> Result<Finding> {
    let sent = round_trip(trial, "metadata/values", metadata(VALUES)).await?;
    Ok(Finding::unless(Probe::MetadataValues, sent.change("a value"), "unchanged"))
}

async fn empty(trial: &Trial<'_>) -> Result<Finding> {
    let sent = round_trip(trial, "metadata/empty", metadata([("empty", ""), ("full", "x")])).await?;
    let complaint = sent.answer.reason().or_else(|| match &sent.found {
        Some(found) if found.head.metadata.get("empty") == Some("") => None,
        _ => Some("dropped".to_owned()),
    });
    Ok(Finding::unless(Probe::MetadataEmptyValues, complaint, "kept"))
}

async fn content_type(trial: &Trial<'_>) -> Result<Finding> {
    let name = "metadata/content-type";
    let object = PutObject { content_type: Some(Arc::from("text/x-s3db-doctor")), ..PutObject::default() };
    let answer = trial.put_odd(name, object).await?;
    let found = trial.get_odd(name).await?;
    let complaint = answer.reason().or_else(|| match found.and_then(|found| found.head.content_type) {
        Some(kept) if &*kept == "text/x-s3db-doctor" => None,
        Some(other) => Some(format!("it becomes {other}")),
        None => Some("it is dropped".to_owned()),
    });
    Ok(Finding::unless(Probe::ContentType, complaint, "kept"))
}

/// Metadata that was sent, and what came back.
struct Sent {
    metadata: Metadata,
    answer: Answer<PutResult>,
    found: Option<Object>,
}

impl Sent {
    /// What came back otherwise; names may be folded to lower case.
    fn change(&self, what: &str) -> Option<String> {
        if let Some(reason) = self.answer.reason() {
            return Some(format!("{what}: {reason}"));
        }
        let Some(found) = &self.found else {
            return Some(format!("{what} cannot be read"));
        };
        let is_changed = |(name, value): (&str, &str)| {
            let got = found.head.metadata.get(name);
            got != Some(value) && found.head.metadata.get(&name.to_lowercase()) != Some(value)
        };
        let changed = self.metadata.iter().find(|entry| is_changed(*entry));
        changed.map(|(name, _)| match found.head.metadata.get(name) {
            Some(_) => format!("{what} is changed: {name}"),
            None => format!("{what} is dropped: {name}"),
        })
    }
}

async fn round_trip(trial: &Trial<'_>, name: &str, metadata: Metadata) -> Result<Sent> {
    let object = PutObject { metadata: Arc::new(metadata.clone()), ..PutObject::default() };
    let answer = trial.put_odd(name, object).await?;
    let found = trial.get_odd(name).await?;
    Ok(Sent { metadata, answer, found })
}

fn one_entry(bytes: usize) -> Metadata {
    metadata([("m", &*"x".repeat(bytes.saturating_sub(1)))])
}

/// Some 120 names of three digits, and one entry for what is left. Hundreds of one byte would have headers of more than
/// the 8 KB that AWS S3 allows all of them together.
fn many_entries(bytes: usize) -> Metadata {
    const VALUE: &str = "14 bytes of it";
    let mut out = Metadata::new();
    let mut at = 100;
    while out.size_bytes() + 2 * (3 + VALUE.len()) <= bytes {
        out.push_new(at.to_string(), VALUE);
        at += 1;
    }
    out.push_new(at.to_string(), "y".repeat(bytes.saturating_sub(out.size_bytes() + 3)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_tried_to_the_byte() {
        for bytes in [BYTES_MAX, BYTES_TOO_MANY] {
            assert_eq!(one_entry(bytes).size_bytes(), bytes);
            assert_eq!(many_entries(bytes).size_bytes(), bytes);
        }
        assert!(many_entries(BYTES_MAX).len() > 100, "more than many servers take unless told otherwise");
    }
}
