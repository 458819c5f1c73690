//! How a replicator behaves.

use std::sync::Arc;
use std::time::Duration;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

use crate::drivers::Drivers;
use crate::route::Routes;
use crate::target::Target;

/// Settings of a [`Replicator`](crate::Replicator).
///
/// ```
/// use s3db_replicator::{ReplicatorOptions, Route, Routes, S3dbTarget};
///
/// let routes = Routes::only(["orders"]).resource("users", Route::to("people").without("notes"));
/// let target = S3dbTarget::connect("s3://backup-bucket/shop")?;
/// let options = ReplicatorOptions::default().target("backup", target, routes);
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReplicatorOptions {
    pub(crate) targets: Vec<(String, Arc<dyn Target>, Routes)>,
    /// Whether changes are recorded and delivered; true by default. Without it nothing is added to writes.
    pub enabled: bool,
    /// Whether changes that come at the same time are recorded in one object; true by default. Nothing waits for company: a
    /// change that comes alone is recorded alone.
    pub batching: bool,
    /// Changes that a target gets at once, 100 by default.
    pub batch_max: usize,
    /// How often a document is tried that a target refuses, before it is put aside; 3 by default. An outage is no refusal.
    pub attempts: u32,
    /// The pause after the first failure; it doubles. 1 second by default.
    pub pause_first: Duration,
    /// The longest pause, 30 seconds by default.
    pub pause_max: Duration,
    /// How long one call of a target may take, 30 seconds by default.
    pub timeout: Duration,
    /// How often the outbox is looked through for changes that nobody delivers; every 30 seconds by default.
    pub sweep_every: Duration,
    /// How long a change of another process stays in the outbox before a sweep delivers it; 30 seconds by default.
    pub take_over_after: Duration,
    /// How long such a change is kept, and then delivered once more: a write that a dead process has sent may arrive for as long
    /// as its signature is good. 16 minutes by default.
    pub keep_for: Duration,
    /// Changes that wait in memory, 10,000 by default; sweeps deliver what is beyond.
    pub memory_max: usize,
    /// Tells several replicators of one database apart.
    pub namespace: Option<String>,
    /// The resource of dead letters, in place of `plg_replicator_logs`.
    pub log_resource: Option<String>,
}

impl Default for ReplicatorOptions {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            enabled: true,
            batching: true,
            batch_max: 100,
            attempts: 3,
            pause_first: Duration::from_secs(1),
            pause_max: Duration::from_secs(30),
            timeout: Duration::from_secs(30),
            sweep_every: Duration::from_secs(30),
            take_over_after: Duration::from_secs(30),
            keep_for: Duration::from_secs(16 * 60),
            memory_max: 10_000,
            namespace: None,
            log_resource: None,
        }
    }
}

/// How a courier tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) batch_max: usize,
    pub(crate) attempts: u32,
    pub(crate) pause_first: Duration,
    pub(crate) pause_max: Duration,
    pub(crate) timeout: Duration,
}

impl ReplicatorOptions {
    /// Adds a target, under a name of its own: changes that wait for it are filed under that name, so keep it.
    #[must_use]
    pub fn target(self, name: impl Into<String>, target: impl Target, routes: Routes) -> Self {
        self.shared_target(name, Arc::new(target), routes)
    }

    /// As [`target`](Self::target), for one that is shared.
    #[must_use]
    pub fn shared_target(mut self, name: impl Into<String>, target: Arc<dyn Target>, routes: Routes) -> Self {
        self.targets.push((name.into(), target, routes));
        self
    }

    /// Sets whether changes are recorded and delivered.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Sets whether changes that come at the same time are recorded in one object.
    #[must_use]
    pub fn batching(mut self, batching: bool) -> Self {
        self.batching = batching;
        self
    }

    /// Sets how many changes a target gets at once.
    #[must_use]
    pub fn batch_max(mut self, changes: usize) -> Self {
        self.batch_max = changes;
        self
    }

    /// Sets how often a refused document is tried, and the first and longest pause after a failure.
    #[must_use]
    pub fn retries(mut self, attempts: u32, pause_first: Duration, pause_max: Duration) -> Self {
        (self.attempts, self.pause_first, self.pause_max) = (attempts, pause_first, pause_max);
        self
    }

    /// Sets how long one call of a target may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often the outbox is looked through, and how old a change of another process is by then.
    #[must_use]
    pub fn take_over(mut self, sweep_every: Duration, after: Duration) -> Self {
        (self.sweep_every, self.take_over_after) = (sweep_every, after);
        self
    }

    /// Sets how long changes that were taken over are kept.
    #[must_use]
    pub fn keep_for(mut self, keep_for: Duration) -> Self {
        self.keep_for = keep_for;
        self
    }

    /// Sets how many changes wait in memory.
    #[must_use]
    pub fn memory_max(mut self, changes: usize) -> Self {
        self.memory_max = changes;
        self
    }

    /// Tells several replicators of one database apart.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Keeps dead letters in a resource of this name.
    #[must_use]
    pub fn log_resource(mut self, name: impl Into<String>) -> Self {
        self.log_resource = Some(name.into());
        self
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace {
            batch_max: self.batch_max,
            attempts: self.attempts,
            pause_first: self.pause_first,
            pause_max: self.pause_max,
            timeout: self.timeout,
        }
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let mut names: Vec<&str> = self.targets.iter().map(|(name, ..)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(wrong("targets", "a name of its own for each target"));
        }
        if names.iter().any(|name| name.is_empty()) {
            return Err(wrong("targets", "a name for each target"));
        }
        for (option, is_nothing) in [
            ("batch_max", self.batch_max == 0),
            ("attempts", self.attempts == 0),
            ("memory_max", self.memory_max == 0),
            ("timeout_ms", self.timeout.is_zero()),
            ("sweep_every_ms", self.sweep_every.is_zero()),
        ] {
            if is_nothing {
                return Err(wrong(option, "at least 1"));
            }
        }
        if self.keep_for < self.take_over_after {
            return Err(wrong("keep_for_ms", "not less than take_over_after_ms"));
        }
        Ok(())
    }

    /// Reads the options of a configuration: `targets`, a list of `{"name", "driver", "resources", "config"}`, and by the names
    /// of the fields `enabled`, `batching`, `batch_max`, `attempts`, `pause_first_ms`, `pause_max_ms`, `timeout_ms`,
    /// `sweep_every_ms`, `take_over_after_ms`, `keep_for_ms`, `memory_max`, `namespace`, `log_resource`. `replicators` of s3db.js
    /// is another word for `targets`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form; those of the driver.
    pub fn from_json(options: &Document, drivers: &Drivers) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let flag = || value.as_bool().ok_or_else(|| wrong(name, "true or false"));
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a text"));
            let whole = || value.as_u64().ok_or_else(|| wrong(name, "a whole number"));
            let count = || usize::try_from(whole()?).map_err(|_| wrong(name, "a smaller number"));
            let time = || Ok::<_, Error>(Duration::from_millis(whole()?));
            match name.as_str() {
                "targets" | "replicators" => {
                    let items = value.as_array().ok_or_else(|| wrong(name, "a list of targets"))?;
                    for item in items {
                        read = read.target_from_json(item, drivers)?;
                    }
                }
                "enabled" => read.enabled = flag()?,
                "batching" => read.batching = flag()?,
                "batch_max" => read.batch_max = count()?,
                "attempts" => read.attempts = u32::try_from(whole()?).map_err(|_| wrong(name, "fewer"))?,
                "pause_first_ms" => read.pause_first = time()?,
                "pause_max_ms" => read.pause_max = time()?,
                "timeout_ms" => read.timeout = time()?,
                "sweep_every_ms" => read.sweep_every = time()?,
                "take_over_after_ms" => read.take_over_after = time()?,
                "keep_for_ms" => read.keep_for = time()?,
                "memory_max" => read.memory_max = count()?,
                "namespace" => read.namespace = Some(text()?),
                "log_resource" => read.log_resource = Some(text()?),
                _ => {
                    return Err(wrong(
                        name,
                        "targets, enabled, batching, batch_max, attempts, pause_first_ms, pause_max_ms, timeout_ms, \
                         sweep_every_ms, take_over_after_ms, keep_for_ms, memory_max, namespace or log_resource",
                    ));
                }
            }
        }
        read.check()?;
        Ok(read)
    }

    fn target_from_json(self, item: &Value, drivers: &Drivers) -> Result<Self> {
        let members = item.as_object().ok_or_else(|| wrong("targets", "a list of objects"))?;
        let (mut name, mut driver, mut routes) = (None, None, Routes::all());
        let mut config = Document::new();
        for (member, value) in members {
            let text = || value.as_str().ok_or_else(|| wrong(member, "a text"));
            match member.as_str() {
                "name" | "id" => name = Some(text()?.to_owned()),
                "driver" => driver = Some(text()?),
                "resources" => routes = Routes::from_json(value)?,
                "config" => {
                    config = value.as_object().ok_or_else(|| wrong(member, "an object"))?.clone();
                }
                _ => return Err(wrong(member, "name, driver, resources or config")),
            }
        }
        let driver = driver.ok_or_else(|| wrong("driver", &drivers.names().join(", ")))?;
        let target = drivers.build(driver, &config)?;
        Ok(self.shared_target(name.unwrap_or_else(|| driver.to_owned()), target, routes))
    }
}

fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the replicator is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
