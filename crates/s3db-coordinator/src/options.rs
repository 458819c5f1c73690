//! How a coordinator behaves.

use std::time::Duration;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

/// Settings of a [`Coordinator`](crate::Coordinator).
///
/// ```
/// use std::time::Duration;
/// use s3db_coordinator::CoordinatorOptions;
///
/// let options = CoordinatorOptions::default().namespace("billing").lease(Duration::from_secs(30));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoordinatorOptions {
    /// Processes of one namespace have one leader; `default` unless given.
    pub namespace: String,
    /// Time between two looks at the lease, 5 seconds by default and 1 at least.
    pub heartbeat: Duration,
    /// Up to so much more, at random, 1 second by default: many processes do not come at one moment.
    pub jitter: Duration,
    /// How long a leader is one without a sign of life, 15 seconds by default. At least twice `heartbeat` with `jitter`, so
    /// that one lost request ends no reign.
    pub lease: Duration,
    /// How long work that began under the epoch before is still good, 5 seconds by default: see
    /// [`validate`](crate::Coordinator::validate).
    pub epoch_grace: Duration,
    /// Looks in a row that fail before that is told, 5 by default.
    pub failures_max: u32,
    /// What this process is called on the bucket; by default the name of the host, the number of the process and a random
    /// text, so that no two are called the same.
    pub worker_name: Option<String>,
    /// What its host is called on the bucket; by default `POD_NAME`, `HOSTNAME` or what the system says.
    pub host_name: Option<String>,
}

impl Default for CoordinatorOptions {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            heartbeat: Duration::from_secs(5),
            jitter: Duration::from_secs(1),
            lease: Duration::from_secs(15),
            epoch_grace: Duration::from_secs(5),
            failures_max: 5,
            worker_name: None,
            host_name: None,
        }
    }
}

impl CoordinatorOptions {
    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets the time between two looks at the lease.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Sets by how much longer that time may be.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets the length of the lease.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long work of the epoch before is good.
    #[must_use]
    pub fn epoch_grace(mut self, grace: Duration) -> Self {
        self.epoch_grace = grace;
        self
    }

    /// Sets after how many failed looks in a row that is told.
    #[must_use]
    pub fn failures_max(mut self, failures: u32) -> Self {
        self.failures_max = failures;
        self
    }

    /// Sets what this process is called. A random text is added, so that two of one name are still two.
    #[must_use]
    pub fn worker_name(mut self, name: impl Into<String>) -> Self {
        self.worker_name = Some(name.into());
        self
    }

    /// Sets what the host is called.
    #[must_use]
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_name = Some(name.into());
        self
    }

    /// Reads the options of a configuration: `namespace`, `heartbeat_seconds`, `jitter_seconds`, `lease_seconds`,
    /// `epoch_grace_seconds`, `failures_max`, `worker_name`, `host_name`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let seconds = || {
                let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                seconds.ok_or_else(|| wrong(name, "seconds"))
            };
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a text"));
            match name.as_str() {
                "namespace" => read.namespace = text()?,
                "heartbeat_seconds" => read.heartbeat = seconds()?,
                "jitter_seconds" => read.jitter = seconds()?,
                "lease_seconds" => read.lease = seconds()?,
                "epoch_grace_seconds" => read.epoch_grace = seconds()?,
                "failures_max" => {
                    let failures = value.as_u64().and_then(|number| u32::try_from(number).ok());
                    read.failures_max = failures.ok_or_else(|| wrong(name, "a whole number"))?;
                }
                "worker_name" if value == &Value::Null => read.worker_name = None,
                "worker_name" => read.worker_name = Some(text()?),
                "host_name" if value == &Value::Null => read.host_name = None,
                "host_name" => read.host_name = Some(text()?),
                _ => {
                    return Err(wrong(
                        name,
                        "namespace, heartbeat_seconds, jitter_seconds, lease_seconds, epoch_grace_seconds, \
                         failures_max, worker_name or host_name",
                    ));
                }
            }
        }
        read.check()?;
        Ok(read)
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 100
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                && !text.starts_with('.')
        };
        if !is_plain(&self.namespace) {
            return Err(wrong("namespace", "up to 100 letters, digits, `-`, `_` and `.` of ASCII"));
        }
        // s3db.js takes processes that are called so for none of its workers.
        if self.worker_name.as_ref().is_some_and(|name| !is_plain(name) || name.starts_with("gcs-")) {
            return Err(wrong(
                "worker_name",
                "letters, digits, `-`, `_` and `.` of ASCII, and no `gcs-` before them",
            ));
        }
        if self.host_name.as_ref().is_some_and(|name| !is_plain(name)) {
            return Err(wrong("host_name", "up to 100 letters, digits, `-`, `_` and `.` of ASCII"));
        }
        if self.heartbeat < Duration::from_secs(1) {
            return Err(wrong("heartbeat_seconds", "at least 1"));
        }
        if self.lease < (self.heartbeat + self.jitter) * 2 {
            return Err(wrong("lease_seconds", "at least twice the heartbeat with its jitter"));
        }
        if self.lease > Duration::from_secs(3600) {
            return Err(wrong("lease_seconds", "at most 3600"));
        }
        if self.failures_max == 0 {
            return Err(wrong("failures_max", "at least 1"));
        }
        Ok(())
    }
}

fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the coordinator is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
