//! Several writers with one condition, at the same moment: one wins.

use futures::future::{BoxFuture, join_all};

use super::conditions::if_match;
use crate::Result;
use crate::doctor::trial::{Answer, Trial, metadata};
use crate::doctor::{ExamineOptions, Finding, Probe};
use crate::store::{Condition, ETag, PutResult, Requests};

pub(super) fn requests(options: &ExamineOptions) -> Requests {
    let (rounds, writers) = (options.rounds as u64, options.writers as u64);
    let deletes = writers.div_ceil(2);
    Requests {
        // If-None-Match; If-Match and its seed; the writers against deletes, and their seed; the source of copies.
        put: rounds * (writers + writers + 1 + (writers - deletes) + 1) + 1,
        delete: rounds * deletes,
        copy: rounds * writers,
        get: rounds * 3,
        head: rounds,
        ..Requests::NONE
    }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let (mut created, mut updated, mut deleted, mut copied) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    trial.put("races/source", "source", Condition::None).await?;
    for round in 0..trial.rounds {
        if trial.is_stopped() {
            return Ok(Vec::new());
        }
        let name = format!("races/create-{round}");
        let answers = at_once(trial, |writer| put(trial, &name, writer, Condition::IfAbsent)).await?;
        created.count(&answers, trial.body(&name).await?.as_deref());

        let name = format!("races/update-{round}");
        let etag = trial.put(&name, "seed", Condition::None).await?.etag();
        let answers = at_once(trial, |writer| put(trial, &name, writer, if_match(&etag))).await?;
        updated.count(&answers, trial.body(&name).await?.as_deref());

        let name = format!("races/delete-{round}");
        let etag = trial.put(&name, "seed", Condition::None).await?.etag();
        let answers = at_once(trial, |writer| delete_or_put(trial, &name, writer, &etag)).await?;
        deleted.count(&answers, trial.body(&name).await?.as_deref());

        let name = format!("races/copy-{round}");
        let answers = at_once(trial, |writer| copy(trial, &name, writer)).await?;
        let head = trial.head(&name).await?;
        copied.count(&answers, head.as_ref().and_then(|head| head.metadata.get("writer")));
    }
    Ok(vec![
        created.judge(Probe::RacePutIfAbsent, trial),
        updated.judge(Probe::RacePutIfMatch, trial),
        deleted.judge(Probe::RaceDeleteIfMatch, trial),
        copied.judge(Probe::RaceCopyIfAbsent, trial),
    ])
}

/// What one writer was told, and what is there if it won: `None` is no object.
struct Entry {
    answer: Answer<()>,
    leaves: Option<String>,
}

async fn at_once<'f>(
    trial: &Trial<'_>,
    one: impl Fn(usize) -> BoxFuture<'f, Result<Entry>>,
) -> Result<Vec<Entry>> {
    join_all((0..trial.writers).map(one)).await.into_iter().collect()
}

fn put<'f>(
    trial: &'f Trial<'_>,
    name: &'f str,
    writer: usize,
    condition: Condition,
) -> BoxFuture<'f, Result<Entry>> {
    Box::pin(async move {
        let body = format!("writer {writer}");
        let answer = without_result(trial.put(name, &body, condition).await?);
        Ok(Entry { answer, leaves: Some(body) })
    })
}

fn delete_or_put<'f>(
    trial: &'f Trial<'_>,
    name: &'f str,
    writer: usize,
    etag: &'f ETag,
) -> BoxFuture<'f, Result<Entry>> {
    if writer % 2 == 1 {
        return put(trial, name, writer, if_match(etag));
    }
    Box::pin(async move { Ok(Entry { answer: trial.delete(name, if_match(etag)).await?, leaves: None }) })
}

fn copy<'f>(trial: &'f Trial<'_>, name: &'f str, writer: usize) -> BoxFuture<'f, Result<Entry>> {
    Box::pin(async move {
        let own = writer.to_string();
        let replace = Some(metadata([("writer", &own)]));
        let answer = trial.copy("races/source", name, replace, Condition::IfAbsent).await?;
        Ok(Entry { answer: without_result(answer), leaves: Some(own) })
    })
}

fn without_result(answer: Answer<PutResult>) -> Answer<()> {
    match answer {
        Answer::Done(_) => Answer::Done(()),
        Answer::Refused(error) => Answer::Refused(error),
        Answer::Failed(error) => Answer::Failed(error),
    }
}

/// What the rounds of a race came to.
#[derive(Debug, Default)]
struct Tally {
    /// Rounds with one winner, whose write is there.
    fair: usize,
    /// Most winners of a round.
    winners_max: usize,
    /// Rounds whose only winner's write is not there.
    lost: usize,
    /// Why writers failed that were neither told that they won nor that they lost.
    failed: Option<String>,
}

impl Tally {
    fn count(&mut self, entries: &[Entry], found: Option<&str>) {
        let won = |entry: &&Entry| match &entry.answer {
            Answer::Done(()) => true,
            // The refusal of its own success: what is there tells.
            Answer::Refused(error) => error.is_outcome_unknown() && entry.leaves.as_deref() == found,
            Answer::Failed(_) => false,
        };
        let winners = entries.iter().filter(won).collect::<Vec<_>>();
        self.winners_max = self.winners_max.max(winners.len());
        match winners.as_slice() {
            [winner] if winner.leaves.as_deref() == found => self.fair += 1,
            [_] => self.lost += 1,
            _ => {}
        }
        let failed = entries.iter().find(|entry| matches!(entry.answer, Answer::Failed(_)));
        if self.failed.is_none() {
            self.failed = failed.and_then(|entry| entry.answer.reason());
        }
    }

    fn judge(&self, probe: Probe, trial: &Trial<'_>) -> Finding {
        let (rounds, writers) = (trial.rounds, trial.writers);
        let complaint = if self.winners_max > 1 {
            Some(format!("{} of {writers} were told that they won", self.winners_max))
        } else if self.lost > 0 {
            Some("what the winner wrote is not there".to_owned())
        } else if let Some(reason) = &self.failed {
            Some(format!("some are not judged: {reason}"))
        } else if self.fair < rounds {
            Some(format!("in {} of {rounds} rounds all were refused", rounds - self.fair))
        } else {
            None
        };
        Finding::unless(probe, complaint, format!("one of {writers}, in {rounds} rounds"))
    }
}
