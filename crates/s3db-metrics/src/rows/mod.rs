//! What was counted, as rows on the bucket: the resources of s3db.js, one row for each verb of each resource and interval.

mod query;
mod row;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use s3db_core::behavior::Behavior;
use s3db_core::plugin::{Context, Installer};
use s3db_core::{ErrorKind, ResourceConfig, Result};
use serde_json::{Value, json};

use crate::registry::{Calls, Registry};

pub use query::{MetricsQuery, StoredCalls, StoredStats};
pub use row::{ErrorRow, OperationRow};

/// Rows that are written at once.
const PARALLELISM: usize = 8;

/// The resources of the rows, by the names that s3db.js has for them.
const NAMES: [&str; 3] = ["metrics", "metrics_errors", "metrics_performance"];

/// Writes what was counted since the last time.
#[derive(Debug)]
pub(crate) struct Rows {
    context: Context,
    keeps_errors: bool,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is written, or waits to be.
    counted: BTreeMap<(Arc<str>, &'static str), Calls>,
    /// Rows that are not written yet, under ids that they keep: a row that is written twice is there once.
    waiting: Vec<Waiting>,
}

#[derive(Debug, Clone)]
struct Waiting {
    resource: &'static str,
    row: Value,
}

impl Rows {
    pub(crate) fn new(context: Context, keeps_errors: bool) -> Self {
        Self { context, keeps_errors, state: tokio::sync::Mutex::default() }
    }

    /// Makes the resources, as s3db.js defines them.
    pub(crate) async fn install(installer: &mut Installer) -> Result<()> {
        for (name, own) in NAMES.into_iter().zip([
            json!({
                "type": "string|required", "resourceName": "string", "operation": "string",
                "count": "number|required", "totalTime": "number|required", "errors": "number|required",
                "avgTime": "number|required",
            }),
            json!({"resourceName": "string|required", "operation": "string|required", "error": "string|required"}),
            json!({"resourceName": "string|required", "operation": "string|required", "duration": "number|required"}),
        ]) {
            let mut attributes = json!({"id": "string|required"});
            let common = json!({"timestamp": "datetime|required", "metadata": "json", "createdAt": "dateonly|required"});
            for part in [own, common] {
                if let (Value::Object(attributes), Value::Object(part)) = (&mut attributes, part) {
                    attributes.extend(part);
                }
            }
            let config = ResourceConfig::new(name, attributes)
                .behavior(Behavior::BodyOverflow)
                .timestamps(false)
                .partitions(json!({"byDate": {"fields": {"createdAt": "dateonly"}}}));
            installer.resource(config).await?;
        }
        Ok(())
    }

    /// Writes what was counted since the last time, and what could not be written then. Returns how many rows were written.
    pub(crate) async fn flush(&self, registry: &Registry) -> Result<u64> {
        let mut state = self.state.lock().await;
        let mut written = self.write(&mut state).await?;
        let counted = registry.snapshot().calls;
        let own: Vec<String> = NAMES.iter().map(|name| self.context.manifest().resource_name(name)).collect();
        let now_ms = self.context.env().now_ms();
        let mut waiting = Vec::new();
        for ((resource, verb), calls) in &counted {
            // Its own rows would make rows for ever.
            if own.iter().any(|name| **name == **resource) {
                continue;
            }
            let before = state.counted.get(&(resource.clone(), *verb)).cloned().unwrap_or_default();
            if calls.times.count > before.times.count {
                let row = row::operation(self.context.env().as_ref(), now_ms, resource, verb, calls, &before);
                waiting.push(Waiting { resource: NAMES[0], row });
            }
            if self.keeps_errors {
                let rows = row::errors(self.context.env().as_ref(), now_ms, resource, verb, calls, &before);
                waiting.extend(rows.into_iter().map(|row| Waiting { resource: NAMES[1], row }));
            }
        }
        // From here on they are counted as written, and wait until they are.
        state.counted = counted;
        state.waiting = waiting;
        written += self.write(&mut state).await?;
        Ok(written)
    }

    /// Writes what waits. Errors: of the first row that could not be written; it waits on, and so do those like it.
    async fn write(&self, state: &mut State) -> Result<u64> {
        let (mut written, mut failed) = (0, None);
        let rows = state.waiting.clone();
        let writes: Vec<_> = rows.iter().map(|waiting| self.put(waiting)).collect();
        let results: Vec<Result<()>> = stream::iter(writes).buffered(PARALLELISM).collect().await;
        let mut left = Vec::new();
        for (waiting, result) in rows.into_iter().zip(results) {
            match result {
                Ok(()) => written += 1,
                Err(error) => {
                    failed.get_or_insert(error);
                    left.push(waiting);
                }
            }
        }
        state.waiting = left;
        failed.map_or(Ok(written), Err)
    }

    async fn put(&self, waiting: &Waiting) -> Result<()> {
        match self.context.resource(waiting.resource)?.insert(waiting.row.clone()).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}
