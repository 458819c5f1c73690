//! The plugin.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::op::Stage;
use s3db_core::plugin::{Command, Context, Installer, Interval, Manifest, Plugin, PluginRegistry};
use s3db_core::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::endpoint::{Render, Server, bind};
use crate::layer::MetricsLayer;
use crate::options::MetricsOptions;
use crate::registry::Registry;
use crate::report::MetricsReport;
use crate::rows::{ErrorRow, MetricsQuery, OperationRow, Rows, StoredStats};
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
    rows: OnceLock<Arc<Rows>>,
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

    /// Writes rows of what was counted since the last time, now. Returns how many.
    ///
    /// Requests: 2 PUT for each verb of each resource that was called, and for each kind of failure of it.
    /// Errors: of the first row that could not be written; the next time tries it again, under the same id.
    pub async fn flush(&self) -> Result<u64> {
        let (registry, _) = self.parts()?;
        self.rows()?.flush(&registry).await
    }

    /// Rows of calls on the bucket, of all processes, newest first; also those of s3db.js, with or without
    /// [`rows`](MetricsOptions::rows).
    ///
    /// Requests: 1 LIST per 1,000 rows, of up to 31 days or of all; 1 GET a row that is looked at, until there are enough.
    pub async fn operation_rows(&self, query: &MetricsQuery) -> Result<Vec<OperationRow>> {
        self.rows()?.operations(query).await
    }

    /// Rows of failures, as [`operation_rows`](Self::operation_rows).
    pub async fn error_rows(&self, query: &MetricsQuery) -> Result<Vec<ErrorRow>> {
        self.rows()?.errors(query).await
    }

    /// The sums of the rows of the last 24 hours, of all processes. Requests: as [`operation_rows`](Self::operation_rows).
    pub async fn stored_stats(&self) -> Result<StoredStats> {
        self.rows()?.stats().await
    }

    /// Deletes rows of days that are longer ago. Returns their number.
    ///
    /// Requests: for each of three resources 1 LIST, and 1 LIST + 1 DELETE of many per 500 rows of each day.
    pub async fn cleanup(&self, days: u32) -> Result<u64> {
        self.rows()?.cleanup(days).await
    }

    fn rows(&self) -> Result<&Arc<Rows>> {
        self.0.rows.get().ok_or_else(|| Error::new(ErrorKind::Config, "the metrics are not installed"))
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
        let keeps_errors = options.rows.as_ref().is_some_and(|rows| rows.errors);
        let rows = self.0.rows.get_or_init(|| Arc::new(Rows::new(context.clone(), keeps_errors))).clone();
        if let Some(kept) = &options.rows {
            Rows::install(installer).await?;
            let (of, counted) = (rows.clone(), registry.clone());
            installer.every(Interval::every(kept.flush_every).jitter(0.1), "rows", move |_| {
                let (of, counted) = (of.clone(), counted.clone());
                async move { of.flush(&counted).await.map(drop) }
            })?;
            if let Some(days) = kept.retention_days {
                let daily = Interval::every(Duration::from_secs(86_400)).jitter(0.1).at_once();
                installer.every(daily, "cleanup", move |_| {
                    let of = rows.clone();
                    async move { of.cleanup(days).await.map(drop) }
                })?;
            }
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
        // What was counted since the last rows.
        match self.0.options.rows {
            Some(_) => self.flush().await.map(drop),
            None => Ok(()),
        }
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
