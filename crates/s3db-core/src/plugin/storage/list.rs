//! Listing and purging, of any number of values.

use futures::stream::{self, Stream, TryStreamExt as _};

use super::slug::NAMESPACE;
use super::{PluginStorage, value};
use crate::store::{Condition, DELETE_MANY_MAX, ListPage, ListRequest};
use crate::{Document, Error, ErrorKind, Result};

/// Which values of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Those below the prefix of this handle.
    Here,
    /// Those of the whole database, and those that belong to any resource.
    Everywhere,
}

impl PluginStorage {
    /// Keys that start with `prefix`, in the order of their UTF-8 bytes, page by page. Keys of expired values, leases and
    /// sequences are among them.
    ///
    /// Requests: 1 LIST per 1,000 keys.
    pub fn keys(&self, prefix: &str) -> impl Stream<Item = Result<String>> + Send + use<'_> {
        let pages = self.pages(ListRequest::prefix(format!("{}{prefix}", self.prefix)));
        pages
            .map_ok(|page| {
                let own = page.entries.into_iter().filter_map(|entry| {
                    entry.key.strip_prefix(self.prefix.as_ref()).map(|key| Ok(key.to_owned()))
                });
                stream::iter(own.collect::<Vec<_>>())
            })
            .try_flatten()
    }

    /// All keys that start with `prefix`, as [`keys`](Self::keys).
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.keys(prefix).try_collect().await
    }

    /// Keys that start with `prefix`, and their values, in the order of the keys. Values that expired or went away in
    /// the meantime are left out.
    ///
    /// Requests: 1 LIST per 1,000 keys + 1 GET a key.
    pub fn entries(&self, prefix: &str) -> impl Stream<Item = Result<(String, Document)>> + Send + use<'_> {
        self.keys(prefix)
            .map_ok(move |key| async move { Ok(self.get(&key).await?.map(|value| (key, value))) })
            .try_buffered(self.shared.parallelism)
            .try_filter_map(|entry| async move { Ok(entry) })
    }

    /// Deletes all values of this plugin and nothing else, its leases too. Returns their number.
    ///
    /// Requests: 1 LIST + 1 DELETE of many per 1,000 keys; [everywhere](Scope::Everywhere), 1 LIST per 1,000 resources
    /// and those of each resource.
    pub async fn delete_all(&self, scope: Scope) -> Result<u64> {
        let keys = &self.shared.keys;
        let prefixes = match scope {
            Scope::Here => vec![self.prefix.as_ref().to_owned()],
            Scope::Everywhere => {
                let mut prefixes = vec![keys.plugin(self.slug(), None)?];
                let resources = keys.below("resource=");
                for rolled in self.rolled_up(resources).await? {
                    prefixes.push(format!("{rolled}plugin={}/", self.slug()));
                }
                prefixes
            }
        };
        let mut deleted = 0;
        for prefix in prefixes {
            deleted += self.delete_below(prefix).await?;
        }
        Ok(deleted)
    }

    /// Deletes all values whose keys start with `prefix`. Returns their number.
    ///
    /// Requests: 1 LIST + 1 DELETE of many per 1,000 keys.
    pub async fn delete_prefix(&self, prefix: &str) -> Result<u64> {
        self.delete_below(format!("{}{prefix}", self.prefix)).await
    }

    /// Deletes values by their keys; absent ones count as deleted.
    ///
    /// Requests: 1 DELETE for one key, else 1 DELETE of many per 1,000 keys. Errors: that of the first key that could not be
    /// deleted, after the others of its 1,000 have been.
    pub async fn delete_many(&self, keys: &[String]) -> Result<()> {
        if let [key] = keys {
            return self.delete(key).await;
        }
        let keys = keys.iter().map(|key| self.key(key)).collect::<Result<Vec<_>>>()?;
        for some in keys.chunks(DELETE_MANY_MAX) {
            self.shared.store.delete_many(some).await?.into_iter().collect::<Result<()>>()?;
        }
        Ok(())
    }

    /// Deletes values below `prefix` that have expired, each only if it is still the one that was read. Returns their
    /// number. Values that s3db.js put into metadata alone stay: nothing tells one from another.
    ///
    /// Requests: 1 LIST per 1,000 keys, 1 GET a key, 1 DELETE an expired value.
    /// Errors: `Unsupported` on a store without conditional deletes.
    pub async fn remove_expired(&self, prefix: &str) -> Result<u64> {
        let store = self.shared.store.as_ref();
        if !store.capability().conditional_delete {
            return Err(Error::new(ErrorKind::Unsupported, "the store has no conditional deletes")
                .hint("expired values read as absent all the same"));
        }
        let removals = self
            .keys(prefix)
            .map_ok(move |key| async move {
                // Locks expire too, and are not for a reader to delete: they keep the epoch.
                if key.starts_with("locks/") {
                    return Ok(0);
                }
                let Some(object) = self.object(&key).await? else {
                    return Ok(0);
                };
                let is_old =
                    value::read(&object).is_ok_and(|value| value.is_checked && self.is_expired(&value));
                if !is_old {
                    return Ok(0);
                }
                match store.delete(&self.key(&key)?, Condition::IfMatch(object.head.etag)).await {
                    Ok(()) => Ok(1),
                    Err(error) if error.kind() == ErrorKind::Conflict => Ok(0),
                    Err(error) => Err(error),
                }
            })
            .try_buffer_unordered(self.shared.parallelism);
        removals.try_fold(0, |sum, removed| async move { Ok(sum + removed) }).await
    }

    /// Slugs under which this plugin has values of the whole database: without a namespace, and in each; sorted.
    ///
    /// Requests: 1 LIST per 1,000 slugs.
    pub async fn namespaces(&self) -> Result<Vec<String>> {
        let slug = self.slug();
        let base = slug.split_once(NAMESPACE).map_or(slug, |(base, _)| base);
        let start = self.shared.keys.below("plugin=");
        let rolled = self.rolled_up(format!("{start}{base}")).await?;
        let slugs = rolled.iter().filter_map(|key| key.strip_prefix(&start)?.strip_suffix('/'));
        let own = slugs.filter(|slug| {
            slug.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(NAMESPACE))
        });
        let mut own: Vec<String> = own.map(str::to_owned).collect();
        own.sort();
        Ok(own)
    }

    /// What stands up to the next `/` in keys that start with `prefix`.
    async fn rolled_up(&self, prefix: String) -> Result<Vec<String>> {
        let request = ListRequest { delimiter: Some("/".to_owned()), ..ListRequest::prefix(prefix) };
        self.pages(request).map_ok(|page| page.common_prefixes).try_concat().await
    }

    async fn delete_below(&self, prefix: String) -> Result<u64> {
        let store = self.shared.store.as_ref();
        let mut pages = std::pin::pin!(self.pages(ListRequest::prefix(prefix)));
        let mut deleted = 0;
        while let Some(page) = pages.try_next().await? {
            let keys: Vec<String> = page.entries.iter().map(|entry| entry.key.as_ref().to_owned()).collect();
            if keys.is_empty() {
                continue;
            }
            for result in store.delete_many(&keys).await? {
                result?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    fn pages(&self, request: ListRequest) -> impl Stream<Item = Result<ListPage>> + Send + use<'_> {
        stream::try_unfold(Some(request), move |request| async move {
            let Some(request) = request else {
                return Ok(None);
            };
            let mut page = self.shared.store.list(request.clone()).await?;
            let next = page
                .continuation
                .take()
                .map(|continuation| ListRequest { continuation: Some(continuation), ..request });
            Ok(Some((page, next)))
        })
    }
}
