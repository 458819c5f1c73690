//! Runs plans against a store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;

use crate::budget::Account;
use crate::env::Env;
use crate::key::Keys;
use crate::plan::{Step, WritePlan};
use crate::store::{Condition, ETag, PutResult, Requests, Store};
use crate::{Error, ErrorKind, Result};

mod background;
mod backoff;
mod claim;
mod document;
mod reference;
mod server_clock;

pub(crate) use background::Background;
pub(crate) use backoff::pause;
pub(crate) use document::put as put_stamped;
pub(crate) use server_clock::server_now_ms;

/// For how long AWS accepts a signed request:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>.
const SIGNATURE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Age of what a write has put before its document from which others may clear it away: the signature window, 5 minutes
/// for which the client of S3 may send a request again, and time for the write itself.
pub(crate) const GRACE: Duration = Duration::from_secs(25 * 60);

/// What running a plan needs of its surroundings.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) store: &'a Arc<dyn Store>,
    pub(crate) env: &'a dyn Env,
    pub(crate) keys: &'a Keys,
    pub(crate) holders: &'a dyn Holders,
    /// Age from which others take claims over and clear entries away whose document does not show them.
    pub(crate) grace: Duration,
    /// Budgets that must allow the whole plan.
    pub(crate) account: Option<&'a Account>,
}

/// Knows whether a document still holds the value that a claim says it holds.
#[async_trait]
pub(crate) trait Holders: Send + Sync {
    /// Requests: 1 GET.
    async fn holds(&self, id: &str, claim: &str) -> Result<bool>;
}

/// What a committed plan left behind.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The document's new ETag; `None` after a delete.
    pub(crate) put: Option<PutResult>,
    /// References that could not be removed; the document is committed and readers skip them.
    pub(crate) leftover_references: Vec<String>,
    /// Why references beside the document could not be written, although it was; with [`PartitionWrites::Parallel`].
    ///
    /// [`PartitionWrites::Parallel`]: crate::plan::PartitionWrites::Parallel
    pub(crate) missing_references: Vec<Error>,
    /// Stages that are still to be run, in the background.
    pub(crate) background: Vec<Vec<Step>>,
    /// References that were looked at, for those stages.
    pub(crate) seen: SeenReferences,
    /// The store for those stages, where they are paid for already.
    pub(crate) store: Option<Arc<dyn Store>>,
}

/// Runs the stages of `plan` in order, the steps of a stage at once, and leaves those of the background to the caller.
///
/// Errors: `Unique` when another document holds a value, `Conflict` when the document's condition does not hold,
/// `AlreadyExists` when it was to be absent. In these cases the document is as it was, and claims that this run took are
/// given back; references written before it may be left, and are extra, never missing. `Budget` when a budget does not
/// allow the whole plan, before its first request, or what other writers have made of it, before the document. Where the
/// error's outcome is unknown, the document was read back and holds neither what was there before nor this write.
pub(crate) async fn run(context: Context<'_>, plan: WritePlan, stamp: Option<&str>) -> Result<Outcome> {
    // The plain case, one document without references, needs no bookkeeping.
    let is_plain = plan.background().is_empty() && context.account.is_none();
    if is_plain && matches!(plan.stages(), [stage] if matches!(stage.as_slice(), [Step::PutDocument { .. }]))
    {
        let document = plan.into_stages().0.into_iter().flatten().next();
        let Some(Step::PutDocument { key, object, condition }) = document else {
            return Ok(Outcome::default());
        };
        let put = document::put(context.store.as_ref(), &key, object, condition, stamp).await?;
        return Ok(Outcome { put: Some(put), ..Outcome::default() });
    }
    let reserved = context.account.map(|account| account.reserve(plan.cost())).transpose()?;
    let paid = reserved.as_ref().map(|reserved| reserved.store());
    let context = Context { store: paid.as_ref().unwrap_or(context.store), ..context };
    let started = context.env.monotonic();
    let mut rest = plan.cost();
    let (stages, background) = plan.into_stages();
    let new_document = document_to_create(&stages);
    let run = Run { context, stamp, started, new_document, memory: Mutex::default() };
    for stage in stages {
        let paid = match &reserved {
            Some(reserved) if stage.iter().any(Step::commits) => reserved.commit(rest),
            _ => Ok(()),
        };
        rest = rest - stage.iter().map(Step::cost).sum::<Requests>();
        let done = match paid {
            Ok(()) => run.stage(stage).await,
            refused => refused,
        };
        if let Err(error) = done {
            // While the document may have been written after all, its claims must stay.
            if !error.is_outcome_unknown() {
                reserved.iter().for_each(|reserved| reserved.let_pass());
                run.give_back().await;
            }
            return Err(error);
        }
    }
    let memory = run.memory.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let store = paid.filter(|_| !background.is_empty());
    Ok(Outcome { background, seen: memory.references, store, ..memory.outcome })
}

/// Runs the stages of the background of a committed plan.
pub(crate) async fn run_background(
    store: &dyn Store,
    stages: Vec<Vec<Step>>,
    seen: &SeenReferences,
) -> Result<()> {
    for stage in stages {
        for result in join_all(stage.into_iter().map(|step| reference::step(store, seen, step))).await {
            result?;
        }
    }
    Ok(())
}

/// The document that a plan creates in a stage of its own.
fn document_to_create(stages: &[Vec<Step>]) -> Option<String> {
    stages.iter().find_map(|stage| match stage.as_slice() {
        [Step::PutDocument { key, condition: Condition::IfAbsent, .. }] => Some(key.clone()),
        _ => None,
    })
}

/// How long a write may take until its document is sent: a quarter of what the grace period leaves beyond the time for
/// which a signed request can land. The rest is for the store's client, which may send the document again.
fn patience(grace: Duration) -> Duration {
    grace.checked_sub(SIGNATURE_WINDOW).unwrap_or(grace) / 4
}

/// ETags of the references that were looked at before the document was written.
pub(crate) type SeenReferences = HashMap<String, ETag>;

struct Run<'a> {
    context: Context<'a>,
    stamp: Option<&'a str>,
    /// When the plan began, by the monotonic clock.
    started: Duration,
    /// Key of the document, when it is to be absent and its references come before it.
    new_document: Option<String>,
    memory: Mutex<Memory>,
}

/// What earlier steps leave for later ones.
#[derive(Default)]
struct Memory {
    references: SeenReferences,
    /// Claims of our own document that are to be released.
    claims: HashMap<String, ETag>,
    /// Claims that this run has made, to give back if it fails.
    taken: Vec<(String, ETag)>,
    /// The snapshot that was there.
    snapshot: Option<ETag>,
    /// Whether this run has put references that nothing but the document will hold.
    has_put_references: bool,
    outcome: Outcome,
}

impl Run<'_> {
    /// All steps of a stage are waited for also when one fails, so that none is in flight when its effects are undone.
    async fn stage(&self, stage: Vec<Step>) -> Result<()> {
        let writes_document = stage.iter().any(|step| matches!(step, Step::PutDocument { .. }));
        let mut failed = None;
        for (is_reference, result) in join_all(stage.into_iter().map(|step| self.step(step))).await {
            match result {
                Ok(()) => {}
                // Beside a document that was written, a missing reference is told and does not make the write fail.
                Err(error) if writes_document && is_reference => {
                    self.remember(|memory| memory.outcome.missing_references.push(error));
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn step(&self, step: Step) -> (bool, Result<()>) {
        let is_reference = matches!(step, Step::PutReference { .. });
        (is_reference, self.try_step(step).await)
    }

    async fn try_step(&self, step: Step) -> Result<()> {
        let store = self.context.store.as_ref();
        match step {
            Step::ReadClaim { key, owner } => self.read_claim(key, &owner).await?,
            Step::PutClaim { claim, object } => self.take_claim(&claim, object).await?,
            Step::ReleaseClaim { key } => self.release_claim(&key).await,
            Step::HeadReference { key } => {
                if let Some(head) = store.head(&key).await? {
                    self.remember(|memory| memory.references.insert(key, head.etag));
                }
            }
            Step::HeadSnapshot { key } => {
                let etag = store.head(&key).await?.map(|head| head.etag);
                self.remember(|memory| memory.snapshot = etag);
            }
            Step::PutSnapshot { key, object } => {
                let seen = self.remember(|memory| memory.snapshot.take());
                document::keep(store, &key, object, seen).await?;
            }
            Step::PutReference { key, object } => {
                reference::put(store, &key, object, self.new_document.as_deref()).await?;
                self.remember(|memory| memory.has_put_references = true);
            }
            Step::PutDocument { key, object, condition } => {
                self.check_is_fresh()?;
                let put = document::put(store, &key, object, condition, self.stamp).await?;
                self.remember(|memory| memory.outcome.put = Some(put));
            }
            Step::DeleteDocument { key, condition } => document::delete(store, &key, condition).await?,
            Step::DeleteReference { key } => {
                let seen = self.remember(|memory| memory.references.remove(&key));
                if let Err(error) = reference::delete(store, &key, seen).await {
                    // An extra reference, which readers skip, so that the committed write does not fail.
                    tracing::debug!(%key, %error, "an old reference stays");
                    self.remember(|memory| memory.outcome.leftover_references.push(key));
                }
            }
        }
        Ok(())
    }

    /// What was put before the document may be cleared away once it is older than the grace period. A write that has
    /// dawdled, or whose process was stopped for a while, must not put a document that relies on it.
    fn check_is_fresh(&self) -> Result<()> {
        let elapsed = self.context.env.monotonic().saturating_sub(self.started);
        let relies = self.remember(|memory| {
            memory.has_put_references || !memory.taken.is_empty() || !memory.claims.is_empty()
        });
        if !relies || elapsed < patience(self.context.grace) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "the write took too long to rely on its claims and index entries",
        )
        .with("elapsed_ms", elapsed.as_millis())
        .retryable(true))
    }

    fn remember<T>(&self, action: impl FnOnce(&mut Memory) -> T) -> T {
        action(&mut self.memory.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}
