//! A check from beginning to end.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};

use super::clock::Clock;
use super::count::{Counted, Pages};
use super::expected::{Expected, Record as Noted, Table, pass_of};
use super::finding::{Finding, FindingKind, Repair, Summary};
use super::judge::Judge;
use super::{Fsck, FsckEvent};
use crate::key::{CLAIM_SLUG, Keys, ParsedKey};
use crate::store::{ListEntry, ListRequest};
use crate::unique::ClaimBody;
use crate::{Error, ErrorKind, Resource, Result};

/// Missing entries that are judged before the next ones are taken from the table.
const BATCH: usize = 1000;

pub(super) async fn run(check: Fsck, listener: &mut (dyn FnMut(FsckEvent) + Send)) -> Result<Summary> {
    let total = check.resources.iter().map(|(_, counted)| counted.steps()).sum();
    let mut report = Report { listener, summary: Summary::default(), done: 0, total };
    let store = check.db.store().as_ref();
    let keys = Keys::new(check.db.key_root());
    let newest_ms = check.resources.iter().map(|(_, counted)| counted.newest_ms).max().unwrap_or_default();
    let clock = Clock::of(store, &keys, check.options.grace, check.options.repair, newest_ms).await?;
    if check.options.resource.is_none() {
        unknown_resources(&check, &keys, &mut report).await?;
    }
    for (resource, counted) in &check.resources {
        let judge = Judge { resource, state: resource.state(), clock: &clock, repair: check.options.repair };
        Run { judge, counted, parallelism: resource.db.options.parallelism }
            .run(check.options.memory_bytes, &mut report)
            .await?;
    }
    report.summary.requests = check.db.requests() - check.requests_before;
    Ok(report.summary)
}

/// Where findings go.
struct Report<'l> {
    listener: &'l mut (dyn FnMut(FsckEvent) + Send),
    summary: Summary,
    done: u64,
    total: u64,
}

impl Report<'_> {
    fn found(&mut self, finding: Finding) {
        self.summary.count(&finding);
        (self.listener)(FsckEvent::Finding(finding));
    }

    fn progress(&mut self, objects: usize) {
        self.done += objects as u64;
        // Objects that came after the count are looked at too.
        self.total = self.total.max(self.done);
        (self.listener)(FsckEvent::Progress { done: self.done, total: self.total });
    }
}

/// The check of one resource.
struct Run<'a> {
    judge: Judge<'a>,
    counted: &'a Counted,
    parallelism: usize,
}

impl Run<'_> {
    fn resource(&self) -> &Resource {
        self.judge.resource
    }

    async fn run(&self, memory_bytes: usize, report: &mut Report<'_>) -> Result<()> {
        if self.resource().keyring().is_none() && self.resource().indexes_secrets() {
            return Err(Error::new(
                ErrorKind::Crypto,
                "a partition or unique value is made of a secret field",
            )
            .with("resource", self.resource().name())
            .hint("open the database with its passphrase"));
        }
        if self.counted.unknown > 0 {
            self.unknown_keys(report).await?;
        }
        let passes = self.counted.passes;
        let mut expected = Expected::new(passes, memory_bytes / 2);
        self.documents(&mut expected, report).await?;
        for (pass, table) in expected.into_tables().enumerate() {
            let mut table = table?;
            self.references(pass, &mut table, report).await?;
            self.claims(pass, &mut table, report).await?;
            self.missing(&mut table, report).await?;
        }
        Ok(())
    }

    /// Reads every document, and notes what it should have.
    async fn documents(&self, expected: &mut Expected, report: &mut Report<'_>) -> Result<()> {
        let resource = self.resource();
        let mut pages = Pages::new(resource.store.as_ref(), resource.db.keys.documents(resource.name())?);
        while let Some(page) = pages.next().await? {
            let entries = page.iter().filter_map(|entry| match resource.db.keys.parse(&entry.key) {
                ParsedKey::Document { id, .. } => Some((&*entry.key, id)),
                _ => None,
            });
            let mut read = stream::iter(entries)
                .map(|(key, id)| self.document(key, id))
                .buffer_unordered(self.parallelism)
                .boxed();
            while let Some(document) = read.next().await {
                let Some((id, needed, findings)) = document? else { continue };
                report.summary.documents += 1;
                needed.iter().try_for_each(|key| expected.add(key, &id))?;
                findings.into_iter().for_each(|finding| report.found(finding));
            }
            report.progress(page.len());
        }
        Ok(())
    }

    /// What one document should have, and what is wrong with it. `None` when it is gone.
    async fn document(&self, key: &str, id: &str) -> Result<Option<(String, Vec<String>, Vec<Finding>)>> {
        let (resource, judge) = (self.resource(), &self.judge);
        let Some(object) = resource.store.get(key).await? else {
            return Ok(None);
        };
        let age_ms = judge.clock.age_ms(object.head.last_modified_ms);
        let mut findings = Vec::new();
        let mut found = |kind, detail: String| {
            let finding = judge.finding(kind, key).id(id).detail(detail);
            findings.push(Finding { age_ms: Some(age_ms), ..finding });
        };
        let (size, limit) = (object.head.metadata.size_bytes(), resource.db.metadata_bytes_max());
        if size > limit {
            let detail =
                format!("{size} bytes of metadata, {limit} allowed; an update moves fields to the body");
            found(FindingKind::OverLimitDocument, detail);
        }
        let needed = match resource.decode_for_index(&judge.state, id, object).await {
            Ok(record) => {
                let indexes = resource.indexes_of(&judge.state, &record);
                indexes.references.into_iter().chain(indexes.claims).collect()
            }
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => {
                found(FindingKind::UnreadableDocument, error.to_string());
                Vec::new()
            }
        };
        Ok(Some((id.to_owned(), needed, findings)))
    }

    /// Compares the references that there are with the table.
    async fn references(&self, pass: usize, table: &mut Table, report: &mut Report<'_>) -> Result<()> {
        let resource = self.resource();
        let prefix = resource.db.keys.partitions(resource.name(), None)?;
        let mut pages = Pages::new(resource.store.as_ref(), prefix);
        while let Some(page) = pages.next().await? {
            let mut doubtful = Vec::new();
            for entry in page.iter().filter(|entry| pass_of(&entry.key, self.counted.passes) == pass) {
                report.summary.references += 1;
                let places = table.places(&entry.key);
                if places.is_empty() {
                    doubtful.push(entry);
                }
                places.for_each(|place| table.mark(place));
            }
            let judged = doubtful.iter().map(|entry| self.judge.reference(entry).boxed()).collect();
            self.report_all(judged, report).await?;
            report.progress(page.len());
        }
        Ok(())
    }

    /// Reads the claims that there are, and compares them with the table.
    async fn claims(&self, pass: usize, table: &mut Table, report: &mut Report<'_>) -> Result<()> {
        let resource = self.resource();
        let prefix = resource.db.keys.claims(resource.name(), None)?;
        let mut pages = Pages::new(resource.store.as_ref(), prefix);
        while let Some(page) = pages.next().await? {
            let is_claim = |entry: &&ListEntry| {
                matches!(resource.db.keys.parse(&entry.key), ParsedKey::Claim { .. })
                    && pass_of(&entry.key, self.counted.passes) == pass
            };
            let mut read = stream::iter(page.iter().filter(is_claim))
                .map(|entry| async move { (entry, resource.store.get(&entry.key).await) })
                .buffer_unordered(self.parallelism)
                .boxed();
            let mut doubtful = Vec::new();
            while let Some((entry, found)) = read.next().await {
                let Some(object) = found? else { continue };
                report.summary.claims += 1;
                let held = ClaimBody::parse(&object.body);
                let mut is_owned = false;
                for place in table.places(&entry.key) {
                    let noted = table.record(place)?;
                    if held.as_ref().is_some_and(|held| held.owner == noted.id) {
                        table.mark(place);
                        is_owned = true;
                    }
                }
                if !is_owned {
                    doubtful.push((entry, held, object.head.etag));
                }
            }
            let judged = doubtful
                .iter()
                .map(|(entry, held, etag)| self.judge.claim(entry, held.as_ref(), etag).boxed())
                .collect();
            self.report_all(judged, report).await?;
            report.progress(page.len());
        }
        Ok(())
    }

    /// Judges what the table has and the bucket has not.
    async fn missing(&self, table: &mut Table, report: &mut Report<'_>) -> Result<()> {
        let mut batch = Vec::new();
        // Where several documents need one claim: the one that has it, or the first.
        let mut rival: Option<usize> = None;
        for place in 0..table.len() {
            if !table.repeats(place) {
                let same = (place..table.len()).take_while(|next| *next == place || table.repeats(*next));
                rival = Some(same.clone().find(|place| table.is_seen(*place)).unwrap_or(place));
            }
            if !table.is_seen(place) {
                let other =
                    rival.filter(|rival| *rival != place).map(|rival| table.record(rival)).transpose()?;
                batch.push((table.record(place)?, other.map(|other| other.id)));
            }
            if batch.len() == BATCH || place + 1 == table.len() {
                let judged =
                    batch.iter().map(|(noted, other)| self.missing_one(noted, other.as_deref()).boxed());
                self.report_all(judged.collect(), report).await?;
                batch.clear();
            }
        }
        Ok(())
    }

    /// Lists again for what is of no known kind, which is seldom anything.
    async fn unknown_keys(&self, report: &mut Report<'_>) -> Result<()> {
        let (keys, name) = (&self.resource().db.keys, self.resource().name());
        for prefix in [keys.resource(name)?, keys.claims(name, None)?] {
            let mut pages = Pages::new(self.resource().store.as_ref(), prefix);
            while let Some(page) = pages.next().await? {
                for entry in &page {
                    let in_claims = entry.key.contains(CLAIM_SLUG);
                    let known = match keys.parse(&entry.key) {
                        ParsedKey::Foreign => false,
                        ParsedKey::Plugin { .. } => !in_claims,
                        _ => true,
                    };
                    if !known {
                        let mut finding = self.judge.finding(FindingKind::UnknownKey, &entry.key);
                        finding.age_ms = Some(self.judge.clock.age_ms(entry.last_modified_ms));
                        report.found(finding.detail("it is not of this database; look before deleting it"));
                    }
                }
            }
        }
        Ok(())
    }

    async fn missing_one(&self, noted: &Noted, rival: Option<&str>) -> Result<Option<Finding>> {
        match self.resource().db.keys.parse(&noted.key) {
            ParsedKey::Claim { .. } => self.judge.missing_claim(noted, rival).await,
            _ => self.judge.missing_reference(noted).await,
        }
    }

    /// The futures are boxed, so that the whole check can be spawned.
    async fn report_all(
        &self,
        judged: Vec<BoxFuture<'_, Result<Option<Finding>>>>,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let mut judged = stream::iter(judged).buffer_unordered(self.parallelism);
        while let Some(finding) = judged.next().await {
            if let Some(finding) = finding? {
                report.found(finding);
            }
        }
        Ok(())
    }
}

/// Objects of resources that the catalogue does not have: one finding for each resource.
async fn unknown_resources(check: &Fsck, keys: &Keys, report: &mut Report<'_>) -> Result<()> {
    let known = check.known_resources();
    for place in [keys.root().to_owned(), keys.plugin(CLAIM_SLUG, None)?] {
        let mut request = ListRequest {
            delimiter: Some("/".to_owned()),
            ..ListRequest::prefix(format!("{place}resource="))
        };
        loop {
            let page = check.db.store().list(request.clone()).await?;
            for prefix in &page.common_prefixes {
                let name = prefix.strip_prefix(&request.prefix).unwrap_or(prefix).trim_end_matches('/');
                if !known.contains(name) {
                    let finding = Finding::new(FindingKind::UnknownResource, name, prefix);
                    let finding = Finding { repair: Repair::Impossible, ..finding };
                    report
                        .found(finding.detail("the catalogue has no such resource; look before deleting it"));
                }
            }
            match page.continuation {
                Some(next) => request.continuation = Some(next),
                None => break,
            }
        }
    }
    Ok(())
}
