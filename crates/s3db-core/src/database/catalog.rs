//! Reading and writing `s3db.json`: GET, change, conditional PUT, again when another writer was first.

use std::sync::Arc;

use bytes::Bytes;

use super::{DatabaseCall, DatabasePoint, Event, Inner};
use crate::catalog::{Catalog, Loss, heal};
use crate::store::{Condition, ETag, ListRequest, Metadata, PutObject};
use crate::{Error, ErrorKind, Result};

/// How often a catalogue write that lost a race is tried again.
const ATTEMPTS_MAX: u32 = 16;

/// The catalogue as last read or written.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) catalog: Catalog,
    /// `None` while the object does not exist.
    pub(super) etag: Option<ETag>,
}

impl Inner {
    /// Reads the catalogue and puts it in force. A damaged one is mended, after a backup of its bytes.
    pub(crate) async fn load_catalog(&self) -> Result<Arc<Loaded>> {
        for _ in 0..ATTEMPTS_MAX {
            let loaded = match self.store.get(&self.keys.catalog()).await.map_err(in_catalog)? {
                None => Loaded { catalog: Catalog::blank(&self.now()), etag: None },
                Some(object) => {
                    let loss =
                        if self.options.discard_unreadable_catalog { Loss::Accept } else { Loss::Refuse };
                    let healed = heal(&object.body, &self.now(), loss)?;
                    if healed.mended.is_empty() {
                        Loaded { catalog: healed.catalog, etag: Some(object.head.etag) }
                    } else {
                        let mended = healed.mended.iter().map(|m| format!("{}: {}", m.at, m.what)).collect();
                        match self.write_mended(healed.catalog, object.body, object.head.etag, mended).await {
                            // Somebody else has written it meanwhile, perhaps a whole one.
                            Err(error) if error.kind() == ErrorKind::Conflict => continue,
                            result => result?,
                        }
                    }
                }
            };
            return Ok(self.adopt(loaded));
        }
        Err(lost_races())
    }

    async fn write_mended(
        &self,
        catalog: Catalog,
        bytes: Bytes,
        etag: ETag,
        mended: Vec<String>,
    ) -> Result<Loaded> {
        let backup = self.keys.catalog_backup(&self.now());
        let copy = PutObject { body: bytes, ..PutObject::default() };
        self.store.put(&backup, copy, Condition::None).await.map_err(in_catalog)?;
        let etag = self.put_catalog(&catalog, Condition::IfMatch(etag)).await?;
        let missing = self.undefined_resources(&catalog).await;
        tracing::warn!(?mended, %backup, ?missing, "the catalogue was damaged and has been mended");
        self.events.emit(Event::CatalogHealed { mended, backup, missing });
        Ok(Loaded { catalog, etag: Some(etag) })
    }

    /// One line for each resource that has objects and that the catalogue does not name: a text that was cut after a
    /// whole resource shows no other trace of those that followed it.
    async fn undefined_resources(&self, catalog: &Catalog) -> Vec<String> {
        let prefix = self.keys.resources();
        let mut request = ListRequest::prefix(prefix.as_str());
        request.delimiter = Some("/".into());
        let mut missing = Vec::new();
        loop {
            let page = match self.store.list(request.clone()).await {
                Ok(page) => page,
                // The catalogue is mended, and may well be readable to one who may not list.
                Err(error) => {
                    missing.push(format!("resources without a definition could not be looked for: {error}"));
                    return missing;
                }
            };
            for folder in &page.common_prefixes {
                let name = folder.strip_prefix(&prefix).and_then(|name| name.strip_suffix('/'));
                let Some(name) = name.filter(|name| catalog.entry(name).is_none()) else { continue };
                missing.push(format!("resource {name} has objects but no definition"));
            }
            request.continuation = page.continuation;
            if request.continuation.is_none() {
                return missing;
            }
        }
    }

    /// Applies `change` to the catalogue as the bucket holds it and writes it, until no other writer comes between.
    /// `change` says whether it changed anything; without a change nothing is written.
    pub(crate) async fn change_catalog<T>(
        &self,
        change: impl Fn(&mut Catalog) -> Result<(T, bool)>,
    ) -> Result<T> {
        let (value, written) = self.change_alone(change).await?;
        // Outside the lock, so that such a hook may change the catalogue itself.
        if let Some(loaded) = written {
            self.ask_hooks(DatabasePoint::AfterCatalogWrite, &loaded.catalog).await?;
        }
        Ok(value)
    }

    async fn change_alone<T>(
        &self,
        change: impl Fn(&mut Catalog) -> Result<(T, bool)>,
    ) -> Result<(T, Option<Arc<Loaded>>)> {
        let _one_at_a_time = self.writing.lock().await;
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load_catalog().await?;
            let mut catalog = loaded.catalog.clone();
            let (value, changed) = change(&mut catalog)?;
            if !changed {
                return Ok((value, None));
            }
            self.ask_hooks(DatabasePoint::BeforeCatalogWrite, &catalog).await?;
            let condition = loaded.etag.clone().map_or(Condition::IfAbsent, Condition::IfMatch);
            let lock = self.lock_catalog().await?;
            let is_locked = lock.is_some();
            let written = self.put_catalog(&catalog, condition).await;
            if let Some(lock) = lock {
                self.unlock_catalog(lock).await;
            }
            match written {
                // s3db.js writes without a condition: where the lock had run out, its old view may be there now.
                Ok(etag) if is_locked && !self.is_catalog(&etag).await? => {}
                Ok(etag) => {
                    self.events.emit(Event::CatalogWritten);
                    return Ok((value, Some(self.adopt(Loaded { catalog, etag: Some(etag) }))));
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(lost_races())
    }

    async fn ask_hooks(&self, point: DatabasePoint, catalog: &Catalog) -> Result<()> {
        if self.database_hooks.has(point, "") {
            let catalog = Some(catalog.as_json().clone().into());
            self.database_hooks.run(point, DatabaseCall { catalog, ..DatabaseCall::default() }).await?;
        }
        Ok(())
    }

    async fn put_catalog(&self, catalog: &Catalog, condition: Condition) -> Result<ETag> {
        let object = PutObject {
            metadata: Arc::new(Metadata::new()),
            body: catalog.to_bytes().into(),
            content_type: Some("application/json".into()),
        };
        let put = self.store.put(&self.keys.catalog(), object, condition).await.map_err(in_catalog)?;
        Ok(put.etag)
    }

    /// Whether this is the catalogue that the bucket holds. Requests: 1 HEAD.
    async fn is_catalog(&self, etag: &ETag) -> Result<bool> {
        let head = self.store.head(&self.keys.catalog()).await.map_err(in_catalog)?;
        Ok(head.is_some_and(|head| head.etag == *etag))
    }

    fn adopt(&self, loaded: Loaded) -> Arc<Loaded> {
        let loaded = Arc::new(loaded);
        *self.catalog.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = loaded.clone();
        loaded
    }

    /// Now, as an ISO time.
    pub(crate) fn now(&self) -> String {
        crate::encoding::time::iso_from_ms(self.env.now_ms()).unwrap_or_default()
    }
}

fn in_catalog(error: Error) -> Error {
    error.with("object", "s3db.json")
}

fn lost_races() -> Error {
    Error::new(ErrorKind::Conflict, "other writers kept changing the catalogue")
        .with("attempts", ATTEMPTS_MAX)
        .hint("try again later")
        .retryable(true)
}
