//! The processes of a namespace, as they have written themselves down.

use std::time::Duration;

use s3db_core::Result;
use s3db_core::plugin::storage::{PluginStorage, SetOptions, WriteMode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How often a process writes itself down.
pub(crate) const REGISTER_EVERY: Duration = Duration::from_secs(60);

/// How long that counts: a process that misses one time is still there.
const COUNTS_FOR: Duration = Duration::from_secs(150);

/// Most workers that a list of them holds.
const WORKERS_MAX: usize = 10_000;

/// A process, or a plugin of a process of s3db.js, that takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Worker {
    /// What it is called.
    pub worker_id: String,
    /// Its host.
    #[serde(default)]
    pub pod: Option<String>,
    /// Its last sign of life, in milliseconds since 1970, by its own clock.
    #[serde(default)]
    pub last_heartbeat: i64,
    /// When it began, by its own clock.
    #[serde(default)]
    pub start_time: i64,
}

/// Where they stand.
#[derive(Debug)]
pub(crate) struct Workers {
    storage: PluginStorage,
    namespace: String,
    own: Worker,
}

impl Workers {
    pub(crate) fn new(storage: PluginStorage, namespace: &str, id: &str, pod: &str, now_ms: i64) -> Self {
        let own = Worker {
            worker_id: id.to_owned(),
            pod: Some(pod.to_owned()),
            last_heartbeat: now_ms,
            start_time: now_ms,
        };
        Self { storage, namespace: namespace.to_owned(), own }
    }

    /// Writes this process down. Requests: 1 PUT.
    pub(crate) async fn register(&self, now_ms: i64) -> Result<()> {
        let value = json!({
            "workerId": self.own.worker_id, "pluginName": "coordinator", "pod": self.own.pod,
            "lastHeartbeat": now_ms, "startTime": self.own.start_time, "namespace": self.namespace,
        });
        let options = SetOptions { mode: WriteMode::BodyOnly, ..SetOptions::ttl(COUNTS_FOR) };
        self.storage.set(&self.key(), value, options).await.map(drop)
    }

    /// Takes this process off. Requests: 1 DELETE.
    pub(crate) async fn unregister(&self) -> Result<()> {
        self.storage.delete(&self.key()).await
    }

    /// Those that have not expired. Requests: 1 LIST per 1,000 + 1 GET each.
    pub(crate) async fn list(&self) -> Result<Vec<Worker>> {
        let keys = self.storage.list(&format!("namespace={}/workers/", self.namespace)).await?;
        let mut workers = Vec::new();
        for key in keys.into_iter().take(WORKERS_MAX) {
            if let Some(value) = self.storage.get(&key).await?
                && let Ok(worker) = serde_json::from_value(Value::Object(value))
            {
                workers.push(worker);
            }
        }
        Ok(workers)
    }

    fn key(&self) -> String {
        format!("namespace={}/workers/worker={}.json", self.namespace, self.own.worker_id)
    }
}
