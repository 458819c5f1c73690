//! The scheduler: one queue of events in virtual time, taken one by one whenever no task can run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::{Env, Random};
use s3db_core::store::{Capability, MemoryOptions, MemoryStore};
use s3db_core::{Error, ErrorKind};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::faults::{Ending, Fate, Faults};
use super::request::{Answer, Request};
use super::trace::Trace;
use crate::env::START_MS;
use crate::random::SplitMix;

/// A run with more events than this does not end by itself.
const STEPS_MAX: u64 = 2_000_000;

pub(super) type Reply = oneshot::Sender<s3db_core::Result<Answer>>;

/// Looks at the store after a write, and says what is wrong with it.
pub(super) type Observer = Box<dyn FnMut(&MemoryStore, &str) -> Result<(), String> + Send>;

/// What the scheduler and all handles share.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) objects: MemoryStore,
    clock: Arc<ServerClock>,
    state: Mutex<State>,
    observer: Mutex<Option<Observer>>,
}

pub(super) struct State {
    pub(super) random: SplitMix,
    pub(super) faults: Faults,
    pub(super) nodes: Vec<NodeState>,
    pub(super) trace: Trace,
    pub(super) violation: Option<String>,
    pub(super) steps: u64,
    pub(super) reapplied: Vec<String>,
    queue: BinaryHeap<Reverse<Event>>,
    events: u64,
    calls: u64,
    applied: HashMap<u64, u32>,
    root: Option<Waker>,
    settled: Vec<oneshot::Sender<()>>,
    /// Ends of channels to the dead: kept, because dropping one would tell its task.
    unheard: Vec<Box<dyn std::any::Any + Send>>,
}

pub(super) struct NodeState {
    pub(super) name: String,
    pub(super) is_alive: bool,
    pub(super) skew_ms: i64,
    pub(super) born_ms: u64,
    /// Until then it stands still.
    pub(super) paused_ms: u64,
    pub(super) tasks: Vec<AbortHandle>,
}

struct Event {
    at_ms: u64,
    tie: u64,
    number: u64,
    action: Action,
}

enum Action {
    Wake { node: usize, sleeper: oneshot::Sender<()> },
    Arrive { node: usize, call: u64, request: Request, reply: Option<(Reply, Ending, u64)> },
    Reply { node: usize, reply: Reply, result: Box<s3db_core::Result<Answer>> },
}

impl World {
    pub(super) fn new(seed: u64, faults: Faults, capability: Capability, keeps_lines: bool) -> Arc<Self> {
        let clock = Arc::new(ServerClock(AtomicU64::new(0)));
        let objects = MemoryStore::with(MemoryOptions { capability, env: clock.clone() });
        let state = State {
            random: SplitMix::new(seed),
            faults,
            nodes: Vec::new(),
            trace: Trace::new(keeps_lines),
            violation: None,
            steps: 0,
            reapplied: Vec::new(),
            queue: BinaryHeap::new(),
            events: 0,
            calls: 0,
            applied: HashMap::new(),
            root: None,
            settled: Vec::new(),
            unheard: Vec::new(),
        };
        Arc::new(Self { seed, objects, clock, state: Mutex::new(state), observer: Mutex::default() })
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.0.load(Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn observe(&self, observer: Observer) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    pub(super) fn unobserve(&self) {
        *self.observer.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn watch_root(&self, waker: &Waker) {
        self.state().root = Some(waker.clone());
    }

    /// Calls back once nothing is on its way any more.
    pub(super) fn when_settled(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.state().settled.push(sender);
        receiver
    }

    pub(super) fn sleep(&self, node: usize, duration: Duration) -> oneshot::Receiver<()> {
        let (sleeper, receiver) = oneshot::channel();
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let at_ms = self.now_ms().saturating_add(milliseconds);
        self.state().push(at_ms, Action::Wake { node, sleeper });
        receiver
    }

    pub(super) fn next_call(&self) -> u64 {
        let mut state = self.state();
        state.calls += 1;
        state.calls
    }

    /// Sends a request: draws its fate and puts what follows from it into the queue.
    pub(super) fn send(
        &self,
        node: usize,
        call: u64,
        request: Request,
    ) -> oneshot::Receiver<s3db_core::Result<Answer>> {
        let (reply, receiver) = oneshot::channel();
        let now_ms = self.now_ms();
        let mut state = self.state();
        if !state.nodes.get(node).is_some_and(|node| node.is_alive) {
            // The dead send nothing, and hear nothing: the sender is kept so that nobody is told.
            state.unheard.push(Box::new(reply));
            return receiver;
        }
        let faults = state.faults.clone();
        let fate = Fate::draw(&faults, &mut state.random);
        let failed = |ending: Ending| Box::new(Err(failure(ending, &request)));
        let gives_up_ms = now_ms + 1 + fate.answer_ms;
        match (fate.arrives_ms, fate.ending) {
            (None, ending) => {
                state.note(
                    node,
                    &request,
                    now_ms,
                    if ending == Ending::Lost { "never sent" } else { "throttled" },
                );
                let result = failed(ending);
                state.push(gives_up_ms, Action::Reply { node, reply, result });
            }
            (Some(arrives), Ending::Late) => {
                let result = failed(Ending::Late);
                state.push(gives_up_ms, Action::Reply { node, reply, result });
                state.push(now_ms + arrives, Action::Arrive { node, call, request, reply: None });
            }
            (Some(arrives), ending) => {
                if let Some(again) = fate.again_ms {
                    let request = request.clone();
                    state.push(now_ms + again, Action::Arrive { node, call, request, reply: None });
                }
                let reply = Some((reply, ending, fate.answer_ms));
                state.push(now_ms + arrives, Action::Arrive { node, call, request, reply });
            }
        }
        receiver
    }

    /// Takes the next event. Called whenever no task can run.
    pub(super) fn step(&self) {
        let mut state = self.state();
        if let Some(root) = &state.root {
            root.wake_by_ref();
        }
        if state.violation.is_some() {
            return;
        }
        let Some(Reverse(event)) = state.queue.pop() else {
            let settled = std::mem::take(&mut state.settled);
            if settled.is_empty() {
                state.violation = Some("nothing is on its way and a task still waits".to_owned());
            }
            drop(state);
            for waiting in settled {
                let _ = waiting.send(());
            }
            return;
        };
        state.steps += 1;
        if state.steps > STEPS_MAX {
            state.violation = Some("the run does not end".to_owned());
            return;
        }
        let now_ms = self.now_ms().max(event.at_ms);
        self.clock.0.store(now_ms, Ordering::Relaxed);
        match event.action {
            Action::Wake { node, .. } | Action::Reply { node, .. } if state.pause_ends_ms(node) > now_ms => {
                let at_ms = state.pause_ends_ms(node);
                state.push(at_ms, event.action);
            }
            Action::Wake { node, sleeper } => {
                if state.nodes.get(node).is_none_or(|node| node.is_alive) {
                    drop(state);
                    let _ = sleeper.send(());
                } else {
                    state.unheard.push(Box::new(sleeper));
                }
            }
            Action::Reply { node, reply, result } => {
                state.maybe_crash(node, now_ms);
                if state.nodes.get(node).is_some_and(|node| node.is_alive) {
                    drop(state);
                    let _ = reply.send(*result);
                } else {
                    state.unheard.push(Box::new(reply));
                }
            }
            Action::Arrive { node, call, request, reply } => {
                state.maybe_jump(node);
                state.maybe_pause(node, now_ms);
                state.maybe_crash(node, now_ms);
                drop(state);
                self.arrive(node, call, request, reply, now_ms);
            }
        }
    }

    fn arrive(
        &self,
        node: usize,
        call: u64,
        request: Request,
        reply: Option<(Reply, Ending, u64)>,
        now_ms: u64,
    ) {
        let (key, is_write) = (request.key().to_owned(), request.is_write());
        let result = request.apply(&self.objects);
        let mut state = self.state();
        let lost = reply.as_ref().is_none_or(|(_, ending, _)| *ending == Ending::Lost);
        let outcome = result.as_ref().map_or_else(|error| error.kind().as_str(), Answer::what);
        state.note(node, &request, now_ms, &format!("{outcome}{}", if lost { ", unheard" } else { "" }));
        if is_write && result.is_ok() {
            let times = state.applied.entry(call).or_default();
            *times += 1;
            if *times > 1 {
                state.reapplied.push(key.clone());
            }
        }
        if let Some((reply, ending, answer_ms)) = reply {
            let result = match ending {
                Ending::Answered => result,
                ending => Err(failure(ending, &request)),
            };
            state.push(now_ms + answer_ms, Action::Reply { node, reply, result: Box::new(result) });
        }
        drop(state);
        if is_write
            && let Some(observer) = self.observer.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && let Err(violation) = observer(&self.objects, &key)
        {
            self.state().violation.get_or_insert(violation);
        }
    }
}

impl State {
    fn push(&mut self, at_ms: u64, action: Action) {
        self.events += 1;
        let (tie, number) = (self.random.word(), self.events);
        self.queue.push(Reverse(Event { at_ms, tie, number, action }));
    }

    fn note(&mut self, node: usize, request: &Request, now_ms: u64, what: &str) {
        let who = self.nodes.get(node).map_or("?", |node| node.name.as_str());
        self.trace.event(now_ms, who, request.verb(), request.key(), what);
    }

    fn maybe_crash(&mut self, node: usize, now_ms: u64) {
        if self.random.chance(self.faults.crash_permille) {
            self.crash(node, now_ms);
        }
    }

    pub(super) fn crash(&mut self, node: usize, now_ms: u64) {
        self.end(node, now_ms, "crash");
    }

    /// Ends a process, and says how.
    pub(super) fn end(&mut self, node: usize, now_ms: u64, how: &str) {
        let Some(node) = self.nodes.get_mut(node).filter(|node| node.is_alive) else {
            return;
        };
        node.is_alive = false;
        self.trace.event(now_ms, &node.name, how, "", "");
        for task in node.tasks.drain(..) {
            task.abort();
        }
    }

    fn maybe_jump(&mut self, node: usize) {
        if self.random.chance(self.faults.clock_jump_permille) {
            let skew_ms = self.skew_ms();
            if let Some(node) = self.nodes.get_mut(node) {
                node.skew_ms = skew_ms;
            }
        }
    }

    fn maybe_pause(&mut self, node: usize, now_ms: u64) {
        if self.random.chance(self.faults.pause_permille) {
            let ends_ms = now_ms + self.random.below(self.faults.pause_ms_max + 1);
            if let Some(node) = self.nodes.get_mut(node).filter(|node| node.is_alive) {
                node.paused_ms = ends_ms;
                self.trace.event(
                    now_ms,
                    &node.name,
                    "pause",
                    "",
                    &format!("until {}.{:03}", ends_ms / 1000, ends_ms % 1000),
                );
            }
        }
    }

    fn pause_ends_ms(&self, node: usize) -> u64 {
        self.nodes.get(node).filter(|node| node.is_alive).map_or(0, |node| node.paused_ms)
    }

    /// How far a wall clock is off.
    pub(super) fn skew_ms(&mut self) -> i64 {
        let most = self.faults.clock_skew_ms_max;
        let off = self.random.below(most * 2 + 1);
        i64::try_from(off).unwrap_or(0) - i64::try_from(most).unwrap_or(0)
    }
}

fn failure(ending: Ending, request: &Request) -> Error {
    let error = match ending {
        Ending::Throttled => Error::new(ErrorKind::Throttled, "the store asks to slow down"),
        _ => Error::new(ErrorKind::Unavailable, "the answer was lost"),
    };
    error.with("key", request.key())
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_ms, self.tie, self.number).cmp(&(other.at_ms, other.tie, other.number))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("now_ms", &self.now_ms()).finish_non_exhaustive()
    }
}

/// The clock that dates objects; as that of S3 it counts seconds.
#[derive(Debug)]
struct ServerClock(AtomicU64);

impl Random for ServerClock {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

#[async_trait]
impl Env for ServerClock {
    fn now_ms(&self) -> i64 {
        let seconds = self.0.load(Ordering::Relaxed) / 1000;
        START_MS + i64::try_from(seconds * 1000).unwrap_or(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, _: Duration) {}
}
