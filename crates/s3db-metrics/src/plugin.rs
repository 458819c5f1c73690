//! The plugin.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use s3db_core::op::Stage;
use s3db_core::plugin::{Command, Context, Installer, Manifest, Plugin, PluginRegistry};
use s3db_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::endpoint::{Render, Server, bind};
use crate::layer::MetricsLayer;
use crate::options::MetricsOptions;
use crate::registry::Registry;
use crate::report::MetricsReport;
use crate::text::exposition;

/// Counts and times the calls of one database. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_core::{Database, ResourceConfig};
/// use s3db_metrics::Metrics;
/// use serde_json::json;
///
/// let metrics = Metrics::new();
/// let db = Database::builder("memory://shop/metrics")?.plugin(metrics.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
/// users.delete("nobody").await.unwrap_err();
///
/// let report = metrics.report()?;
/// assert_eq!(report.usage.resources["users"].inserts, 1);
/// assert_eq!(report.errors.by_type["not_found"], 1);
/// assert!(metrics.prometheus()?.contains("s3db_operations_total{operation=\"insert\",resource=\"users\"} 1"));
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: MetricsOptions,
    /// Made when it is installed; what was counted stays when it is installed again.
    registry: OnceLock<Arc<Registry>>,
    context: Mutex<Option<Context>>,
    address: Mutex<Option<SocketAddr>>,
}

impl Metrics {
    /// With the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// With other options. They are checked when it is installed.
    pub fn with(options: MetricsOptions) -> Self {
        Self(Arc::new(Inner { options, ..Inner::default() }))
    }

    /// What was counted, for people. Sends nothing.
    ///
    /// Errors: `Config` before it is installed, `Unavailable` once the database is closed.
    pub fn report(&self) -> Result<MetricsReport> {
        let (registry, context) = self.parts()?;
        Ok(MetricsReport::of(&registry, &context.database()?.plugin_metrics()))
    }

    /// What was counted, as the text that Prometheus reads, with the numbers of all plugins: for a server of the program's own. Sends
    /// nothing.
    ///
    /// Errors: as [`report`](Self::report).
    pub fn prometheus(&self) -> Result<String> {
        let (registry, context) = self.parts()?;
        let db = context.database()?;
        Ok(exposition(&registry, &db.plugin_metrics(), db.resource_names().len()))
    }

    /// Where the endpoint listens. `None` without one, and before it is installed.
    pub fn address(&self) -> Option<SocketAddr> {
        *lock(&self.0.address)
    }

    fn parts(&self) -> Result<(Arc<Registry>, Context)> {
        let parts = self.0.registry.get().cloned().zip(lock(&self.0.context).clone());
        parts.ok_or_else(|| Error::new(ErrorKind::Config, "the metrics are not installed"))
    }
}

/// Teaches a registry the plugin `metrics`, with the options of [`MetricsOptions::from_json`].
pub fn register(registry: &mut PluginRegistry) {
    registry.register("metrics", |options| Ok(Arc::new(Metrics::with(MetricsOptions::from_json(options)?))));
}

#[async_trait]
impl Plugin for Metrics {
    fn manifest(&self) -> Manifest {
        let manifest = Manifest::new("metrics", env!("CARGO_PKG_VERSION"));
        manifest.maybe_namespace(self.0.options.namespace.as_deref())
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let options = &self.0.options;
        options.check()?;
        let context = installer.context().clone();
        let make = || Arc::new(Registry::new(context.env().clone(), options.resources_max));
        let registry = self.0.registry.get_or_init(make).clone();
        if let Some(endpoint) = &options.endpoint {
            // A port that is taken is told now, and not when nobody looks.
            let listener = bind(endpoint.address).await?;
            *lock(&self.0.address) = listener.local_addr().ok();
            let weak = Arc::downgrade(&self.0);
            let closed = || Error::new(ErrorKind::Unavailable, "the metrics are gone");
            let render: Render = Arc::new(move || Self(weak.upgrade().ok_or_else(closed)?).prometheus());
            let (endpoint, env) = (endpoint.clone(), context.env().clone());
            let server = Server { listener, endpoint, env, render };
            installer.task("endpoint", move |_, shutdown| server.run(shutdown));
        }
        *lock(&self.0.context) = Some(context);
        installer.layer(
            Stage::Observe,
            Arc::new(MetricsLayer { registry: registry.clone(), facade: options.facade }),
        );
        installer.requests(registry);
        let of = Arc::downgrade(&self.0);
        installer.command(Command::new("report", "Shows calls, times and failures"), move |_, _| {
            let shown = of.upgrade().map_or(Ok(Value::Null), |inner| shown(&Self(inner)));
            async move { shown }
        });
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        // The task of the endpoint has ended, and its port is free.
        *lock(&self.0.address) = None;
        Ok(())
    }
}

fn shown(metrics: &Metrics) -> Result<Value> {
    serde_json::to_value(metrics.report()?).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "the report cannot be shown as JSON").caused_by(error)
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
