//! The layer that writes receipts.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;

use super::Receipt;
use crate::env::Env;
use crate::price::Prices;
use crate::resource::WriteCheck;
use crate::store::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, Meter, Object, PutObject, PutResult,
    Reading, Replace, Requests, Store, StoreLayer, Traffic, VersionPage, VersionsRequest, retries,
};
use crate::{ErrorKind, Result};

/// Writes down what passes through the stores that it wraps. Clones share the book.
///
/// [`Resource::metered`](crate::Resource::metered) gives one for a handle;
/// [`DatabaseBuilder::layer`](crate::database::DatabaseBuilder::layer) puts one around the store of a whole database:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use s3db_core::env::SystemEnv;
/// use s3db_core::price::AWS_S3_STANDARD;
/// use s3db_core::receipt::Receipts;
/// use s3db_core::Database;
///
/// let receipts = Receipts::new(Arc::new(SystemEnv), AWS_S3_STANDARD);
/// let db = Database::builder("memory://shop/receipts")?.layer(receipts.clone()).connect().await?;
/// assert_eq!(receipts.take().requests.to_string(), "1 GET");
/// # Ok::<(), s3db_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Receipts(Arc<Book>);

#[derive(Debug)]
struct Book {
    env: Arc<dyn Env>,
    prices: Prices,
    meter: Meter,
    retries: AtomicU64,
    refused: AtomicU64,
    page: Mutex<Page>,
}

/// What the receipt before has told, and what the next one tells beside numbers.
#[derive(Debug)]
struct Page {
    requests: Requests,
    traffic: Traffic,
    started: Duration,
    check: Option<WriteCheck>,
}

impl Receipts {
    /// An empty book.
    pub fn new(env: Arc<dyn Env>, prices: Prices) -> Self {
        let page = Page {
            requests: Requests::NONE,
            traffic: Traffic::default(),
            started: env.monotonic(),
            check: None,
        };
        Self(Arc::new(Book {
            env,
            prices,
            meter: Meter::new(),
            retries: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            page: Mutex::new(page),
        }))
    }

    /// What was spent since the receipt before, or since the beginning. Requests that are on their way are in it, and
    /// what they bring may be in the next one.
    pub fn take(&self) -> Receipt {
        let book = &self.0;
        let mut page = book.page();
        let (requests, traffic, now) = (book.meter.snapshot(), book.meter.traffic(), book.env.monotonic());
        let receipt = Receipt {
            requests: requests - page.requests,
            traffic: Traffic {
                bytes_in: traffic.bytes_in.saturating_sub(page.traffic.bytes_in),
                bytes_out: traffic.bytes_out.saturating_sub(page.traffic.bytes_out),
            },
            retries: book.retries.swap(0, Ordering::Relaxed),
            refused: book.refused.swap(0, Ordering::Relaxed),
            elapsed: now.saturating_sub(page.started),
            check: page.check,
            prices: book.prices,
        };
        *page = Page { requests, traffic, started: now, check: None };
        receipt
    }

    /// Notes how far the write of a document was checked.
    pub(crate) fn note(&self, check: WriteCheck) {
        let mut page = self.0.page();
        page.check = page.check.max(Some(check));
    }
}

impl Book {
    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl StoreLayer for Receipts {
    fn wrap(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Booked { inner: self.0.meter.wrap(inner), book: self.0.clone() })
    }
}

#[derive(Debug)]
struct Booked {
    inner: Arc<dyn Store>,
    book: Arc<Book>,
}

impl Booked {
    async fn read<T: Send>(&self, call: impl Future<Output = T> + Send) -> T {
        let (result, retries) = retries::counted(call).await;
        self.book.retries.fetch_add(retries, Ordering::Relaxed);
        result
    }

    async fn write<T: Send>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let result = self.read(call).await;
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            self.book.refused.fetch_add(1, Ordering::Relaxed);
        }
        result
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Booked {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.write(self.inner.put(key, object, condition)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.read(self.inner.get(key)).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        self.read(self.inner.read_range(key, range, if_match)).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.read(self.inner.head(key)).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.write(self.inner.copy(from, to, replace, condition)).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.read(self.inner.list(request)).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.write(self.inner.delete(key, condition)).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.read(self.inner.delete_many(keys)).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        self.read(self.inner.list_versions(request)).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.read(self.inner.get_version(key, version_id)).await
    }
}
