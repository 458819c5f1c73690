//! Lists of functions, by the point at which they run.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::Registration;
use crate::{Error, ErrorKind, Result};

/// When functions of one kind run.
pub(crate) trait Point: Copy + Eq + Hash + fmt::Display + Send + Sync + 'static {
    /// Whether something has been written by then.
    fn is_after_write(self) -> bool;

    /// Whether it is around a verb as a whole.
    fn is_around(self) -> bool;
}

/// What functions of one kind are given.
pub(crate) trait Subject: Send + 'static {
    /// The resource that it is about.
    fn resource(&self) -> &str;
}

type Hook<C> = dyn Fn(C) -> BoxFuture<'static, Result<C>> + Send + Sync;

/// The hooks of one resource, or of one database.
pub(crate) struct HookList<P, C> {
    is_used: AtomicBool,
    /// Whether one stands around a verb as a whole.
    is_around: AtomicBool,
    last: AtomicU64,
    points: RwLock<HashMap<P, Vec<Entry<C>>>>,
}

struct Entry<C> {
    number: u64,
    name: String,
    /// The one resource that it is for; every one when absent.
    resource: Option<String>,
    hook: Arc<Hook<C>>,
}

impl<C> Clone for Entry<C> {
    fn clone(&self) -> Self {
        let Self { number, name, resource, hook } = self;
        Self { number: *number, name: name.clone(), resource: resource.clone(), hook: hook.clone() }
    }
}

impl<P, C> Default for HookList<P, C> {
    fn default() -> Self {
        let (is_used, is_around) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { is_used, is_around, last: AtomicU64::new(0), points: RwLock::new(HashMap::new()) }
    }
}

impl<P, C> fmt::Debug for HookList<P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("is_used", &self.is_used).finish_non_exhaustive()
    }
}

impl<P: Point, C: Subject> HookList<P, C> {
    pub(crate) fn add<F, R>(
        self: &Arc<Self>,
        point: P,
        name: &str,
        resource: Option<&str>,
        hook: F,
    ) -> Registration
    where
        F: Fn(C) -> R + Send + Sync + 'static,
        R: Future<Output = Result<C>> + Send + 'static,
    {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let hook: Arc<Hook<C>> = Arc::new(move |call| hook(call).boxed());
        let resource = resource.map(str::to_owned);
        let mut points = self.points.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        points.entry(point).or_default().push(Entry { number, name: name.to_owned(), resource, hook });
        self.note_use(&points);
        let hooks = Arc::downgrade(self);
        Registration::new(move || {
            if let Some(hooks) = hooks.upgrade() {
                hooks.remove(number);
            }
        })
    }

    fn remove(&self, number: u64) {
        let mut points = self.points.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        for entries in points.values_mut() {
            entries.retain(|entry| entry.number != number);
        }
        self.note_use(&points);
    }

    fn note_use(&self, points: &HashMap<P, Vec<Entry<C>>>) {
        let mut used = points.iter().filter(|(_, entries)| !entries.is_empty());
        self.is_around.store(used.clone().any(|(point, _)| point.is_around()), Ordering::Release);
        self.is_used.store(used.next().is_some(), Ordering::Release);
    }

    /// Whether something runs around a verb as a whole.
    pub(crate) fn is_around(&self) -> bool {
        self.is_around.load(Ordering::Acquire)
    }

    /// Whether something runs at a point of a resource.
    pub(crate) fn has(&self, point: P, resource: &str) -> bool {
        self.is_used.load(Ordering::Acquire) && !self.at(point, resource).is_empty()
    }

    /// Whether a hook of this name is registered at a point of a resource.
    pub(crate) fn has_named(&self, point: P, resource: &str, name: &str) -> bool {
        self.at(point, resource).iter().any(|entry| entry.name == name)
    }

    fn at(&self, point: P, resource: &str) -> Vec<Entry<C>> {
        let points = self.points.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let entries = points.get(&point).into_iter().flatten();
        entries
            .filter(|entry| entry.resource.as_deref().is_none_or(|only| only == resource))
            .cloned()
            .collect()
    }

    /// Runs the hooks of a point, one after the other. A panic becomes an error, and the next call runs as if nothing had
    /// been.
    pub(crate) async fn run(&self, point: P, mut call: C) -> Result<C> {
        if !self.is_used.load(Ordering::Acquire) {
            return Ok(call);
        }
        for Entry { name, hook, .. } in self.at(point, call.resource()) {
            // The closure itself may panic as well as its future.
            let run = AssertUnwindSafe(async { hook(call).await }).catch_unwind();
            call = match run.await {
                Ok(Ok(call)) => call,
                Ok(Err(error)) => return Err(failed(error, point, &name)),
                Err(_) => {
                    let error = Error::new(ErrorKind::Unsupported, "a hook panicked")
                        .hint("the panic's message is on standard error");
                    return Err(failed(error, point, &name));
                }
            };
        }
        Ok(call)
    }
}

fn failed<P: Point>(error: Error, point: P, name: &str) -> Error {
    let error = error.with("hook", name).with("point", point);
    // Trying again would write again.
    if point.is_after_write() { error.with("written", true).retryable(false) } else { error }
}
