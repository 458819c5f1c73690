//! The plugin.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use async_trait::async_trait;
use s3db_core::env::Env;
use s3db_core::plugin::{
    Argument, Command, Context, Installer, Manifest, Metric, Plugin, PluginRegistry, Reading,
};
use s3db_core::price::Prices;
use s3db_core::store::{Request, RequestObserver};
use s3db_core::{Document, Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::Value;

use crate::estimate::{Estimate, EstimateOptions};
use crate::money::of_requests;
use crate::options::CostsOptions;
use crate::report::{CostReport, Snapshot, SnapshotOptions};
use crate::tally::Tally;
use crate::transfer::Transfer;

/// Counts and prices the requests of one database. Clones are handles of the same one.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use s3db_core::price::AWS_S3_STANDARD;
/// use s3db_core::{Database, ResourceConfig};
/// use s3db_costs::{Costs, CostsOptions};
/// use serde_json::json;
///
/// let costs = Costs::with(CostsOptions::default().prices(AWS_S3_STANDARD));
/// let db = Database::builder("memory://shop/costs")?.plugin(costs.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
/// users.get("ann").await?;
///
/// let report = costs.report();
/// assert_eq!(report.by_resource["users"].requests.total(), 2);
/// assert_eq!(report.by_operation["get"].requests.get, 1);
/// println!("{} so far", report.total);
/// db.close().await;
/// # Ok(()) }) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Costs(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    options: CostsOptions,
    /// Made when it is installed, with the clock and the prices of that place. What was counted stays when it is installed again.
    counting: OnceLock<Arc<Counting>>,
}

#[derive(Debug)]
struct Counting {
    env: Arc<dyn Env>,
    prices: Prices,
    transfer: Transfer,
    free_tier: bool,
    is_on: AtomicBool,
    tally: Mutex<Tally>,
}

impl Costs {
    /// With the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// With other options. They are checked when it is installed.
    pub fn with(options: CostsOptions) -> Self {
        Self(Arc::new(Inner { options, counting: OnceLock::new() }))
    }

    /// What has been spent since it was installed; nothing before. Sends nothing.
    pub fn report(&self) -> CostReport {
        self.look(|counting, tally| {
            CostReport::of(tally, &counting.prices, &counting.transfer, counting.free_tier)
        })
    }

    /// What was spent in a time, on a resource or a plugin. Sends nothing.
    pub fn snapshot(&self, options: &SnapshotOptions) -> Snapshot {
        self.look(|counting, tally| {
            Snapshot::of(tally, options, &counting.prices, &counting.transfer, counting.free_tier)
        })
    }

    /// What the bill will be when things go on as they were in the time that was observed. Sends nothing.
    pub fn estimate(&self, options: &EstimateOptions) -> Estimate {
        self.look(|counting, tally| {
            Estimate::of(tally, options, &counting.prices, &counting.transfer, counting.free_tier)
        })
    }

    fn look<T>(&self, look: impl FnOnce(&Counting, &Tally) -> T) -> T {
        match self.0.counting.get() {
            Some(counting) => {
                let mut tally = counting.tally();
                tally.move_to(counting.env.now_ms());
                look(counting, &tally)
            }
            None => {
                let counting = Counting::new(&self.0.options, Arc::new(s3db_core::env::SystemEnv), None);
                let tally = Tally::new(&self.0.options, 0);
                look(&counting, &tally)
            }
        }
    }
}

impl Counting {
    fn new(options: &CostsOptions, env: Arc<dyn Env>, prices: Option<&Prices>) -> Self {
        let prices = options.prices.or(prices.copied()).unwrap_or(s3db_core::price::FREE);
        let transfer = options.transfer.clone().unwrap_or_else(|| Transfer::of(&prices));
        let tally = Mutex::new(Tally::new(options, env.now_ms()));
        Self { env, prices, transfer, free_tier: options.free_tier, is_on: AtomicBool::new(true), tally }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl RequestObserver for Counting {
    fn request(&self, request: &Request<'_>) {
        if self.is_on.load(Ordering::Relaxed) {
            let now_ms = self.env.now_ms();
            self.tally().note(request, now_ms);
        }
    }
}

/// Teaches a registry the plugin `costs`, with the options of [`CostsOptions::from_json`].
pub fn register(registry: &mut PluginRegistry) {
    registry.register("costs", |options| Ok(Arc::new(Costs::with(CostsOptions::from_json(options)?))));
}

#[async_trait]
impl Plugin for Costs {
    fn manifest(&self) -> Manifest {
        Manifest::new("costs", env!("CARGO_PKG_VERSION")).maybe_namespace(self.0.options.namespace.as_deref())
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        self.0.options.check()?;
        let context = installer.context();
        let prices = *context.database()?.prices();
        let env = context.env().clone();
        let make = || Arc::new(Counting::new(&self.0.options, env, Some(&prices)));
        let counting = self.0.counting.get_or_init(make).clone();
        counting.is_on.store(true, Ordering::Relaxed);
        installer.requests(counting.clone());
        offer(installer, self, &counting);
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        if let Some(counting) = self.0.counting.get() {
            counting.is_on.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn offer(installer: &mut Installer, costs: &Costs, counting: &Arc<Counting>) {
    type Read = fn(&Counting, &Tally) -> f64;
    let metrics: [(Metric, Read); 4] = [
        (Metric::counter("s3db_costs_requests", "Requests that were sent"), |_, tally| {
            tally.total.requests.total() as f64
        }),
        (Metric::counter("s3db_costs_request_dollars", "What they cost"), |counting, tally| {
            of_requests(&counting.prices, &tally.total.requests).dollars()
        }),
        (Metric::counter("s3db_costs_in_bytes", "Bytes that went up"), |_, tally| {
            tally.total.bytes_in as f64
        }),
        (Metric::counter("s3db_costs_out_bytes", "Bytes that came down"), |_, tally| {
            tally.total.bytes_out as f64
        }),
    ];
    for (metric, read) in metrics {
        let counting = counting.clone();
        installer.metric(metric, move || vec![Reading::new(read(&counting, &counting.tally()))]);
    }
    let of = costs.clone();
    installer.command(Command::new("report", "Shows what has been spent"), move |_, _| {
        let shown = shown(&of.report());
        async move { shown }
    });
    let of = costs.clone();
    let snapshot = Command::new("snapshot", "Shows what was spent lately")
        .argument(Argument::optional("seconds", "Only so far back"))
        .argument(Argument::optional("resource", "Only on this one"))
        .argument(Argument::optional("plugin", "Only on the storage of this one"));
    installer.command(snapshot, move |_, arguments: Document| {
        let shown = snapshot_options(&arguments).and_then(|options| shown(&of.snapshot(&options)));
        async move { shown }
    });
    let of = costs.clone();
    let estimate = Command::new("estimate", "Projects the bill")
        .argument(Argument::optional("days", "For so many days, 30 by default"));
    installer.command(estimate, move |_, arguments: Document| {
        let days = number(&arguments, "days").map(|days| days.and_then(|days| u32::try_from(days).ok()));
        let shown = days.and_then(|days| {
            let options = EstimateOptions::default();
            shown(&of.estimate(&match days {
                Some(days) => options.days(days),
                None => options,
            }))
        });
        async move { shown }
    });
}

fn snapshot_options(arguments: &Document) -> Result<SnapshotOptions> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(SnapshotOptions {
        window: number(arguments, "seconds")?.map(std::time::Duration::from_secs),
        resource: text("resource"),
        plugin: text("plugin"),
    })
}

/// A whole number, as JSON or, from a shell, as text.
fn number(arguments: &Document, name: &str) -> Result<Option<u64>> {
    let Some(value) = arguments.get(name) else { return Ok(None) };
    let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    number
        .map(Some)
        .ok_or_else(|| Error::new(ErrorKind::Config, "an argument is no whole number").with("argument", name))
}

fn shown(report: &impl Serialize) -> Result<Value> {
    serde_json::to_value(report).map_err(|error| {
        Error::new(ErrorKind::Unsupported, "the report cannot be shown as JSON").caused_by(error)
    })
}
