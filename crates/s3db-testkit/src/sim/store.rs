//! The store and the environment as one node sees them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::{Env, Random};
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, Object, PutObject, PutResult, Replace, Store,
};
use s3db_core::{Error, ErrorKind, Result};

use super::request::{Answer, Request};
use super::world::World;
use crate::env::START_MS;

/// A request is not sent again later than this after the first time, as the S3 store has it by default.
const RETRIES_END: Duration = Duration::from_secs(5 * 60);

/// Pause before a request is sent again, as an SDK makes it.
const RETRY_PAUSE_MS: u64 = 50;

/// The one object store of a simulated world, reached from one node over a bad network.
#[derive(Debug)]
pub struct SimStore {
    pub(super) world: Arc<World>,
    pub(super) node: usize,
}

impl SimStore {
    /// Sends a request, and again after a failure as often as the world's faults say. As with an SDK, a refusal that
    /// follows such a retry may be that of the first try's success, and says so.
    async fn call(&self, request: Request) -> Result<Answer> {
        let call = self.world.next_call();
        let retries = self.world.state().faults.retries;
        let mut tried = 0;
        let began_ms = self.world.now_ms();
        loop {
            let error = match self.world.send(self.node, call, request.clone()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                // The world has ended.
                Err(_) => std::future::pending().await,
            };
            let can_help = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled);
            if !can_help || tried == retries {
                let unknown = error.is_outcome_unknown() || (tried > 0 && request.is_write());
                return Err(error.outcome_unknown(unknown));
            }
            tried += 1;
            let pause_ms = self.world.state().random.below(RETRY_PAUSE_MS << tried.min(8));
            let _ = self.world.sleep(self.node, Duration::from_millis(pause_ms)).await;
            if Duration::from_millis(self.world.now_ms() - began_ms) > RETRIES_END {
                return Err(error.outcome_unknown(request.is_write()));
            }
        }
    }
}

fn other_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "the answer is that of another request")
}

#[async_trait]
impl Store for SimStore {
    fn capability(&self) -> &Capability {
        self.world.objects.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        match self.call(Request::Put { key: key.to_owned(), object, condition }).await? {
            Answer::Put(put) => Ok(put),
            _ => Err(other_answer()),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        match self.call(Request::Get { key: key.to_owned() }).await? {
            Answer::Get(object) => Ok(object),
            _ => Err(other_answer()),
        }
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        match self.call(Request::Head { key: key.to_owned() }).await? {
            Answer::Head(head) => Ok(head),
            _ => Err(other_answer()),
        }
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        let (from, to) = (from.to_owned(), to.to_owned());
        match self.call(Request::Copy { from, to, replace, condition }).await? {
            Answer::Put(put) => Ok(put),
            _ => Err(other_answer()),
        }
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        match self.call(Request::List(request)).await? {
            Answer::List(page) => Ok(page),
            _ => Err(other_answer()),
        }
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        match self.call(Request::Delete { key: key.to_owned(), condition }).await? {
            Answer::Deleted => Ok(()),
            _ => Err(other_answer()),
        }
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        match self.call(Request::DeleteMany(keys.to_vec())).await? {
            Answer::DeletedMany(results) => Ok(results),
            _ => Err(other_answer()),
        }
    }
}

/// Clock, randomness and sleep of one node.
#[derive(Debug)]
pub struct SimEnv {
    pub(super) world: Arc<World>,
    pub(super) node: usize,
}

impl Random for SimEnv {
    fn fill(&self, buffer: &mut [u8]) {
        self.world.state().random.fill(buffer);
    }
}

#[async_trait]
impl Env for SimEnv {
    fn now_ms(&self) -> i64 {
        let now_ms = i64::try_from(self.world.now_ms()).unwrap_or(i64::MAX);
        let skew_ms = self.world.state().nodes.get(self.node).map_or(0, |node| node.skew_ms);
        START_MS.saturating_add(now_ms).saturating_add(skew_ms)
    }

    fn monotonic(&self) -> Duration {
        let born_ms = self.world.state().nodes.get(self.node).map_or(0, |node| node.born_ms);
        Duration::from_millis(self.world.now_ms().saturating_sub(born_ms))
    }

    async fn sleep(&self, duration: Duration) {
        // An error would mean that the world has ended, and with it this task.
        let _ = self.world.sleep(self.node, duration).await;
    }
}
