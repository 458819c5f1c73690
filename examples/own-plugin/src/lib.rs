//! A plugin of your own: counts the writes of each resource, keeps the totals on the bucket, and shows them.
//!
//! The guide beside it is `docs/plugins/write-your-own.md` of s3db.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use s3db::op::{Answer, Next, Op, OpLayer, Stage};
use s3db::plugin::{
    Command, Context, Installer, Interval, Manifest, Metric, Plugin, PluginRegistry, Reading,
};
use s3db::{Document, Error, ErrorKind, Result};
use serde_json::Value;

/// Key of a resource's total in the storage of the plugin.
fn key(resource: &str) -> String {
    format!("writes/{resource}")
}

/// Counts writes. One instance counts for one database.
#[derive(Debug)]
pub struct Tally {
    namespace: Option<String>,
    every: Duration,
    counts: Arc<Counts>,
}

/// Writes that are not on the bucket yet.
#[derive(Debug, Default)]
struct Counts(Mutex<BTreeMap<String, u64>>);

impl Counts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Adds what was counted to the totals on the bucket. What cannot be written is counted again.
    async fn flush(&self, context: &Context) -> Result<()> {
        let waiting = std::mem::take(&mut *self.lock());
        let mut outcome = Ok(());
        for (resource, writes) in waiting {
            let by = i64::try_from(writes).unwrap_or(i64::MAX);
            if let Err(error) = context.storage().increment(&key(&resource), by).await {
                // Of a request whose answer was lost nobody knows whether it has counted.
                if !error.is_outcome_unknown() {
                    *self.lock().entry(resource).or_default() += writes;
                }
                outcome = Err(error);
            }
        }
        outcome
    }
}

impl Tally {
    /// Counts, and writes the totals once a minute.
    pub fn new() -> Self {
        Self { namespace: None, every: Duration::from_secs(60), counts: Arc::default() }
    }

    /// Tells this instance from others.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// How often the totals are written.
    pub fn every(mut self, period: Duration) -> Self {
        self.every = period;
        self
    }

    /// Reads the options that a configuration gives: `namespace` and `every_seconds`.
    pub fn from_options(options: &Document) -> Result<Self> {
        let mut tally = Self::new();
        for (name, value) in options {
            let wrong = |wanted: &str| {
                Error::new(ErrorKind::Config, "an option is wrong").with("option", name).with("wanted", wanted)
            };
            match name.as_str() {
                "namespace" => tally = tally.namespace(value.as_str().ok_or_else(|| wrong("a text"))?),
                "every_seconds" => {
                    let seconds = value.as_u64().filter(|seconds| *seconds > 0);
                    tally = tally.every(Duration::from_secs(seconds.ok_or_else(|| wrong("a whole number above 0"))?));
                }
                _ => return Err(wrong("namespace or every_seconds")),
            }
        }
        Ok(tally)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// Teaches a registry this plugin, so that configurations can name it.
pub fn register(registry: &mut PluginRegistry) {
    registry.register("tally", |options| Ok(Arc::new(Tally::from_options(options)?)));
}

#[async_trait]
impl Plugin for Tally {
    fn manifest(&self) -> Manifest {
        Manifest::new("tally", env!("CARGO_PKG_VERSION")).maybe_namespace(self.namespace.as_deref())
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        installer.layer(Stage::Observe, Arc::new(CountWrites(self.counts.clone())));

        let counts = self.counts.clone();
        installer.every(Interval::every(self.every).jitter(0.1), "flush", move |context| {
            let counts = counts.clone();
            async move { counts.flush(&context).await }
        })?;

        let counts = self.counts.clone();
        let metric = Metric::gauge("s3db_tally_waiting_writes", "Writes that are not in the totals yet");
        installer.metric(metric, move || {
            let counts = counts.lock();
            counts.iter().map(|(name, n)| Reading::new(*n as f64).label("resource", name)).collect()
        });

        let counts = self.counts.clone();
        installer.command(Command::new("totals", "Shows the writes of each resource"), move |context, _| {
            let counts = counts.clone();
            async move { totals(&counts, &context).await }
        });
        Ok(())
    }

    async fn stop(&self, context: &Context) -> Result<()> {
        self.counts.flush(context).await
    }
}

/// The layer: lets the call go on, and counts what succeeded.
#[derive(Debug)]
struct CountWrites(Arc<Counts>);

#[async_trait]
impl OpLayer for CountWrites {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        // Resources of other plugins are none of ours.
        if op.verb().is_read() || next.is_internal() {
            return next.run(op).await;
        }
        let resource = next.resource_name().to_owned();
        let answer = next.run(op).await?;
        let writes = match &answer {
            Answer::Record(_) | Answer::Deleted => 1,
            Answer::Batch(batch) => batch.ok.len() as u64,
            Answer::Count(count) => *count,
            _ => 0,
        };
        if writes > 0 {
            *self.0.lock().entry(resource).or_default() += writes;
        }
        Ok(answer)
    }
}

/// Totals on the bucket, with what waits here.
async fn totals(counts: &Counts, context: &Context) -> Result<Value> {
    counts.flush(context).await?;
    let mut totals = Document::new();
    for key in context.storage().list("writes/").await? {
        if let (Some(name), Some(total)) = (key.strip_prefix("writes/"), context.storage().get(&key).await?) {
            totals.insert(name.to_owned(), total.get("value").cloned().unwrap_or_default());
        }
    }
    Ok(Value::Object(totals))
}
