//! The plugin.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use futures::future::{Either, select};
use s3db_core::plugin::{
    Argument, Command, Context, Installer, Interval, Manifest, Metric, Plugin, PluginRegistry, Reading,
    WitnessOptions,
};
use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::courier::Courier;
use crate::drivers::Drivers;
use crate::letters::{self, DeadLetter, Letters};
use crate::options::ReplicatorOptions;
use crate::outbox::Outbox;
use crate::replay::{self, Replay, Replayed};
use crate::stats::{ReplicatorStats, TargetStats};
use crate::sweep::{Sweep, With};
use crate::target::Delivery;

/// Copies each change to other systems. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_core::{Database, ResourceConfig};
/// use s3db_replicator::{Replicator, ReplicatorOptions, Routes, S3dbTarget};
/// use serde_json::json;
///
/// let backup = Database::connect("memory://backup/replicator").await?;
/// let options = ReplicatorOptions::default().target("backup", S3dbTarget::on(backup.clone()), Routes::all());
/// let replicator = Replicator::with(options);
/// let db = Database::builder("memory://shop/replicator")?.plugin(replicator.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string", "pin": "secret|optional"}))).await?;
/// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
///
/// replicator.flush().await?;
/// assert_eq!(backup.resource("users")?.get("ann").await?.data["name"], "Ann");
/// assert_eq!(replicator.stats().targets[0].delivered, 1);
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Replicator(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: ReplicatorOptions,
    parts: OnceLock<Arc<Parts>>,
}

/// What works while it is installed.
#[derive(Debug)]
struct Parts {
    context: Context,
    outbox: Arc<Outbox>,
    couriers: Vec<Arc<Courier>>,
    letters: Arc<Letters>,
    sweep: Sweep,
    batch_max: usize,
}

impl Replicator {
    /// One with these options. They are checked when it is installed.
    pub fn with(options: ReplicatorOptions) -> Self {
        Self(Arc::new(Inner { options, parts: OnceLock::new() }))
    }

    /// Waits until every target has all changes that this process has committed so far, or has put them aside. Those that
    /// memory [has no room for](ReplicatorStats::left_to_sweeps) are not waited for.
    ///
    /// Errors: `Unavailable` when the replicator stops meanwhile.
    pub async fn flush(&self) -> Result<()> {
        let parts = self.parts()?;
        let until = parts.outbox.last();
        let shutdown = parts.context.shutdown();
        let caught_up = async {
            for place in 0..parts.couriers.len() {
                parts.outbox.caught_up(place, until).await;
            }
        };
        match select(pin!(caught_up), pin!(shutdown.requested())).await {
            Either::Left(_) => Ok(()),
            Either::Right(_) => Err(replay::stopped()),
        }
    }

    /// Looks through the outbox now: see [`take_over`](ReplicatorOptions::take_over). Returns how many changes were delivered.
    ///
    /// Requests: 1 LIST per 1,000 objects; 1 GET an object that is due, and once it is not needed any more 1 DELETE.
    pub async fn sweep(&self) -> Result<u64> {
        self.parts()?.run_sweep().await
    }

    /// Sends documents to the targets as they are now: those that were there before the replicator, or that others wrote.
    /// Documents that a target has and the source has not are left alone, but for [ids](Replay::id) that are named.
    ///
    /// Requests: 1 LIST per 1,000 documents of a resource; 1 GET a document and target.
    /// Errors: `Config` for a target, and `NotFound` for a resource that there is none of; `Unavailable` when the replicator
    /// stops meanwhile.
    pub async fn replay(&self, replay: &Replay) -> Result<Replayed> {
        let parts = self.parts()?;
        let db = parts.context.database()?;
        replay::run(&db, replay, &parts.couriers, parts.batch_max, &parts.context.shutdown()).await
    }

    /// Documents that a target did not take, of one target or of all, and that it has not taken since.
    ///
    /// Requests: 1 LIST per 1,000 rows, and 1 GET a row.
    pub async fn dead_letters(&self, target: Option<&str>) -> Result<Vec<DeadLetter>> {
        self.parts()?.letters.failed(target).await
    }

    /// Sends dead letters again, each document as it is now, and each once. Returns how many were taken; the others stay.
    ///
    /// Requests: as [`dead_letters`](Self::dead_letters); 1 GET a document, and 1 GET + 1 PUT a letter that is taken.
    /// Errors: of a target that is down.
    pub async fn retry_dead_letters(&self, target: Option<&str>) -> Result<u64> {
        let parts = self.parts()?;
        let mut taken = 0;
        for letter in parts.letters.failed(target).await? {
            let is_for =
                |courier: &&Arc<Courier>| Letters::is_for(&letter, &courier.name, courier.target.driver());
            let Some(courier) = parts.couriers.iter().find(is_for) else {
                continue;
            };
            let Some(routed) = courier.route(&parts.context.database()?, &letter.resource) else {
                continue;
            };
            let again = Arc::new(letters::again(&letter, parts.context.env().now_ms()));
            let delivery = Delivery { routed, id: letter.id.clone(), changes: vec![again] };
            if courier.deliver_once(delivery).await? {
                parts.letters.taken(&letter).await?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// Whether each target can be reached, by name.
    pub async fn check(&self) -> Result<Vec<(String, Result<()>)>> {
        let mut found = Vec::new();
        for courier in &self.parts()?.couriers {
            found.push((
                courier.name.clone(),
                courier.target.check().await.map_err(|error| courier.at(error)),
            ));
        }
        Ok(found)
    }

    /// What it has done. All 0 before it is installed.
    pub fn stats(&self) -> ReplicatorStats {
        self.0.parts.get().map(|parts| parts.stats()).unwrap_or_default()
    }

    fn parts(&self) -> Result<&Arc<Parts>> {
        self.0.parts.get().ok_or_else(|| {
            Error::new(ErrorKind::Config, "the plugin `replicator` is not installed")
                .hint("give it to the database first, by `plugin(replicator.clone())`")
        })
    }
}

impl Parts {
    fn new(context: Context, options: &ReplicatorOptions, log: String) -> Self {
        let letters = Arc::new(Letters::new(context.clone(), log));
        let courier = |(name, target, routes): &(String, _, _)| {
            let target = Arc::clone(target);
            let (name, routes): (_, &crate::route::Routes) = (name.clone(), routes);
            let (context, letters) = (context.clone(), letters.clone());
            Arc::new(Courier::new(name, target, routes.clone(), context, letters, options.pace()))
        };
        let couriers = options.targets.iter().map(courier).collect();
        let routes = options.targets.iter().map(|(name, _, routes)| (name.clone(), routes.clone())).collect();
        let outbox = Arc::new(Outbox::new(context.clone(), routes, options.batching, options.memory_max));
        let sweep = Sweep::new(context.clone(), options.take_over_after, options.keep_for);
        Self { context, outbox, couriers, letters, sweep, batch_max: options.batch_max }
    }

    async fn run_sweep(&self) -> Result<u64> {
        let shutdown = self.context.shutdown();
        let with = With { outbox: &self.outbox, couriers: &self.couriers, shutdown: &shutdown };
        self.sweep.run(with).await
    }

    fn stats(&self) -> ReplicatorStats {
        let (recorded, outbox_objects, left_to_sweeps) = self.outbox.numbers();
        let now = self.context.env().now_ms();
        let target = |(place, courier): (usize, &Arc<Courier>)| {
            let (lag_changes, oldest) = self.outbox.lag(place);
            let lag_ms = oldest.map_or(0, |at| u64::try_from(now.saturating_sub(at)).unwrap_or(0));
            TargetStats { lag_changes, lag_ms, ..courier.counters.snapshot() }
        };
        ReplicatorStats {
            recorded,
            outbox_objects,
            left_to_sweeps,
            taken_over: self.sweep.taken_over.load(Ordering::Relaxed),
            targets: self.couriers.iter().enumerate().map(target).collect(),
        }
    }
}

/// Teaches a registry the plugin `replicator`, with these kinds of targets and the options of
/// [`ReplicatorOptions::from_json`].
pub fn register(registry: &mut PluginRegistry, drivers: Drivers) {
    registry.register("replicator", move |options| {
        Ok(Arc::new(Replicator::with(ReplicatorOptions::from_json(options, &drivers)?)))
    });
}

#[async_trait]
impl Plugin for Replicator {
    fn manifest(&self) -> Manifest {
        let namespace = self.0.options.namespace.as_deref();
        Manifest::new("replicator", env!("CARGO_PKG_VERSION")).maybe_namespace(namespace)
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let options = &self.0.options;
        options.check()?;
        let rows = match &options.log_resource {
            Some(name) => installer.resource_named(letters::config(name)).await?,
            None => installer.resource(letters::config("replicator_logs")).await?,
        };
        let context = installer.context().clone();
        let parts = || Arc::new(Parts::new(context, options, rows.name().to_owned()));
        let parts = self.0.parts.get_or_init(parts).clone();
        if options.enabled && !parts.couriers.is_empty() {
            // A resource of a plugin is recorded where a route names it; its own never is.
            let mut witnessed = WitnessOptions::new();
            let named = options.targets.iter().map(|(_, _, routes)| routes.names());
            let named: Option<Vec<Vec<&str>>> = named.collect();
            for name in named.into_iter().flatten().flatten() {
                witnessed = witnessed.resource(name);
            }
            installer.witness("outbox", witnessed, parts.outbox.clone());
            for (place, courier) in parts.couriers.iter().enumerate() {
                let (parts, courier) = (parts.clone(), courier.clone());
                let name = format!("relay to {}", courier.name);
                installer.task(&name, move |_, shutdown| async move {
                    courier.relay(place, &parts.outbox, &shutdown).await
                });
            }
            let of = parts.clone();
            let interval = Interval::every(options.sweep_every).jitter(0.1).at_once();
            installer.every(interval, "sweep", move |_| {
                let of = of.clone();
                async move { of.run_sweep().await.map(drop) }
            })?;
        }
        offer(installer, &parts);
        Ok(())
    }

    async fn start(&self, context: &Context) -> Result<()> {
        if !self.0.options.enabled {
            return Ok(());
        }
        for courier in &self.parts()?.couriers {
            match courier.open().await {
                // The target may be down: what waits is delivered when it is back.
                Err(error) if error.is_retryable() => context.report("opening a target", &error),
                opened => opened?,
            }
        }
        Ok(())
    }

    async fn stop(&self, context: &Context) -> Result<()> {
        let Some(parts) = self.0.parts.get() else {
            return Ok(());
        };
        let cleaned = parts.outbox.clean(true).await;
        for courier in &parts.couriers {
            courier.target.close().await;
        }
        if let Err(error) = &cleaned {
            context.report("cleaning the outbox", error);
        }
        Ok(())
    }
}

fn offer(installer: &mut Installer, parts: &Arc<Parts>) {
    type Read = fn(&TargetStats) -> f64;
    let metrics: [(Metric, Read); 6] = [
        (Metric::counter("s3db_replicator_delivered", "Changes that a target has taken"), |stats| {
            stats.delivered as f64
        }),
        (Metric::counter("s3db_replicator_retries", "Times that something was tried again"), |stats| {
            stats.retries as f64
        }),
        (Metric::counter("s3db_replicator_dead_letters", "Documents that were put aside"), |stats| {
            stats.dead_letters as f64
        }),
        (Metric::gauge("s3db_replicator_lag_changes", "Changes that a target does not have yet"), |stats| {
            stats.lag_changes as f64
        }),
        (Metric::gauge("s3db_replicator_lag_seconds", "Age of the oldest of them"), |stats| {
            stats.lag_ms as f64 / 1000.0
        }),
        (Metric::gauge("s3db_replicator_failing", "1 while the last try failed"), |stats| {
            f64::from(u8::from(stats.is_failing))
        }),
    ];
    for (metric, read) in metrics {
        let parts = parts.clone();
        installer.metric(metric, move || {
            let stats = parts.stats();
            stats
                .targets
                .iter()
                .map(|target| Reading::new(read(target)).label("target", &target.name))
                .collect()
        });
    }
    let of = parts.clone();
    installer.command(Command::new("stats", "Shows numbers of each target"), move |_, _: Document| {
        let stats = serde_json::to_value(of.stats()).unwrap_or(Value::Null);
        async move { Ok(stats) }
    });
    let of = parts.clone();
    let target = || Argument::optional("target", "Only of this target");
    let letters =
        Command::new("dead-letters", "Shows documents that a target did not take").argument(target());
    installer.command(letters, move |_, arguments: Document| {
        let of = of.clone();
        async move {
            let target = arguments.get("target").and_then(Value::as_str);
            Ok(serde_json::to_value(of.letters.failed(target).await?).unwrap_or(Value::Null))
        }
    });
    let of = parts.clone();
    let replay = Command::new("replay", "Sends documents again, as they are now")
        .argument(target())
        .argument(Argument::optional("resource", "Only of this resource"))
        .argument(Argument::optional("id", "Only this document"));
    installer.command(replay, move |context: Context, arguments: Document| {
        let of = of.clone();
        async move {
            let mut replay = Replay::all();
            let text = |name: &str| arguments.get(name).and_then(Value::as_str);
            if let Some(target) = text("target") {
                replay = replay.target(target);
            }
            if let Some(resource) = text("resource") {
                replay = replay.resource(resource);
            }
            if let Some(id) = text("id") {
                replay = replay.id(id);
            }
            let db = context.database()?;
            let shutdown = context.shutdown();
            let replayed = replay::run(&db, &replay, &of.couriers, of.batch_max, &shutdown).await?;
            Ok(json!({"sent": replayed.sent, "put_aside": replayed.put_aside}))
        }
    });
}
