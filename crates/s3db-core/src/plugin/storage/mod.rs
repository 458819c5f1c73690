//! Plugin storage: small values of a plugin, beside the documents, under keys of its own.
//!
//! | Key below the prefix | Holds |
//! |---|---|
//! | `plugin=<slug>/<key>` | values of the whole database |
//! | `resource=<R>/plugin=<slug>/<key>` | values that belong to a resource |
//! | `…/locks/<name>` | [leases](crate::lease) |
//!
//! s3db.js reads what is written here, and the other way round. Every write carries a stamp, which s3db.js shows as a
//! member `_w`, so that conditional writes check every change and not only those of the body.

mod change;
mod list;
mod slug;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use list::Scope;
pub(crate) use slug::normal_namespace;
pub use slug::slug;
pub use value::WriteMode;

use crate::env::Env;
use crate::key::{CLAIM_SLUG, Keys, check_path, fits};
use crate::lease::Leases;
use crate::store::{Condition, ETag, Object, Store};
use crate::{Document, Error, ErrorKind, Result};
use value::Stored;

/// The key-value storage of one plugin. Cheap to clone.
///
/// Values are JSON objects and come back as they were, in every [`WriteMode`]: the text `"007"` stays text and null stays
/// null. Values that s3db.js wrote into metadata are read as s3db.js reads them.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::Database;
/// use s3db_core::plugin::storage::SetOptions;
/// use serde_json::json;
///
/// let storage = Database::connect("memory://shop/storage").await?.plugin_storage("reports")?;
/// storage.set("config/main", json!({"zip": "007", "owner": null}), SetOptions::default()).await?;
/// assert_eq!(storage.get("config/main").await?.unwrap()["zip"], "007");
/// assert_eq!(storage.increment("hits", 2).await?, 2);
/// assert_eq!(storage.list("").await?, ["config/main", "hits"]);
/// # Ok(()) }) }
/// ```
#[derive(Clone)]
pub struct PluginStorage {
    shared: Arc<Shared>,
    /// Ends with `/`.
    prefix: Arc<str>,
}

struct Shared {
    store: Arc<dyn Store>,
    env: Arc<dyn Env>,
    keys: Keys,
    slug: String,
    metadata_bytes_max: usize,
    parallelism: usize,
}

/// How a value is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// How long the value can be read; for ever when absent.
    pub ttl: Option<Duration>,
    /// Where it is put.
    pub mode: WriteMode,
    /// What must hold for the write to happen.
    pub condition: Condition,
}

impl SetOptions {
    /// The defaults, with a time to live.
    pub fn ttl(ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..Self::default() }
    }
}

/// A value and which one it is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Versioned {
    /// The value.
    pub value: Document,
    /// Pass it to [`PluginStorage::set_if_version`].
    pub version: ETag,
    /// When it stops being readable, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// Whether `version` changes with every write. Not so for a value that s3db.js put into metadata alone: until our
    /// first write, its version does not tell one from another.
    pub is_checked: bool,
}

impl PluginStorage {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        env: Arc<dyn Env>,
        keys: Keys,
        slug: &str,
        metadata_bytes_max: usize,
        parallelism: usize,
    ) -> Result<Self> {
        if slug == CLAIM_SLUG {
            return Err(Error::new(ErrorKind::Config, "the name is taken by the claims on unique values")
                .with("plugin", slug)
                .hint("use another slug"));
        }
        let prefix = keys.plugin(slug, None)?.into();
        let slug = slug.to_owned();
        Ok(Self {
            shared: Arc::new(Shared { store, env, keys, slug, metadata_bytes_max, parallelism }),
            prefix,
        })
    }

    /// The same plugin's values that belong to one resource.
    ///
    /// Errors: `Config` for a name that no key can hold.
    pub fn for_resource(&self, resource: &str) -> Result<Self> {
        let prefix = self.shared.keys.plugin(&self.shared.slug, Some(resource))?.into();
        Ok(Self { shared: self.shared.clone(), prefix })
    }

    /// The plugin's slug, with its namespace.
    pub fn slug(&self) -> &str {
        &self.shared.slug
    }

    /// What the keys of all objects of this storage start with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Leases of this plugin, below `locks/`.
    pub fn leases(&self) -> Leases {
        Leases::new(self.shared.store.clone(), &format!("{}locks/", self.prefix), self.shared.env.clone())
    }

    /// Reads a value; `None` when it is absent or has expired. Requests: 1 GET.
    ///
    /// Errors: `Corrupt` when the object is none of plugin storage.
    pub async fn get(&self, key: &str) -> Result<Option<Document>> {
        Ok(self.get_with_version(key).await?.map(|found| found.value))
    }

    /// Reads a value and its version; `None` when it is absent or has expired. Requests: 1 GET.
    ///
    /// Errors: as [`get`](Self::get).
    pub async fn get_with_version(&self, key: &str) -> Result<Option<Versioned>> {
        let found = self.peek(key).await?;
        Ok(found.filter(|found| !self.is_over(found.expires_at_ms)))
    }

    /// Reads a value and its version, also when it has expired: for what must not depend on this machine's clock.
    /// Requests: 1 GET.
    ///
    /// Errors: as [`get`](Self::get).
    pub async fn peek(&self, key: &str) -> Result<Option<Versioned>> {
        let Some(object) = self.object(key).await? else {
            return Ok(None);
        };
        let Stored { value, expires_at_ms, is_checked, .. } = self.read(key, &object)?;
        Ok(Some(Versioned { value, version: object.head.etag, expires_at_ms, is_checked }))
    }

    /// Whether there is a value that has not expired. Requests: 1 GET.
    pub async fn has(&self, key: &str) -> Result<bool> {
        Ok(self.get(key).await?.is_some())
    }

    /// How long a value can still be read; `None` when it is absent, has expired, or never does. Requests: 1 GET.
    pub async fn ttl(&self, key: &str) -> Result<Option<Duration>> {
        let expires_at_ms = self.get_with_version(key).await?.and_then(|found| found.expires_at_ms);
        Ok(expires_at_ms.map(|at| {
            let left = at.saturating_sub(self.shared.env.now_ms());
            Duration::from_millis(u64::try_from(left).unwrap_or(0))
        }))
    }

    /// Writes a value. Requests: 1 PUT.
    ///
    /// Errors: `Validation` when the value is no JSON object, holds a reserved member (`_w`, `_expiresAt`) or nests too
    /// deep; `TooLarge` in [`WriteMode::EnforceLimits`]; `AlreadyExists` or `Conflict` when the condition does not hold.
    pub async fn set(&self, key: &str, value: Value, options: SetOptions) -> Result<ETag> {
        let value = value::document(value)?;
        let expires_at_ms = self.expiry(options.ttl);
        self.write(key, &value, options.mode, expires_at_ms, options.condition).await
    }

    /// Deletes a value, if there is one. Requests: 1 DELETE.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let key = self.key(key)?;
        self.shared.store.delete(&key, Condition::None).await
    }

    /// What time it is by the clock of the store, in milliseconds since 1970, or up to a second less: for what must not happen
    /// early on a machine whose clock is ahead. The object stays under `key`.
    ///
    /// Requests: 1 PUT + 1 HEAD.
    pub async fn store_time_ms(&self, key: &str) -> Result<i64> {
        self.set(key, serde_json::json!({}), SetOptions::default()).await?;
        let head = self.shared.store.head(&self.key(key)?).await?;
        let head = head.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, "the object was deleted meanwhile").with("key", key)
        })?;
        Ok(head.last_modified_ms)
    }

    fn key(&self, key: &str) -> Result<String> {
        check_path("key", key)?;
        fits(format!("{}{key}", self.prefix))
    }

    async fn object(&self, key: &str) -> Result<Option<Object>> {
        self.shared.store.get(&self.key(key)?).await
    }

    fn read(&self, key: &str, object: &Object) -> Result<Stored> {
        value::read(object).map_err(|error| error.with("plugin", self.slug()).with("key", key))
    }

    fn is_expired(&self, stored: &Stored) -> bool {
        self.is_over(stored.expires_at_ms)
    }

    fn is_over(&self, expires_at_ms: Option<i64>) -> bool {
        expires_at_ms.is_some_and(|at| self.shared.env.now_ms() > at)
    }

    fn expiry(&self, ttl: Option<Duration>) -> Option<i64> {
        let ttl_ms = i64::try_from(ttl?.as_millis()).unwrap_or(i64::MAX);
        Some(self.shared.env.now_ms().saturating_add(ttl_ms))
    }
}

impl fmt::Debug for PluginStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginStorage").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
