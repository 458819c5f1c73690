//! The plugin.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use s3db_core::behavior::Behavior;
use s3db_core::database::{ChangeOptions, WhenFull};
use s3db_core::plugin::{
    Argument, Command, Installer, Interval, Manifest, Metric, Plugin, PluginRegistry, Reading,
};
use s3db_core::{Document, Error, ErrorKind, ResourceConfig, Result};
use serde_json::{Value, json};

use crate::index::Index;
use crate::options::TtlOptions;
use crate::stats::{Swept, TtlStats};

/// Changes that wait for their entries. When more would wait the oldest go, and missing entries are looked for.
const QUEUE_CHANGES: usize = 4096;

/// Ends documents when their time has come. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_core::{Database, ResourceConfig};
/// use s3db_ttl::{OnExpire, Ttl, TtlOptions, TtlRule};
/// use serde_json::json;
///
/// let ttl = Ttl::with(TtlOptions::default().rule("offers", TtlRule::at("endsAt", OnExpire::HardDelete)));
/// let db = Database::builder("memory://shop/ttl")?.plugin(ttl.clone()).connect().await?;
/// let offers = db.create_resource(ResourceConfig::new("offers", json!({"endsAt": "string"}))).await?;
/// offers.insert(json!({"id": "old", "endsAt": "2020-01-01T00:00:00Z"})).await?;
/// offers.insert(json!({"id": "new", "endsAt": "2999-01-01T00:00:00Z"})).await?;
///
/// // Sweeps come by themselves; this one comes now, if no other was faster.
/// ttl.flush().await?;
/// ttl.sweep().await?;
/// assert_eq!(ttl.stats().swept.deleted, 1);
/// assert!(offers.exists("new").await? && !offers.exists("old").await?);
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Ttl(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: TtlOptions,
    index: OnceLock<Arc<Index>>,
}

impl Ttl {
    /// One with these options. They are checked when it is installed.
    pub fn with(options: TtlOptions) -> Self {
        Self(Arc::new(Inner { options, index: OnceLock::new() }))
    }

    /// Looks at all that is due, now. Where a coordinator is installed, only on the process that leads.
    ///
    /// Requests: 1 LIST per 1,000 cohorts; where any has begun 1 PUT + 1 HEAD, and for each 1 LIST per 1,000 entries; a document
    /// that is deleted takes 1 GET to judge, its own delete, and its part of a DELETE of many.
    /// Errors: those of listing; a document that fails is counted and tried again by the next sweep.
    pub async fn sweep(&self) -> Result<Swept> {
        self.index()?.sweep(None).await
    }

    /// The same for one resource. Entries of others stay as they are.
    pub async fn sweep_resource(&self, resource: &str) -> Result<Swept> {
        if !self.0.options.rules.contains_key(resource) {
            let known: Vec<&str> = self.0.options.rules.keys().map(String::as_str).collect();
            return Err(Error::new(ErrorKind::Config, "the resource has no rule")
                .with("resource", resource)
                .hint(format!("rules are there for: {}", known.join(", "))));
        }
        self.index()?.sweep(Some(resource)).await
    }

    /// Makes the entries that are missing in the index. Returns their number. It is done by itself at the first sweep and
    /// [once a day](TtlOptions::reconcile_every).
    ///
    /// Requests: 1 LIST per 1,000 documents and per 1,000 entries of each resource; for each that is missing 1 GET + 2 PUT.
    pub async fn reconcile(&self) -> Result<u64> {
        self.index()?.reconcile_all().await
    }

    /// Waits until the changes so far are in the index. Sends nothing itself.
    pub async fn flush(&self) -> Result<()> {
        self.index()?.follow_up().await
    }

    /// What it has done. All 0 before it is installed.
    pub fn stats(&self) -> TtlStats {
        self.0.index.get().map(|index| index.counters.snapshot()).unwrap_or_default()
    }

    fn index(&self) -> Result<&Arc<Index>> {
        self.0.index.get().ok_or_else(|| {
            Error::new(ErrorKind::Config, "the plugin `ttl` is not installed")
                .hint("give it to the database first, by `plugin(ttl.clone())`")
        })
    }
}

/// Teaches a registry the plugin `ttl`, with the options of [`TtlOptions::from_json`].
pub fn register(registry: &mut PluginRegistry) {
    registry.register("ttl", |options| Ok(Arc::new(Ttl::with(TtlOptions::from_json(options)?))));
}

/// The index, as s3db.js defines it.
fn index_config() -> ResourceConfig {
    let attributes = json!({
        "resourceName": "string|required", "recordId": "string|required", "expiresAtCohort": "string|required",
        "expiresAtTimestamp": "number|required", "granularity": "string|required", "createdAt": "datetime",
    });
    ResourceConfig::new("ttl_expiration_index", attributes)
        .behavior(Behavior::UserManaged)
        .timestamps(false)
        .partitions(json!({"byExpiresAtCohort": {"fields": {"expiresAtCohort": "string"}}}))
}

#[async_trait]
impl Plugin for Ttl {
    fn manifest(&self) -> Manifest {
        Manifest::new("ttl", env!("CARGO_PKG_VERSION")).maybe_namespace(self.0.options.namespace.as_deref())
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let options = &self.0.options;
        options.check()?;
        let entries = installer.resource(index_config()).await?;
        let context = installer.context().clone();
        let index = || Arc::new(Index::new(context, options.clone(), entries.name().to_owned()));
        let index = self.0.index.get_or_init(index).clone();
        // What was written while it was out has no entry.
        index.is_incomplete.store(true, std::sync::atomic::Ordering::SeqCst);
        if !options.rules.is_empty() {
            let changes = ChangeOptions::new().capacity(QUEUE_CHANGES).when_full(WhenFull::DropOldest);
            let changes = options.rules.keys().fold(changes, |changes, name| changes.resource(name));
            installer.changes("index", changes, index.clone())?;
            let of = index.clone();
            let sweeps = Interval::every(options.period()).jitter(0.05).at_once();
            installer.every(sweeps, "sweep", move |_| {
                let of = of.clone();
                async move { of.sweep(None).await.map(drop) }
            })?;
            let of = index.clone();
            installer.every(
                Interval::every(options.reconcile_every).jitter(0.1),
                "reconcile",
                move |_| {
                    // Left to the next sweep, which knows who may do it.
                    of.is_incomplete.store(true, std::sync::atomic::Ordering::SeqCst);
                    async { Ok(()) }
                },
            )?;
        }
        offer(installer, &index);
        Ok(())
    }
}

fn offer(installer: &mut Installer, index: &Arc<Index>) {
    type Read = fn(&TtlStats) -> u64;
    let metrics: [(Metric, Read); 3] = [
        (Metric::counter("s3db_ttl_expired", "Documents whose time had come"), |stats| stats.swept.expired),
        (Metric::counter("s3db_ttl_errors", "Documents with whom it could not be done"), |stats| {
            stats.swept.errors
        }),
        (Metric::counter("s3db_ttl_sweeps", "Sweeps of this process"), |stats| stats.sweeps),
    ];
    for (metric, read) in metrics {
        let index = index.clone();
        installer.metric(metric, move || vec![Reading::new(read(&index.counters.snapshot()) as f64)]);
    }
    let of = index.clone();
    let sweep = Command::new("sweep", "Ends what is due, now")
        .argument(Argument::optional("resource", "Only documents of this one"));
    installer.command(sweep, move |_, arguments: Document| {
        let of = of.clone();
        async move {
            let only = arguments.get("resource").and_then(Value::as_str);
            Ok(serde_json::to_value(of.sweep(only).await?).unwrap_or_default())
        }
    });
    let of = index.clone();
    installer.command(Command::new("stats", "Shows what was done"), move |_, _: Document| {
        let stats = serde_json::to_value(of.counters.snapshot()).unwrap_or_default();
        async move { Ok(stats) }
    });
    let of = index.clone();
    installer.command(Command::new("reconcile", "Makes entries that are missing"), move |_, _: Document| {
        let of = of.clone();
        async move { Ok(json!({"made": of.reconcile_all().await?})) }
    });
}
