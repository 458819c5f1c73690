//! Deterministic simulation: several processes, one object store, a bad network, and a seed that replays all of it.
//!
//! A [`Sim`] is a world with virtual time. Its [nodes](Node) are processes; each has its own [store](Node::store), which
//! is the one store of the world behind a network that loses, delays and repeats, and its own [`Env`], whose clock is off.
//! Every request and every sleep ends when the world's scheduler says so; a seed decides the order, the faults and the
//! crashes, so that the same seed gives the same run, event for event.
//!
//! Put your own application on it: open the database from a [node](Node::open), [start](Node::spawn) each process's work,
//! and state what must hold, after [each write](Sim::observe) or at the end. [`Sim::explore`] visits the worlds of many seeds.
//!
//! ```
//! use s3db_core::{Error, ErrorKind, ResourceConfig, Result};
//! use s3db_testkit::sim::{Faults, Sim};
//! use serde_json::json;
//!
//! /// Two shops sell the last apples. Whatever goes wrong between them and the store, none is sold twice.
//! async fn apples(sim: Sim) -> Result<()> {
//!     let faults = Faults::swarm(sim.seed());
//!     sim.set_faults(Faults::none());
//!     let db = sim.node("setup").open("shop").await?;
//!     let stock = db.create_resource(ResourceConfig::new("stock", json!({"left": "number"}))).await?;
//!     stock.insert(json!({"id": "apple", "left": 3})).await?;
//!
//!     sim.set_faults(faults);
//!     let mut shops = Vec::new();
//!     for name in ["north", "south"] {
//!         let node = sim.node(name);
//!         shops.push(node.clone().spawn(async move {
//!             let stock = node.open("shop").await?.resource("stock")?;
//!             let sell = stock.update_with("apple", |apple| match apple["left"].as_i64() {
//!                 Some(left) if left > 0 => {
//!                     apple["left"] = json!(left - 1);
//!                     Ok(())
//!                 }
//!                 _ => Err(Error::new(ErrorKind::Validation, "sold out")),
//!             });
//!             sell.await
//!         }));
//!     }
//!     let mut sold = 0;
//!     for shop in shops {
//!         // A shop that died, or did not hear the answer, may have sold one.
//!         sold += u64::from(matches!(shop.await, Ok(Ok(_))));
//!     }
//!
//!     sim.settle().await;
//!     sim.set_faults(Faults::none());
//!     let left = stock.get("apple").await?.data["left"].as_u64().unwrap_or(0);
//!     if left + sold > 3 {
//!         sim.fail(format!("{sold} were sold, and {left} of 3 are left"));
//!     }
//!     Ok(())
//! }
//!
//! Sim::explore(0..20, apples).unwrap_or_else(|failure| panic!("{failure}"));
//! ```
//!
//! [`workload`] is what s3db itself is checked with, [`History`] checks linearizability, and [`Mutation`] takes single
//! rules of s3db's protocols out, to prove that the checks see it.

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use s3db_core::Database;
use s3db_core::env::Env;
use s3db_core::store::{Capability, MemoryStore, Store};

mod explore;
mod faults;
mod history;
mod mutation;
mod request;
mod store;
mod task;
mod trace;
pub mod workload;
mod world;

pub use explore::Failure;
pub use faults::{Faults, SIGNATURE_WINDOW};
pub use history::{History, Model, Pending};
pub use mutation::{Mutant, Mutation};
pub use store::{SimEnv, SimStore};
pub use task::{Crashed, Task};

use world::{NodeState, World};

/// How a world is made.
#[derive(Debug, Clone)]
#[must_use]
pub struct SimOptions {
    seed: u64,
    faults: Faults,
    capability: Capability,
    keeps_trace: bool,
}

impl SimOptions {
    /// The world of a seed, with the [mixture of faults](Faults::swarm) that the seed picks.
    pub fn new(seed: u64) -> Self {
        let faults = Faults::swarm(seed);
        Self { seed, faults, capability: Capability::default(), keeps_trace: false }
    }

    /// Sets what goes wrong, and how often.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Sets what the store can do.
    pub fn capability(mut self, capability: Capability) -> Self {
        self.capability = capability;
        self
    }

    /// Keeps the events as text.
    pub fn trace(mut self, keeps_trace: bool) -> Self {
        self.keeps_trace = keeps_trace;
        self
    }
}

/// How a run ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report<T> {
    /// What the scenario returned; `None` when a violation ended it.
    pub value: Option<T>,
    /// What was wrong.
    pub violation: Option<String>,
    /// Hash of all events: equal for equal seeds.
    pub hash: u64,
    /// Number of events.
    pub steps: u64,
    /// The events as text, when they were asked for.
    pub trace: Vec<String>,
}

/// A simulated world. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sim(Arc<World>);

impl Sim {
    /// Runs a scenario in a new world until it returns or something is wrong.
    ///
    /// The scenario runs outside every node: it starts nodes, waits for their tasks, and is never crashed. It runs on a
    /// tokio runtime of one thread without timers: sleep through the node's `Env`, and start no blocking work, which
    /// no seed could replay.
    pub fn run<F: Future>(options: SimOptions, scenario: impl FnOnce(Self) -> F) -> Report<F::Output> {
        let SimOptions { seed, faults, capability, keeps_trace } = options;
        let world = World::new(seed, faults, capability, keeps_trace);
        let scheduler = world.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            // Nothing can run any more: time for the next event.
            .on_thread_park(move || scheduler.step())
            .build();
        let value = match &runtime {
            Ok(runtime) => {
                let mut scenario = Box::pin(scenario(Self(world.clone())));
                runtime.block_on(std::future::poll_fn(|context| {
                    world.watch_root(context.waker());
                    if world.state().violation.is_some() {
                        return Poll::Ready(None);
                    }
                    scenario.as_mut().poll(context).map(Some)
                }))
            }
            Err(error) => {
                world.state().violation = Some(format!("no runtime: {error}"));
                None
            }
        };
        drop(runtime);
        // The observer may hold handles on the world.
        world.unobserve();
        let mut state = world.state();
        Report {
            value,
            violation: state.violation.take(),
            hash: state.trace.hash(),
            steps: state.steps,
            trace: state.trace.lines(),
        }
    }

    /// Starts a process. Its clock is off by as much as the seed says.
    pub fn node(&self, name: &str) -> Node {
        let born_ms = self.0.now_ms();
        let mut state = self.0.state();
        let skew_ms = state.skew_ms();
        let name = name.to_owned();
        state.nodes.push(NodeState {
            name,
            is_alive: true,
            skew_ms,
            born_ms,
            paused_ms: 0,
            tasks: Vec::new(),
        });
        Node { world: self.0.clone(), number: state.nodes.len() - 1 }
    }

    /// Waits until no request and no sleep is under way, late ones included.
    pub async fn settle(&self) {
        let settled = self.0.when_settled();
        // The sender is not dropped before it has sent.
        let _ = settled.await;
    }

    /// From now on this goes wrong; [`Faults::none`] ends all trouble.
    pub fn set_faults(&self, faults: Faults) {
        self.0.state().faults = faults;
    }

    /// The objects as they are, without a network before them.
    pub fn objects(&self) -> MemoryStore {
        self.0.objects.clone()
    }

    /// Looks at the objects after each write, with its key. An error ends the run as its violation.
    pub fn observe(&self, check: impl FnMut(&MemoryStore, &str) -> Result<(), String> + Send + 'static) {
        self.0.observe(Box::new(check));
    }

    /// Ends the run with a violation.
    pub fn fail(&self, violation: impl Into<String>) {
        self.0.state().violation.get_or_insert(violation.into());
    }

    /// Keys that one and the same request has written more than once, because it was repeated or sent again.
    pub fn written_twice(&self) -> Vec<String> {
        self.0.state().reapplied.clone()
    }

    /// The seed of this world.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// A number below `bound`, from the seed.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.state().random.below(bound)
    }

    /// Virtual time, in milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }

    /// Puts a line of your own into the trace.
    pub fn note(&self, who: &str, what: &str) {
        let now_ms = self.0.now_ms();
        self.0.state().trace.event(now_ms, who, "", "", what);
    }
}

/// A process of a simulated world. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Node {
    world: Arc<World>,
    number: usize,
}

impl Node {
    /// The world's store, as this process reaches it.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::new(SimStore { world: self.world.clone(), node: self.number })
    }

    /// This process's clock and randomness.
    pub fn env(&self) -> Arc<dyn Env> {
        Arc::new(SimEnv { world: self.world.clone(), node: self.number })
    }

    /// Starts a task that dies with the process. The handle borrows nothing, so that handles of several nodes can be
    /// kept together and waited for in any order.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> Task<T> {
        let task = tokio::spawn(task);
        let mut state = self.world.state();
        match state.nodes.get_mut(self.number) {
            Some(node) if node.is_alive => node.tasks.push(task.abort_handle()),
            _ => task.abort(),
        }
        Task(task)
    }

    /// Opens the database under `prefix` from this process, on its store, clock and randomness.
    ///
    /// Errors: those of [`connect`](s3db_core::database::DatabaseBuilder::connect).
    pub async fn open(&self, prefix: &str) -> s3db_core::Result<Database> {
        Database::builder_on(self.store(), prefix).env(self.env()).connect().await
    }

    /// Kills the process: its tasks end where they are. What it has sent may still arrive.
    pub fn crash(&self) {
        let now_ms = self.world.now_ms();
        self.world.state().crash(self.number, now_ms);
    }

    /// Ends the process after its work: what it has left running in the background ends with it.
    pub fn exit(&self) {
        let now_ms = self.world.now_ms();
        self.world.state().end(self.number, now_ms, "exit");
    }

    /// Puts a line of your own into the trace.
    pub fn note(&self, what: &str) {
        let now_ms = self.world.now_ms();
        let mut state = self.world.state();
        let name = state.nodes.get(self.number).map(|node| node.name.clone()).unwrap_or_default();
        state.trace.event(now_ms, &name, "", "", what);
    }

    /// Whether the process has neither crashed nor ended.
    pub fn is_alive(&self) -> bool {
        self.world.state().nodes.get(self.number).is_some_and(|node| node.is_alive)
    }
}
