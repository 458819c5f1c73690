//! What a case is made of.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use s3db_core::store::{Condition, ETag, ListPage, ListRequest, Metadata, Object, PutObject, Store};
use s3db_core::{Error, ErrorKind, Result};

/// One rule of the contract.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    pub(super) run: fn(Ctx) -> BoxFuture<'static, Outcome>,
}

/// What a case found.
pub(crate) type Outcome = std::result::Result<Done, Failure>;

/// A case that did not fail.
pub(crate) enum Done {
    Passed,
    /// There was nothing to check, because of what the store declares.
    NotApplicable(&'static str),
}

/// Why a case failed.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(format!("unexpected error: {error:?}"))
    }
}

/// Fails the case when something does not hold.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err($crate::conformance::case::Failure::new(format!($($message)+)));
        }
    };
}
pub(crate) use ensure;

/// Names a function of this module as a case.
macro_rules! case {
    ($function:ident, $rule:literal) => {
        $crate::conformance::case::Case {
            name: stringify!($function),
            rule: $rule,
            run: |ctx| Box::pin($function(ctx)),
        }
    };
}
pub(super) use case;

/// What a case gets: the store, and a prefix that nobody else uses.
#[derive(Clone)]
pub(super) struct Ctx {
    pub(super) store: Arc<dyn Store>,
    pub(super) prefix: String,
    pub(super) tasks: usize,
    pub(super) objects: usize,
}

impl Ctx {
    /// A key of this case.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Writes a body without metadata.
    pub(super) async fn put(&self, name: &str, body: &str) -> Result<ETag> {
        self.put_if(name, body, Condition::None).await
    }

    /// Writes a body without metadata when a condition holds.
    pub(super) async fn put_if(&self, name: &str, body: &str, condition: Condition) -> Result<ETag> {
        Ok(self.store.put(&self.key(name), object(body), condition).await?.etag)
    }

    /// Writes several empty objects.
    pub(super) async fn put_all(&self, names: &[&str]) -> Result<()> {
        for name in names {
            self.put(name, "").await?;
        }
        Ok(())
    }

    /// Reads an object that must be there.
    pub(super) async fn get(&self, name: &str) -> std::result::Result<Object, Failure> {
        let found = self.store.get(&self.key(name)).await?;
        found.ok_or_else(|| Failure::new(format!("{name:?} is absent after it was written")))
    }

    /// The body of an object as text, or `None` when it is absent.
    pub(super) async fn body(&self, name: &str) -> Result<Option<String>> {
        let found = self.store.get(&self.key(name)).await?;
        Ok(found.map(|object| String::from_utf8_lossy(&object.body).into_owned()))
    }

    /// One page of this case's keys, its prefix taken off every text.
    pub(super) async fn page(
        &self,
        request: ListRequest,
    ) -> std::result::Result<(Vec<String>, ListPage), Failure> {
        let request = ListRequest {
            prefix: self.key(&request.prefix),
            start_after: request.start_after.map(|name| self.key(&name)),
            ..request
        };
        let page = self.store.list(request).await?;
        let keys = page
            .entries
            .iter()
            .map(|entry| &*entry.key)
            .chain(page.common_prefixes.iter().map(String::as_str));
        let names = keys.map(|key| match key.strip_prefix(&self.prefix) {
            Some(name) => Ok(name.to_owned()),
            None => Err(Failure::new(format!("{key:?} is listed and does not start with the prefix"))),
        });
        Ok((names.collect::<std::result::Result<_, _>>()?, page))
    }

    /// All names that a request lists, over as many pages as it takes.
    pub(super) async fn list(&self, request: ListRequest) -> std::result::Result<Vec<String>, Failure> {
        let mut request = request;
        let mut all = Vec::new();
        for _ in 0..100_000 {
            let (names, page) = self.page(request.clone()).await?;
            all.extend(names);
            match page.continuation {
                Some(next) => request.continuation = Some(next),
                None => return Ok(all),
            }
        }
        Err(Failure::new("the listing does not end"))
    }
}

/// An object with a body and nothing else.
pub(super) fn object(body: &str) -> PutObject {
    PutObject { body: Bytes::copy_from_slice(body.as_bytes()), ..PutObject::default() }
}

/// An object with metadata and nothing else.
pub(super) fn with_metadata(metadata: Metadata) -> PutObject {
    PutObject { metadata: Arc::new(metadata), ..PutObject::default() }
}

/// Metadata as a sorted list: a server may give it in any order.
pub(super) fn sorted(metadata: &Metadata) -> Vec<(String, String)> {
    let mut entries = metadata.iter().map(|(name, value)| (name.into(), value.into())).collect::<Vec<_>>();
    entries.sort();
    entries
}

/// Fails the case unless a call failed with `kind`.
pub(super) fn refused<T: fmt::Debug>(
    what: &str,
    result: Result<T>,
    kind: ErrorKind,
) -> std::result::Result<(), Failure> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Failure::new(format!("{what}: expected {kind}, got {error:?}"))),
        Ok(value) => Err(Failure::new(format!("{what}: expected {kind}, but it succeeded: {value:?}"))),
    }
}

/// Fails the case unless both are equal.
pub(crate) fn same<T: PartialEq + fmt::Debug>(
    what: &str,
    actual: T,
    expected: T,
) -> std::result::Result<(), Failure> {
    if actual == expected {
        return Ok(());
    }
    Err(Failure::new(format!("{what}: expected {expected:?}, got {actual:?}")))
}
