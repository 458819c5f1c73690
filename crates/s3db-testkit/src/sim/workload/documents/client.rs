//! A client of documents, and what it may do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3db_core::database::{DatabaseOptions, Event};
use s3db_core::fsck::FsckOptions;
use s3db_core::plan::PartitionWrites;
use s3db_core::{Error, ErrorKind, Record, ResourceConfig, Result};
use serde_json::json;

use super::{Document, Documents, Operation};
use crate::sim::workload::process::{Process, Program, lock};
use crate::sim::{History, Mutation, Pending};

/// Something that a client does.
#[derive(Debug, Clone)]
pub(super) enum Act {
    CreateResource(String),
    Insert(String),
    Get(String),
    Add(String),
    Set(String, &'static str, u64),
    Replace(String, &'static str, u64),
    Delete(String),
    DeleteSeen(String),
    AddUser(String, String),
    ChangeUser(u64, String),
    RemoveUser(u64),
    /// Waits, in milliseconds, perhaps for longer than any grace period.
    Rest(u64),
    /// Waits for index writes of the background.
    Flush,
    /// Checks and repairs beside the others.
    Fsck,
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) number: u64,
    pub(super) writes: PartitionWrites,
    pub(super) mutation: Option<Mutation>,
    pub(super) history: History<Documents>,
    /// Ids of the users of all clients.
    pub(super) users: Arc<Mutex<Vec<String>>>,
    /// Resources that were surely created, by any client.
    pub(super) created: Arc<Mutex<BTreeSet<String>>>,
    /// Whether some write may have been cut off in the middle, so that index entries can be missing.
    pub(super) is_torn: Arc<AtomicBool>,
}

impl Program for Client {
    type Act = Act;

    fn options(&self, options: &mut DatabaseOptions) {
        options.partition_writes = self.writes;
        if self.mutation == Some(Mutation::SlowWritesGoOn) {
            options.claim_grace = Duration::from_secs(86_400);
        }
    }

    async fn act(&self, process: &Process, act: Act) -> Result<()> {
        let mut events = process.db.events();
        let result = self.do_act(process, act).await;
        let in_doubt = result.as_ref().is_err_and(|error| error.is_outcome_unknown());
        let missing = std::iter::from_fn(|| events.try_next());
        if in_doubt || missing.into_iter().any(|event| matches!(event, Event::PartitionIndexError { .. })) {
            self.tear();
        }
        result
    }

    fn died(&self) {
        self.tear();
    }

    async fn end(&self, process: Process) {
        if self.mutation == Some(Mutation::NotFlushed) {
            return;
        }
        let mut events = process.db.events();
        process.db.flush().await;
        if std::iter::from_fn(|| events.try_next())
            .any(|event| matches!(event, Event::PartitionIndexError { .. }))
        {
            self.tear();
        }
        process.db.close().await;
    }
}

impl Client {
    fn tear(&self) {
        self.is_torn.store(true, Ordering::Relaxed);
    }

    async fn do_act(&self, process: &Process, act: Act) -> Result<()> {
        let db = &process.db;
        let (items, users) = (db.resource("items")?, db.resource("users")?);
        match act {
            Act::CreateResource(name) => {
                db.create_resource(ResourceConfig::new(&name, json!({"x": "string"}))).await?;
                lock(&self.created).insert(name);
            }
            Act::Insert(id) => {
                let document = Document { count: 0, status: "new".to_owned(), tag: self.number };
                let operation = Operation::Insert { document };
                let pending = self.history.begin(&id, Some(operation.clone()));
                let fields = json!({"id": id, "count": 0, "status": "new", "tag": self.number});
                conclude(pending, items.insert(fields).await, |_| operation)?;
            }
            Act::Get(id) => {
                let pending = self.history.begin(&id, None);
                let record = items.get_or_none(&id).await;
                conclude(pending, record, |record| Operation::Read {
                    seen: record.as_ref().and_then(Document::of),
                })?;
            }
            Act::Add(id) => {
                let pending = self.history.begin(&id, Some(Operation::Add { seen: None }));
                let added = items.update_with(&id, |fields| {
                    let count = fields.get("count").and_then(serde_json::Value::as_i64).unwrap_or(0);
                    fields.insert("count".to_owned(), json!(count + 1));
                    Ok(())
                });
                conclude(pending, added.await, |record: &Record| Operation::Add {
                    seen: Document::of(record),
                })?;
            }
            Act::Set(id, status, tag) => {
                let set = |seen| Operation::Set { status: status.to_owned(), tag, seen };
                let pending = self.history.begin(&id, Some(set(None)));
                let record = items.update(&id, json!({"status": status, "tag": tag})).await;
                conclude(pending, record, |record| set(Document::of(record)))?;
            }
            Act::Replace(id, status, tag) => {
                let document = Document { count: 0, status: status.to_owned(), tag };
                let operation = Operation::Replace { document };
                let pending = self.history.begin(&id, Some(operation.clone()));
                let record = items.replace(&id, json!({"count": 0, "status": status, "tag": tag})).await;
                conclude(pending, record, |_| operation)?;
            }
            Act::Delete(id) => {
                let pending = self.history.begin(&id, Some(Operation::Delete));
                conclude(pending, items.delete(&id).await, |()| Operation::Delete)?;
            }
            Act::DeleteSeen(id) => {
                let Some(record) = items.get_or_none(&id).await? else {
                    return Ok(());
                };
                if let Some(seen) = Document::of(&record) {
                    let operation = Operation::DeleteSeen { seen };
                    let pending = self.history.begin(&id, Some(operation.clone()));
                    conclude(pending, items.if_match(&record.meta.etag).delete(&id).await, |()| operation)?;
                }
            }
            Act::AddUser(id, email) => {
                lock(&self.users).push(id.clone());
                users.insert(json!({"id": id, "email": email})).await?;
            }
            Act::ChangeUser(pick, email) => {
                if let Some(id) = picked(&self.users, pick) {
                    users.update(&id, json!({"email": email})).await?;
                }
            }
            Act::RemoveUser(pick) => {
                if let Some(id) = picked(&self.users, pick) {
                    users.delete(&id).await?;
                }
            }
            Act::Rest(ms) => process.node.env().sleep(Duration::from_millis(ms)).await,
            Act::Flush => db.flush().await,
            Act::Fsck => {
                let mut options = FsckOptions { repair: true, ..FsckOptions::default() };
                if self.mutation == Some(Mutation::FsckGraceIgnored) {
                    options.grace = Duration::ZERO;
                }
                db.fsck(options).await?.run(&mut |_| {}).await?;
            }
        }
        Ok(())
    }
}

/// Writes the end of an operation into the history.
fn conclude<T>(
    pending: Pending<Documents>,
    result: Result<T>,
    done: impl FnOnce(&T) -> Operation,
) -> Result<T, Error> {
    match &result {
        Ok(value) => pending.done(done(value)),
        Err(error) if error.is_outcome_unknown() => drop(pending),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => pending.done(Operation::Absent),
            ErrorKind::AlreadyExists => pending.done(Operation::Taken),
            _ => pending.nothing(),
        },
    }
    result
}

fn picked(users: &Mutex<Vec<String>>, pick: u64) -> Option<String> {
    let users = lock(users);
    let at = pick.checked_rem(users.len() as u64)?;
    users.get(usize::try_from(at).ok()?).cloned()
}
