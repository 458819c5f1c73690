//! Observers of requests: they are told of each request that reaches a store, once it is over.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::Traffic;
use crate::env::Env;
use crate::store::{Verb, retries};
use crate::{ErrorKind, Result};

tokio::task_local! {
    /// Name of the verb of a resource that runs.
    static OPERATION: &'static str;
}

/// Something that is told of each request. See [`Database::observe_requests`](crate::Database::observe_requests).
pub trait RequestObserver: fmt::Debug + Send + Sync {
    /// A request is over. It is called where the request was sent, and must be quick; one that panics is logged and changes
    /// nothing else.
    fn request(&self, request: &Request<'_>);
}

/// A request that is over.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// Kind.
    pub kind: Verb,
    /// Key of the object, prefix of a listing, destination of a copy; empty for a delete of many.
    pub key: &'a str,
    /// Source of a copy.
    pub source: Option<&'a str>,
    /// Keys of a delete of many.
    pub keys: &'a [String],
    /// What became of each of [`keys`](Self::keys); empty when the request failed.
    pub results: &'a [Result<()>],
    /// Metadata and bodies that went up and came down, counted as [`Meter`](super::Meter) does. What is sent again after a
    /// failure is in it once.
    pub traffic: Traffic,
    /// How it ended.
    pub outcome: Outcome,
    /// How often the store's client has sent it again by itself. 0 of one that was [cancelled](Outcome::Cancelled).
    pub retries: u64,
    /// Time from its first sending to its end, by the clock of the database.
    pub duration: Duration,
    /// Verb of the resource that it was sent for, such as `insert`; `None` for what is sent by the database, by tools, and in
    /// the background.
    pub operation: Option<&'static str>,
    root: &'a str,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It did what it was for.
    Done,
    /// There is no such object.
    Absent,
    /// It failed, or was refused: `Conflict`.
    Failed(ErrorKind),
    /// Its caller has gone away. Whether the store has done it is not known.
    Cancelled,
}

impl<'a> Request<'a> {
    /// Resource whose object it is about, by the key: documents, references, sequences, claims, storage of plugins.
    pub fn resource(&self) -> Option<&'a str> {
        self.named("resource=")
    }

    /// Slug of the plugin whose storage it is about, by the key. Claims on unique values are `s3db-unique`.
    pub fn plugin(&self) -> Option<&'a str> {
        self.named("plugin=")
    }

    /// Requests that were sent: 1, and those that were sent again.
    pub fn attempts(&self) -> u64 {
        self.retries.saturating_add(1)
    }

    /// A name out of the first two stretches of the key, which are those that the database gives a meaning to.
    fn named(&self, what: &str) -> Option<&'a str> {
        let key = match (self.key, self.keys) {
            ("", [first, ..]) => first.as_str(),
            (key, _) => key,
        };
        // What follows the last slash of a prefix can be part of a name.
        let (folders, _) = key.strip_prefix(self.root)?.rsplit_once('/')?;
        let mut names = folders.splitn(3, '/').take(2).filter_map(|part| part.strip_prefix(what));
        names.next().filter(|name| !name.is_empty())
    }
}

/// Runs a call with the verb of the resource that its requests are sent for.
pub(crate) async fn within<T>(operation: &'static str, call: impl Future<Output = T>) -> T {
    OPERATION.scope(operation, call).await
}

/// The verb of a resource that runs.
pub(super) fn operation() -> Option<&'static str> {
    OPERATION.try_with(|operation| *operation).ok()
}

/// The observers of a store.
#[derive(Debug)]
pub(crate) struct Observers {
    root: String,
    env: Arc<dyn Env>,
    is_used: AtomicBool,
    last: AtomicU64,
    entries: RwLock<Arc<[Entry]>>,
}

type Entry = (u64, Arc<dyn RequestObserver>);

impl Observers {
    /// Nobody, for a database below `root`.
    pub(crate) fn new(root: &str, env: Arc<dyn Env>) -> Self {
        let (is_used, last) = (AtomicBool::new(false), AtomicU64::new(0));
        Self { root: root.to_owned(), env, is_used, last, entries: RwLock::new(Arc::default()) }
    }

    /// Adds one, and returns its number.
    pub(crate) fn add(&self, observer: Arc<dyn RequestObserver>) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.change(|entries| entries.push((number, observer)));
        number
    }

    pub(crate) fn remove(&self, number: u64) {
        self.change(|entries| entries.retain(|(other, _)| *other != number));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Entry>)) {
        let mut entries = self.entries.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut changed = entries.to_vec();
        change(&mut changed);
        self.is_used.store(!changed.is_empty(), Ordering::Release);
        *entries = changed.into();
    }

    /// Whether there is one.
    pub(super) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    pub(super) fn now(&self) -> Duration {
        self.env.monotonic()
    }

    /// Tells of a request that has no results by key.
    pub(super) fn over(
        &self,
        sent: Sent<'_>,
        traffic: Traffic,
        outcome: Outcome,
        retries: u64,
        started: Duration,
        operation: Option<&'static str>,
    ) {
        self.tell(&Request {
            kind: sent.kind,
            key: sent.key,
            source: sent.source,
            keys: sent.keys,
            results: &[],
            traffic,
            outcome,
            retries,
            duration: self.now().saturating_sub(started),
            operation,
            root: &self.root,
        });
    }

    fn tell(&self, request: &Request<'_>) {
        let entries = self.entries.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        for (_, observer) in entries.iter() {
            if std::panic::catch_unwind(AssertUnwindSafe(|| observer.request(request))).is_err() {
                tracing::error!(?observer, "an observer of requests panicked");
            }
        }
    }
}

/// What is known of a request before it is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    pub(super) kind: Verb,
    pub(super) key: &'a str,
    pub(super) source: Option<&'a str>,
    pub(super) keys: &'a [String],
    pub(super) bytes_in: u64,
}

impl<'a> Sent<'a> {
    pub(super) fn new(kind: Verb, key: &'a str) -> Self {
        Self { kind, key, source: None, keys: &[], bytes_in: 0 }
    }
}

/// What an answer says of its request.
pub(super) trait Told {
    /// Bytes that came down.
    fn bytes_out(&self) -> u64 {
        0
    }

    /// Whether the object is there.
    fn is_there(&self) -> bool {
        true
    }

    /// What became of each key.
    fn results(&self) -> &[Result<()>] {
        &[]
    }
}

/// A request on its way. Dropped before it is over, it was cancelled.
struct Watch<'a> {
    observers: &'a Observers,
    sent: Sent<'a>,
    started: Duration,
    operation: Option<&'static str>,
    is_told: bool,
}

impl Watch<'_> {
    fn tell(&mut self, outcome: Outcome, retries: u64, bytes_out: u64, results: &[Result<()>]) {
        self.is_told = true;
        let Self { observers, sent, started, operation, .. } = self;
        observers.tell(&Request {
            kind: sent.kind,
            key: sent.key,
            source: sent.source,
            keys: sent.keys,
            results,
            traffic: Traffic { bytes_in: sent.bytes_in, bytes_out },
            outcome,
            retries,
            duration: observers.env.monotonic().saturating_sub(*started),
            operation: *operation,
            root: &observers.root,
        });
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(Outcome::Cancelled, 0, 0, &[]);
        }
    }
}

/// Sends a request and tells the observers of it.
pub(super) async fn observed<T: Told>(
    observers: &Observers,
    sent: Sent<'_>,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    let operation = operation();
    let started = observers.env.monotonic();
    let mut watch = Watch { observers, sent, started, operation, is_told: false };
    let (result, retries) = retries::counted(call).await;
    match &result {
        Ok(answer) => {
            let outcome = if answer.is_there() { Outcome::Done } else { Outcome::Absent };
            watch.tell(outcome, retries, answer.bytes_out(), answer.results());
        }
        Err(error) => watch.tell(Outcome::Failed(error.kind()), retries, 0, &[]),
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_resource_and_the_plugin_of_its_key() {
        let named = |key: &str, keys: &[String]| {
            let request = Request {
                kind: Verb::Get,
                key,
                source: None,
                keys,
                results: &[],
                traffic: Traffic::default(),
                outcome: Outcome::Done,
                retries: 0,
                duration: Duration::ZERO,
                operation: None,
                root: "db/",
            };
            let owned = |name: Option<&str>| name.unwrap_or("-").to_owned();
            format!("{} {}", owned(request.resource()), owned(request.plugin()))
        };
        for (key, expected) in [
            ("db/s3db.json", "- -"),
            ("db/resource=users/data/id=a", "users -"),
            ("db/resource=users/data/id=", "users -"),
            ("db/resource=users/", "users -"),
            ("db/resource=us", "- -"),
            ("db/resource=", "- -"),
            ("db/plugin=cache/resource=users/x", "users cache"),
            ("db/resource=users/plugin=ttl/x", "users ttl"),
            ("db/a/b/resource=users/x", "- -"),
            ("other/resource=users/data/id=a", "- -"),
        ] {
            assert_eq!(named(key, &[]), expected, "{key}");
        }
        assert_eq!(named("", &["db/resource=users/data/id=a".to_owned()]), "users -");
    }
}
