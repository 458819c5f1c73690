//! The ids that the references of a partition name.

use std::collections::BTreeMap;

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use super::Resource;
use crate::key::{KeyRange, Lookup};
use crate::store::{LIST_PAGE_MAX, ListEntry, ListPage, ListRequest};
use crate::{Document, Result};

/// Most ids of unordered references that are held to bring them in order. Where there are more, the references are
/// listed again for the next ones.
const WINDOW_IDS: usize = 100_000;

/// What to keep of a reference, by its id and its entry in the listing: what it tells of its document, or nothing where that must be read.
/// `None` passes it over.
pub(super) type Keep<'a> = Box<dyn Fn(&str, &ListEntry) -> Option<Option<Document>> + Send + Sync + 'a>;

/// An id, and what was kept of its reference.
pub(super) type Found = (String, Option<Document>);

impl Resource {
    /// The ids of references after one, each once, in the order of their UTF-8 bytes. About `need` will be taken.
    ///
    /// References of one value each are in that order on the bucket. Others are put in order, some at a time.
    pub(super) fn referenced<'a>(
        &'a self,
        lookup: &'a Lookup,
        after: Option<String>,
        need: usize,
        keep: Keep<'a>,
    ) -> BoxStream<'a, Result<Found>> {
        match lookup.ranges() {
            [range] if lookup.is_whole() => self.in_order(lookup, range, after, need, keep),
            _ => self.in_windows(lookup, after, need, keep),
        }
    }

    /// How many references there are. Requests: 1 LIST per 1,000.
    pub(super) async fn count_references(&self, lookup: &Lookup) -> Result<u64> {
        let mut count = 0;
        for range in lookup.ranges() {
            let mut pages = self.reference_pages(range, range.after.clone(), usize::MAX);
            while let Some(page) = pages.try_next().await? {
                let keys = page.entries.iter().map(|entry| &*entry.key);
                count += keys.filter(|key| lookup.id_of(key).is_some() && lookup.matches(key)).count() as u64;
            }
        }
        Ok(count)
    }

    fn in_order<'a>(
        &'a self,
        lookup: &'a Lookup,
        range: &'a KeyRange,
        after: Option<String>,
        need: usize,
        keep: Keep<'a>,
    ) -> BoxStream<'a, Result<Found>> {
        let after = after.map(|id| format!("{}{id}", range.prefix));
        let pages = self.reference_pages(range, after, need);
        let found = pages.map_ok(move |page| {
            let entries = page.entries.iter();
            let found = entries.filter_map(|entry| take(lookup, entry, &keep)).map(Ok).collect::<Vec<_>>();
            stream::iter(found)
        });
        found.try_flatten().boxed()
    }

    fn in_windows<'a>(
        &'a self,
        lookup: &'a Lookup,
        after: Option<String>,
        need: usize,
        keep: Keep<'a>,
    ) -> BoxStream<'a, Result<Found>> {
        let size = need.saturating_mul(2).clamp(LIST_PAGE_MAX, WINDOW_IDS);
        let windows = stream::try_unfold((Some(after), keep), move |(after, keep)| async move {
            let Some(after) = after else { return Ok(None) };
            let (window, more) = self.window(lookup, after.as_deref(), size, &keep).await?;
            let next = window.last_key_value().filter(|_| more).map(|(id, _)| Some(id.clone()));
            Ok(Some((stream::iter(window.into_iter().map(Ok)), (next, keep))))
        });
        windows.try_flatten().boxed()
    }

    /// The first `size` ids after one, and whether there are more.
    async fn window(
        &self,
        lookup: &Lookup,
        after: Option<&str>,
        size: usize,
        keep: &Keep<'_>,
    ) -> Result<(BTreeMap<String, Option<Document>>, bool)> {
        let mut window = BTreeMap::new();
        let mut more = false;
        for range in lookup.ranges() {
            let start = match after {
                Some(id) if lookup.is_whole() => Some(format!("{}{id}", range.prefix)),
                _ => range.after.clone(),
            };
            let mut pages = self.reference_pages(range, start, usize::MAX);
            'range: while let Some(page) = pages.try_next().await? {
                for entry in page.entries {
                    let Some((id, kept)) = take(lookup, &entry, keep) else { continue };
                    if after.is_some_and(|after| id.as_str() <= after) {
                        continue;
                    }
                    let full = window.len() >= size;
                    if full && window.last_key_value().is_some_and(|(last, _)| id > *last) {
                        more = true;
                        if lookup.is_whole() {
                            // The rest of this run comes later still.
                            break 'range;
                        }
                        continue;
                    }
                    window.insert(id, kept);
                    if window.len() > size {
                        window.pop_last();
                        more = true;
                    }
                }
            }
        }
        Ok((window, more))
    }

    /// Pages of the keys of a range.
    fn reference_pages<'a>(
        &'a self,
        range: &'a KeyRange,
        after: Option<String>,
        need: usize,
    ) -> BoxStream<'a, Result<ListPage>> {
        let mut request = ListRequest::prefix(range.prefix.clone());
        request.start_after = after;
        request.max_keys = Some(need.clamp(1, LIST_PAGE_MAX));
        let pages = stream::try_unfold(Some(request), move |request| async move {
            let Some(request) = request else { return Ok(None) };
            let page = self.store.list(request.clone()).await;
            let mut page = page.map_err(|error| error.with("resource", self.name()))?;
            let mut next = page.continuation.take();
            if let Some(before) = &range.before {
                let listed = page.entries.len();
                page.entries.retain(|entry| &*entry.key < before.as_str());
                next = next.filter(|_| page.entries.len() == listed);
            }
            let next = next.map(|continuation| ListRequest { continuation: Some(continuation), ..request });
            Ok(Some((page, next)))
        });
        pages.boxed()
    }
}

fn take(lookup: &Lookup, entry: &ListEntry, keep: &Keep<'_>) -> Option<Found> {
    let id = lookup.id_of(&entry.key)?;
    if !lookup.matches(&entry.key) {
        return None;
    }
    keep(id, entry).map(|kept| (id.to_owned(), kept))
}
