//! One process among those that elect a leader.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::Env;
use s3db_core::plugin::storage::{PluginStorage, SetOptions, Versioned, WriteMode};
use s3db_core::plugin::{Context, KnownLeader, Leader, Shutdown};
use s3db_core::store::{Condition, ETag};
use s3db_core::{Document, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::options::CoordinatorOptions;
use crate::reign::Knowledge;
use crate::state::{Move, State, Writer, decide};
use crate::stats::Counters;
use crate::workers::{REGISTER_EVERY, Workers};

/// How much longer than the lease the objects of a namespace are kept, as in s3db.js.
const KEPT_LONGER: Duration = Duration::from_secs(60);

/// The part of a lease that its holder does not use: clocks of two machines do not run equally fast.
const MARGIN: u32 = 10;

/// Whether work that began under an epoch is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Validity {
    /// It is the epoch of the leader.
    Current,
    /// It is the one before, which has ended not long ago.
    Grace,
    /// It is over, or never was.
    Stale,
}

/// Takes part in the elections of one namespace.
pub(crate) struct Elector {
    context: Context,
    env: Arc<dyn Env>,
    options: CoordinatorOptions,
    storage: PluginStorage,
    pub(crate) id: String,
    pod: String,
    pub(crate) knowledge: Knowledge,
    pub(crate) counters: Counters,
    pub(crate) workers: Workers,
    failures: AtomicU32,
    seen: Mutex<Seen>,
}

/// What the last looks have shown. Of one task at a time.
#[derive(Debug, Default)]
struct Seen {
    /// The lease as it was read or written, and since when it is so.
    lease: Option<(ETag, State, Duration)>,
    registered: Option<Duration>,
    /// The lease was not there, and this was the note of the last epoch.
    missing: Option<ETag>,
    /// A write of the lease has failed, and may have been done all the same.
    is_in_doubt: bool,
}

impl Elector {
    pub(crate) fn new(
        context: Context,
        storage: PluginStorage,
        options: CoordinatorOptions,
        pod: &str,
    ) -> Self {
        let env = context.env().clone();
        let mut salt = [0; 4];
        env.fill(&mut salt);
        let salt: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
        let name =
            options.worker_name.clone().unwrap_or_else(|| format!("s3db-{pod}-{}", std::process::id()));
        let id = format!("{name}-{salt}");
        let workers = Workers::new(storage.clone(), &options.namespace, &id, pod, env.now_ms());
        Self {
            knowledge: Knowledge::new(env.clone()),
            counters: Counters::default(),
            failures: AtomicU32::new(0),
            seen: Mutex::default(),
            pod: pod.to_owned(),
            context,
            env,
            options,
            storage,
            id,
            workers,
        }
    }

    /// Takes part until it is asked to stop, and gives the lease back then.
    pub(crate) async fn run(&self, shutdown: Shutdown) -> Result<()> {
        loop {
            let pause = {
                let mut beat = pin!(self.beat());
                tokio::select! {
                    // In this order, so that a seed replays it.
                    biased;
                    pause = &mut beat => pause,
                    // What it has begun it brings to an end; the store's own limits bound that.
                    () = shutdown.requested() => beat.await,
                }
            };
            tokio::select! {
                biased;
                () = shutdown.requested() => break,
                () = self.env.sleep(pause) => {}
            }
        }
        self.resign().await
    }

    /// One look at the lease, and what is to be done about it. Returns the pause before the next one.
    ///
    /// Requests: 1 PUT of the leader, 1 GET of others; 1 PUT more once a minute; at an election 2 GET, 2 PUT.
    pub(crate) async fn beat(&self) -> Duration {
        Counters::add(&self.counters.heartbeats);
        let began = self.env.monotonic();
        let mut seen = self.seen.lock().await;
        let pause = match self.look(&mut seen).await {
            Ok(left) => {
                self.has_worked();
                left.unwrap_or(Duration::MAX)
            }
            Err(error) => {
                self.has_failed(&error);
                Duration::MAX
            }
        };
        if self.knowledge.left().is_none()
            && let Some(epoch) = self.knowledge.ends()
        {
            self.tells("demoted", json!({"epoch": epoch, "why": "the lease could not be renewed"}));
        }
        self.register(&mut seen).await;
        if self.env.monotonic().saturating_sub(began) > self.options.heartbeat * 2 {
            Counters::add(&self.counters.slow_heartbeats);
        }
        let pause = pause.min(self.options.heartbeat.saturating_add(self.jitter()));
        // A reign that ends for want of renewal is told of when it does.
        self.knowledge.left().map_or(pause, |left| pause.min(left))
    }

    /// Looks at the lease. Returns when it must be looked at again, where that is known.
    async fn look(&self, seen: &mut Seen) -> Result<Option<Duration>> {
        if self.knowledge.left().is_some()
            && let Some((version, state, _)) = seen.lease.clone()
            && self.renew(seen, &version, &state).await?
        {
            return Ok(None);
        }
        let found = self.storage.peek(&self.key("state")).await?;
        seen.is_in_doubt = false;
        let now = self.env.monotonic();
        let Some(Versioned { value, version, .. }) = found else {
            seen.lease = None;
            return self.look_at_none(seen).await;
        };
        seen.missing = None;
        let state = State::read(&value);
        let since = match &seen.lease {
            Some((known, _, since)) if *known == version => *since,
            _ => now,
        };
        seen.lease = Some((version.clone(), state.clone(), since));
        let unchanged = now.saturating_sub(since);
        let mut next = decide(&state, &self.id, self.options.lease, unchanged);
        // An old lease of ours can come back when one was deleted: a request that is late, or comes twice.
        if next == Move::Adopt && self.noted().await?.is_some_and(|(_, epoch)| epoch > state.epoch) {
            next = decide(&state, "", self.options.lease, unchanged);
        }
        match next {
            Move::Wait(left) => {
                self.follows(Some(&state));
                Ok(Some(left))
            }
            Move::Adopt => {
                self.renew(seen, &version, &state).await?;
                Ok(None)
            }
            Move::TakeOver => {
                let noted = self.noted().await?;
                self.take_over(seen, Some((&version, &state)), noted).await?;
                Ok(None)
            }
        }
    }

    /// There is no lease: nobody has ever led, somebody is about to, or it was deleted.
    async fn look_at_none(&self, seen: &mut Seen) -> Result<Option<Duration>> {
        self.follows(None);
        let Some((note, epoch)) = self.noted().await? else {
            self.take_over(seen, None, None).await?;
            return Ok(None);
        };
        if seen.missing.replace(note.clone()) == Some(note) {
            // Who held it may not have noticed. With something in its place it is as a lease that does not change.
            self.write("state", State::unknown(epoch).to_value(), Condition::IfAbsent).await?;
        }
        Ok(None)
    }

    /// One lease more. Returns false when somebody else has the lease.
    async fn renew(&self, seen: &mut Seen, version: &ETag, state: &State) -> Result<bool> {
        let began = self.env.monotonic();
        let renewed = state.renewed(self.writer());
        let condition = Condition::IfMatch(version.clone());
        seen.is_in_doubt = true;
        let written = self.write("state", renewed.to_value(), condition).await?;
        seen.is_in_doubt = false;
        match written {
            Some(version) => {
                self.reigns(seen, version, renewed, began);
                Ok(true)
            }
            None => {
                seen.lease = None;
                Ok(false)
            }
        }
    }

    /// Takes the lease, under an epoch that is noted first: so that none comes twice, even if the lease is deleted.
    async fn take_over(
        &self,
        seen: &mut Seen,
        held: Option<(&ETag, &State)>,
        noted: Option<(ETag, u64)>,
    ) -> Result<()> {
        Counters::add(&self.counters.elections);
        let (condition, last) = match held {
            Some((version, state)) => (Condition::IfMatch(version.clone()), state.epoch),
            None => (Condition::IfAbsent, 0),
        };
        let floor = noted.as_ref().map_or(0, |(_, epoch)| *epoch);
        let epoch = last.max(floor).saturating_add(1);
        if !self.note(epoch, noted).await? {
            // Somebody else is about to take it.
            return Ok(());
        }
        let began = self.env.monotonic();
        let elected = State::elected(self.writer(), epoch);
        seen.is_in_doubt = true;
        let written = self.write("state", elected.to_value(), condition).await?;
        seen.is_in_doubt = false;
        match written {
            Some(version) => {
                Counters::add(&self.counters.elections_won);
                self.reigns(seen, version, elected, began);
            }
            // Somebody was faster: this shows who.
            None => {
                seen.lease = None;
                if let Some(found) = self.storage.peek(&self.key("state")).await? {
                    let state = State::read(&found.value);
                    self.follows(Some(&state));
                    seen.lease = Some((found.version, state, self.env.monotonic()));
                }
            }
        }
        Ok(())
    }

    /// `None` when the condition does not hold, or nobody knows whether it did: then this process does not lead.
    async fn write(&self, name: &str, value: Value, condition: Condition) -> Result<Option<ETag>> {
        let kept = self.options.lease.saturating_add(KEPT_LONGER);
        let kept = if name == "state" { SetOptions::ttl(kept) } else { SetOptions::default() };
        let options = SetOptions { mode: WriteMode::BodyOnly, condition, ..kept };
        match self.storage.set(&self.key(name), value, options).await {
            Ok(version) => Ok(Some(version)),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn reigns(&self, seen: &mut Seen, version: ETag, state: State, began: Duration) {
        let lease = self.options.lease;
        let until = began.saturating_add(lease.saturating_sub(lease / MARGIN));
        let before = self.knowledge.leader();
        let epoch = state.epoch;
        seen.lease = Some((version, state, self.env.monotonic()));
        if self.knowledge.reigns(&self.id, epoch, until) {
            self.tells("promoted", json!({"epoch": epoch}));
            self.tells_of_change(before, &KnownLeader::new(&self.id, epoch));
        }
    }

    fn follows(&self, state: Option<&State>) {
        let before = self.knowledge.leader();
        let leader = state.and_then(|state| Some(KnownLeader::new(state.known_leader()?, state.epoch)));
        if before == leader && self.knowledge.left().is_none() {
            return;
        }
        if let Some(epoch) = self.knowledge.follows(leader.clone()) {
            self.tells("demoted", json!({"epoch": epoch, "why": "another process leads"}));
        }
        if let Some(leader) = &leader {
            self.tells_of_change(before, leader);
        }
    }

    fn tells_of_change(&self, before: Option<KnownLeader>, leader: &KnownLeader) {
        if before.as_ref().map(|before| &before.id) != Some(&leader.id) {
            Counters::add(&self.counters.leader_changes);
            let before = before.map(|before| before.id);
            self.tells("leader-changed", json!({"from": before, "to": leader.id, "epoch": leader.epoch}));
        }
    }

    fn tells(&self, what: &str, mut detail: Value) {
        tracing::info!(namespace = self.options.namespace, what, %detail, "coordinator");
        detail["namespace"] = json!(self.options.namespace);
        detail["worker"] = json!(self.id);
        let detail: Document = detail.as_object().cloned().unwrap_or_default();
        self.context.announce(what, detail);
    }

    fn has_worked(&self) {
        let failures = self.failures.swap(0, Ordering::Relaxed);
        if failures >= self.options.failures_max {
            self.tells("recovered", json!({"failures": failures}));
        }
    }

    fn has_failed(&self, error: &s3db_core::Error) {
        Counters::add(&self.counters.failures);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        tracing::debug!(failures, %error, "the lease could not be looked at");
        if failures == self.options.failures_max {
            Counters::add(&self.counters.outages);
            self.context.report("heartbeat", error);
            self.tells("outage", json!({"failures": failures}));
        }
    }

    /// Writes this process down now and then. It is for people and s3db.js: who leads does not depend on it.
    async fn register(&self, seen: &mut Seen) {
        let now = self.env.monotonic();
        if seen.registered.is_some_and(|last| now < last.saturating_add(REGISTER_EVERY)) {
            return;
        }
        if self.workers.register(self.env.now_ms()).await.is_ok() {
            seen.registered = Some(now);
        }
    }

    /// Gives the lease back, so that nobody waits for its end.
    ///
    /// Requests: 1 PUT of the leader, and 1 DELETE; where an answer was lost 1 GET more.
    async fn resign(&self) -> Result<()> {
        let mut seen = self.seen.lock().await;
        // Whoever asks from now on is told no, before anybody else can be told yes.
        if let Some(epoch) = self.knowledge.ends() {
            self.tells("demoted", json!({"epoch": epoch, "why": "the process stops"}));
        }
        let released = self.release(&mut seen).await;
        if seen.registered.take().is_some() {
            self.workers.unregister().await?;
        }
        released
    }

    async fn release(&self, seen: &mut Seen) -> Result<()> {
        let known = seen.lease.take().map(|(version, state, _)| (version, state));
        let mut known = known.filter(|_| !std::mem::take(&mut seen.is_in_doubt));
        // Once as it was last seen, and once as it is.
        for _ in 0..2 {
            let (version, state) = match known.take() {
                Some(known) => known,
                None => match self.storage.peek(&self.key("state")).await? {
                    Some(found) => (found.version, State::read(&found.value)),
                    None => return Ok(()),
                },
            };
            if state.is_vacant() || state.leader_id.as_deref() != Some(&self.id) {
                return Ok(());
            }
            let released = state.released(self.env.now_ms());
            if self.write("state", released.to_value(), Condition::IfMatch(version)).await?.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The last epoch that anybody has noted.
    async fn noted(&self) -> Result<Option<(ETag, u64)>> {
        let found = self.storage.peek(&self.key("checkpoint")).await?;
        let epoch = |value: &Document| value.get("epoch").and_then(Value::as_u64).unwrap_or(0);
        Ok(found.map(|found| (found.version, epoch(&found.value))))
    }

    /// Notes an epoch as ours, if it is still higher than all that were noted.
    async fn note(&self, epoch: u64, noted: Option<(ETag, u64)>) -> Result<bool> {
        let value = json!({
            "namespace": self.options.namespace, "leaderId": self.id, "epoch": epoch,
            "generatedAt": self.env.now_ms(), "updatedBy": self.id,
        });
        let condition = noted.map_or(Condition::IfAbsent, |(version, _)| Condition::IfMatch(version));
        Ok(self.write("checkpoint", value, condition).await?.is_some())
    }

    /// Whether work that began under an epoch is still good.
    pub(crate) fn validate(&self, epoch: u64) -> Validity {
        let current = self.knowledge.leader().map_or(0, |leader| leader.epoch);
        if epoch == current && current > 0 {
            return Validity::Current;
        }
        if epoch > 0
            && epoch.saturating_add(1) == current
            && self.knowledge.epoch_age() < self.options.epoch_grace
        {
            return Validity::Grace;
        }
        Counters::add(&self.counters.epoch_drifts);
        Validity::Stale
    }

    fn writer(&self) -> Writer<'_> {
        Writer { id: &self.id, pod: &self.pod, now_ms: self.env.now_ms(), lease: self.options.lease }
    }

    fn key(&self, name: &str) -> String {
        format!("namespace={}/{name}.json", self.options.namespace)
    }

    fn jitter(&self) -> Duration {
        let mut bytes = [0; 4];
        self.env.fill_ahead(&mut bytes);
        self.options.jitter.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }
}

#[async_trait]
impl Leader for Elector {
    fn epoch(&self) -> Option<u64> {
        self.knowledge.epoch()
    }

    fn leader(&self) -> Option<KnownLeader> {
        self.knowledge.leader()
    }

    async fn confirm(&self, epoch: u64) -> Result<bool> {
        if self.knowledge.epoch() != Some(epoch) {
            return Ok(false);
        }
        let found = self.storage.peek(&self.key("state")).await?;
        let is_ours = found.is_some_and(|found| {
            let state = State::read(&found.value);
            !state.is_vacant() && state.epoch == epoch && state.leader_id.as_deref() == Some(&self.id)
        });
        Ok(is_ours && self.knowledge.epoch() == Some(epoch))
    }

    async fn changed(&self, seen: Option<u64>) -> Option<u64> {
        self.knowledge.changed(seen).await
    }
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elector")
            .field("id", &self.id)
            .field("namespace", &self.options.namespace)
            .field("knowledge", &self.knowledge)
            .finish_non_exhaustive()
    }
}
