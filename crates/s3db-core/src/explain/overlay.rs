//! What a rehearsal has written, laid over what the bucket holds. Pure.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::store::{ETag, Head, ListEntry, ListPage, ListRequest, Object, PutObject};

/// ETags that are remembered; of others the bucket is asked again.
const SEEN_MAX: usize = 10_000;

/// Objects as the rehearsal would have left them.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    /// `None` for what was deleted.
    written: BTreeMap<String, Option<Object>>,
    /// What reads have shown of objects that were not written: the ETag, or that there is none.
    seen: HashMap<String, Option<ETag>>,
    /// The last key of the page that ended with this continuation.
    page_ends: HashMap<String, String>,
    /// Where the first key of a prefix is that was not deleted: all before it can be skipped.
    swept: HashMap<String, String>,
}

impl Overlay {
    /// What was written under a key; `None` when nothing was, `Some(None)` when it was deleted.
    pub(super) fn get(&self, key: &str) -> Option<Option<Object>> {
        self.written.get(key).cloned()
    }

    /// The ETag under a key, as far as this rehearsal knows.
    pub(super) fn etag(&self, key: &str) -> Option<Option<ETag>> {
        match self.written.get(key) {
            Some(object) => Some(object.as_ref().map(|object| object.head.etag.clone())),
            None => self.seen.get(key).cloned(),
        }
    }

    /// Remembers what the bucket holds.
    pub(super) fn see(&mut self, key: &str, etag: Option<&ETag>) {
        if self.seen.len() < SEEN_MAX {
            self.seen.insert(key.to_owned(), etag.cloned());
        }
    }

    pub(super) fn put(&mut self, key: &str, object: PutObject, now_ms: i64) -> ETag {
        let etag = ETag::md5_of(&object.body);
        let head = Head {
            metadata: object.metadata,
            etag: etag.clone(),
            last_modified_ms: now_ms,
            content_length: object.body.len() as u64,
            content_type: object.content_type,
            version_id: None,
        };
        self.written.insert(key.to_owned(), Some(Object { head, body: object.body }));
        etag
    }

    pub(super) fn delete(&mut self, key: &str) {
        self.written.insert(key.to_owned(), None);
    }

    /// The request to send for a page, which leaves out what is known to be deleted.
    pub(super) fn narrow(&self, mut request: ListRequest) -> ListRequest {
        if request.continuation.is_none()
            && request.delimiter.is_none()
            && let Some(swept) = self.swept.get(&request.prefix)
            && request.start_after.as_ref().is_none_or(|after| after < swept)
        {
            request.start_after = Some(swept.clone());
        }
        request
    }

    /// Lays what was written over a page of the bucket.
    pub(super) fn merge(&mut self, request: &ListRequest, mut page: ListPage) -> ListPage {
        let last = page.entries.last().map(|entry| entry.key.to_string());
        let from = match &request.continuation {
            Some(token) => self.page_ends.get(token).cloned(),
            None => request.start_after.clone(),
        };
        if let (Some(token), Some(last)) = (&page.continuation, &last) {
            self.page_ends.insert(token.clone(), last.clone());
        }
        page.entries.retain(|entry| !self.written.contains_key(&*entry.key));
        let swept = self.swept.get(&request.prefix);
        if page.entries.is_empty()
            && from.as_ref().is_none_or(|from| swept.is_some_and(|swept| from <= swept))
        {
            self.sweep(&request.prefix, last.as_deref());
        }
        let to = if page.continuation.is_some() { last } else { None };
        self.add(request, from, to, &mut page);
        page
    }

    /// A page from the start held nothing that is left, up to `last`.
    fn sweep(&mut self, prefix: &str, last: Option<&str>) {
        let Some(last) = last else { return };
        let range = (Bound::Included(prefix.to_owned()), Bound::Included(last.to_owned()));
        if self.written.range(range).all(|(_, object)| object.is_none()) {
            self.swept.insert(prefix.to_owned(), last.to_owned());
        }
    }

    /// Adds objects of the rehearsal that belong into the page: after `from`, up to `to`.
    fn add(&self, request: &ListRequest, from: Option<String>, to: Option<String>, page: &mut ListPage) {
        let prefix = request.prefix.as_str();
        let lower = match from {
            Some(from) if from.as_str() >= prefix => Bound::Excluded(from),
            _ => Bound::Included(prefix.to_owned()),
        };
        let mut added = false;
        for (key, object) in self.written.range((lower, Bound::Unbounded)) {
            let Some(rest) = key.strip_prefix(prefix) else { break };
            if to.as_ref().is_some_and(|to| key > to) {
                break;
            }
            let Some(object) = object else { continue };
            added = true;
            let delimiter = request.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
            match delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len())) {
                Some(end) => {
                    page.common_prefixes.push(format!("{prefix}{}", rest.get(..end).unwrap_or(rest)))
                }
                None => page.entries.push(entry(key, object)),
            }
        }
        if added {
            page.entries.sort_by(|a, b| a.key.cmp(&b.key));
            page.common_prefixes.sort();
            page.common_prefixes.dedup();
        }
    }
}

fn entry(key: &str, object: &Object) -> ListEntry {
    ListEntry {
        key: Arc::from(key),
        etag: object.head.etag.clone(),
        content_length: object.head.content_length,
        last_modified_ms: object.head.last_modified_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(keys: &[&str], continuation: Option<&str>) -> ListPage {
        let entries = keys.iter().map(|key| ListEntry {
            key: Arc::from(*key),
            etag: ETag::new("e"),
            content_length: 0,
            last_modified_ms: 0,
        });
        let continuation = continuation.map(str::to_owned);
        ListPage { entries: entries.collect(), common_prefixes: Vec::new(), continuation }
    }

    #[test]
    fn what_was_written_and_deleted_is_seen_in_pages() {
        let mut overlay = Overlay::default();
        overlay.put("p/b", PutObject::default(), 7);
        overlay.put("p/e", PutObject::default(), 7);
        overlay.put("q/a", PutObject::default(), 7);
        overlay.delete("p/c");
        let keys =
            |page: &ListPage| page.entries.iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>();

        let first = ListRequest::prefix("p/");
        let merged = overlay.merge(&first, page(&["p/a", "p/c"], Some("t")));
        assert_eq!(keys(&merged), ["p/a", "p/b"]);
        let second = ListRequest { continuation: merged.continuation, ..first.clone() };
        assert_eq!(keys(&overlay.merge(&second, page(&["p/d"], None))), ["p/d", "p/e"]);
        let after = ListRequest { start_after: Some("p/b".into()), ..first.clone() };
        assert_eq!(keys(&overlay.merge(&after, page(&["p/c"], None))), ["p/e"]);

        let folders = ListRequest { delimiter: Some("/".into()), ..ListRequest::default() };
        assert_eq!(overlay.merge(&folders, ListPage::default()).common_prefixes, ["p/", "q/"]);
    }

    #[test]
    fn what_is_deleted_from_the_start_is_not_listed_again() {
        let mut overlay = Overlay::default();
        let request = ListRequest::prefix("p/");
        overlay.delete("p/a");
        overlay.delete("p/b");
        assert!(overlay.merge(&request, page(&["p/a", "p/b"], Some("t"))).entries.is_empty());
        assert_eq!(overlay.narrow(request.clone()).start_after.as_deref(), Some("p/b"));
        let other = ListRequest::prefix("q/");
        assert_eq!(overlay.narrow(other).start_after, None);
    }
}
