//! How documents end.

use std::collections::BTreeMap;
use std::time::Duration;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

use crate::rule::{OnExpire, TtlRule};

/// Settings of a [`Ttl`](crate::Ttl).
///
/// ```
/// use std::time::Duration;
/// use s3db_ttl::{OnExpire, TtlOptions, TtlRule};
///
/// let day = Duration::from_secs(86_400);
/// let options = TtlOptions::default()
///     .rule("sessions", TtlRule::after(day, OnExpire::HardDelete))
///     .scan_every(Duration::from_secs(60));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TtlOptions {
    /// The rules, by resource. Resources that are created later count too.
    pub rules: BTreeMap<String, TtlRule>,
    /// How often what is due is looked for. By default as often as the shortest time to live asks for: every 10 seconds
    /// under an hour, every 10 minutes under a day, every hour under 30 days and for deadlines in a field, else every day.
    pub scan_every: Option<Duration>,
    /// How often documents without an entry in the index are looked for, such as those that were there before; a day by
    /// default.
    pub reconcile_every: Duration,
    /// Documents that end at the same time, 16 by default.
    pub parallelism: usize,
    /// Tells several of one database apart.
    pub namespace: Option<String>,
}

impl Default for TtlOptions {
    fn default() -> Self {
        Self {
            rules: BTreeMap::new(),
            scan_every: None,
            reconcile_every: Duration::from_secs(86_400),
            parallelism: 16,
            namespace: None,
        }
    }
}

impl TtlOptions {
    /// Adds the rule of a resource.
    #[must_use]
    pub fn rule(mut self, resource: impl Into<String>, rule: TtlRule) -> Self {
        self.rules.insert(resource.into(), rule);
        self
    }

    /// Sets how often what is due is looked for.
    #[must_use]
    pub fn scan_every(mut self, period: Duration) -> Self {
        self.scan_every = Some(period);
        self
    }

    /// Sets how often documents without an entry in the index are looked for.
    #[must_use]
    pub fn reconcile_every(mut self, period: Duration) -> Self {
        self.reconcile_every = period;
        self
    }

    /// Sets how many documents end at the same time.
    #[must_use]
    pub fn parallelism(mut self, documents: usize) -> Self {
        self.parallelism = documents;
        self
    }

    /// Tells several of one database apart.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// How often what is due is looked for.
    pub(crate) fn period(&self) -> Duration {
        let shortest = self.rules.values().map(|rule| rule.granularity().scan_every()).min();
        self.scan_every.or(shortest).unwrap_or(Duration::from_secs(3_600))
    }

    /// Reads the options of a configuration: `resources`, each with `ttl_seconds`, `field`, `on_expire` (`hard-delete`,
    /// `soft-delete`, `archive`), `delete_field`, `archive_resource`, `keep_original_id`; `scan_every_seconds`,
    /// `reconcile_every_seconds`, `parallelism`, `namespace`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            match name.as_str() {
                "resources" => {
                    let rules = value
                        .as_object()
                        .ok_or_else(|| wrong(name, "an object with a rule for each resource"))?;
                    for (resource, rule) in rules {
                        let rule = rule_from_json(rule).map_err(|error| error.with("resource", resource))?;
                        read.rules.insert(resource.clone(), rule);
                    }
                }
                "scan_every_seconds" => read.scan_every = Some(seconds(name, value)?),
                "reconcile_every_seconds" => read.reconcile_every = seconds(name, value)?,
                "parallelism" => {
                    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                    read.parallelism = number.ok_or_else(|| wrong(name, "a whole number"))?;
                }
                "namespace" => read.namespace = Some(text(name, value)?),
                _ => {
                    let known =
                        "resources, scan_every_seconds, reconcile_every_seconds, parallelism or namespace";
                    return Err(wrong(name, known));
                }
            }
        }
        read.check()?;
        Ok(read)
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        for (resource, rule) in &self.rules {
            let wrong = |option: &str, wanted: &str| Err(wrong(option, wanted).with("resource", resource));
            if rule.ttl.is_none() && rule.field.is_none() {
                return wrong("ttl_seconds", "a time to live, or a field with the deadline");
            }
            match &rule.on_expire {
                OnExpire::Archive { resource: other, .. } if other.is_empty() || other == resource => {
                    return wrong("archive_resource", "another resource");
                }
                OnExpire::SoftDelete { field } if field.is_empty() => {
                    return wrong("delete_field", "the field that gets the time");
                }
                _ => {}
            }
        }
        if self.scan_every.is_some_and(|period| period.is_zero()) {
            return Err(wrong("scan_every_seconds", "above 0"));
        }
        if self.reconcile_every.is_zero() {
            return Err(wrong("reconcile_every_seconds", "above 0"));
        }
        if self.parallelism == 0 {
            return Err(wrong("parallelism", "at least 1"));
        }
        Ok(())
    }
}

fn rule_from_json(value: &Value) -> Result<TtlRule> {
    let rule = value.as_object().ok_or_else(|| wrong("resources", "objects with `on_expire`"))?;
    let (mut ttl, mut field, mut keep_id) = (None, None, false);
    let (mut strategy, mut delete_field, mut archive) = (None, "deletedat".to_owned(), None);
    for (name, value) in rule {
        match name.as_str() {
            "ttl_seconds" => ttl = Some(seconds(name, value)?),
            "field" => field = Some(text(name, value)?),
            "on_expire" => strategy = Some(text(name, value)?),
            "delete_field" => delete_field = text(name, value)?,
            "archive_resource" => archive = Some(text(name, value)?),
            "keep_original_id" => keep_id = value.as_bool().ok_or_else(|| wrong(name, "true or false"))?,
            _ => {
                let known =
                    "ttl_seconds, field, on_expire, delete_field, archive_resource or keep_original_id";
                return Err(wrong(name, known));
            }
        }
    }
    let on_expire = match strategy.as_deref() {
        Some("hard-delete") => OnExpire::HardDelete,
        Some("soft-delete") => OnExpire::SoftDelete { field: delete_field },
        Some("archive") => {
            let resource = archive.ok_or_else(|| wrong("archive_resource", "the resource of the copies"))?;
            OnExpire::Archive { resource, keep_id }
        }
        // A configuration holds no code.
        _ => {
            return Err(wrong(
                "on_expire",
                "hard-delete, soft-delete or archive; callbacks are given in code",
            ));
        }
    };
    Ok(TtlRule { ttl, field, on_expire })
}

fn seconds(name: &str, value: &Value) -> Result<Duration> {
    let seconds = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| wrong(name, "seconds"))
}

fn text(name: &str, value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a text"))
}

fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the time to live is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
