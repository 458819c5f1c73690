//! Rules of the election, taken out one at a time, to prove that the worlds see each of them missing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::{Env, Random};
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, Object, PutObject, PutResult, Replace, Store,
};
use s3db_core::{ErrorKind, Result};
use serde_json::Value;

/// What a damaged lease begins with.
pub(super) const DAMAGED: &[u8] = b"{\"leaderId\":7";

/// The rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// The lease is written whatever the store holds.
    LeasesUnchecked,
    /// A lost compare-and-swap is taken for a win, as s3db.js does.
    RefusalsIgnored,
    /// A lease is taken over although its holder gives signs of life.
    HoldersIgnored,
    /// Who takes over begins to count from 1 again.
    EpochsForgotten,
    /// A lease that was damaged is taken over at once, although somebody may hold it.
    DamageBelieved,
    /// A leader believes in its lease for twice as long as the others do.
    LeadersOverstay,
    /// Nobody gives the lease back.
    LeasesKept,
    /// What only the leader may write takes the writes of a former one.
    FenceIgnored,
}

impl Mutation {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::LeasesUnchecked,
        Self::RefusalsIgnored,
        Self::HoldersIgnored,
        Self::EpochsForgotten,
        Self::DamageBelieved,
        Self::LeadersOverstay,
        Self::LeasesKept,
        Self::FenceIgnored,
    ];
}

/// A store that makes the coordinator above it break one rule.
#[derive(Debug)]
pub(super) struct Mutant {
    inner: Arc<dyn Store>,
    mutation: Mutation,
}

impl Mutant {
    pub(super) fn wrap(inner: Arc<dyn Store>, mutation: Mutation) -> Arc<dyn Store> {
        Arc::new(Self { inner, mutation })
    }
}

fn is_lease(key: &str) -> bool {
    key.ends_with("/state.json")
}

/// A body with one member changed.
fn with(body: &[u8], member: &str, value: Value) -> Vec<u8> {
    let mut read: Value = serde_json::from_slice(body).unwrap_or_default();
    read[member] = value;
    read.to_string().into()
}

#[async_trait]
impl Store for Mutant {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, mut object: PutObject, condition: Condition) -> Result<PutResult> {
        if !is_lease(key) {
            return self.inner.put(key, object, condition).await;
        }
        match self.mutation {
            Mutation::LeasesUnchecked => self.inner.put(key, object, Condition::None).await,
            Mutation::LeasesKept => {
                object.body = with(&object.body, "released", false.into()).into();
                self.inner.put(key, object, condition).await
            }
            Mutation::RefusalsIgnored => {
                let outcome = self.inner.put(key, object, condition).await;
                match outcome {
                    Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) => {
                        match self.inner.head(key).await? {
                            Some(head) => Ok(PutResult::new(head.etag)),
                            None => Err(error),
                        }
                    }
                    outcome => outcome,
                }
            }
            _ => self.inner.put(key, object, condition).await,
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        let found = self.inner.get(key).await?;
        let is_epoch = is_lease(key) || key.ends_with("/checkpoint.json");
        Ok(match self.mutation {
            Mutation::EpochsForgotten if is_epoch => found.map(|mut object| {
                object.body = with(&object.body, "epoch", 0.into()).into();
                object
            }),
            Mutation::DamageBelieved if is_lease(key) => found.map(|mut object| {
                if object.body.starts_with(DAMAGED) {
                    object.body = "{}".into();
                }
                object
            }),
            Mutation::HoldersIgnored if is_lease(key) => found.map(|mut object| {
                object.body = with(&object.body, "released", true.into()).into();
                object
            }),
            _ => found,
        })
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }
}

/// A clock that runs half as fast as those of the others.
#[derive(Debug)]
pub(super) struct LazyClock(Arc<dyn Env>);

impl LazyClock {
    pub(super) fn wrap(env: Arc<dyn Env>) -> Arc<dyn Env> {
        Arc::new(Self(env))
    }
}

impl Random for LazyClock {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

#[async_trait]
impl Env for LazyClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic() / 2
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}
