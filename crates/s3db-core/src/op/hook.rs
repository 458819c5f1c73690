//! Functions of the program that run before and after the verbs.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{Answer, HookPoint, Op, Registration};
use crate::{Document, Error, ErrorKind, Result};

/// What a hook sees, and gives back.
///
/// | Points | What is filled in |
/// |---|---|
/// | of `insert`, `update`, `replace`, `upsert`, `delete` and `get` | `id`, `document`, `stored` |
/// | of `exists` | `id`, and `answer` after it |
/// | of the other verbs | `op` before, `op` and `answer` after |
#[derive(Clone)]
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
    /// The call, where it is about many documents. A hook before it may change its arguments, and not its verb.
    pub op: Option<Op<'static>>,
    /// What the call gives back. A hook after it may change that, and not its form.
    pub answer: Option<Answer>,
}

impl HookCall {
    pub(crate) fn of(resource: &str) -> Self {
        let resource = resource.to_owned();
        Self { resource, id: None, document: None, stored: None, op: None, answer: None }
    }
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
            .field("op", &self.op)
            .finish_non_exhaustive()
    }
}

type Hook = dyn Fn(HookCall) -> BoxFuture<'static, Result<HookCall>> + Send + Sync;

/// The hooks of one resource, or of a whole database.
#[derive(Default)]
pub(crate) struct Hooks {
    is_used: AtomicBool,
    /// Whether one stands around a verb as a whole.
    is_around: AtomicBool,
    last: AtomicU64,
    points: RwLock<HashMap<HookPoint, Vec<Entry>>>,
}

#[derive(Clone)]
struct Entry {
    number: u64,
    name: String,
    /// The one resource that it is for; every one when absent.
    resource: Option<String>,
    hook: Arc<Hook>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("is_used", &self.is_used).finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn add<F, R>(
        self: &Arc<Self>,
        point: HookPoint,
        name: &str,
        resource: Option<&str>,
        hook: F,
    ) -> Registration
    where
        F: Fn(HookCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HookCall>> + Send + 'static,
    {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let hook: Arc<Hook> = Arc::new(move |call| hook(call).boxed());
        let resource = resource.map(str::to_owned);
        let mut points = self.points.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        points.entry(point).or_default().push(Entry { number, name: name.to_owned(), resource, hook });
        self.note_use(&points);
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
        self.note_use(&points);
    }

    fn note_use(&self, points: &HashMap<HookPoint, Vec<Entry>>) {
        let mut used = points.iter().filter(|(_, entries)| !entries.is_empty());
        self.is_around.store(used.clone().any(|(point, _)| point.is_around()), Ordering::Release);
        self.is_used.store(used.next().is_some(), Ordering::Release);
    }

    /// Whether something runs around a verb as a whole.
    pub(crate) fn is_around(&self) -> bool {
        self.is_around.load(Ordering::Acquire)
    }

    /// Whether something runs at a point of a resource.
    pub(crate) fn has(&self, point: HookPoint, resource: &str) -> bool {
        self.is_used.load(Ordering::Acquire) && !self.at(point, resource).is_empty()
    }

    /// Whether a hook of this name is registered at a point of a resource.
    pub(crate) fn has_named(&self, point: HookPoint, resource: &str, name: &str) -> bool {
        self.at(point, resource).iter().any(|entry| entry.name == name)
    }

    fn at(&self, point: HookPoint, resource: &str) -> Vec<Entry> {
        let points = self.points.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let entries = points.get(&point).into_iter().flatten();
        entries
            .filter(|entry| entry.resource.as_deref().is_none_or(|only| only == resource))
            .cloned()
            .collect()
    }

    /// The call, after the hooks before it have seen it as a whole.
    pub(crate) async fn before_call<'a>(&self, resource: &str, op: Op<'a>) -> Result<Op<'a>> {
        let verb = op.verb();
        let Some((before, _)) = HookPoint::around(verb).filter(|(before, _)| self.has(*before, resource))
        else {
            return Ok(op);
        };
        let mut call = HookCall { id: op.id().map(str::to_owned), ..HookCall::of(resource) };
        match op {
            Op::Upsert { document } => {
                call.document = Some(document);
                let document = self.run(before, call).await?.document.unwrap_or_default();
                return Ok(Op::Upsert { document });
            }
            Op::Exists { id } => {
                self.run(before, call).await?;
                return Ok(Op::Exists { id });
            }
            op => call.op = op.into_owned(),
        }
        match self.run(before, call).await?.op {
            Some(op) if op.verb() == verb => Ok(op),
            _ => Err(Error::new(ErrorKind::Unsupported, "a hook made another call of this one")
                .with("point", before)
                .with("verb", verb)
                .hint("a hook may change the arguments in `op`; a layer may do more")),
        }
    }

    /// What runs the hooks after a call as a whole, where there are some.
    pub(crate) fn after_call(&self, resource: &str, op: &Op<'_>) -> Option<AfterCall<'_>> {
        let (_, after) = HookPoint::around(op.verb()).filter(|(_, after)| self.has(*after, resource))?;
        let op_of_many = if op.id().is_none() { op.clone().into_owned() } else { None };
        let id = op.id().map(str::to_owned);
        Some(AfterCall {
            hooks: self,
            after,
            call: HookCall { id, op: op_of_many, ..HookCall::of(resource) },
        })
    }

    /// Runs the hooks of a point, one after the other. A panic becomes an error, and the next call runs as if nothing had
    /// been.
    pub(crate) async fn run(&self, point: HookPoint, mut call: HookCall) -> Result<HookCall> {
        if !self.is_used.load(Ordering::Acquire) {
            return Ok(call);
        }
        for Entry { name, hook, .. } in self.at(point, &call.resource) {
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

/// Hooks that wait for the answer of a call.
pub(crate) struct AfterCall<'a> {
    hooks: &'a Hooks,
    after: HookPoint,
    call: HookCall,
}

impl AfterCall<'_> {
    pub(crate) async fn run(self, answer: Answer) -> Result<Answer> {
        let Self { hooks, after, mut call } = self;
        if let (HookPoint::AfterUpsert, Answer::Record(mut record)) = (after, answer.clone()) {
            call.document = Some(std::mem::take(&mut record.data));
            record.data = hooks.run(after, call).await?.document.unwrap_or_default();
            return Ok(Answer::Record(record));
        }
        call.answer = Some(answer);
        let answer = hooks.run(after, call).await?.answer;
        answer.ok_or_else(|| {
            let error = Error::new(ErrorKind::Unsupported, "a hook took the answer of the call away")
                .with("point", after)
                .hint("a hook gives back the `answer` that it was given, changed or not");
            if after.is_after_write() { error.with("written", true) } else { error }
        })
    }
}

fn failed(error: Error, point: HookPoint, name: &str) -> Error {
    let error = error.with("hook", name).with("point", point);
    // Trying again would write again.
    if point.is_after_write() { error.with("written", true).retryable(false) } else { error }
}
