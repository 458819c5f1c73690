//! Listing documents, in the order of their ids.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt as _};

use super::{Listing, Page, Record, Resource, State, Unreadable};
use crate::query::{Cursor, Position};
use crate::store::{LIST_PAGE_MAX, ListRequest};
use crate::{Error, ErrorKind, Result};

/// Documents of a page when none are asked for.
pub(super) const PAGE_DOCS: usize = 100;

/// Which part of a resource to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Most documents; all when absent.
    pub limit: Option<usize>,
    /// Only ids after this one.
    pub after: Option<String>,
}

impl Resource {
    /// Ids, in the order of their UTF-8 bytes. Requests: 1 LIST per 1,000 ids.
    pub async fn list_ids(&self, options: ListOptions) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        let limit = options.limit.unwrap_or(usize::MAX);
        let mut pages = std::pin::pin!(self.id_pages(options.after, limit));
        while let Some(page) = pages.next().await {
            ids.extend(page?);
        }
        Ok(ids)
    }

    /// Documents, in the order of their ids. One that cannot be read is reported beside the others; a store that
    /// fails makes the call fail.
    ///
    /// Requests: 1 LIST per 1,000 ids + 1 GET a document.
    pub async fn list(&self, options: ListOptions) -> Result<Listing> {
        let mut listing = Listing::default();
        let limit = options.limit.unwrap_or(usize::MAX);
        let mut documents = std::pin::pin!(self.scan(options.after, limit, self.db.options.parallelism));
        while let Some(scanned) = documents.next().await {
            match scanned? {
                Scanned::Record(record) => listing.records.push(record),
                Scanned::Unreadable(unreadable) => listing.unreadable.push(unreadable),
            }
        }
        Ok(listing)
    }

    /// All documents. Requests: as [`list`](Self::list).
    pub async fn get_all(&self) -> Result<Listing> {
        self.list(ListOptions::default()).await
    }

    /// Number of documents. Requests: 1 LIST per 1,000 documents.
    pub async fn count(&self) -> Result<u64> {
        let mut request = ListRequest::prefix(self.db.keys.documents(self.name())?);
        let mut count = 0;
        loop {
            let page = self
                .store
                .list(request.clone())
                .await
                .map_err(|error| error.with("resource", self.name()))?;
            count += page.entries.len() as u64;
            match page.continuation {
                Some(continuation) => request.continuation = Some(continuation),
                None => return Ok(count),
            }
        }
    }

    /// One page of `size` documents (100 when 0), and the cursor of the next.
    ///
    /// Requests: 1 LIST per 1,000 ids + 1 GET a document, whichever page it is.
    /// Errors: `Config` for a cursor of another resource.
    pub async fn page(&self, size: usize, cursor: Option<&str>) -> Result<Page> {
        let size = if size == 0 { PAGE_DOCS } else { size };
        let scope = format!("page:{}", self.name());
        let after =
            cursor.map(|cursor| Cursor::decode(cursor, &scope)).transpose()?.map(|position| position.id);
        // One id more tells whether there is a next page.
        let mut ids = self.list_ids(ListOptions { limit: Some(size.saturating_add(1)), after }).await?;
        let more = ids.len() > size;
        ids.truncate(size);
        let next = ids.last().filter(|_| more).cloned();
        let mut page = Page::default();
        let ids = stream::iter(ids.into_iter().map(Ok));
        let mut documents = std::pin::pin!(self.fetch_all(ids, self.db.options.parallelism));
        while let Some(scanned) = documents.next().await {
            match scanned? {
                Scanned::Record(record) => page.records.push(record),
                Scanned::Unreadable(unreadable) => page.unreadable.push(unreadable),
            }
        }
        page.next_cursor = next.map(|id| Cursor::new(scope, Position { values: Vec::new(), id }).encode());
        Ok(page)
    }

    /// Documents in the order of their ids, `parallelism` fetched at once, in bounded memory.
    pub(super) fn scan(
        &self,
        after: Option<String>,
        limit: usize,
        parallelism: usize,
    ) -> impl Stream<Item = Result<Scanned>> + '_ {
        let ids = self.id_pages(after, limit).flat_map(|page| match page {
            Ok(ids) => stream::iter(ids.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        });
        self.fetch_all(ids, parallelism)
    }

    pub(super) fn fetch_all<'a>(
        &'a self,
        ids: impl Stream<Item = Result<String>> + 'a,
        parallelism: usize,
    ) -> impl Stream<Item = Result<Scanned>> + 'a {
        let state = self.state();
        ids.map(move |id| {
            let state = state.clone();
            async move { self.fetch_one(&state, id?).await }
        })
        .buffered(parallelism.max(1))
        .filter_map(|scanned| async move { scanned.transpose() })
    }

    /// `None` for a document that was deleted since it was listed.
    pub(super) async fn fetch_one(&self, state: &Arc<State>, id: String) -> Result<Option<Scanned>> {
        let fetched = match self.document_key(&id) {
            Ok(key) => self.fetch(state, &id, &key).await,
            Err(error) => Err(error),
        };
        match fetched {
            Ok(record) => Ok(record.map(Scanned::Record)),
            // A store that fails must not look like a shorter list.
            Err(error)
                if error.is_retryable() || matches!(error.kind(), ErrorKind::Denied | ErrorKind::Budget) =>
            {
                Err(error)
            }
            Err(error) => Ok(Some(Scanned::Unreadable(Unreadable { id, error }))),
        }
    }

    /// Pages of ids, each fetched when the one before is used up.
    pub(super) fn id_pages(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> impl Stream<Item = Result<Vec<String>>> + '_ {
        let start = Paging { after, limit, continuation: None, done: false };
        stream::try_unfold(start, move |mut paging| async move {
            if paging.done || paging.limit == 0 {
                return Ok(None);
            }
            let prefix = self.db.keys.documents(self.name())?;
            let mut request = ListRequest::prefix(prefix.clone());
            request.start_after = paging.after.as_deref().map(|id| format!("{prefix}{id}"));
            request.continuation = paging.continuation.take();
            request.max_keys = Some(paging.limit.min(LIST_PAGE_MAX));
            let page =
                self.store.list(request).await.map_err(|error: Error| error.with("resource", self.name()))?;
            let ids: Vec<String> = page
                .entries
                .iter()
                .filter_map(|entry| entry.key.strip_prefix(prefix.as_str()))
                // s3db.js takes the first segment only; deeper keys are not documents.
                .filter(|id| !id.contains('/'))
                .map(str::to_owned)
                .collect();
            paging.limit = paging.limit.saturating_sub(ids.len());
            paging.done = page.continuation.is_none();
            paging.continuation = page.continuation;
            Ok(Some((ids, paging)))
        })
    }
}

struct Paging {
    after: Option<String>,
    limit: usize,
    continuation: Option<String>,
    done: bool,
}

/// One listed document.
pub(super) enum Scanned {
    Record(Record),
    Unreadable(Unreadable),
}
