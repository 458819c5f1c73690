//! Making fields unique whose documents are there already.

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _};

use super::{Record, Resource};
use crate::exec::{self, Context, Holders};
use crate::plan::{Step, WritePlan};
use crate::store::ListRequest;
use crate::unique::{Unique, claims_of};
use crate::{Error, ErrorKind, FieldError, Result};

/// Duplicates that an error lists.
const DUPLICATES_SHOWN: usize = 20;

/// Objects of a listing may carry a time this much before the moment that they were asked for: times are whole seconds.
const CLOCK_SLACK_MS: i64 = 2000;

impl Resource {
    /// Claims the values of every stored document, after making sure that none is held twice.
    ///
    /// Returns the time of the store at which it began, for [`adopt_since`](Self::adopt_since). Keeps one short entry a
    /// value in memory. Claims of a definition that is then not stored are stale, and taken over in time.
    ///
    /// Requests: 1 LIST per 1,000 documents, 1 GET a document, 1 PUT a value, 1 PUT + 1 HEAD.
    /// Errors: `Unique` with every value that is held twice, before any claim is put.
    pub(crate) async fn adopt(&self, constraints: &[Unique]) -> Result<i64> {
        let began_ms = exec::server_now_ms(self.store.as_ref(), &self.db.keys).await?;
        let mut holders: HashMap<String, String> = HashMap::new();
        let mut duplicates = Vec::new();
        self.each_document(i64::MIN, |record| {
            for claim in claims_of(constraints, &self.db.keys, self.name(), &record.id, &record.data)? {
                if let Some(other) = holders.insert(claim.key, record.id.clone()) {
                    let message = format!("`{other}` and `{}` hold the same value", record.id);
                    duplicates.push(FieldError::new(claim.field, "unique", message).actual(claim.value));
                }
            }
            Ok(Vec::new())
        })
        .await?;
        if duplicates.is_empty() {
            self.claim_since(constraints, i64::MIN).await?;
            return Ok(began_ms);
        }
        Err(self.duplicates(duplicates))
    }

    /// Claims the values of the documents that were written since `began_ms`, while the definition was changing.
    ///
    /// Errors: `Unique` when one holds a value of another document.
    pub(crate) async fn adopt_since(&self, constraints: &[Unique], began_ms: i64) -> Result<()> {
        self.claim_since(constraints, began_ms.saturating_sub(CLOCK_SLACK_MS)).await.map_err(|error| {
            error.hint("it was written while the field became unique; change one of the two, or run fsck")
        })
    }

    async fn claim_since(&self, constraints: &[Unique], since_ms: i64) -> Result<()> {
        self.each_document(since_ms, |record| {
            let claims = claims_of(constraints, &self.db.keys, self.name(), &record.id, &record.data)?;
            let stamp = crate::id::stamp(self.db.env.as_ref());
            Ok(claims
                .into_iter()
                .map(|claim| Step::PutClaim { object: claim.object(&stamp), claim })
                .collect())
        })
        .await
    }

    /// Reads the documents that were changed since a time, and runs the claims that `steps` asks for.
    async fn each_document(
        &self,
        since_ms: i64,
        mut steps: impl FnMut(&Record) -> Result<Vec<Step>>,
    ) -> Result<()> {
        let state = self.state();
        let prefix = self.db.keys.documents(self.name())?;
        let mut request = ListRequest::prefix(prefix.clone());
        loop {
            let page = self.store.list(request.clone()).await?;
            let recent = page.entries.iter().filter(|entry| entry.last_modified_ms >= since_ms);
            let keys: Vec<String> = recent.map(|entry| entry.key.to_string()).collect();
            let mut reads = Vec::with_capacity(keys.len());
            for key in &keys {
                if let Some(id) = key.strip_prefix(&prefix).filter(|id| !id.contains('/')) {
                    reads.push(self.fetch_stored(&state, id, key));
                }
            }
            let mut records = stream::iter(reads).buffered(self.db.options.parallelism);
            while let Some(record) = records.next().await {
                let Some(record) = record? else { continue };
                let mut plan = WritePlan::default();
                plan.push(steps(&record)?);
                let constraints = Unclaimed(self);
                let context = Context { holders: &constraints, ..self.context() };
                exec::run(context, plan, None).await.map_err(|error| self.at(error, &record.id))?;
            }
            match page.continuation {
                Some(continuation) => request.continuation = Some(continuation),
                None => return Ok(()),
            }
        }
    }

    fn duplicates(&self, mut duplicates: Vec<FieldError>) -> Error {
        let found = duplicates.len();
        duplicates.truncate(DUPLICATES_SHOWN);
        let shown = duplicates.iter().map(|duplicate| {
            let value = duplicate.actual.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{} {value}: {}", duplicate.field, duplicate.message)
        });
        Error::new(ErrorKind::Unique, "the field cannot become unique: documents hold the same value")
            .with("resource", self.name())
            .with("duplicates", found)
            .with("first", shown.collect::<Vec<_>>().join("; "))
            .hint("change or delete the duplicates, then make the field unique")
    }
}

/// While values are adopted, no document is known to hold them: only age tells a stale claim.
struct Unclaimed<'a>(&'a Resource);

#[async_trait::async_trait]
impl Holders for Unclaimed<'_> {
    async fn holds(&self, id: &str, _claim: &str) -> Result<bool> {
        self.0.exists(id).await
    }
}
