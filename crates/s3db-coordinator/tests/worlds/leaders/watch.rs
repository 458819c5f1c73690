//! What must hold after each write of the lease, or of what only the leader may write.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt as _;
use s3db_core::store::{MemoryStore, Store as _};
use s3db_core::{Database, Error, ErrorKind, Result};
use s3db_testkit::TestEnv;
use serde_json::Value;

use super::PREFIX;

/// Remembers the highest epochs, and whose they are.
pub(super) struct Watch {
    objects: MemoryStore,
    db: Database,
    /// Whether somebody deletes and damages leases, so that an old one can come back.
    is_vandalised: bool,
    leaders: BTreeMap<u64, String>,
    book: (u64, String),
}

impl Watch {
    pub(super) fn open(objects: MemoryStore, is_vandalised: bool) -> Result<Self> {
        let opened = Database::builder_on(Arc::new(objects.clone()), PREFIX).env(Arc::new(TestEnv::new(0)));
        let db = at_once(opened.connect())?;
        Ok(Self { objects, db, is_vandalised, leaders: BTreeMap::new(), book: Default::default() })
    }

    pub(super) fn after_write(&mut self, key: &str) -> Result<(), String> {
        if key.ends_with("/namespace=default/state.json") {
            let found = at_once(self.objects.get(key)).map_err(|error| error.to_string())?;
            let body = found.map(|found| found.body).unwrap_or_default();
            let state: Value = serde_json::from_slice(&body).unwrap_or_default();
            let found = (epoch(&state["epoch"]), text(&state["leaderId"]));
            if found.1 == "unknown" {
                // What stands in for a lease that was deleted.
                return Ok(());
            }
            self.leads(found).map_err(|wrong| format!("the lease: {wrong}"))?;
        } else if key.contains("resource=books/data/") {
            let read = async { self.db.resource("books")?.get("main").await };
            let book = Value::Object(at_once(read).map_err(|error| error.to_string())?.data);
            let found = (epoch(&book["epoch"]), text(&book["holder"]));
            follows(&self.book, &found).map_err(|wrong| format!("the book: {wrong}"))?;
            self.book = found;
        }
        Ok(())
    }

    /// No epoch has two leaders, and where nobody meddles each has a higher one than the one before.
    fn leads(&mut self, found: (u64, String)) -> Result<(), String> {
        let last = match self.is_vandalised {
            true => self.leaders.get_key_value(&found.0),
            false => self.leaders.last_key_value(),
        };
        let last = last.map(|(epoch, leader)| (*epoch, leader.clone())).unwrap_or_default();
        follows(&last, &found)?;
        self.leaders.insert(found.0, found.1);
        Ok(())
    }
}

/// The same leader goes on under its epoch, or another one follows under a higher one.
fn follows(last: &(u64, String), next: &(u64, String)) -> Result<(), String> {
    if next == last || next.0 > last.0 {
        return Ok(());
    }
    Err(format!("{:?} comes under epoch {}, after {:?} under {}", next.1, next.0, last.1, last.0))
}

fn epoch(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The outcome of a call that does not wait, because its store is in memory.
fn at_once<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let waited = || Err(Error::new(ErrorKind::Unavailable, "a store in memory waited"));
    call.now_or_never().unwrap_or_else(waited)
}
