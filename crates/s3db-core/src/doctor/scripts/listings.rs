//! Whether reads and listings see the writes before them.

use crate::Result;
use crate::doctor::trial::Trial;
use crate::doctor::{ExamineOptions, Finding, Probe};
use crate::store::{Condition, ETag, ListRequest, Requests};

/// Rounds of putting, replacing and deleting.
const ROUNDS: usize = 3;

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    let rounds = ROUNDS as u64;
    Requests { put: 2 * rounds, delete: rounds, get: 3 * rounds, list: 3 * rounds, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let (mut read, mut listed) = (None, None);
    for round in 0..ROUNDS {
        let name = format!("after/{round}");
        for (what, body) in [("put", Some("first")), ("replace", Some("second")), ("delete", None)] {
            let etag = match body {
                Some(body) => Some(trial.put(&name, body, Condition::None).await?.etag()),
                None => trial.delete(&name, Condition::None).await.map(|_| None)?,
            };
            let entry = entry(trial, &name).await?;
            let found = trial.body(&name).await?;
            if found.as_deref() != body {
                read.get_or_insert_with(|| format!("after a {what} the old state is read"));
            }
            if entry != etag {
                listed.get_or_insert_with(|| format!("after a {what} the old state is listed"));
            }
        }
    }
    let rounds = format!("{ROUNDS} times after put, replace and delete");
    Ok(vec![
        Finding::unless(Probe::ReadAfterWrite, read, rounds.clone()),
        Finding::unless(Probe::ListAfterWrite, listed, rounds),
    ])
}

/// The ETag that a listing shows; `None` where it shows no such key.
async fn entry(trial: &Trial<'_>, name: &str) -> Result<Option<ETag>> {
    let page = trial.list(ListRequest::prefix(name)).await?;
    let key = trial.key(name);
    Ok(page.entries.into_iter().find(|entry| *entry.key == *key).map(|entry| entry.etag))
}
