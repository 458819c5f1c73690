//! A store whose next calls go wrong as a test asks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use s3db::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use s3db::{Error, ErrorKind, Result};

/// How a put goes wrong.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It is written, and the caller hears that the server could not be reached.
    AnswerLost,
    /// It is written, and a retry below is refused by it.
    RefusedByItself,
    /// It is not written.
    NotSent,
    /// Another put comes first, and this one is refused after a retry, so that its outcome is in doubt.
    Overtaken(PutObject),
}

/// A memory store that does as it is told to puts of keys that hold a text.
#[derive(Debug, Default)]
pub(super) struct Faulty {
    inner: MemoryStore,
    script: Mutex<VecDeque<(String, Fault)>>,
}

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Self::around(MemoryStore::new())
    }

    pub(super) fn around(inner: MemoryStore) -> Arc<Self> {
        Arc::new(Self { inner, script: Mutex::default() })
    }

    /// The next put of a key that holds `part` goes wrong.
    pub(super) fn next_put(&self, part: &str, fault: Fault) {
        self.script.lock().unwrap().push_back((part.to_owned(), fault));
    }

    fn fault_of(&self, key: &str) -> Option<Fault> {
        let mut script = self.script.lock().unwrap();
        let at = script.iter().position(|(part, _)| key.contains(part.as_str()))?;
        script.remove(at).map(|(_, fault)| fault)
    }
}

fn unreachable() -> Error {
    Error::new(ErrorKind::Unavailable, "the server cannot be reached")
}

#[async_trait]
impl Store for Faulty {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let refused = || Error::new(ErrorKind::Conflict, "the condition does not hold").outcome_unknown(true);
        match self.fault_of(key) {
            None => self.inner.put(key, object, condition).await,
            Some(Fault::NotSent) => Err(unreachable()),
            Some(Fault::AnswerLost) => {
                self.inner.put(key, object, condition).await?;
                Err(unreachable())
            }
            Some(Fault::RefusedByItself) => {
                self.inner.put(key, object, condition).await?;
                Err(refused())
            }
            Some(Fault::Overtaken(other)) => {
                self.inner.put(key, other, Condition::None).await?;
                Err(refused())
            }
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(key).await
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
