//! Queries.

use std::collections::BTreeSet;
use std::pin::pin;

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::list::Scanned;
use super::{Page, PartitionView, Record, Resource, Select, Unreadable};
use crate::op::{Answer, Op, QueryArgs, QueryOutput, canonical};
use crate::plan::{PartitionPlan, QueryPlan, QuerySources};
use crate::query::{Cursor, Filter, Position, SortKey};
use crate::store::ListEntry;
use crate::{Document, Result};

/// A query of one resource, built by [`Resource::query`].
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is run"]
pub struct Query {
    pub(super) resource: Resource,
    /// What is asked for, but for the partition.
    args: QueryArgs,
    within: Option<PartitionView>,
}

/// What a query has found.
pub(super) enum Match {
    /// A document.
    Record(Record),
    /// What the key of a reference tells of one.
    Told(String, Document),
}

/// The matches of a query, in order.
#[derive(Default)]
pub(super) struct Matches {
    pub(super) found: Vec<Match>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) next_cursor: Option<String>,
}

enum Candidate {
    Match(Match),
    Unreadable(Unreadable),
}

impl Resource {
    /// Starts a query; see [`Filter`] for the language. Without more it returns every match in the order of ids.
    pub fn query(&self, filter: Value) -> Query {
        Query { resource: self.clone(), args: QueryArgs { filter, ..QueryArgs::default() }, within: None }
    }

    /// Runs a query as a layer or hook has left it.
    pub(super) async fn query_now(&self, mut args: QueryArgs) -> Result<Answer> {
        let output = std::mem::take(&mut args.output);
        let partition = args.partition.take();
        let within = partition.map(|args| self.partition(&args.name, args.values.into())).transpose()?;
        let query = Query { resource: self.clone(), args, within };
        Ok(match output {
            QueryOutput::Documents => Answer::Page(query.run_now().await?),
            QueryOutput::Fields(fields) => Answer::Selection(query.select(fields).run_now().await?),
            QueryOutput::Ids => Answer::Ids(query.ids_now().await?),
            QueryOutput::Count => Answer::Count(query.count_now().await?),
        })
    }
}

impl Query {
    /// Sorts by a field, `-field` for largest first; calls add up. Ties are broken by id.
    ///
    /// A sorted query reads every candidate before it returns; with a limit it keeps no more than twice that many.
    pub fn sort(mut self, field: &str) -> Self {
        self.args.sort.push(SortKey::parse(field));
        self
    }

    /// Most matches to return.
    pub fn limit(mut self, limit: usize) -> Self {
        self.args.limit = Some(limit);
        self
    }

    /// Goes on where a page ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.args.cursor = Some(cursor.into());
        self
    }

    /// Reads every document, also where the keys of references would give the answer.
    pub fn verified(mut self, verified: bool) -> Self {
        self.args.verified = verified;
        self
    }

    /// Reads every document of the resource, past all partitions.
    pub fn scan(mut self) -> Self {
        self.args.scan = true;
        self
    }

    pub(crate) fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The same query on another handle of its resource.
    pub(crate) fn on(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// Whether it stops as soon as it has found enough, so that the matches decide how much it reads.
    pub(crate) fn may_stop_early(&self) -> bool {
        let all_match = self.within.is_none() && self.parse().is_ok_and(|filter| filter.is_all());
        self.args.limit.is_some() && self.args.sort.is_empty() && !all_match
    }

    pub(super) fn within(mut self, view: PartitionView) -> Self {
        self.within = Some(view);
        self
    }

    /// Asks for some fields only, by dotted path; `id` always comes along. Where a partition holds all fields that the
    /// query looks at, no document is read.
    pub fn select<I>(self, fields: I) -> Select
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Select { query: self, fields: fields.into_iter().map(Into::into).collect() }
    }

    /// How the query will read. Sends nothing.
    ///
    /// Errors: `Config` for a bad filter.
    pub fn plan(&self) -> Result<QueryPlan> {
        self.plan_for(&self.parse()?, None)
    }

    /// Runs the query.
    ///
    /// [`Page::next_cursor`] is set when there are more matches.
    ///
    /// Requests: 1 GET when the filter names an id; else 1 LIST per 1,000 references of the chosen partition, or ids of
    /// the resource, and 1 GET a candidate.
    /// Errors: `Config` for a bad filter or a cursor of another query.
    pub async fn run(self) -> Result<Page> {
        let Some(chain) = self.resource.chain() else {
            return self.run_now().await;
        };
        let (resource, op) = self.call(QueryOutput::Documents);
        chain.run(&resource, op).await?.page()
    }

    async fn run_now(self) -> Result<Page> {
        let Matches { found, mut unreadable, next_cursor } = self.matches(None).await?;
        let mut records = found.into_iter().filter_map(Match::into_record).collect();
        self.resource.after_reads(&mut records, &mut unreadable).await?;
        Ok(Page { records, unreadable, next_cursor })
    }

    /// The query as a call.
    pub(super) fn call(self, output: QueryOutput) -> (Resource, Op<'static>) {
        let Self { resource, args, within } = self;
        let partition = within.map(|view| view.args());
        (resource, Op::Query(Box::new(QueryArgs { partition, output, ..args })))
    }

    /// The ids of the matches. Requests: LIST alone where the plan of `select([])` is covered, else those of
    /// [`run`](Self::run).
    ///
    /// Errors: as [`run`](Self::run); that of the first document that cannot be read.
    pub async fn ids(self) -> Result<Vec<String>> {
        let Some(chain) = self.resource.chain() else {
            return self.ids_now().await;
        };
        let (resource, op) = self.call(QueryOutput::Ids);
        chain.run(&resource, op).await?.ids()
    }

    async fn ids_now(self) -> Result<Vec<String>> {
        let matches = self.matches(Some(&[])).await?;
        match matches.unreadable.into_iter().next() {
            Some(unreadable) => Err(unreadable.error),
            None => Ok(matches.found.iter().map(|found| found.id().to_owned()).collect()),
        }
    }

    /// Number of the matches, whatever the limit. Requests and errors: as [`ids`](Self::ids).
    pub async fn count(mut self) -> Result<u64> {
        (self.args.limit, self.args.cursor) = (None, None);
        self.args.sort.clear();
        let Some(chain) = self.resource.chain() else {
            return self.count_now().await;
        };
        let (resource, op) = self.call(QueryOutput::Count);
        chain.run(&resource, op).await?.count()
    }

    async fn count_now(self) -> Result<u64> {
        let filter = self.parse()?;
        let plan = self.plan_for(&filter, Some(&[]))?;
        let mut count = 0;
        let mut candidates = pin!(self.candidates(&plan, &filter, None));
        while let Some(candidate) = candidates.try_next().await? {
            match candidate {
                Candidate::Match(_) => count += 1,
                Candidate::Unreadable(unreadable) => return Err(unreadable.error),
            }
        }
        Ok(count)
    }

    /// The matches, of which these fields will be looked at; `None` for whole documents.
    pub(super) async fn matches(&self, fields: Option<&[&str]>) -> Result<Matches> {
        let filter = self.parse()?;
        let scope = self.scope();
        let start = self.args.cursor.as_deref().map(|cursor| Cursor::decode(cursor, &scope)).transpose()?;
        if self.args.limit == Some(0) {
            return Ok(Matches::default());
        }
        let plan = self.plan_for(&filter, fields)?;
        if matches!(plan, QueryPlan::Id(_)) && start.is_some() {
            return Ok(Matches::default());
        }
        if self.args.sort.is_empty() {
            self.in_id_order(&plan, &filter, &scope, start).await
        } else {
            self.sorted(&plan, &filter, &scope, start).await
        }
    }

    pub(super) fn parse(&self) -> Result<Filter> {
        Filter::parse(&self.args.filter).map_err(|error| error.with("resource", self.resource.name()))
    }

    pub(super) fn plan_for(&self, filter: &Filter, fields: Option<&[&str]>) -> Result<QueryPlan> {
        let state = self.resource.state();
        let fields = fields.filter(|_| !self.args.verified && !self.args.scan);
        let fields: Option<Vec<&str>> = fields.map(|fields| {
            fields.iter().copied().chain(self.args.sort.iter().map(|key| key.path.as_str())).collect()
        });
        let none = BTreeSet::new();
        let trusted = self.resource.trusted_partitions(&state);
        let sources = QuerySources {
            keys: &self.resource.db.keys,
            resource: self.resource.name(),
            schema: &state.schema,
            partitions: &state.partitions,
            complete: if self.args.scan { &none } else { &trusted },
            steady: &state.steady,
            always_present: &state.always_present,
        };
        if let Some(view) = &self.within {
            let covering = fields.map(|fields| [fields, filter.paths()].concat());
            let (definition, lookup) = (view.definition(), view.lookup().clone());
            let plan = PartitionPlan::new(definition, lookup, covering.as_deref(), &sources);
            return Ok(QueryPlan::Partition(plan));
        }
        QueryPlan::choose(filter, fields.as_deref(), &sources)
    }

    /// What a plan finds, in the order of ids, after one of them.
    fn candidates<'a>(
        &'a self,
        plan: &'a QueryPlan,
        filter: &'a Filter,
        after: Option<String>,
    ) -> BoxStream<'a, Result<Candidate>> {
        let parallelism = self.resource.db.options.parallelism;
        // With nothing to filter each document is a match, so that few more than the limit need be looked at.
        let limit = self.args.limit.unwrap_or(usize::MAX).saturating_add(1);
        let (need, at_once) =
            if filter.is_all() { (limit, parallelism.min(limit)) } else { (usize::MAX, parallelism) };
        match plan {
            QueryPlan::Id(id) => {
                let ids = stream::iter([Ok(id.clone())]);
                self.checked(self.resource.fetch_all(ids, 1), filter)
            }
            QueryPlan::Scan if self.args.sort.is_empty() && self.args.limit.is_some() => {
                self.checked(self.resource.scan(after, need, at_once), filter)
            }
            QueryPlan::Scan => {
                let after = if self.args.sort.is_empty() { after } else { None };
                let ids = self.resource.ids(after, usize::MAX);
                self.checked(self.resource.fetch_every(ids, parallelism), filter)
            }
            QueryPlan::Ids => {
                let pages = self.resource.id_pages(after, usize::MAX);
                let ids = pages.map_ok(|ids| stream::iter(ids.into_iter().map(Ok))).try_flatten();
                let told = ids.try_filter_map(move |id: String| async move {
                    let told = Document::new();
                    Ok(filter.matches(&id, &told).then_some(Candidate::Match(Match::Told(id, told))))
                });
                told.boxed()
            }
            QueryPlan::Partition(plan) => {
                let covered = plan.is_covered();
                let keep = move |id: &str, entry: &ListEntry| {
                    // A reference of ours carries a stamp, one of s3db.js is empty.
                    let told = plan.told(&entry.key, entry.content_length > 0);
                    // A reference that no longer holds is passed over as well: the document has another one.
                    (!filter.excludes(id, &told.document))
                        .then(|| (covered && told.is_whole).then_some(told.document))
                };
                let need = if covered { limit } else { need };
                let found = self.resource.referenced(plan.lookup(), after, need, Box::new(keep));
                let state = self.resource.state();
                let candidates = found.map(move |found| {
                    let state = state.clone();
                    async move {
                        let (id, told) = found?;
                        match told {
                            Some(told) => Ok(Some(Candidate::Match(Match::Told(id, told)))),
                            None => {
                                let scanned = self.resource.fetch_one(&state, id).await?;
                                Ok(scanned.and_then(|scanned| self.check(scanned, filter)))
                            }
                        }
                    }
                });
                candidates.buffered(at_once.max(1)).try_filter_map(|found| async move { Ok(found) }).boxed()
            }
        }
    }

    /// The documents that match, and those that cannot be read.
    fn checked<'a>(
        &'a self,
        documents: impl stream::Stream<Item = Result<Scanned>> + Send + 'a,
        filter: &'a Filter,
    ) -> BoxStream<'a, Result<Candidate>> {
        documents.try_filter_map(move |scanned| async move { Ok(self.check(scanned, filter)) }).boxed()
    }

    fn check(&self, scanned: Scanned, filter: &Filter) -> Option<Candidate> {
        match scanned {
            Scanned::Unreadable(unreadable) => Some(Candidate::Unreadable(unreadable)),
            Scanned::Record(record) => {
                let matches = filter.matches_version(&record.id, &record.meta.version, &record.data)
                    && self.within.as_ref().is_none_or(|view| view.holds(&record));
                matches.then_some(Candidate::Match(Match::Record(record)))
            }
        }
    }

    async fn in_id_order(
        &self,
        plan: &QueryPlan,
        filter: &Filter,
        scope: &str,
        start: Option<Position>,
    ) -> Result<Matches> {
        let limit = self.args.limit.unwrap_or(usize::MAX);
        let mut matches = Matches::default();
        let mut candidates = pin!(self.candidates(plan, filter, start.map(|start| start.id)));
        while let Some(candidate) = candidates.try_next().await? {
            match candidate {
                Candidate::Unreadable(unreadable) => matches.unreadable.push(unreadable),
                Candidate::Match(_) if matches.found.len() == limit => {
                    let last = matches.found.last().map(|last| self.position(last));
                    matches.next_cursor = last.map(|last| Cursor::new(scope.to_owned(), last).encode());
                    break;
                }
                Candidate::Match(found) => matches.found.push(found),
            }
        }
        Ok(matches)
    }

    async fn sorted(
        &self,
        plan: &QueryPlan,
        filter: &Filter,
        scope: &str,
        start: Option<Position>,
    ) -> Result<Matches> {
        let keep = self.args.limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
        let mut matches = Matches::default();
        let mut placed: Vec<(Position, Match)> = Vec::new();
        let mut candidates = pin!(self.candidates(plan, filter, None));
        while let Some(candidate) = candidates.try_next().await? {
            let found = match candidate {
                Candidate::Unreadable(unreadable) => {
                    matches.unreadable.push(unreadable);
                    continue;
                }
                Candidate::Match(found) => found,
            };
            let position = self.position(&found);
            if start.as_ref().is_some_and(|start| position.compare(start, &self.args.sort).is_le()) {
                continue;
            }
            placed.push((position, found));
            if placed.len() >= keep.saturating_mul(2) {
                self.keep_first(&mut placed, keep);
            }
        }
        self.keep_first(&mut placed, keep);
        if let Some(limit) = self.args.limit
            && placed.len() > limit
        {
            placed.truncate(limit);
            let last = placed.last().map(|(last, _)| last.clone());
            matches.next_cursor = last.map(|last| Cursor::new(scope.to_owned(), last).encode());
        }
        matches.found = placed.into_iter().map(|(_, found)| found).collect();
        Ok(matches)
    }

    fn keep_first(&self, placed: &mut Vec<(Position, Match)>, keep: usize) {
        placed.sort_by(|(a, _), (b, _)| a.compare(b, &self.args.sort));
        placed.truncate(keep);
    }

    fn position(&self, found: &Match) -> Position {
        match found {
            Match::Record(record) => {
                Position::of(&self.args.sort, &record.id, Some(&record.meta.version), &record.data)
            }
            Match::Told(id, told) => Position::of(&self.args.sort, id, None, told),
        }
    }

    /// What a cursor is bound to: resource, filter and order, and the values of the partition that was named.
    fn scope(&self) -> String {
        let mut hash = Sha256::new();
        // The order of its members makes no difference.
        hash.update(canonical(self.args.filter.clone()));
        for key in &self.args.sort {
            hash.update(format!("{key:?}"));
        }
        if let Some(view) = &self.within {
            hash.update(view.scope());
        }
        format!("query:{}:{}", self.resource.name(), hex::encode(&hash.finalize()[..8]))
    }
}

impl Match {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Record(record) => &record.id,
            Self::Told(id, _) => id,
        }
    }

    pub(super) fn data(&self) -> &Document {
        match self {
            Self::Record(record) => &record.data,
            Self::Told(_, told) => told,
        }
    }

    fn into_record(self) -> Option<Record> {
        match self {
            Self::Record(record) => Some(record),
            Self::Told(..) => None,
        }
    }
}
