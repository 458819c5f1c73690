//! Streams of documents, ids and pages.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::sink::SinkExt as _;
use futures::stream::{BoxStream, Stream, StreamExt as _};

use super::generate;
use crate::op::HookPoint;
use crate::query::{Cursor, Position};
use crate::resource::list::{PAGE_DOCS, Scanned, ends_all};
use crate::resource::{ListOptions, Page, PartitionView, Record, Resource, Unreadable};
use crate::store::LIST_PAGE_MAX;
use crate::{Error, Result};

/// Reads many documents in the order of their ids, in bounded memory; from [`Resource::reader`] and
/// [`PartitionView::reader`].
///
/// Nothing is sent until the stream is polled, and nothing goes on after it is dropped.
#[derive(Debug, Clone)]
#[must_use = "it reads nothing by itself"]
pub struct Reader {
    resource: Resource,
    view: Option<PartitionView>,
    after: Option<String>,
    limit: Option<usize>,
    batch_size: usize,
    concurrency: usize,
}

impl Resource {
    /// Starts a reading of all documents.
    pub fn reader(&self) -> Reader {
        Reader::new(self.clone(), None)
    }

    /// All documents, one after the other.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use futures::TryStreamExt as _;
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/stream").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// users.insert_many(["Ann", "Bob"].map(|name| json!({"id": name, "name": name}))).await.into_result()?;
    ///
    /// let mut documents = users.stream();
    /// while let Some(user) = documents.try_next().await? {
    ///     println!("{}", user.data["name"]);
    /// }
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 LIST per 1,000 ids + 1 GET a document, as they are taken.
    pub fn stream(&self) -> Documents {
        self.reader().documents()
    }

    /// All ids. Requests: 1 LIST per 1,000 ids, as they are taken.
    pub fn ids_stream(&self) -> Ids {
        self.reader().ids()
    }

    /// All documents, a hundred at a time. Requests: as [`stream`](Self::stream).
    pub fn pages(&self) -> Pages {
        self.reader().pages()
    }
}

impl PartitionView {
    /// Starts a reading of the documents of this view, in the order of their ids.
    ///
    /// Requests: 1 LIST per 1,000 references + 1 GET a document, as they are taken; documents that have moved away are
    /// passed over.
    pub fn reader(&self) -> Reader {
        Reader::new(self.resource().clone(), Some(self.clone()))
    }
}

impl Reader {
    fn new(resource: Resource, view: Option<PartitionView>) -> Self {
        let concurrency = resource.db.options.parallelism.max(1);
        Self { resource, view, after: None, limit: None, batch_size: PAGE_DOCS, concurrency }
    }

    /// Most items to give out.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Only ids after this one.
    pub fn after(mut self, id: impl Into<String>) -> Self {
        self.after = Some(id.into());
        self
    }

    /// Documents of a page of [`pages`](Self::pages); 100 when not given, or 0.
    pub fn batch_size(mut self, documents: usize) -> Self {
        self.batch_size = if documents == 0 { PAGE_DOCS } else { documents };
        self
    }

    /// Documents that are fetched at once, and held until they are taken; the database's
    /// [`parallelism`](crate::database::DatabaseOptions::parallelism) when not given.
    pub fn concurrency(mut self, documents: usize) -> Self {
        self.concurrency = documents.max(1);
        self
    }

    /// Goes on where a stream of the same resource or view was left: with its `resume_token`.
    ///
    /// Errors: `Config` for a token of something else.
    pub fn resume(mut self, token: &str) -> Result<Self> {
        self.after = Some(Cursor::decode(token, &self.scope())?.id);
        Ok(self)
    }

    /// The documents. One that cannot be read is an error among the others, with its `id` in the context; after an
    /// error of the store the stream ends.
    pub fn documents(self) -> Documents {
        let scope = self.scope();
        Documents { scanned: self.scan(), scope, last: None, ended: false }
    }

    /// The ids. After an error, which is one of the store, the stream ends. Those of a partition come from references
    /// alone, as with [`PartitionView::list_ids`].
    pub fn ids(self) -> Ids {
        let (scope, limit) = (self.scope(), self.limit.unwrap_or(usize::MAX));
        Ids { ids: self.listed(limit).take(limit).boxed(), scope, last: None }
    }

    /// The documents, [`batch_size`](Self::batch_size) at a time, with a cursor for [`resume`](Self::resume) in each
    /// page. After an error, which is one of the store, the stream ends.
    pub fn pages(self) -> Pages {
        let (size, documents) = (self.batch_size, self.documents());
        Pages { documents, size, page: Page::default(), failed: None }
    }

    /// What a token is bound to.
    fn scope(&self) -> String {
        let view = self.view.as_ref().map(PartitionView::scope).unwrap_or_default();
        format!("stream:{}:{view}", self.resource.name())
    }

    fn scan(self) -> BoxStream<'static, Result<Scanned>> {
        let limit = self.limit.unwrap_or(usize::MAX);
        // References may name documents that are gone, so that more may be needed.
        let need = if self.view.is_some() { usize::MAX } else { limit };
        let (resource, view, concurrency) = (self.resource.clone(), self.view.clone(), self.concurrency);
        let state = resource.state();
        let fetched = self.listed(need).map(move |id| {
            let (resource, state) = (resource.clone(), state.clone());
            async move {
                let id = id?;
                if resource.is_watched() {
                    return get_one(&resource, id).await;
                }
                resource.fetch_one(&state, id).await
            }
        });
        let found = fetched.buffered(concurrency).filter_map(move |scanned| {
            let scanned = scanned.transpose().filter(|scanned| match (scanned, &view) {
                (Ok(Scanned::Record(record)), Some(view)) => view.holds(record),
                _ => true,
            });
            async move { scanned }
        });
        found.take(limit).boxed()
    }

    /// Ids, a page of the listing at a time.
    fn listed(self, limit: usize) -> BoxStream<'static, Result<String>> {
        let Self { resource, view, after, .. } = self;
        if resource.chain().is_some() {
            return listed_through_layers(resource, view, after, limit);
        }
        generate(move |mut sender| async move {
            match view {
                None => {
                    let mut pages = std::pin::pin!(resource.id_pages(after, limit));
                    while let Some(page) = pages.next().await {
                        let items: Vec<Result<String>> = match page {
                            Ok(ids) => ids.into_iter().map(Ok).collect(),
                            Err(error) => vec![Err(error)],
                        };
                        for item in items {
                            if sender.send(item).await.is_err() {
                                return;
                            }
                        }
                    }
                }
                Some(view) => {
                    let mut ids = view.ids(after, limit.min(LIST_PAGE_MAX));
                    while let Some(id) = ids.next().await {
                        if sender.send(id).await.is_err() {
                            return;
                        }
                    }
                }
            }
        })
    }
}

impl Resource {
    /// Whether layers or hooks must see every read.
    fn is_watched(&self) -> bool {
        self.chain().is_some() || self.has_hook(HookPoint::BeforeGet) || self.has_hook(HookPoint::AfterGet)
    }
}

/// Reads a document as `get` does, so that layers and hooks see it.
async fn get_one(resource: &Resource, id: String) -> Result<Option<Scanned>> {
    match resource.get_or_none(&id).await {
        Ok(record) => Ok(record.map(Scanned::Record)),
        Err(error) if error.context("hook").is_none() && ends_all(&error) => Err(error),
        Err(error) => Ok(Some(Scanned::Unreadable(Unreadable { id, error }))),
    }
}

/// Ids, a page at a time, each page by a call of `list_ids` that layers and hooks see.
fn listed_through_layers(
    resource: Resource,
    view: Option<PartitionView>,
    after: Option<String>,
    limit: usize,
) -> BoxStream<'static, Result<String>> {
    generate(move |mut sender| async move {
        let (mut after, mut missing) = (after, limit);
        while missing > 0 {
            let size = missing.min(LIST_PAGE_MAX);
            let options = ListOptions { limit: Some(size), after: after.take() };
            let page = match &view {
                None => resource.list_ids(options).await,
                Some(view) => view.list_ids(options).await,
            };
            let (items, is_last): (Vec<Result<String>>, bool) = match page {
                Ok(ids) => {
                    after = ids.last().cloned();
                    missing = missing.saturating_sub(ids.len());
                    let is_last = ids.len() < size;
                    (ids.into_iter().map(Ok).collect(), is_last)
                }
                Err(error) => (vec![Err(error)], true),
            };
            for item in items {
                if sender.send(item).await.is_err() {
                    return;
                }
            }
            if is_last {
                return;
            }
        }
    })
}

fn token(scope: &str, last: Option<&String>) -> Option<String> {
    let position = Position { values: Vec::new(), id: last?.clone() };
    Some(Cursor::new(scope.to_owned(), position).encode())
}

/// A stream of documents; from [`Resource::stream`] and [`Reader::documents`].
#[must_use = "streams do nothing unless polled"]
pub struct Documents {
    scanned: BoxStream<'static, Result<Scanned>>,
    scope: String,
    last: Option<String>,
    ended: bool,
}

impl Documents {
    /// For [`Reader::resume`]: goes on behind the last item that this stream has given out. `None` before the first.
    pub fn resume_token(&self) -> Option<String> {
        token(&self.scope, self.last.as_ref())
    }

    fn poll_scanned(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Scanned>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let scanned = ready!(self.scanned.poll_next_unpin(cx));
        match &scanned {
            Some(Ok(Scanned::Record(record))) => self.last = Some(record.id.clone()),
            Some(Ok(Scanned::Unreadable(unreadable))) => self.last = Some(unreadable.id.clone()),
            // What is in flight is dropped: the documents behind it must not look like the next ones.
            Some(Err(_)) | None => {
                self.ended = true;
                self.scanned = futures::stream::empty().boxed();
            }
        }
        Poll::Ready(scanned)
    }
}

impl Stream for Documents {
    type Item = Result<Record>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let scanned = ready!(self.get_mut().poll_scanned(cx));
        Poll::Ready(scanned.map(|scanned| match scanned? {
            Scanned::Record(record) => Ok(record),
            Scanned::Unreadable(unreadable) => Err(unreadable.error),
        }))
    }
}

/// A stream of ids; from [`Resource::ids_stream`] and [`Reader::ids`].
#[must_use = "streams do nothing unless polled"]
pub struct Ids {
    ids: BoxStream<'static, Result<String>>,
    scope: String,
    last: Option<String>,
}

impl Ids {
    /// As [`Documents::resume_token`].
    pub fn resume_token(&self) -> Option<String> {
        token(&self.scope, self.last.as_ref())
    }
}

impl Stream for Ids {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let id = ready!(self.ids.poll_next_unpin(cx));
        match &id {
            Some(Ok(id)) => self.last = Some(id.clone()),
            Some(Err(_)) | None => self.ids = futures::stream::empty().boxed(),
        }
        Poll::Ready(id)
    }
}

/// A stream of pages; from [`Resource::pages`] and [`Reader::pages`].
#[must_use = "streams do nothing unless polled"]
pub struct Pages {
    documents: Documents,
    size: usize,
    page: Page,
    /// An error that came behind the documents of the page.
    failed: Option<Error>,
}

impl Stream for Pages {
    type Item = Result<Page>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            let scanned = ready!(this.documents.poll_scanned(cx));
            let is_end = match scanned {
                Some(Ok(Scanned::Record(record))) => {
                    this.page.records.push(record);
                    false
                }
                Some(Ok(Scanned::Unreadable(unreadable))) => {
                    this.page.unreadable.push(unreadable);
                    false
                }
                Some(Err(error)) => {
                    this.failed = Some(error);
                    true
                }
                None => true,
            };
            let held = this.page.records.len() + this.page.unreadable.len();
            if held >= this.size || (is_end && held > 0) {
                let mut page = std::mem::take(&mut this.page);
                page.next_cursor = this.documents.resume_token();
                return Poll::Ready(Some(Ok(page)));
            }
            if is_end {
                return Poll::Ready(this.failed.take().map(Err));
            }
        }
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Documents").field("last", &self.last).finish_non_exhaustive()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ids").field("last", &self.last).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("last", &self.documents.last).finish_non_exhaustive()
    }
}
