//! Reading documents by id.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};

use super::{BatchError, BatchResult, Record, Resource, State};
use crate::Result;
use crate::op::{Answer, HookPoint, Op};

impl Resource {
    /// Reads a document.
    ///
    /// Requests: 1 GET. Errors: `NotFound`; `Corrupt` when it does not decode; `Crypto` when a secret does not open.
    pub async fn get(&self, id: &str) -> Result<Record> {
        self.get_or_none(id).await?.ok_or_else(|| self.not_found(id))
    }

    /// Reads a document; `None` when there is none.
    ///
    /// Requests: 1 GET. Errors: as [`get`](Self::get), but for `NotFound`.
    pub async fn get_or_none(&self, id: &str) -> Result<Option<Record>> {
        match self.chain() {
            None => self.get_now(id).await,
            Some(chain) => chain.run(self, Op::Get { id: id.to_owned() }).await?.found(),
        }
    }

    pub(super) async fn get_now(&self, id: &str) -> Result<Option<Record>> {
        self.ask_hooks(HookPoint::BeforeGet, id, None).await.map_err(|error| self.at(error, id))?;
        let key = self.document_key(id)?;
        match self.fetch(&self.state(), id, &key).await? {
            None => Ok(None),
            Some(record) => {
                let hooked = self.after(HookPoint::AfterGet, record, None).await;
                hooked.map(Some).map_err(|error| self.at(error, id))
            }
        }
    }

    /// Reads documents, several at once. A missing id is a failure of its item.
    ///
    /// Requests: 1 GET an id.
    pub async fn get_many<I>(&self, ids: I) -> BatchResult<Record>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        let Some(chain) = self.chain() else {
            return self.get_many_now(ids).await;
        };
        let answered = chain.run(self, Op::GetMany { ids: ids.clone() }).await;
        answered.and_then(Answer::records).unwrap_or_else(|error| BatchResult::all_failed(ids, &error))
    }

    pub(super) async fn get_many_now(&self, ids: Vec<String>) -> BatchResult<Record> {
        let gets = ids.into_iter().enumerate().map(|(index, id)| async move {
            let found = self.get_now(&id).await;
            let result = found.and_then(|found| found.ok_or_else(|| self.not_found(&id)));
            (index, id, result)
        });
        let mut results = stream::iter(gets).buffered(self.db.options.parallelism);
        let mut batch = BatchResult::default();
        while let Some((index, id, result)) = results.next().await {
            match result {
                Ok(record) => batch.ok.push(record),
                Err(error) => batch.failed.push(BatchError { index, id: Some(id), error }),
            }
        }
        batch
    }

    /// Whether a document exists. Requests: 1 HEAD.
    pub async fn exists(&self, id: &str) -> Result<bool> {
        match self.chain() {
            None => self.exists_now(id).await,
            Some(chain) => chain.run(self, Op::Exists { id: id.to_owned() }).await?.exists(),
        }
    }

    pub(super) async fn exists_now(&self, id: &str) -> Result<bool> {
        let key = self.document_key(id)?;
        Ok(self.store.head(&key).await.map_err(|error| self.at(error, id))?.is_some())
    }

    pub(super) async fn fetch(&self, state: &Arc<State>, id: &str, key: &str) -> Result<Option<Record>> {
        let Some(object) = self.store.get(key).await.map_err(|error| self.at(error, id))? else {
            return Ok(None);
        };
        self.decode(state, id, object).await.map(Some)
    }

    /// The document as it was written, without migrations.
    pub(super) async fn fetch_stored(
        &self,
        state: &Arc<State>,
        id: &str,
        key: &str,
    ) -> Result<Option<Record>> {
        let Some(object) = self.store.get(key).await.map_err(|error| self.at(error, id))? else {
            return Ok(None);
        };
        self.decode_stored(state, id, object).await.map(Some)
    }
}
