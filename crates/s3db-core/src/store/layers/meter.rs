//! Counts the requests and bytes that reach a store.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use serde::Serialize;

use super::StoreLayer;
use super::observe::{Observers, Sent, Told, observed};
use super::streamed::{Following, Scale};
use crate::Result;
use crate::store::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, Object, PutObject, PutResult,
    Reading, Replace, Store, Verb, VersionPage, VersionsRequest,
};

/// Counts what passes through the stores that it wraps. Clones share the counters.
///
/// A request counts when it is sent, whatever its outcome.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use s3db_core::store::{Condition, MemoryStore, Meter, PutObject, Requests, Store};
///
/// let (store, meter) = Meter::wrap(Arc::new(MemoryStore::new()));
/// let before = meter.snapshot();
/// store.put("a", PutObject::default(), Condition::None).await.unwrap();
/// store.put("b", PutObject::default(), Condition::None).await.unwrap();
/// store.get("a").await.unwrap();
/// let spent = meter.snapshot() - before;
/// assert_eq!(spent, Requests { get: 1, put: 2, ..Requests::NONE });
/// assert_eq!(spent.to_string(), "1 GET + 2 PUT");
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    get: AtomicU64,
    head: AtomicU64,
    put: AtomicU64,
    copy: AtomicU64,
    list: AtomicU64,
    delete: AtomicU64,
    delete_many: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl Meter {
    /// A meter at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wraps `store` with a new meter.
    pub fn wrap(store: Arc<dyn Store>) -> (Arc<dyn Store>, Self) {
        let meter = Self::new();
        (StoreLayer::wrap(&meter, store), meter)
    }

    /// Wraps `store` with a new meter that also tells `observers` of each request.
    pub(crate) fn wrap_observed(store: Arc<dyn Store>, observers: Arc<Observers>) -> (Arc<dyn Store>, Self) {
        let meter = Self::new();
        let counters = meter.0.clone();
        (Arc::new(Metered { inner: store, counters, observers: Some(observers) }), meter)
    }

    /// Requests so far. Subtract an earlier snapshot to learn what happened between the two.
    pub fn snapshot(&self) -> Requests {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            get: of(&self.0.get),
            head: of(&self.0.head),
            put: of(&self.0.put),
            copy: of(&self.0.copy),
            list: of(&self.0.list),
            delete: of(&self.0.delete),
            delete_many: of(&self.0.delete_many),
        }
    }

    /// Bytes so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            bytes_in: self.0.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.0.bytes_out.load(Ordering::Relaxed),
        }
    }
}

impl StoreLayer for Meter {
    fn wrap(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Metered { inner, counters: self.0.clone(), observers: None })
    }
}

/// Numbers of requests by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize)]
pub struct Requests {
    /// Reads of an object, or of an old version of one.
    pub get: u64,
    /// Reads of an object without its body.
    pub head: u64,
    /// Writes.
    pub put: u64,
    /// Copies.
    pub copy: u64,
    /// Pages of listings, of objects or of their versions.
    pub list: u64,
    /// Deletes of one object.
    pub delete: u64,
    /// Deletes of up to a thousand objects.
    pub delete_many: u64,
}

impl Requests {
    /// No requests.
    pub const NONE: Self = Self { get: 0, head: 0, put: 0, copy: 0, list: 0, delete: 0, delete_many: 0 };

    /// All kinds added up.
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, count)| count).sum()
    }

    /// Kinds and counts, in the order of printing.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("GET", self.get),
            ("HEAD", self.head),
            ("PUT", self.put),
            ("COPY", self.copy),
            ("LIST", self.list),
            ("DELETE", self.delete),
            ("DELETE-MANY", self.delete_many),
        ]
    }

    fn zip(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            get: combine(self.get, other.get),
            head: combine(self.head, other.head),
            put: combine(self.put, other.put),
            copy: combine(self.copy, other.copy),
            list: combine(self.list, other.list),
            delete: combine(self.delete, other.delete),
            delete_many: combine(self.delete_many, other.delete_many),
        }
    }
}

impl Add for Requests {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, u64::saturating_add)
    }
}

impl AddAssign for Requests {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Requests {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        self.zip(earlier, u64::saturating_sub)
    }
}

impl Sum for Requests {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::NONE, Add::add)
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, count) in self.named().into_iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {name}")?;
            separator = " + ";
        }
        if separator.is_empty() { f.write_str("no requests") } else { Ok(()) }
    }
}

/// Bytes that went to and came from a store: keys are not counted, metadata and bodies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Traffic {
    /// Bytes written.
    pub bytes_in: u64,
    /// Bytes read.
    pub bytes_out: u64,
}

#[derive(Debug)]
struct Metered {
    inner: Arc<dyn Store>,
    counters: Arc<Counters>,
    observers: Option<Arc<Observers>>,
}

impl Metered {
    /// Counts a request, sends it, and tells those who observe.
    async fn send<T: Told>(&self, sent: Sent<'_>, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.counters.of(sent.kind).fetch_add(1, Ordering::Relaxed);
        self.counters.bytes_in.fetch_add(sent.bytes_in, Ordering::Relaxed);
        let answer = match self.observers.as_deref().filter(|observers| observers.is_used()) {
            None => call.await?,
            Some(observers) => observed(observers, sent, call).await?,
        };
        self.counters.bytes_out.fetch_add(answer.bytes_out(), Ordering::Relaxed);
        Ok(answer)
    }
}

impl Counters {
    fn of(&self, kind: Verb) -> &AtomicU64 {
        match kind {
            Verb::Get => &self.get,
            Verb::Head => &self.head,
            Verb::Put => &self.put,
            Verb::Copy => &self.copy,
            Verb::List => &self.list,
            Verb::Delete => &self.delete,
            Verb::DeleteMany => &self.delete_many,
        }
    }
}

impl Scale for Counters {
    fn came(&self, bytes: u64) {
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Told for Option<Object> {
    fn bytes_out(&self) -> u64 {
        self.as_ref().map_or(0, |object| object.head.metadata.size_bytes() + object.body.len()) as u64
    }

    fn is_there(&self) -> bool {
        self.is_some()
    }
}

impl Told for Option<Head> {
    fn bytes_out(&self) -> u64 {
        self.as_ref().map_or(0, |head| head.metadata.size_bytes()) as u64
    }

    fn is_there(&self) -> bool {
        self.is_some()
    }
}

impl Told for PutResult {}

impl Told for ListPage {}

impl Told for VersionPage {}

impl Told for () {}

impl Told for Vec<Result<()>> {
    fn results(&self) -> &[Result<()>] {
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Metered {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let bytes_in = (object.metadata.size_bytes() + object.body.len()) as u64;
        let sent = Sent { bytes_in, ..Sent::new(Verb::Put, key) };
        self.send(sent, self.inner.put(key, object, condition)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.send(Sent::new(Verb::Get, key), self.inner.get(key)).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        self.counters.get.fetch_add(1, Ordering::Relaxed);
        let observers = self.observers.clone().filter(|observers| observers.is_used());
        let following = Following::new(self.counters.clone(), observers, key);
        following.send(self.inner.read_range(key, range, if_match)).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.send(Sent::new(Verb::Head, key), self.inner.head(key)).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        let bytes_in = replace.as_ref().map_or(0, |replace| replace.metadata.size_bytes()) as u64;
        let sent = Sent { source: Some(from), bytes_in, ..Sent::new(Verb::Copy, to) };
        self.send(sent, self.inner.copy(from, to, replace, condition)).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        // Where somebody observes, the prefix must outlive the request.
        let is_observed = self.observers.as_ref().is_some_and(|observers| observers.is_used());
        let prefix = if is_observed { request.prefix.clone() } else { String::new() };
        self.send(Sent::new(Verb::List, &prefix), self.inner.list(request)).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.send(Sent::new(Verb::Delete, key), self.inner.delete(key, condition)).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        let sent = Sent { keys, ..Sent::new(Verb::DeleteMany, "") };
        self.send(sent, self.inner.delete_many(keys)).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        // Where somebody observes, the prefix must outlive the request.
        let is_observed = self.observers.as_ref().is_some_and(|observers| observers.is_used());
        let prefix = if is_observed { request.prefix.clone() } else { String::new() };
        self.send(Sent::new(Verb::List, &prefix), self.inner.list_versions(request)).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.send(Sent::new(Verb::Get, key), self.inner.get_version(key, version_id)).await
    }
}
