//! A client that reads by partition while others move the documents, and what its answers must be.
//!
//! - A document that is returned stood in the store, as it was returned, at some moment of the read, and belonged to the
//!   partition then: a reference is compared with its document.
//! - A document that belonged to the partition at every moment of the read is in the answer, where its index entry was
//!   written before it. So is one whose write had ended before the read began.
//! - No document is in an answer twice.
//!
//! What is answered from the keys of references alone, unless it is verified, may name a document too many.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3db_core::resource::ListOptions;
use s3db_core::{Record, Resource, Result};
use serde_json::json;

use super::timeline::Timeline;
use super::{Document, Excused, STATUSES};
use crate::random::SplitMix;
use crate::sim::workload::process::{Process, Program, lock};
use crate::sim::{Mutation, Sim};

/// A way to read the documents of one status.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// All documents of a view.
    List,
    /// Pages of a view of two documents each.
    Pages,
    /// All documents of a view that gives one field of two.
    Leading,
    /// A query that finds the partition by itself.
    Query,
    /// A query of a view.
    Within,
    /// Ids of a view, from the keys alone.
    Ids,
    /// Number of references of a view.
    Count,
    /// Ids of a query that is covered.
    CoveredIds,
    /// Number of matches of a query that is covered.
    CoveredCount,
    /// Fields of a query that is covered.
    CoveredFields,
    /// Ids of a view, each compared with its document.
    VerifiedIds,
    /// Number of documents of a view, each compared with its reference.
    VerifiedCount,
}

impl Way {
    const ALL: [Self; 12] = [
        Self::List,
        Self::Pages,
        Self::Leading,
        Self::Query,
        Self::Within,
        Self::Ids,
        Self::Count,
        Self::CoveredIds,
        Self::CoveredCount,
        Self::CoveredFields,
        Self::VerifiedIds,
        Self::VerifiedCount,
    ];
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Waits, in milliseconds.
    Rest(u64),
    Read(Way, &'static str),
}

/// What a read has answered.
#[derive(Debug)]
enum Answer {
    Documents(Vec<Record>),
    Ids(Vec<String>),
    VerifiedIds(Vec<String>),
    Count(u64),
    VerifiedCount(u64),
}

#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) timeline: Arc<Mutex<Timeline>>,
    /// Whether all writers put index entries before their documents.
    pub(super) is_indexed_at_once: bool,
    pub(super) mutation: Option<Mutation>,
}

pub(super) fn acts(longest_rest_ms: u64, random: &mut SplitMix) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..6 + random.below(14) {
        acts.push(Act::Rest(random.below(longest_rest_ms)));
        let way = Way::ALL[random.below(Way::ALL.len() as u64) as usize];
        acts.push(Act::Read(way, STATUSES[random.below(STATUSES.len() as u64) as usize]));
    }
    acts
}

impl Program for Reader {
    type Act = Act;

    async fn act(&self, process: &Process, act: Act) -> Result<()> {
        let (way, status) = match act {
            Act::Rest(ms) => {
                process.node.env().sleep(Duration::from_millis(ms)).await;
                return Ok(());
            }
            Act::Read(way, status) => (way, status),
        };
        let items = process.db.resource("items")?;
        let began = lock(&self.timeline).now();
        let answer = self.read(&items, way, status).await?;
        if let Err(wrong) = self.check(&process.sim, began, status, &answer) {
            process.sim.fail(format!("a read by partition ({way:?}, status={status}) {wrong}"));
        }
        Ok(())
    }
}

impl Reader {
    async fn read(&self, items: &Resource, way: Way, status: &str) -> Result<Answer> {
        let view = items.partition("byStatus", json!({"status": status}))?;
        let query = || items.query(json!({"status": status}));
        Ok(match way {
            // Believes the keys, whatever the documents say.
            Way::List | Way::Pages | Way::Leading | Way::Query | Way::Within
                if self.mutation == Some(Mutation::ReferencesTrusted) =>
            {
                let ids = view.list_ids(ListOptions::default()).await?;
                Answer::Documents(items.get_many(ids).await.ok)
            }
            Way::List => Answer::Documents(view.get_all().await?.records),
            Way::Pages => {
                let (mut records, mut cursor) = (Vec::new(), None);
                loop {
                    let page = view.page(2, cursor.as_deref()).await?;
                    records.extend(page.records);
                    cursor = page.next_cursor;
                    if cursor.is_none() {
                        break Answer::Documents(records);
                    }
                }
            }
            Way::Leading => {
                let view = items.partition("byStatusAndTag", json!({"status": status}))?;
                Answer::Documents(view.get_all().await?.records)
            }
            Way::Query => Answer::Documents(query().run().await?.records),
            Way::Within => Answer::Documents(view.query(json!({"count": {"$gte": 0}})).run().await?.records),
            Way::Ids => Answer::Ids(view.list_ids(ListOptions::default()).await?),
            Way::Count => Answer::Count(view.count().await?),
            Way::CoveredIds => Answer::Ids(query().ids().await?),
            Way::CoveredCount => Answer::Count(query().count().await?),
            Way::CoveredFields => {
                let rows = query().select(["status", "tag"]).run().await?.rows;
                Answer::Ids(rows.into_iter().map(|row| row.id).collect())
            }
            Way::VerifiedIds => {
                Answer::VerifiedIds(view.verified(true).list_ids(ListOptions::default()).await?)
            }
            Way::VerifiedCount => Answer::VerifiedCount(view.verified(true).count().await?),
        })
    }

    fn check(&self, sim: &Sim, began: u64, status: &str, answer: &Answer) -> Result<(), String> {
        let timeline = lock(&self.timeline);
        let excused = Excused::of(sim, self.is_indexed_at_once);
        let mut due = timeline.steady(status, began);
        // A document that was put back after its delete may lack its entries, and so may one of which they come late.
        due.retain(|id| self.is_indexed_at_once && !excused.documents.contains(*id));
        let ever = timeline.ever(status, began);
        let ids: Vec<&str> = match answer {
            Answer::Documents(records) => {
                for record in records {
                    let found = Document::of(record).filter(|found| found.status == status);
                    let versions = timeline.since(&record.id, began);
                    if found.is_none() || !versions.contains(&found.as_ref()) {
                        let data = &record.data;
                        return Err(format!("returned {} as {data:?}, and it was {versions:?}", record.id));
                    }
                }
                records.iter().map(|record| record.id.as_str()).collect()
            }
            Answer::Ids(ids) | Answer::VerifiedIds(ids) => ids.iter().map(String::as_str).collect(),
            Answer::Count(count) | Answer::VerifiedCount(count) => {
                let is_verified = matches!(answer, Answer::VerifiedCount(_));
                let most = if is_verified { ever.len() as u64 } else { u64::MAX };
                return if (due.len() as u64..=most).contains(count) {
                    Ok(())
                } else {
                    Err(format!(
                        "counted {count} documents; these were due: {due:?}, and these allowed: {ever:?}"
                    ))
                };
            }
        };
        let returned: BTreeSet<&str> = ids.iter().copied().collect();
        if returned.len() != ids.len() {
            return Err(format!("returned a document twice: {ids:?}"));
        }
        if matches!(answer, Answer::VerifiedIds(_))
            && let Some(extra) = returned.difference(&ever).next()
        {
            return Err(format!("returned {extra}, which did not belong to it at any moment"));
        }
        match due.difference(&returned).next() {
            Some(missing) => Err(format!("missed {missing}, which belonged to it all the time")),
            None => Ok(()),
        }
    }
}
