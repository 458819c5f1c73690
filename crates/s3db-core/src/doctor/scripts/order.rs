//! Listings: order, pages, where they start and what they roll up.

use futures::future::join_all;

use crate::Result;
use crate::doctor::trial::Trial;
use crate::doctor::{ExamineOptions, Finding, Probe};
use crate::store::{Condition, ListRequest, Requests};

/// In the order of UTF-8 bytes. The last two are the other way round in UTF-16.
const FLAT: [&str; 9] = ["-", "0", "A", "Z", "_", "a", "é", "～", "😀"];

/// In the order of UTF-8 bytes, across a `/`.
const DEEP: [&str; 4] = ["a b", "a-b", "a/b", "a0"];

/// Keys of a page.
const PAGE: usize = 4;

/// Pages that hold all keys.
const PAGES: usize = 3;

pub(super) fn requests(_: &ExamineOptions) -> Requests {
    Requests { put: (FLAT.len() + DEEP.len()) as u64, list: 4 + PAGES as u64, ..Requests::NONE }
}

pub(super) async fn run(trial: &Trial<'_>) -> Result<Vec<Finding>> {
    let flat = FLAT.map(|name| format!("order/flat/{name}"));
    let deep = DEEP.map(|name| format!("order/deep/{name}"));
    let puts = flat.iter().chain(&deep).map(|name| trial.put(name, "", Condition::None));
    for answer in join_all(puts).await {
        answer?;
    }
    let all = trial.names(&trial.list(ListRequest::prefix("order/flat/")).await?);
    let across = trial.names(&trial.list(ListRequest::prefix("order/deep/")).await?);
    let paged = pages(trial).await?;
    let start_after = flat.get(2).cloned();
    let after = ListRequest { start_after, ..ListRequest::prefix("order/flat/") };
    let after = trial.names(&trial.list(after).await?);
    let rolled = ListRequest { delimiter: Some("/".into()), ..ListRequest::prefix("order/deep/") };
    let rolled = trial.list(rolled).await?;
    let is_rolled = rolled.common_prefixes == [trial.key("order/deep/a/")]
        && sorted(&trial.names(&rolled)) == ["a b", "a-b", "a0"].map(|name| format!("order/deep/{name}"));

    let expected_after = flat.get(3..).unwrap_or_default();
    Ok(vec![
        Finding::unless(Probe::ListOrder, (!all.is_sorted()).then(|| in_order(&all)), "in order"),
        Finding::unless(
            Probe::ListOrderAcrossLevels,
            (!across.is_sorted()).then(|| in_order(&across)),
            "in order",
        ),
        Finding::unless(
            Probe::ListPages,
            difference(&flat, &paged),
            format!("pages of {PAGE} hold each key once"),
        ),
        Finding::unless(Probe::ListStartAfter, difference(expected_after, &after), "the keys after it"),
        Finding::unless(
            Probe::ListDelimiter,
            (!is_rolled)
                .then(|| format!("{} keys, {} folders", rolled.entries.len(), rolled.common_prefixes.len())),
            "rolled up",
        ),
    ])
}

/// As many pages as hold all keys, whatever the store says of the end.
async fn pages(trial: &Trial<'_>) -> Result<Vec<String>> {
    let mut request = ListRequest { max_keys: Some(PAGE), ..ListRequest::prefix("order/flat/") };
    let mut names = Vec::new();
    let mut is_over = false;
    for _ in 0..PAGES {
        let page = trial.list(request.clone()).await?;
        if !is_over {
            names.extend(trial.names(&page));
        }
        is_over |= page.continuation.is_none();
        request.continuation = page.continuation;
    }
    if !is_over {
        names.push("and more pages".to_owned());
    }
    Ok(names)
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

fn in_order(names: &[String]) -> String {
    let short = names.iter().map(|name| name.rsplit_once("p/").map_or(&**name, |(_, short)| short));
    let short = short.map(|name| name.rsplit_once("t/").map_or(name, |(_, short)| short));
    format!("in the order {}", short.collect::<Vec<_>>().join(" "))
}

/// A complaint unless both hold the same names, each once, in any order.
fn difference(expected: &[String], found: &[String]) -> Option<String> {
    let (expected, found) = (sorted(expected), sorted(found));
    if expected == found {
        return None;
    }
    let missing = expected.iter().filter(|name| !found.contains(name)).count();
    let extra = (found.len() + missing).saturating_sub(expected.len());
    Some(format!("{missing} keys are missing, {extra} are too many"))
}
