//! Listing documents, in the order of their ids.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt as _};

use super::decode_ahead::decode_ahead;
use super::{Listing, Page, Record, Resource, State, Unreadable};
use crate::op::{HookPoint, Op};
use crate::query::{Cursor, Position};
use crate::store::{LIST_PAGE_MAX, ListRequest, Object};
use crate::{Error, ErrorKind, Result};

/// Documents of a page when none are asked for.
pub(super) const PAGE_DOCS: usize = 100;

/// Documents of a page of which so many were asked for.
pub(super) fn page_size(asked: usize) -> usize {
    if asked == 0 { PAGE_DOCS } else { asked }
}

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
        let Some(chain) = self.chain() else {
            return self.list_ids_now(options).await;
        };
        let op = Op::ListIds { partition: None, options, verified: false };
        chain.run(self, op).await?.ids()
    }

    pub(super) async fn list_ids_now(&self, options: ListOptions) -> Result<Vec<String>> {
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
        match self.chain() {
            None => self.list_now(options).await,
            Some(chain) => chain.run(self, Op::List { partition: None, options }).await?.listing(),
        }
    }

    pub(super) async fn list_now(&self, options: ListOptions) -> Result<Listing> {
        let mut listing = Listing::default();
        let limit = options.limit.unwrap_or(usize::MAX);
        let ids = self.ids(options.after, limit);
        let mut documents = std::pin::pin!(self.fetch_every(ids, self.db.options.parallelism));
        while let Some(scanned) = documents.next().await {
            match scanned? {
                Scanned::Record(record) => listing.records.push(record),
                Scanned::Unreadable(unreadable) => listing.unreadable.push(unreadable),
            }
        }
        self.after_reads(&mut listing.records, &mut listing.unreadable).await?;
        Ok(listing)
    }

    /// All documents. Requests: as [`list`](Self::list).
    pub async fn get_all(&self) -> Result<Listing> {
        self.list(ListOptions::default()).await
    }

    /// Number of documents. Requests: 1 LIST per 1,000 documents.
    pub async fn count(&self) -> Result<u64> {
        match self.chain() {
            None => self.count_now().await,
            Some(chain) => chain.run(self, Op::Count { partition: None, verified: false }).await?.count(),
        }
    }

    pub(super) async fn count_now(&self) -> Result<u64> {
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
        let Some(chain) = self.chain() else {
            return self.page_now(size, cursor).await;
        };
        let (size, cursor) = (page_size(size), cursor.map(str::to_owned));
        chain.run(self, Op::Page { partition: None, size, cursor }).await?.page()
    }

    pub(super) async fn page_now(&self, size: usize, cursor: Option<&str>) -> Result<Page> {
        let size = page_size(size);
        let scope = format!("page:{}", self.name());
        let after =
            cursor.map(|cursor| Cursor::decode(cursor, &scope)).transpose()?.map(|position| position.id);
        // One id more tells whether there is a next page.
        let mut ids = self.list_ids_now(ListOptions { limit: Some(size.saturating_add(1)), after }).await?;
        let more = ids.len() > size;
        ids.truncate(size);
        let next = ids.last().filter(|_| more).cloned();
        let mut page = Page::default();
        let ids = stream::iter(ids.into_iter().map(Ok));
        let mut documents = std::pin::pin!(self.fetch_every(ids, self.db.options.parallelism));
        while let Some(scanned) = documents.next().await {
            match scanned? {
                Scanned::Record(record) => page.records.push(record),
                Scanned::Unreadable(unreadable) => page.unreadable.push(unreadable),
            }
        }
        self.after_reads(&mut page.records, &mut page.unreadable).await?;
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
        self.fetch_all(self.ids(after, limit), parallelism)
    }

    pub(super) fn ids(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> impl Stream<Item = Result<String>> + Send + '_ {
        self.id_pages(after, limit).flat_map(|page| match page {
            Ok(ids) => stream::iter(ids.into_iter().map(Ok).collect::<Vec<_>>()),
            Err(error) => stream::iter(vec![Err(error)]),
        })
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

    /// As [`fetch_all`](Self::fetch_all), for callers who want every document: the threads of the runtime decode them,
    /// some chunks ahead of the caller.
    pub(super) fn fetch_every<'a>(
        &'a self,
        ids: impl Stream<Item = Result<String>> + Send + 'a,
        parallelism: usize,
    ) -> impl Stream<Item = Result<Scanned>> + Send + 'a {
        let state = self.state();
        let fetched = ids
            .map(move |id| async move {
                let id = id?;
                let object = self.fetch_object(&id).await;
                Ok((id, object))
            })
            .buffered(parallelism.max(1));
        decode_ahead(self, state, fetched)
    }

    /// `None` for a document that was deleted since it was listed.
    pub(super) async fn fetch_one(&self, state: &Arc<State>, id: String) -> Result<Option<Scanned>> {
        let object = self.fetch_object(&id).await;
        self.scanned(state, id, object).await
    }

    async fn fetch_object(&self, id: &str) -> Result<Option<Object>> {
        let key = self.document_key(id)?;
        self.store.get(&key).await.map_err(|error| self.at(error, id))
    }

    pub(super) async fn scanned(
        &self,
        state: &Arc<State>,
        id: String,
        object: Result<Option<Object>>,
    ) -> Result<Option<Scanned>> {
        let decoded = match object {
            Ok(None) => return Ok(None),
            Ok(Some(object)) => self.decode(state, &id, object).await,
            Err(error) => Err(error),
        };
        match decoded {
            Ok(record) => Ok(Some(Scanned::Record(record))),
            // A store that fails must not look like a shorter list.
            Err(error) if ends_all(&error) => Err(error),
            Err(error) => Ok(Some(Scanned::Unreadable(Unreadable { id, error }))),
        }
    }

    /// Lets the hooks of `AfterGet` see documents that many were read with. One that they refuse is reported beside the
    /// others, unless trying again may help.
    pub(super) async fn after_reads(
        &self,
        records: &mut Vec<Record>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<()> {
        if !self.has_hook(HookPoint::AfterGet) {
            return Ok(());
        }
        let hooked = std::mem::take(records).into_iter().map(|record| async move {
            let id = record.id.clone();
            let hooked = self.after(HookPoint::AfterGet, record, None).await;
            hooked.map_err(|error| Unreadable { error: self.at(error, &id), id })
        });
        let mut hooked = stream::iter(hooked).buffered(self.db.options.parallelism);
        while let Some(hooked) = hooked.next().await {
            match hooked {
                Ok(record) => records.push(record),
                Err(refused) if refused.error.is_retryable() => return Err(refused.error),
                Err(refused) => unreadable.push(refused),
            }
        }
        Ok(())
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

/// Whether an error is not about one document, but the store or the caller.
pub(super) fn ends_all(error: &Error) -> bool {
    error.is_retryable() || matches!(error.kind(), ErrorKind::Denied | ErrorKind::Budget)
}
