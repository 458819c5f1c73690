//! Tells of calls, for those who listen to them.

use std::sync::Arc;

use async_trait::async_trait;

use super::Event;
use super::bus::Queue;
use crate::Result;
use crate::op::{Answer, Next, Op, OpLayer};

/// A layer that is there only while somebody listens to calls, so that nobody else pays for it.
#[derive(Debug)]
pub(super) struct Calls(pub(super) Arc<Queue>);

#[async_trait]
impl OpLayer for Calls {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let (verb, mut id) = (op.verb(), op.id().map(str::to_owned));
        let resource = next.resource_name().to_owned();
        let answer = next.run(op).await?;
        if let Answer::Record(record) = &answer {
            id.get_or_insert_with(|| record.id.clone());
        }
        let (documents, failed) = answer.size();
        self.0.push(&Event::Called { resource, verb, id, documents, failed });
        Ok(answer)
    }
}
