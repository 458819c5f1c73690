//! What ETags say.

use std::sync::Arc;

use crate::Result;
use crate::doctor::trial::{Trial, metadata};
use crate::doctor::{ExamineOptions, Finding, Probe};
use crate::store::{Condition, ETag, ListRequest, PutObject, Requests};

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    Requests { put: 3, copy: 1, head: 1, get: 1, list: 1, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let name = "etags/one";
    let object = |revision, body: &'static str| PutObject {
        metadata: Arc::new(metadata([("revision", revision)])),
        body: body.into(),
        ..PutObject::default()
    };
    let first = trial.put_object(name, object("1", "stamp 1"), Condition::None).await?.etag();
    let by_put = trial.put_object(name, object("2", "stamp 1"), Condition::None).await?.etag();
    let copied = trial.copy(name, name, Some(metadata([("revision", "3")])), Condition::None).await?;
    let head = trial.head(name).await?;
    let last = trial.put_object(name, object("3", "stamp 2"), Condition::None).await?.etag();
    let got = trial.get(name).await?.map(|object| object.head.etag);
    let page = trial.list(ListRequest::prefix(name)).await?;
    let listed = page.entries.into_iter().next().map(|entry| entry.etag);

    let by_copy = head.as_ref().map(|head| &head.etag);
    let replaced =
        copied.reason().or_else(|| match head.as_ref().map(|head| head.metadata.get("revision")) {
            Some(Some("3")) => None,
            Some(Some(_)) => Some("the copy keeps the metadata of its source".to_owned()),
            _ => Some("the copy has no metadata".to_owned()),
        });
    let follows = (last == first || last == by_put)
        .then(|| "another body of the same length has the same ETag".to_owned());
    let agrees = disagreement(&last, got.as_ref(), listed.as_ref());
    let sees = |changed: bool| if changed { "changes" } else { "stays" };
    let metadata_change = format!(
        "it {} by PUT and {} by COPY",
        sees(by_put != first),
        sees(by_copy.is_some_and(|etag| *etag != by_put))
    );
    Ok(vec![
        Finding::unless(Probe::CopyReplacesMetadata, replaced, "the new metadata is there"),
        Finding::unless(Probe::EtagFollowsBody, follows, "another body, another ETag"),
        Finding::unless(Probe::EtagAgrees, agrees, "the same from PUT, GET and LIST"),
        after_metadata_change(metadata_change, by_put != first),
    ])
}

fn disagreement(put: &ETag, got: Option<&ETag>, listed: Option<&ETag>) -> Option<String> {
    if got != Some(put) {
        return Some("GET gives another one than PUT".to_owned());
    }
    (listed != Some(put)).then(|| "LIST gives another one than PUT".to_owned())
}

/// Not to be relied on either way: stamps are for stores where it stays.
fn after_metadata_change(observed: String, sees_put: bool) -> Finding {
    let consequence = if sees_put {
        "documents of s3db.js and with `stamps: off` are checked here too, but not on AWS S3"
    } else {
        "as on AWS S3: documents with stamps are checked; those of s3db.js and with `stamps: off` are not"
    };
    Finding { consequence: consequence.into(), ..Finding::holds(Probe::EtagAfterMetadataChange, observed) }
}
