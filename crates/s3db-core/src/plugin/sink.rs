//! Receivers of committed changes.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{Either, select};

use super::Context;
use super::tasks::yield_once;
use crate::Result;
use crate::database::{Change, Changes};

/// Changes that are handed over at once.
const BATCH_CHANGES: usize = 256;

/// First and longest pause before a batch is handed over again.
const BACKOFF_MS: (u64, u64) = (50, 30_000);

/// Changes, in the order in which they were committed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChangeBatch {
    /// At least one change, at most 256.
    pub changes: Vec<Arc<Change>>,
    /// Changes that were dropped since the plugin started, because the sink was too slow and its
    /// [options](crate::database::ChangeOptions) say so.
    pub missed: u64,
}

/// Receives the changes that this process commits, each at least once for as long as the process lives.
///
/// A batch is given again, with growing pauses, until [`deliver`](Self::deliver) succeeds, and those behind it wait; what the
/// sink cannot take at all it must put aside itself. When the plugin stops, what is waiting is delivered first, each batch
/// tried once. What must survive a crash of the process is for a [`ChangeWitness`](super::ChangeWitness), which can write it
/// down before the change is committed.
#[async_trait]
pub trait ChangeSink: Debug + Send + Sync + 'static {
    /// Takes changes. An error has the same batch given again.
    async fn deliver(&self, batch: &ChangeBatch) -> Result<()>;
}

/// Hands changes to a sink until the plugin stops.
pub(super) async fn run(
    context: Context,
    name: String,
    mut changes: Changes,
    sink: Arc<dyn ChangeSink>,
) -> Result<()> {
    let shutdown = context.shutdown();
    loop {
        let first = match select(pin!(changes.next()), pin!(shutdown.requested())).await {
            Either::Left((Some(change), _)) => change,
            Either::Left((None, _)) => return Ok(()),
            Either::Right(_) => break,
        };
        let batch = batch(first, &mut changes);
        let mut attempt = 0;
        while let Err(error) = sink.deliver(&batch).await {
            context.report(&name, &error);
            if shutdown.is_requested() {
                break;
            }
            let (first, longest) = BACKOFF_MS;
            let pause = Duration::from_millis(first.saturating_mul(1 << attempt.min(16)).min(longest));
            attempt += 1;
            // A stop ends the pause, and gives the batch one more try.
            select(pin!(context.env().sleep(pause)), pin!(shutdown.requested())).await;
            yield_once().await;
        }
    }
    while let Some(first) = changes.try_next() {
        let batch = batch(first, &mut changes);
        if let Err(error) = sink.deliver(&batch).await {
            context.report(&name, &error);
        }
    }
    Ok(())
}

fn batch(first: Arc<Change>, changes: &mut Changes) -> ChangeBatch {
    let more = std::iter::from_fn(|| changes.try_next()).take(BATCH_CHANGES - 1);
    let changes_now: Vec<Arc<Change>> = std::iter::once(first).chain(more).collect();
    ChangeBatch { changes: changes_now, missed: changes.missed() }
}
