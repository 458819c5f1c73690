//! The plugin.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::behavior::Behavior;
use s3db_core::database::{ChangeOptions, WhenFull};
use s3db_core::op::Stage;
use s3db_core::plugin::{
    Argument, Command, Installer, Interval, Leadership, Manifest, Metric, Plugin, PluginRegistry, Reading,
};
use s3db_core::{Document, Error, ErrorKind, ResourceConfig, Result};
use serde_json::{Value, json};

use crate::entry::{AuditEntry, Operation};
use crate::layer::Strict;
use crate::options::AuditOptions;
use crate::query::{AuditQuery, AuditSummary};
use crate::stats::AuditStats;
use crate::writer::{Shared, Writer, operations};

/// Changes that wait for their rows. Then writers wait.
const QUEUE_CHANGES: usize = 1024;

/// Writes a row for each change. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_audit::{Audit, AuditOptions, AuditQuery};
/// use s3db_core::{Database, ResourceConfig, actor};
/// use serde_json::json;
///
/// let audit = Audit::with(AuditOptions::default().strict(true));
/// let db = Database::builder("memory://shop/audit")?.plugin(audit.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// actor::acting_as("alice", users.insert(json!({"id": "ann", "name": "Ann"}))).await?;
///
/// let rows = audit.history("users", "ann").await?;
/// assert_eq!((rows.len(), rows[0].user.as_str()), (1, "alice"));
/// assert_eq!(rows[0].after.as_ref().unwrap()["name"], "Ann");
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Audit(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: AuditOptions,
    writer: OnceLock<Shared>,
}

impl Audit {
    /// An audit with the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// An audit with other options. They are checked when it is installed.
    pub fn with(options: AuditOptions) -> Self {
        Self(Arc::new(Inner { options, writer: OnceLock::new() }))
    }

    /// Rows, oldest first.
    ///
    /// Requests: 1 LIST per 1,000 rows of the resource, of up to 31 days, or of all; 1 GET a row that is looked at, until there
    /// are enough. Errors: `Validation` for a time that is none; those of the store.
    pub async fn rows(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>> {
        self.writer()?.rows(query).await
    }

    /// All rows of one document, oldest first. Requests and errors: as [`rows`](Self::rows).
    pub async fn history(&self, resource: &str, id: &str) -> Result<Vec<AuditEntry>> {
        self.rows(&AuditQuery::new().resource(resource).record_id(id).limit(usize::MAX)).await
    }

    /// Numbers of all rows that a query takes, whatever its limit. Requests and errors: as [`rows`](Self::rows).
    pub async fn summary(&self, query: &AuditQuery) -> Result<AuditSummary> {
        self.writer()?.summary(query).await
    }

    /// Deletes rows that are older than so many days. Returns their number.
    ///
    /// Requests: 1 LIST per 1,000 rows; for each that is deleted 1 GET and its part of a DELETE of many.
    pub async fn cleanup(&self, days: u32) -> Result<u64> {
        self.writer()?.cleanup(days).await
    }

    /// Waits until the rows of all changes so far are written or given up. Sends nothing itself.
    pub async fn flush(&self) -> Result<()> {
        let writer = self.writer()?;
        let db = writer.context.database()?;
        let numbers = db.resource_names().into_iter().filter_map(|name| {
            let resource = db.resource(&name).ok()?;
            writer.covers(&name, || resource.is_internal()).then(|| resource.last_change())
        });
        let last = numbers.max().unwrap_or(0);
        // Of no resource: failures are told of elsewhere.
        writer.written(last, last, "").await
    }

    /// What it has done. All 0 before it is installed.
    pub fn stats(&self) -> AuditStats {
        self.0.writer.get().map(|writer| writer.counters.snapshot()).unwrap_or_default()
    }

    fn writer(&self) -> Result<&Shared> {
        self.0.writer.get().ok_or_else(|| {
            Error::new(ErrorKind::Config, "the audit is not installed")
                .hint("give it to the database first, by `plugin(audit.clone())`")
        })
    }
}

/// Teaches a registry the plugin `audit`, with the options of [`AuditOptions::from_json`].
pub fn register(registry: &mut PluginRegistry) {
    registry.register("audit", |options| Ok(Arc::new(Audit::with(AuditOptions::from_json(options)?))));
}

/// The resource of the rows, as s3db.js defines it.
fn rows_config(name: &str) -> ResourceConfig {
    let attributes = json!({
        "id": "string|required", "resourceName": "string|required", "operation": "string|required",
        "recordId": "string|required", "userId": "string|optional", "timestamp": "datetime|required",
        "createdAt": "dateonly|required", "oldData": "string|optional", "newData": "string|optional",
        "partition": "string|optional", "partitionValues": "string|optional", "metadata": "string|optional",
    });
    ResourceConfig::new(name, attributes).behavior(Behavior::BodyOverflow).timestamps(false).partitions(
        json!({
            "byDate": {"fields": {"createdAt": "dateonly"}},
            "byResource": {"fields": {"resourceName": "string"}},
        }),
    )
}

#[async_trait]
impl Plugin for Audit {
    fn manifest(&self) -> Manifest {
        Manifest::new("audit", env!("CARGO_PKG_VERSION")).maybe_namespace(self.0.options.namespace.as_deref())
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let options = &self.0.options;
        options.check()?;
        let rows = match &options.resource_name {
            Some(name) => installer.resource_named(rows_config(name)).await?,
            None => installer.resource(rows_config("audits")).await?,
        };
        let context = installer.context().clone();
        let writer = || Arc::new(Writer::new(context, options.clone(), rows.name().to_owned()));
        let writer = self.0.writer.get_or_init(writer).clone();
        if options.enabled {
            // Its own rows would fill the queue that only it empties.
            let changes = ChangeOptions::new().except_resource(rows.name()).capacity(QUEUE_CHANGES);
            installer.changes("rows", changes.when_full(WhenFull::Wait), writer.clone())?;
            if options.strict {
                installer.layer(Stage::Observe, Arc::new(Strict(writer.clone())));
            }
        }
        if let Some(days) = options.retention_days {
            let of = writer.clone();
            let daily = Interval::every(Duration::from_secs(86_400)).jitter(0.1).at_once();
            installer.every(daily, "cleanup", move |context| {
                let of = of.clone();
                async move {
                    // One process is enough, where there is somebody to say which.
                    let leads = context.service::<Leadership>("coordinator").map(|who| who.epoch().is_some());
                    if leads.unwrap_or(true) {
                        of.cleanup(days).await?;
                    }
                    Ok(())
                }
            })?;
        }
        offer(installer, &writer);
        Ok(())
    }
}

fn offer(installer: &mut Installer, writer: &Shared) {
    type Read = fn(&AuditStats) -> u64;
    let metrics: [(Metric, Read); 2] = [
        (Metric::counter("s3db_audit_written", "Rows that were written"), |stats| stats.written),
        (Metric::counter("s3db_audit_failed", "Rows that could not be written"), |stats| stats.failed),
    ];
    for (metric, read) in metrics {
        let writer = writer.clone();
        installer.metric(metric, move || vec![Reading::new(read(&writer.counters.snapshot()) as f64)]);
    }
    let of = writer.clone();
    let log = Command::new("log", "Shows rows, oldest first")
        .argument(Argument::optional("resource", "Only of this resource"))
        .argument(Argument::optional("id", "Only of this document"))
        .argument(Argument::optional("operation", format!("Only of this: {}", operations().join(", "))))
        .argument(Argument::optional("since", "From this day on"))
        .argument(Argument::optional("until", "To the end of this day"));
    installer.command(log, move |_, arguments: Document| {
        let of = of.clone();
        async move { Ok(serde_json::to_value(of.rows(&query(&arguments)).await?).unwrap_or(Value::Null)) }
    });
    let of = writer.clone();
    installer.command(Command::new("stats", "Shows numbers of rows"), move |_, _: Document| {
        let of = of.clone();
        async move { Ok(serde_json::to_value(of.summary(&AuditQuery::new()).await?).unwrap_or(Value::Null)) }
    });
    let of = writer.clone();
    let cleanup = Command::new("cleanup", "Deletes old rows")
        .argument(Argument::required("days", "Rows that are older than so many days"));
    installer.command(cleanup, move |_, arguments: Document| {
        let of = of.clone();
        async move {
            let days = arguments.get("days").and_then(|days| {
                days.as_u64()
                    .or_else(|| days.as_str()?.parse().ok())
                    .and_then(|days| u32::try_from(days).ok())
            });
            let days = days.ok_or_else(|| {
                Error::new(ErrorKind::Validation, "the number of days is none").with("argument", "days")
            })?;
            Ok(json!({"deleted": of.cleanup(days).await?}))
        }
    });
}

fn query(arguments: &Document) -> AuditQuery {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).map(str::to_owned);
    AuditQuery {
        resource: text("resource"),
        record_id: text("id"),
        operation: text("operation").map(|name| Operation::parse(&name)),
        since: text("since"),
        until: text("until"),
        ..AuditQuery::new()
    }
}
