//! Looking for documents without an entry, and for entries without a document.

use std::collections::VecDeque;

use s3db_core::resource::ListOptions;
use s3db_core::{Resource, Result};

use crate::index::{Index, entry_id};

/// Documents that are read at once.
const CHUNK: usize = 100;

/// Ids of a listing.
const PAGE: usize = 1000;

impl Index {
    /// Makes the entries that are missing: of documents that were there before, that others have written, and whose process was
    /// killed. Takes away those of documents that are gone. Returns how many it has made.
    ///
    /// Requests: 1 LIST per 1,000 documents and per 1,000 entries of each resource; for each that is missing 1 GET + 2 PUT.
    pub(crate) async fn reconcile_all(&self) -> Result<u64> {
        let db = self.context.database()?;
        let entries = self.entries()?;
        if self.options.rules.keys().any(|name| db.resource(name).is_err()) {
            db.refresh().await?;
        }
        let mut made = 0;
        for name in self.options.rules.keys() {
            // One that does not exist yet has no documents.
            if let Ok(resource) = db.resource(name) {
                made += self.reconcile(&entries, &resource).await?;
            }
        }
        self.counters.with(|stats| stats.reconciled += made);
        Ok(made)
    }

    async fn reconcile(&self, entries: &Resource, resource: &Resource) -> Result<u64> {
        let start = entry_id(resource.name(), "");
        let mut documents = Listed::new(resource.clone(), None, None);
        // The end is the character behind `:`.
        let end = format!("{};", resource.name());
        let mut filed = Listed::new(entries.clone(), Some(start.clone()), Some(end));
        let (mut missing, mut made) = (Vec::new(), 0);
        let (mut document, mut entry) = (documents.next().await?, filed.next().await?);
        loop {
            let known = entry.as_ref().map(|entry| entry.strip_prefix(&start).unwrap_or_default());
            match (&document, known) {
                (None, None) => break,
                (Some(id), Some(known)) if id == known => {
                    document = documents.next().await?;
                    entry = filed.next().await?;
                }
                (Some(id), known) if known.is_none_or(|known| id.as_str() < known) => {
                    missing.push(id.clone());
                    document = documents.next().await?;
                    if missing.len() == CHUNK {
                        made += self.make(entries, resource, std::mem::take(&mut missing)).await?;
                    }
                }
                _ => {
                    // Written since the documents were listed, perhaps: the document is asked, not the listing.
                    if let Some(stale) = &entry
                        && let Some(id) = stale.strip_prefix(&start)
                        && !resource.uncached().exists(id).await?
                    {
                        entries.delete_many([stale.clone()]).await;
                    }
                    entry = filed.next().await?;
                }
            }
        }
        Ok(made + self.make(entries, resource, missing).await?)
    }

    async fn make(&self, entries: &Resource, resource: &Resource, ids: Vec<String>) -> Result<u64> {
        let Some(rule) = self.options.rules.get(resource.name()) else {
            return Ok(0);
        };
        let mut made = 0;
        for record in resource.uncached().get_many(ids).await.ok {
            // Of what does not say when it was created, the last change is the earliest that is known.
            if let Some(deadline) = rule.deadline(&record.data, record.meta.last_modified_ms) {
                self.file(entries, resource.name(), &record.id, rule, deadline).await?;
                made += 1;
            }
        }
        Ok(made)
    }
}

/// Ids of a resource, page by page, in the order of their bytes.
struct Listed {
    resource: Resource,
    after: Option<String>,
    end: Option<String>,
    page: VecDeque<String>,
    is_last: bool,
}

impl Listed {
    fn new(resource: Resource, after: Option<String>, end: Option<String>) -> Self {
        Self { resource, after, end, page: VecDeque::new(), is_last: false }
    }

    async fn next(&mut self) -> Result<Option<String>> {
        if self.page.is_empty() && !self.is_last {
            let options = ListOptions { limit: Some(PAGE), after: self.after.clone() };
            self.page = self.resource.uncached().list_ids(options).await?.into();
            self.is_last = self.page.len() < PAGE;
            self.after = self.page.back().cloned();
        }
        let next = self.page.pop_front();
        match (&next, &self.end) {
            (Some(id), Some(end)) if id >= end => {
                self.page.clear();
                self.is_last = true;
                Ok(None)
            }
            _ => Ok(next),
        }
    }
}
