//! What was counted, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use s3db_core::env::Env;
use s3db_core::store::{Request, RequestObserver, Requests, Traffic};

use crate::histogram::Histogram;

/// What resources are counted under that are too many.
const OTHER: &str = "(other)";

/// Calls of one verb of one resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    pub(crate) times: Histogram,
    /// Failures by kind.
    pub(crate) errors: BTreeMap<&'static str, u64>,
}

/// Requests of the store.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(crate) requests: Requests,
    pub(crate) traffic: Traffic,
    pub(crate) retries: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// By resource and verb.
    pub(crate) calls: BTreeMap<(Arc<str>, &'static str), Calls>,
    pub(crate) sent: Sent,
    /// Calls by the hour of the day, UTC.
    pub(crate) hours: [u64; 24],
    names: HashMap<String, Arc<str>>,
}

#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) env: Arc<dyn Env>,
    pub(crate) started: Duration,
    resources_max: usize,
    state: Mutex<State>,
}

impl Registry {
    pub(crate) fn new(env: Arc<dyn Env>, resources_max: usize) -> Self {
        let started = env.monotonic();
        Self { env, started, resources_max, state: Mutex::default() }
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.env.monotonic().saturating_sub(self.started)
    }

    /// A call is over; `error` is the kind of its failure.
    pub(crate) fn call(
        &self,
        resource: &str,
        verb: &'static str,
        took: Duration,
        error: Option<&'static str>,
    ) {
        let hour = self.env.now_ms().div_euclid(3_600_000).rem_euclid(24);
        let mut state = self.lock();
        let name = state.name(resource, self.resources_max);
        let calls = state.calls.entry((name, verb)).or_default();
        calls.times.note(took);
        if let Some(kind) = error {
            *calls.errors.entry(kind).or_default() += 1;
        }
        if let Some(count) = usize::try_from(hour).ok().and_then(|hour| state.hours.get_mut(hour)) {
            *count += 1;
        }
    }

    pub(crate) fn snapshot(&self) -> State {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn name(&mut self, resource: &str, max: usize) -> Arc<str> {
        if let Some(name) = self.names.get(resource) {
            return name.clone();
        }
        let resource = if self.names.len() < max { resource } else { OTHER };
        self.names.entry(resource.to_owned()).or_insert_with(|| resource.into()).clone()
    }
}

impl RequestObserver for Registry {
    fn request(&self, request: &Request<'_>) {
        let mut state = self.lock();
        let sent = &mut state.sent;
        sent.requests += request.kind.times(request.attempts());
        sent.retries += request.retries;
        sent.traffic.bytes_in += request.traffic.bytes_in;
        sent.traffic.bytes_out += request.traffic.bytes_out;
    }
}
