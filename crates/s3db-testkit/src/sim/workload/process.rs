//! A process that does its acts one after the other, and goes on with the next one when it has died.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3db_core::database::DatabaseOptions;
use s3db_core::{Database, Result};

use super::PREFIX;
use crate::sim::{Mutant, Mutation, Node, Sim};

/// One life of a process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) sim: Sim,
    pub(super) node: Node,
    pub(super) db: Database,
}

/// What a process does.
pub(super) trait Program: Clone + Send + Sync + 'static {
    /// One thing that it does.
    type Act: Debug + Send + 'static;

    /// How it opens the database.
    fn options(&self, _options: &mut DatabaseOptions) {}

    /// Does one act. It is tried once: one that was cut off is of unknown outcome.
    fn act(&self, process: &Process, act: Self::Act) -> impl Future<Output = Result<()>> + Send;

    /// It has died before its last act.
    fn died(&self) {}

    /// What it does at last.
    fn end(&self, _process: Process) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Starts a process, which lives as often as it takes to do all acts.
pub(super) fn start<P: Program>(
    sim: &Sim,
    name: String,
    mutation: Option<Mutation>,
    program: P,
    acts: Vec<P::Act>,
) -> tokio::task::JoinHandle<()> {
    let sim = sim.clone();
    let left = Arc::new(Mutex::new(VecDeque::from(acts)));
    tokio::spawn(async move {
        loop {
            let node = sim.node(&name);
            let life = life(sim.clone(), node.clone(), name.clone(), mutation, program.clone(), left.clone());
            if node.spawn(life).await.is_ok() {
                node.exit();
                break;
            }
            program.died();
        }
    })
}

/// Waits for processes. A panic of one is a panic of the run.
pub(super) async fn wait(running: Vec<tokio::task::JoinHandle<()>>) {
    for process in running {
        if let Err(error) = process.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn life<P: Program>(
    sim: Sim,
    node: Node,
    name: String,
    mutation: Option<Mutation>,
    program: P,
    left: Arc<Mutex<VecDeque<P::Act>>>,
) {
    let store = match mutation {
        Some(mutation) => Mutant::wrap(node.store(), mutation),
        None => node.store(),
    };
    let env = node.env();
    let db = loop {
        let builder = Database::builder_on(store.clone(), PREFIX).env(env.clone());
        match builder.options(|options| program.options(options)).connect().await {
            Ok(db) => break db,
            Err(_) => env.sleep(Duration::from_millis(100)).await,
        }
    };
    let process = Process { sim, node, db };
    loop {
        let act = lock(&left).pop_front();
        let Some(act) = act else {
            return program.end(process).await;
        };
        process.sim.note(&name, &format!("{act:?}"));
        if let Err(error) = program.act(&process, act).await {
            process.sim.note(&name, &format!("{error:?}"));
        }
    }
}

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
