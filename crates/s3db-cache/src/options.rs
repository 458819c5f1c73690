//! How a cache behaves.

use std::time::Duration;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

use crate::limit::MemoryLimit;
use crate::tier::Tier;

/// Settings of a [`Cache`](crate::Cache).
///
/// ```
/// use std::time::Duration;
/// use s3db_cache::{CacheOptions, MemoryLimit};
///
/// let options = CacheOptions::default()
///     .memory(MemoryLimit::Part(0.1))
///     .items_max(100_000)
///     .ttl(Some(Duration::from_secs(60)))
///     .exclude("sessions");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Memory that entries may take together, about; 64 MiB by default.
    pub memory: MemoryLimit,
    /// Most entries; none but that of memory when absent.
    pub items_max: Option<u64>,
    /// How long an entry is served, from when it was read; 5 minutes by default, for ever when absent. This is how long a
    /// change of another process can stay unseen.
    pub ttl: Option<Duration>,
    /// Only these resources, those of plugins too; all of the program when empty.
    pub include: Vec<String>,
    /// Not these, whatever `include` says.
    pub exclude: Vec<String>,
    /// Tells several caches of one database apart.
    pub namespace: Option<String>,
    /// Where answers are kept below memory, from the first to the last; nowhere by default.
    pub tiers: Vec<Tier>,
    /// Whether answers with secrets are kept in tiers too, where they are in the clear; false by default. Memory keeps them
    /// in any case.
    pub secrets_in_tiers: bool,
    /// Answers that take at least so many bytes are compressed in memory: more of them fit, and a hit costs about what
    /// reading the JSON costs. None by default.
    pub compress_bytes_min: Option<u64>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            memory: MemoryLimit::Bytes(64 << 20),
            items_max: None,
            ttl: Some(Duration::from_secs(300)),
            include: Vec::new(),
            exclude: Vec::new(),
            namespace: None,
            tiers: Vec::new(),
            secrets_in_tiers: false,
            compress_bytes_min: None,
        }
    }
}

impl CacheOptions {
    /// Sets the limit of memory.
    #[must_use]
    pub fn memory(mut self, limit: MemoryLimit) -> Self {
        self.memory = limit;
        self
    }

    /// Sets the limit of entries.
    #[must_use]
    pub fn items_max(mut self, items: u64) -> Self {
        self.items_max = Some(items);
        self
    }

    /// Sets how long an entry is served.
    #[must_use]
    pub fn ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }

    /// Caches only this resource, and others that are included; it may be one of a plugin.
    #[must_use]
    pub fn include(mut self, resource: impl Into<String>) -> Self {
        self.include.push(resource.into());
        self
    }

    /// Does not cache this resource.
    #[must_use]
    pub fn exclude(mut self, resource: impl Into<String>) -> Self {
        self.exclude.push(resource.into());
        self
    }

    /// Tells several caches of one database apart.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Adds a tier below memory, and below those that were added before.
    #[must_use]
    pub fn tier(mut self, tier: Tier) -> Self {
        self.tiers.push(tier);
        self
    }

    /// Sets whether answers with secrets are kept in tiers.
    #[must_use]
    pub fn secrets_in_tiers(mut self, keep: bool) -> Self {
        self.secrets_in_tiers = keep;
        self
    }

    /// Compresses answers in memory that take at least so many bytes.
    #[must_use]
    pub fn compress_bytes_min(mut self, bytes: u64) -> Self {
        self.compress_bytes_min = Some(bytes);
        self
    }

    /// Reads the options of a configuration: `memory_bytes`, `memory_percent`, `items_max`, `ttl_seconds` (null for ever),
    /// `include`, `exclude`, `namespace`, `secrets_in_tiers`, `compress_bytes_min`, and `tiers`, a list of
    /// `{"driver": "files", "directory": …, "bytes_max": …}`, `{"driver": "bucket"}` and
    /// `{"driver": "s3db.js", "key_prefix": …}`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        if options.contains_key("memory_bytes") && options.contains_key("memory_percent") {
            return Err(Error::new(
                ErrorKind::Config,
                "memory_bytes and memory_percent are two ways to say one thing",
            )
            .hint("give one of them"));
        }
        for (name, value) in options {
            let wrong = |wanted: &str| wrong(name, wanted);
            let whole = || value.as_u64().ok_or_else(|| wrong("a whole number"));
            match name.as_str() {
                "memory_bytes" => read.memory = MemoryLimit::Bytes(whole()?),
                "memory_percent" => {
                    let percent = value.as_f64().ok_or_else(|| wrong("a number above 0, up to 100"))?;
                    read.memory = MemoryLimit::Part(percent / 100.0);
                }
                "items_max" => read.items_max = Some(whole()?),
                "ttl_seconds" if value.is_null() => read.ttl = None,
                "ttl_seconds" => {
                    let seconds =
                        value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    read.ttl = Some(seconds.ok_or_else(|| wrong("seconds, or null"))?);
                }
                "include" => read.include = names(value).ok_or_else(|| wrong("a list of names"))?,
                "exclude" => read.exclude = names(value).ok_or_else(|| wrong("a list of names"))?,
                "namespace" => {
                    read.namespace = Some(value.as_str().ok_or_else(|| wrong("a text"))?.to_owned());
                }
                "tiers" => read.tiers = Tier::list_from_json(value)?,
                "secrets_in_tiers" => {
                    read.secrets_in_tiers = value.as_bool().ok_or_else(|| wrong("true or false"))?;
                }
                "compress_bytes_min" => read.compress_bytes_min = Some(whole()?),
                _ => return Err(wrong(NAMES)),
            }
        }
        read.check()?;
        Ok(read)
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        match self.memory {
            MemoryLimit::Bytes(0) => return Err(wrong("memory_bytes", "at least 1")),
            MemoryLimit::Part(part) if !(part > 0.0 && part <= 1.0) => {
                return Err(wrong("memory_percent", "above 0, up to 100"));
            }
            _ => {}
        }
        self.tiers.iter().try_for_each(Tier::check)?;
        let js = |tier: &&Tier| matches!(tier, Tier::S3dbJs { .. });
        if self.tiers.iter().filter(js).count() > 1 || self.tiers.iter().rev().skip(1).any(|tier| js(&tier)) {
            return Err(wrong("tiers", "the entries of s3db.js once, after the others"));
        }
        if self.items_max == Some(0) {
            return Err(wrong("items_max", "at least 1"));
        }
        if self.ttl.is_some_and(|ttl| ttl.is_zero()) {
            return Err(wrong("ttl_seconds", "above 0, or null"));
        }
        Ok(())
    }
}

/// The options of a configuration.
const NAMES: &str = "memory_bytes, memory_percent, items_max, ttl_seconds, include, exclude, namespace, tiers, \
                     secrets_in_tiers or compress_bytes_min";

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

pub(crate) fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the cache is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
