//! A client: does its acts one after the other, and starts again where it stopped when its process dies.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use s3db_core::{Database, Error, ErrorKind, Record, ResourceConfig, Result};
use serde_json::json;

use super::{Document, Documents, Operation, PREFIX};
use crate::sim::{History, Mutant, Mutation, Node, Pending, Sim};

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
}

#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) number: u64,
    pub(super) mutation: Option<Mutation>,
    pub(super) sim: Sim,
    pub(super) history: History<Documents>,
    /// Ids of the users of all clients.
    pub(super) users: Arc<Mutex<Vec<String>>>,
}

/// What outlives a crash.
#[derive(Debug, Default)]
struct Memory {
    left: VecDeque<Act>,
    created: BTreeSet<String>,
}

type Shared = Arc<Mutex<Memory>>;

impl Client {
    /// Does all acts and returns the resources that it has surely created.
    pub(super) async fn run(self, acts: Vec<Act>) -> BTreeSet<String> {
        let memory: Shared = Arc::new(Mutex::new(Memory { left: acts.into(), ..Memory::default() }));
        loop {
            let node = self.sim.node(&format!("c{}", self.number));
            let (client, memory_of_run) = (self.clone(), memory.clone());
            if node.spawn(client.life(node.clone(), memory_of_run)).await.is_ok() {
                break;
            }
        }
        std::mem::take(&mut lock(&memory).created)
    }

    /// One life of the process. Each act is tried once: one that was cut off is of unknown outcome.
    async fn life(self, node: Node, memory: Shared) {
        let store = match self.mutation {
            Some(mutation) => Mutant::wrap(node.store(), mutation),
            None => node.store(),
        };
        let env = node.env();
        let db = loop {
            match Database::builder_on(store.clone(), PREFIX).env(env.clone()).connect().await {
                Ok(db) => break db,
                Err(_) => env.sleep(Duration::from_millis(100)).await,
            }
        };
        loop {
            let Some(act) = lock(&memory).left.pop_front() else {
                return;
            };
            self.sim.note(&format!("c{}", self.number), &format!("{act:?}"));
            let result = self.act(&db, act, &memory).await;
            if let Err(error) = result {
                self.sim.note(&format!("c{}", self.number), &format!("{error:?}"));
            }
        }
    }

    async fn act(&self, db: &Database, act: Act, memory: &Shared) -> Result<()> {
        let (items, users) = (db.resource("items")?, db.resource("users")?);
        match act {
            Act::CreateResource(name) => {
                db.create_resource(ResourceConfig::new(&name, json!({"x": "string"}))).await?;
                lock(memory).created.insert(name);
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

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
