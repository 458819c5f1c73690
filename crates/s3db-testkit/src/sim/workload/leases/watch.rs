//! What must hold after each write of a lock, or of what it protects.

use std::sync::Arc;

use futures::FutureExt as _;
use s3db_core::store::{MemoryStore, Store as _};
use s3db_core::{Database, Error, ErrorKind, Result};
use serde_json::Value;

use super::{LEASE, PREFIX};
use crate::TestEnv;

/// Remembers the highest epochs.
#[derive(Debug)]
pub(super) struct Watch {
    objects: MemoryStore,
    db: Database,
    lock: Option<(u64, String)>,
    book: (u64, String),
}

impl Watch {
    pub(super) fn open(objects: MemoryStore) -> Result<Self> {
        let opened = Database::builder_on(Arc::new(objects.clone()), PREFIX).env(Arc::new(TestEnv::new(0)));
        let db = at_once(opened.connect())?;
        Ok(Self { objects, db, lock: None, book: (0, String::new()) })
    }

    pub(super) fn after_write(&mut self, key: &str) -> Result<(), String> {
        if key.ends_with(&format!("/locks/{LEASE}")) {
            self.lock_was_written(key)
        } else if key.contains("resource=books/data/") {
            self.book_was_written()
        } else {
            Ok(())
        }
    }

    fn lock_was_written(&mut self, key: &str) -> Result<(), String> {
        let found = at_once(self.objects.get(key)).map_err(|error| error.to_string())?;
        let Some(found) = found else {
            return Ok(());
        };
        let lock: Value = serde_json::from_slice(&found.body).unwrap_or_default();
        let (Some(token), Some(epoch)) = (lock["token"].as_str().map(str::to_owned), lock["epoch"].as_u64())
        else {
            return Err(format!("this is no lock: {lock}"));
        };
        let is_same =
            |(last, holder): &(u64, String)| epoch == *last && (token == *holder || token.is_empty());
        match &self.lock {
            Some(last) if is_same(last) => return Ok(()),
            Some((last, holder)) if epoch <= *last => {
                return Err(format!("holder {token:?} has epoch {epoch}, after {holder:?} had {last}"));
            }
            _ => {}
        }
        self.lock = Some((epoch, token));
        Ok(())
    }

    fn book_was_written(&mut self) -> Result<(), String> {
        let read = async { self.db.resource("books")?.get("main").await };
        let book = at_once(read).map_err(|error| error.to_string())?.data;
        let epoch = book.get("epoch").and_then(Value::as_u64).unwrap_or(0);
        let holder = book.get("holder").and_then(Value::as_str).unwrap_or_default();
        let (last, before) = &self.book;
        if epoch < *last || (epoch == *last && holder != before) {
            return Err(format!("{holder} writes under epoch {epoch}, after {before} has under {last}"));
        }
        self.book = (epoch, holder.to_owned());
        Ok(())
    }
}

/// The outcome of a call that does not wait, because its store is in memory.
fn at_once<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let waited = || Err(Error::new(ErrorKind::Unavailable, "a store in memory waited"));
    call.now_or_never().unwrap_or_else(waited)
}
