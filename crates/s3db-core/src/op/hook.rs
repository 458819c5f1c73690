//! Functions of the program that run before and after the verbs.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::{Document, Error, ErrorKind, Result};

/// When a hook runs.
///
/// Several hooks of one point run in the order in which they were registered, each with what the one before gave. An error
/// of a hook ends the call: before a write nothing is written then; after it the error says that the write has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HookPoint {
    /// Before the document is validated; it holds its id where the caller gave one.
    BeforeInsert,
    /// After the document was written.
    AfterInsert,
    /// Before the changed document is validated, with the stored one beside it. Runs again for each lost race.
    BeforeUpdate,
    /// After the document was written.
    AfterUpdate,
    /// Before the document is validated.
    BeforeReplace,
    /// After the document was written.
    AfterReplace,
    /// Before the document is deleted, with the stored one beside it, which costs 1 GET in place of 1 HEAD. Runs again
    /// for each lost race.
    BeforeDelete,
    /// After the document was deleted, with what was stored.
    AfterDelete,
    /// Before the store is asked for a document.
    BeforeGet,
    /// After a document was read, by `get`, `get_or_none` or `get_many`.
    AfterGet,
}

impl HookPoint {
    /// Every point.
    pub const ALL: [Self; 10] = [
        Self::BeforeInsert,
        Self::AfterInsert,
        Self::BeforeUpdate,
        Self::AfterUpdate,
        Self::BeforeReplace,
        Self::AfterReplace,
        Self::BeforeDelete,
        Self::AfterDelete,
        Self::BeforeGet,
        Self::AfterGet,
    ];

    /// Its name in the catalogue, such as `beforeInsert`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeInsert => "beforeInsert",
            Self::AfterInsert => "afterInsert",
            Self::BeforeUpdate => "beforeUpdate",
            Self::AfterUpdate => "afterUpdate",
            Self::BeforeReplace => "beforeReplace",
            Self::AfterReplace => "afterReplace",
            Self::BeforeDelete => "beforeDelete",
            Self::AfterDelete => "afterDelete",
            Self::BeforeGet => "beforeGet",
            Self::AfterGet => "afterGet",
        }
    }

    fn is_after_write(self) -> bool {
        matches!(self, Self::AfterInsert | Self::AfterUpdate | Self::AfterReplace | Self::AfterDelete)
    }
}

impl fmt::Display for HookPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a hook sees, and gives back.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct HookCall {
    /// Resource.
    pub resource: String,
    /// Id, where it is known by then.
    pub id: Option<String>,
    /// The document that is to be written, or that was written or read. A hook may change it: before a write it changes
    /// what is written, after it and after a read what the caller gets.
    pub document: Option<Document>,
    /// The stored document, before and after an update and a delete.
    pub stored: Option<Document>,
}

impl fmt::Debug for HookCall {
    /// Shows no value of a document, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |document: &Option<Document>| {
            document.as_ref().map(|document| document.keys().cloned().collect::<Vec<_>>())
        };
        f.debug_struct("HookCall")
            .field("resource", &self.resource)
            .field("id", &self.id)
            .field("document", &fields(&self.document))
            .field("stored", &fields(&self.stored))
            .finish()
    }
}

type Hook = dyn Fn(HookCall) -> BoxFuture<'static, Result<HookCall>> + Send + Sync;

/// The hooks of one resource.
#[derive(Default)]
pub(crate) struct Hooks {
    is_used: AtomicBool,
    last: AtomicU64,
    points: RwLock<HashMap<HookPoint, Vec<Entry>>>,
}

#[derive(Clone)]
struct Entry {
    number: u64,
    name: String,
    hook: Arc<Hook>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("is_used", &self.is_used).finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn add<F, R>(self: &Arc<Self>, point: HookPoint, name: &str, hook: F) -> Registration
    where
        F: Fn(HookCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HookCall>> + Send + 'static,
    {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let hook: Arc<Hook> = Arc::new(move |call| hook(call).boxed());
        let mut points = self.points.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        points.entry(point).or_default().push(Entry { number, name: name.to_owned(), hook });
        self.is_used.store(true, Ordering::Release);
        let hooks = Arc::downgrade(self);
        Registration::new(move || {
            if let Some(hooks) = hooks.upgrade() {
                hooks.remove(number);
            }
        })
    }

    fn remove(&self, number: u64) {
        let mut points = self.points.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        for entries in points.values_mut() {
            entries.retain(|entry| entry.number != number);
        }
        self.is_used.store(points.values().any(|entries| !entries.is_empty()), Ordering::Release);
    }

    /// Whether something runs at a point.
    pub(crate) fn has(&self, point: HookPoint) -> bool {
        self.is_used.load(Ordering::Acquire) && !self.at(point).is_empty()
    }

    /// Whether a hook of this name is registered at a point.
    pub(crate) fn has_named(&self, point: HookPoint, name: &str) -> bool {
        self.at(point).iter().any(|entry| entry.name == name)
    }

    fn at(&self, point: HookPoint) -> Vec<Entry> {
        let points = self.points.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        points.get(&point).cloned().unwrap_or_default()
    }

    /// Runs the hooks of a point, one after the other. A panic becomes an error, and the next call runs as if nothing had
    /// been.
    pub(crate) async fn run(&self, point: HookPoint, mut call: HookCall) -> Result<HookCall> {
        for Entry { name, hook, .. } in self.at(point) {
            // The closure itself may panic as well as its future.
            let run = AssertUnwindSafe(async { hook(call).await }).catch_unwind();
            call = match run.await {
                Ok(Ok(call)) => call,
                Ok(Err(error)) => return Err(failed(error, point, &name)),
                Err(_) => {
                    let error = Error::new(ErrorKind::Unsupported, "a hook panicked")
                        .hint("the panic's message is on standard error");
                    return Err(failed(error, point, &name));
                }
            };
        }
        Ok(call)
    }
}

fn failed(error: Error, point: HookPoint, name: &str) -> Error {
    let error = error.with("hook", name).with("point", point);
    // Trying again would write again.
    if point.is_after_write() { error.with("written", true).retryable(false) } else { error }
}

/// A layer, hook or listener that stays registered until it is removed. Dropping this keeps it.
#[must_use = "without it the registration cannot be undone"]
pub struct Registration(Box<dyn FnOnce() + Send + Sync>);

impl Registration {
    pub(crate) fn new(undo: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Box::new(undo))
    }

    /// Takes it out; calls that are on their way still go through it.
    pub fn remove(self) {
        (self.0)();
    }

    /// Keeps it for as long as the database is open.
    pub fn keep(self) {}
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration")
    }
}
