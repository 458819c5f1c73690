//! What a script works with: the store, a prefix of its own, and how answers are taken.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use super::ExamineOptions;
use crate::env::Env;
use crate::store::{
    Condition, ETag, Head, ListPage, ListRequest, Metadata, Object, PutObject, PutResult, Replace, Store,
};
use crate::{Error, ErrorKind, Result};

pub(super) struct Trial<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) env: &'a dyn Env,
    /// Every key of the examination starts with this.
    pub(super) root: String,
    pub(super) writers: usize,
    pub(super) rounds: usize,
    /// Keys that may hold an object.
    written: Mutex<BTreeSet<String>>,
    /// The newest date that the store gave.
    store_ms: AtomicI64,
    stopped: AtomicBool,
}

/// What became of a write.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Done(T),
    /// A condition did not hold.
    Refused(Error),
    /// The store cannot do it, or not with these bytes.
    Failed(Error),
}

impl<T> Answer<T> {
    /// Whether it was refused because of its condition.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Why it was not done.
    pub(super) fn reason(&self) -> Option<String> {
        match self {
            Self::Done(_) => None,
            Self::Refused(error) | Self::Failed(error) => Some(told(error)),
        }
    }
}

impl Answer<PutResult> {
    /// The ETag of what was written, or one that no object has.
    pub(super) fn etag(&self) -> ETag {
        match self {
            Self::Done(written) => written.etag.clone(),
            _ => ETag::md5_of(b"nothing was written"),
        }
    }
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        env: &'a dyn Env,
        root: String,
        options: &ExamineOptions,
    ) -> Self {
        Self {
            store,
            env,
            root,
            writers: options.writers,
            rounds: options.rounds,
            written: Mutex::default(),
            store_ms: AtomicI64::new(i64::MIN),
            stopped: AtomicBool::new(false),
        }
    }

    /// Asks scripts to end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether scripts are asked to end: then a long one returns no findings.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.root)
    }

    /// Puts a body without metadata.
    pub(super) async fn put(
        &self,
        name: &str,
        body: &str,
        condition: Condition,
    ) -> Result<Answer<PutResult>> {
        let object = PutObject { body: Bytes::copy_from_slice(body.as_bytes()), ..PutObject::default() };
        self.put_object(name, object, condition).await
    }

    pub(super) async fn put_object(
        &self,
        name: &str,
        object: PutObject,
        condition: Condition,
    ) -> Result<Answer<PutResult>> {
        answer(self.write(name, object, condition).await)
    }

    /// Puts what a store may well choke on: only a denial ends the examination.
    pub(super) async fn put_odd(&self, name: &str, object: PutObject) -> Result<Answer<PutResult>> {
        tolerant(self.write(name, object, Condition::None).await)
    }

    /// Reads what a store may well choke on.
    pub(super) async fn get_odd(&self, name: &str) -> Result<Option<Object>> {
        Ok(match tolerant(self.store.get(&self.key(name)).await)? {
            Answer::Done(found) => found,
            _ => None,
        })
    }

    pub(super) async fn copy(
        &self,
        from: &str,
        to: &str,
        metadata: Option<Metadata>,
        condition: Condition,
    ) -> Result<Answer<PutResult>> {
        let replace = metadata.map(|metadata| Replace { metadata: Arc::new(metadata), ..Replace::default() });
        let to = self.writing(to);
        answer(self.store.copy(&self.key(from), &to, replace, condition).await)
    }

    pub(super) async fn delete(&self, name: &str, condition: Condition) -> Result<Answer<()>> {
        answer(self.store.delete(&self.key(name), condition).await)
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Object>> {
        self.store.get(&self.key(name)).await
    }

    /// The body of an object as text; `None` when it is absent.
    pub(super) async fn body(&self, name: &str) -> Result<Option<String>> {
        Ok(self.get(name).await?.map(|object| String::from_utf8_lossy(&object.body).into_owned()))
    }

    pub(super) async fn head(&self, name: &str) -> Result<Option<Head>> {
        self.store.head(&self.key(name)).await
    }

    /// One page of keys; its prefix and start are names.
    pub(super) async fn list(&self, request: ListRequest) -> Result<ListPage> {
        let prefix = self.key(&request.prefix);
        let start_after = request.start_after.map(|name| self.key(&name));
        self.store.list(ListRequest { prefix, start_after, ..request }).await
    }

    /// The names on a page.
    pub(super) fn names(&self, page: &ListPage) -> Vec<String> {
        let name = |key: &str| key.strip_prefix(&self.root).unwrap_or(key).to_owned();
        page.entries.iter().map(|entry| name(&entry.key)).collect()
    }

    /// Notes a date that the store gave.
    pub(super) fn saw_date(&self, ms: i64) {
        self.store_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// The newest date that the store gave, if it gave one.
    pub(super) fn store_ms(&self) -> Option<i64> {
        Some(self.store_ms.load(Ordering::Relaxed)).filter(|ms| *ms != i64::MIN)
    }

    /// Keys that may hold an object of this examination.
    pub(super) fn written(&self) -> Vec<String> {
        self.lock_written().iter().cloned().collect()
    }

    async fn write(&self, name: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let key = self.writing(name);
        let result = self.store.put(&key, object, condition).await;
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Denied) {
            self.lock_written().remove(&key);
        }
        result
    }

    fn writing(&self, name: &str) -> String {
        let key = self.key(name);
        self.lock_written().insert(key.clone());
        key
    }

    fn lock_written(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.written.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Metadata with these entries.
pub(super) fn metadata<const N: usize>(entries: [(&str, &str); N]) -> Metadata {
    entries.into_iter().collect()
}

/// An error in short: what it says, and the status of the server if there was one.
pub(super) fn told(error: &Error) -> String {
    match error.context("status") {
        Some(status) => format!("{} (status {status})", error.message()),
        None => error.message().to_owned(),
    }
}

/// Tells what a store says about a request from what ends an examination.
fn answer<T>(result: Result<T>) -> Result<Answer<T>> {
    match result {
        Err(error) if matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Unavailable) => Err(error),
        result => tolerant(result),
    }
}

fn tolerant<T>(result: Result<T>) -> Result<Answer<T>> {
    match result {
        Ok(value) => Ok(Answer::Done(value)),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(Answer::Refused(error)),
        Err(error) if error.kind() == ErrorKind::Denied => Err(error),
        Err(error) => Ok(Answer::Failed(error)),
    }
}
