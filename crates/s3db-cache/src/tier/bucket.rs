//! A tier of objects beside the documents.

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db_core::plugin::storage::{PluginStorage, SetOptions, WriteMode};
use s3db_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::CacheTier;

/// Where its keys begin, apart from those of s3db.js.
const FOLDER: &str = "answers";

/// How long a slot that was read is believed.
const TRUST: Duration = Duration::from_secs(5);

/// Keeps entries in the plugin storage of the cache. Requests: 1 GET a `get`, 1 PUT a `put`, 1 DELETE a `delete`.
#[derive(Debug)]
pub(super) struct Bucket(pub(super) PluginStorage);

#[async_trait]
impl CacheTier for Bucket {
    fn name(&self) -> &str {
        "bucket"
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let Some(found) = self.0.get(&full(key)).await? else {
            return Ok(None);
        };
        let bytes = found.get("data").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        bytes.map(Some).ok_or_else(|| Error::new(ErrorKind::Corrupt, "an entry of the cache is damaged"))
    }

    async fn put(&self, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Result<()> {
        let options = SetOptions { ttl, mode: WriteMode::BodyOnly, ..SetOptions::default() };
        let put = self.0.set(&full(key), json!({"data": STANDARD.encode(value)}), options).await;
        put.map(drop)
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        self.0.delete_many(&keys.iter().map(|key| full(key)).collect::<Vec<_>>()).await
    }

    async fn clear(&self, prefix: &str) -> Result<()> {
        self.0.delete_prefix(&full(prefix)).await.map(drop)
    }

    fn trust(&self) -> Duration {
        TRUST
    }

    fn keeps_documents(&self) -> bool {
        false
    }
}

fn full(key: &str) -> String {
    format!("{FOLDER}/{key}")
}
