//! The plugin.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use s3db_core::op::Stage;
use s3db_core::plugin::{
    Argument, Command, Context, Installer, Manifest, Metric, Plugin, PluginRegistry, Purge, Reading,
};
use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::layer::{CacheLayer, Shared};
use crate::options::CacheOptions;
use crate::stats::CacheStats;
use crate::tier::{Lower, TierStats};

/// A cache for one database. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_cache::Cache;
/// use s3db_core::{Database, ResourceConfig};
/// use serde_json::json;
///
/// let cache = Cache::new();
/// let db = Database::builder("memory://shop/cache")?.plugin(cache.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
///
/// users.get("ann").await?;
/// let sent = db.requests();
/// assert_eq!(users.get("ann").await?.data["name"], "Ann");
/// assert_eq!(db.requests(), sent);
/// users.update("ann", json!({"name": "Anna"})).await?;
/// assert_eq!(users.get("ann").await?.data["name"], "Anna");
/// assert_eq!(cache.stats().hits, 1);
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cache(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: CacheOptions,
    /// Made when it is installed, for the clock and the memory of that place; what is out of date stays so when it is
    /// installed again.
    shared: OnceLock<Arc<Shared>>,
}

impl Cache {
    /// A cache with the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// A cache with other options. They are checked when it is installed.
    pub fn with(options: CacheOptions) -> Self {
        Self(Arc::new(Inner { options, shared: OnceLock::new() }))
    }

    /// What it has done. All 0 before it is installed.
    pub fn stats(&self) -> CacheStats {
        match self.0.shared.get() {
            Some(shared) => shared.stats(),
            None => Default::default(),
        }
    }

    /// What each tier below memory has done, from the first to the last. Empty before it is installed.
    pub fn tier_stats(&self) -> Vec<TierStats> {
        match self.0.shared.get() {
            Some(shared) => shared.tier_stats(),
            None => Default::default(),
        }
    }

    /// Forgets a document and what is about many, such as when another process has changed it. A read that is under way stores
    /// nothing old.
    ///
    /// Requests: none; 1 DELETE where the bucket is a tier.
    pub async fn invalidate(&self, resource: &str, id: &str) {
        if let Some(shared) = self.0.shared.get() {
            shared.invalidate(resource, Some(id)).await;
        }
    }

    /// Forgets all documents of a resource. Requests: as [`invalidate`](Self::invalidate).
    pub async fn invalidate_resource(&self, resource: &str) {
        if let Some(shared) = self.0.shared.get() {
            shared.invalidate(resource, None).await;
        }
    }

    /// Forgets the lists, counts and queries of one partition, and deletes what tiers hold of them. `values` are given as to
    /// the read.
    ///
    /// Requests: where the bucket is a tier, 1 LIST + 1 DELETE of many per 1,000 entries. Errors: those of the tiers.
    pub async fn clear_partition(&self, resource: &str, partition: &str, values: Value) -> Result<()> {
        let Value::Object(values) = values else {
            return Err(Error::new(ErrorKind::Validation, "the values of a partition are an object")
                .hint("for example {\"region\": \"EU\"}"));
        };
        match self.0.shared.get() {
            Some(shared) => shared.clear_partition(resource, partition, &values).await,
            None => Ok(()),
        }
    }

    /// Forgets everything, and deletes what tiers hold.
    ///
    /// Requests: where the bucket is a tier, 1 LIST + 1 DELETE of many per 1,000 entries. Errors: those of the tiers; memory is
    /// empty in any case.
    pub async fn clear_tiers(&self) -> Result<()> {
        match self.0.shared.get() {
            Some(shared) => shared.clear_tiers().await,
            None => Ok(()),
        }
    }

    /// Forgets what is in memory.
    pub fn clear(&self) {
        if let Some(shared) = self.0.shared.get() {
            shared.clear();
        }
    }
}

/// Teaches a registry the plugin `cache`, with the options of [`CacheOptions::from_json`].
pub fn register(registry: &mut PluginRegistry) {
    registry.register("cache", |options| Ok(Arc::new(Cache::with(CacheOptions::from_json(options)?))));
}

#[async_trait]
impl Plugin for Cache {
    fn manifest(&self) -> Manifest {
        Manifest::new("cache", env!("CARGO_PKG_VERSION")).maybe_namespace(self.0.options.namespace.as_deref())
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let options = &self.0.options;
        options.check()?;
        if let Some(shared) = self.0.shared.get() {
            shared.was_out();
        } else {
            let memory = options.memory;
            let bytes_max =
                tokio::task::spawn_blocking(move || memory.bytes()).await.map_err(|error| {
                    Error::new(ErrorKind::Unavailable, "the memory could not be looked at").caused_by(error)
                })??;
            let context = installer.context();
            let lower = Lower::open(&options.tiers, options.ttl, context).await?;
            let env = context.env().clone();
            self.0.shared.get_or_init(|| Arc::new(Shared::new(env, options.clone(), bytes_max, lower)));
        }
        if let Some(shared) = self.0.shared.get() {
            installer.layer(Stage::Cache, Arc::new(CacheLayer(shared.clone())));
            offer(installer, shared);
        }
        Ok(())
    }

    async fn uninstall(&self, _: &Context, purge: Purge) -> Result<()> {
        match purge {
            Purge::Data => self.clear_tiers().await,
            Purge::Keep => {
                self.clear();
                Ok(())
            }
        }
    }
}

fn offer(installer: &mut Installer, shared: &Arc<Shared>) {
    type Read = fn(&CacheStats) -> u64;
    let metrics: [(Metric, Read); 6] = [
        (Metric::counter("s3db_cache_hits", "Reads answered from memory"), |stats| stats.hits),
        (Metric::counter("s3db_cache_misses", "Reads that were not"), |stats| stats.misses),
        (Metric::counter("s3db_cache_tier_hits", "Reads answered by a tier"), |stats| stats.tier_hits),
        (Metric::counter("s3db_cache_stored", "Answers that were kept"), |stats| stats.stored),
        (Metric::gauge("s3db_cache_entries", "Entries that are held"), |stats| stats.entries),
        (Metric::gauge("s3db_cache_bytes", "Bytes that these take, about"), |stats| stats.bytes),
    ];
    for (metric, read) in metrics {
        let shared = shared.clone();
        installer.metric(metric, move || vec![Reading::new(read(&shared.stats()) as f64)]);
    }
    let of = shared.clone();
    installer.command(Command::new("stats", "Shows hits, misses and what is held"), move |_, _| {
        let shown = shown(&of.stats(), of.tier_stats());
        async move { Ok(shown) }
    });
    let of = shared.clone();
    let clear = Command::new("clear", "Forgets everything, or one resource")
        .argument(Argument::optional("resource", "Only this one"));
    installer.command(clear, move |_, arguments: Document| {
        let of = of.clone();
        async move {
            match arguments.get("resource").and_then(Value::as_str) {
                Some(resource) => of.invalidate(resource, None).await,
                None => of.clear_tiers().await?,
            }
            Ok(Value::Null)
        }
    });
}

fn shown(stats: &CacheStats, tiers: Vec<TierStats>) -> Value {
    json!({
        "hits": stats.hits,
        "misses": stats.misses,
        "tier_hits": stats.tier_hits,
        "joined": stats.joined,
        "stored": stats.stored,
        "invalidations": stats.invalidations,
        "entries": stats.entries,
        "bytes": stats.bytes,
        "hit_rate": stats.hit_rate(),
        "tiers": tiers,
    })
}
