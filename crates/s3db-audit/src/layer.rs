//! Writes that wait for their rows.

use async_trait::async_trait;
use s3db_core::Result;
use s3db_core::op::{Answer, Next, Op, OpLayer};

use crate::writer::Shared;

/// Holds the answer of a write back until its rows are written.
#[derive(Debug)]
pub(crate) struct Strict(pub(crate) Shared);

#[async_trait]
impl OpLayer for Strict {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        if op.verb().is_read() || !self.0.covers(next.resource_name(), || next.is_internal()) {
            return next.run(op).await;
        }
        let resource = next.resource();
        let from = resource.last_change();
        let answer = next.run(op).await;
        // A batch of which a part has failed has rows of the rest.
        let written = self.0.written(from, resource.last_change(), resource.name()).await;
        let answer = answer?;
        written?;
        Ok(answer)
    }
}
