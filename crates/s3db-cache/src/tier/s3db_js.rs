//! What the cache of s3db.js has kept in the bucket.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use md5::{Digest as _, Md5};
use s3db_core::Document;
use s3db_core::env::Env;
use s3db_core::op::{Answer, Op, PartitionArgs};
use s3db_core::plugin::storage::PluginStorage;
use s3db_core::resource::Record;
use serde_json::{Map, Value, json};

use super::generation::{Slot, State, Table};
use super::path::as_text;
use super::stats::{Counters, TierStats};

/// Most bytes that an entry unfolds to.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// The entries that s3db.js writes with its driver `s3`. They are read for single documents, lists and counts without limit,
/// of a resource or a partition; for other reads its keys do not say all that was asked for.
#[derive(Debug)]
pub(super) struct S3dbJs {
    storage: PluginStorage,
    key_prefix: String,
    env: Arc<dyn Env>,
    counters: Counters,
}

impl S3dbJs {
    pub(super) fn new(storage: PluginStorage, key_prefix: String, env: Arc<dyn Env>) -> Self {
        Self { storage, key_prefix, env, counters: Counters::default() }
    }

    pub(super) fn stats(&self) -> TierStats {
        self.counters.snapshot("s3db.js")
    }

    /// The answer to a read, and how long it still counts by its own time. Requests: 1 GET.
    pub(super) async fn look(
        &self,
        resource: &str,
        table: &Table,
        op: &Op<'_>,
    ) -> Option<(Answer, Option<Duration>)> {
        let key = key(op)?;
        let state = table.state(Slot::Many)?;
        let changes = state.now();
        if state.is_dirty(changes) && !self.clear(resource, state, changes).await {
            return None;
        }
        let found = self.storage.get_with_version(&format!("{}/{key}", self.prefix(resource))).await;
        let answer = match found {
            Ok(Some(found)) => self.answer(op, &found.value, found.expires_at_ms),
            Ok(None) => None,
            Err(_) => {
                Counters::add(&self.counters.errors);
                None
            }
        };
        let answer = answer.filter(|_| state.now() == changes);
        Counters::add(if answer.is_some() { &self.counters.hits } else { &self.counters.misses });
        answer
    }

    /// Clears what is kept of a resource: s3db.js does so after its own writes. Requests: 1 LIST, and 1 DELETE of many where
    /// there is anything.
    pub(super) async fn change(&self, resource: &str, table: &Table) {
        if let Some(state) = table.state(Slot::Many) {
            let changes = state.changes();
            self.clear(resource, state, changes).await;
        }
    }

    pub(super) fn abandon(&self, table: &Table) {
        if let Some(state) = table.state(Slot::Many) {
            state.abandon();
        }
    }

    async fn clear(&self, resource: &str, state: &State, changes: u64) -> bool {
        match self.storage.delete_prefix(&format!("{}/", self.prefix(resource))).await {
            Ok(deleted) => {
                if deleted > 0 {
                    Counters::add(&self.counters.invalidations);
                }
                state.was_deleted(changes);
                true
            }
            Err(error) => {
                Counters::add(&self.counters.errors);
                tracing::warn!(%error, "the entries of s3db.js could not be cleared, and are not read");
                false
            }
        }
    }

    fn prefix(&self, resource: &str) -> String {
        format!("{}/resource={resource}", self.key_prefix)
    }

    fn answer(
        &self,
        op: &Op<'_>,
        stored: &Document,
        expires_at_ms: Option<i64>,
    ) -> Option<(Answer, Option<Duration>)> {
        let now_ms = self.env.now_ms();
        let mut value: Value = serde_json::from_str(&text(stored)?).ok()?;
        let mut over_ms = expires_at_ms;
        if value.get("__s3dbCacheV").is_some() {
            let of = |name: &str| value.get(name).and_then(Value::as_i64);
            if let (Some(at), Some(ttl)) = (of("storedAt"), of("ttlMs")) {
                let at = at.saturating_add(ttl);
                over_ms = Some(over_ms.map_or(at, |over| over.min(at)));
            }
            value = value.get_mut("payload")?.take();
        }
        let left_ms = over_ms.map(|over| u64::try_from(over.saturating_sub(now_ms)).unwrap_or(0));
        if left_ms == Some(0) {
            return None;
        }
        let answer = match op {
            Op::Get { .. } => Answer::Found(Some(Box::new(record(value)?))),
            Op::Count { .. } => Answer::Count(value.as_u64()?),
            Op::List { .. } => {
                let records: Option<Vec<Record>> = match value {
                    Value::Array(items) => items.into_iter().map(record).collect(),
                    _ => None,
                };
                serde_json::from_value(json!({"listing": {"records": records?}})).ok()?
            }
            _ => return None,
        };
        Some((answer, left_ms.map(Duration::from_millis)))
    }
}

/// The key of a read, below that of its resource.
fn key(op: &Op<'_>) -> Option<String> {
    match op {
        Op::Get { id } => {
            let asked = json!({"id": id}).to_string();
            let hash: String = Md5::digest(asked).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            Some(format!("action=get/{hash}.json.gz"))
        }
        Op::List { partition, options } if options.limit.is_none() && options.after.is_none() => {
            Some(format!("action=list{}.json.gz", partition_part(partition.as_ref())?))
        }
        Op::Count { partition, verified: false } => {
            Some(format!("action=count{}.json.gz", partition_part(partition.as_ref())?))
        }
        _ => None,
    }
}

/// `None` where s3db.js's key says it in more than one way.
fn partition_part(partition: Option<&PartitionArgs>) -> Option<String> {
    let Some(PartitionArgs { name, values }) = partition else {
        return Some(String::new());
    };
    // It does not sort the values, and escapes nothing.
    let [(field, value)] = values.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let value = as_text(value);
    let is_plain = |text: &str| !text.is_empty() && !text.contains(['/', ':']) && !text.contains("..");
    [name.as_str(), field, &value]
        .into_iter()
        .all(is_plain)
        .then(|| format!("/partition:{name}/{field}:{value}"))
}

/// The JSON of an entry.
fn text(stored: &Document) -> Option<String> {
    let data = stored.get("data")?.as_str()?;
    if stored.get("compressed").and_then(Value::as_bool) != Some(true) {
        return Some(data.to_owned());
    }
    let (packed, mut text) = (STANDARD.decode(data).ok()?, String::new());
    GzDecoder::new(packed.as_slice()).take(UNPACKED_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// A document as s3db.js gives it, with what it knows of it under names that begin with `_`.
fn record(value: Value) -> Option<Record> {
    let Value::Object(mut fields) = value else {
        return None;
    };
    let mut take = |name: &str| fields.shift_remove(name);
    let id = take("id")?;
    let etag = take("_etag")?;
    let version = take("_v")?;
    let last_modified_ms = take("_lastModified").and_then(|at| milliseconds(at.as_str()?));
    let content_length = take("_contentLength").and_then(|length| length.as_u64()).unwrap_or(0);
    let has_content = take("_hasContent").and_then(|has| has.as_bool()).unwrap_or(false);
    let content_type = take("_mimeType");
    let data: Map<String, Value> = fields.into_iter().filter(|(name, _)| !name.starts_with('_')).collect();
    // Whether a write of s3db.js or of ours made it is not told: the weaker check is the safe one.
    let check = if has_content { "unchecked" } else { "stamped-only" };
    let record = json!({"id": id, "data": data, "meta": {
        "etag": etag, "version": version, "last_modified_ms": last_modified_ms, "content_length": content_length,
        "content_type": content_type, "has_content": has_content, "overflowed": false, "truncated": [],
        "check": check,
    }});
    serde_json::from_value(record).ok()
}

/// Milliseconds since 1970 of a time as JavaScript writes it.
fn milliseconds(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}
