//! The plugin.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use s3db_core::plugin::{
    Command, Context, Installer, KnownLeader, Leadership, Manifest, Metric, Plugin, PluginRegistry, Purge,
    Reading,
};
use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::elector::{Elector, Validity};
use crate::options::CoordinatorOptions;
use crate::stats::CoordinatorStats;
use crate::workers::Worker;

/// Where its objects stand, whatever the namespace: the layout of s3db.js.
const SLUG: &str = "coordinator";

/// Elects one leader among the processes that share a database. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_coordinator::Coordinator;
/// use s3db_core::Database;
///
/// let coordinator = Coordinator::new();
/// let db = Database::builder("memory://shop/coordinator")?.plugin(coordinator.clone()).connect().await?;
///
/// // Nobody else is there.
/// let leadership = coordinator.leadership()?;
/// let epoch = leadership.changed(None).await;
/// assert_eq!(epoch, Some(1));
/// assert!(leadership.confirm(1).await?);
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Coordinator(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: CoordinatorOptions,
    elector: OnceLock<Arc<Elector>>,
}

impl Coordinator {
    /// A coordinator with the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// A coordinator with other options. They are checked when it is installed.
    pub fn with(options: CoordinatorOptions) -> Self {
        Self(Arc::new(Inner { options, elector: OnceLock::new() }))
    }

    /// Who leads, as other plugins see it.
    ///
    /// Errors: `Config` before the coordinator is installed.
    pub fn leadership(&self) -> Result<Leadership> {
        Ok(Leadership::new(self.elector()?.clone()))
    }

    /// What this process is called on the bucket; `None` before the coordinator is installed.
    pub fn worker_id(&self) -> Option<String> {
        self.0.elector.get().map(|elector| elector.id.clone())
    }

    /// The leader that was last heard of. Sends nothing.
    pub fn leader(&self) -> Option<KnownLeader> {
        self.0.elector.get()?.knowledge.leader()
    }

    /// Whether this process leads now. Sends nothing.
    pub fn is_leader(&self) -> bool {
        self.0.elector.get().is_some_and(|elector| elector.knowledge.epoch().is_some())
    }

    /// Whether work that began under an epoch is still good: a process that takes work from another asks this first. Sends
    /// nothing.
    pub fn validate(&self, epoch: u64) -> Validity {
        self.0.elector.get().map_or(Validity::Stale, |elector| elector.validate(epoch))
    }

    /// The processes that take part, those of s3db.js too. They are written down once a minute.
    ///
    /// Requests: 1 LIST per 1,000 + 1 GET each. Errors: those of the store.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        self.elector()?.workers.list().await
    }

    /// What it has done. All 0 before it is installed.
    pub fn stats(&self) -> CoordinatorStats {
        self.0.elector.get().map(|elector| elector.counters.snapshot()).unwrap_or_default()
    }

    fn elector(&self) -> Result<&Arc<Elector>> {
        self.0.elector.get().ok_or_else(|| {
            Error::new(ErrorKind::Config, "the coordinator is not installed")
                .hint("give it to the database first, by `plugin(coordinator.clone())`")
        })
    }
}

/// Teaches a registry the plugin `coordinator`, with the options of [`CoordinatorOptions::from_json`].
pub fn register(registry: &mut PluginRegistry) {
    registry.register("coordinator", |options| {
        Ok(Arc::new(Coordinator::with(CoordinatorOptions::from_json(options)?)))
    });
}

#[async_trait]
impl Plugin for Coordinator {
    fn manifest(&self) -> Manifest {
        let namespace = Some(self.0.options.namespace.as_str()).filter(|namespace| *namespace != "default");
        Manifest::new("coordinator", env!("CARGO_PKG_VERSION")).maybe_namespace(namespace)
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        self.0.options.check()?;
        let context = installer.context().clone();
        if self.0.elector.get().is_none() {
            let pod = match &self.0.options.host_name {
                Some(name) => name.clone(),
                None => tokio::task::spawn_blocking(pod).await.unwrap_or_else(|_| "host".to_owned()),
            };
            let storage = context.database()?.plugin_storage(SLUG)?;
            let options = self.0.options.clone();
            self.0.elector.get_or_init(|| Arc::new(Elector::new(context, storage, options, &pod)));
        }
        let elector = self.elector()?.clone();
        installer.provide(Arc::new(Leadership::new(elector.clone())));
        offer(installer, &elector);
        installer.task("elections", move |_, shutdown| async move { elector.run(shutdown).await });
        Ok(())
    }

    async fn uninstall(&self, context: &Context, purge: Purge) -> Result<()> {
        if purge == Purge::Data {
            // In the layout of s3db.js the namespace is no part of the slug, which is all that the host knows of.
            let storage = context.database()?.plugin_storage(SLUG)?;
            storage.delete_prefix(&format!("namespace={}/", self.0.options.namespace)).await?;
        }
        Ok(())
    }
}

fn offer(installer: &mut Installer, elector: &Arc<Elector>) {
    type Read = fn(&Elector) -> u64;
    let metrics: [(Metric, Read); 5] = [
        (Metric::gauge("s3db_coordinator_leader", "1 while this process leads"), |elector| {
            u64::from(elector.knowledge.epoch().is_some())
        }),
        (Metric::gauge("s3db_coordinator_epoch", "Epoch of the leader that is known"), |elector| {
            elector.knowledge.leader().map_or(0, |leader| leader.epoch)
        }),
        (Metric::counter("s3db_coordinator_heartbeats", "Looks at the lease"), |elector| {
            elector.counters.snapshot().heartbeats
        }),
        (Metric::counter("s3db_coordinator_failures", "Looks that failed"), |elector| {
            elector.counters.snapshot().failures
        }),
        (
            Metric::counter("s3db_coordinator_leader_changes", "Times that the leader was another"),
            |elector| elector.counters.snapshot().leader_changes,
        ),
    ];
    for (metric, read) in metrics {
        let elector = elector.clone();
        installer.metric(metric, move || vec![Reading::new(read(&elector) as f64)]);
    }
    let of = elector.clone();
    installer.command(
        Command::new("status", "Shows who leads, and who takes part"),
        move |_, _: Document| {
            let of = of.clone();
            async move {
                let leader = of.knowledge.leader();
                let workers = of.workers.list().await?;
                Ok(json!({
                    "worker": of.id,
                    "is_leader": of.knowledge.epoch().is_some(),
                    "leader": leader.as_ref().map(|leader| leader.id.clone()),
                    "epoch": leader.map(|leader| leader.epoch),
                    "workers": workers.into_iter().map(|worker| worker.worker_id).collect::<Vec<_>>(),
                    "stats": serde_json::to_value(of.counters.snapshot()).unwrap_or(Value::Null),
                }))
            }
        },
    );
}

/// The name of the host, as s3db.js takes it, in characters that a key may have.
fn pod() -> String {
    let of_environment = || ["POD_NAME", "HOSTNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let of_system = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = of_environment().or_else(of_system).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let name: String = name.trim().chars().take(60).map(plain).collect();
    if name.is_empty() { "host".to_owned() } else { name }
}
