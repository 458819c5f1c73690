//! The rows, in the form of s3db.js.

use s3db_core::Document;
use s3db_core::env::Env;
use serde::Serialize;
use serde_json::{Value, json};

use crate::registry::Calls;

/// Calls of one verb of one resource within an interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OperationRow {
    /// Id of the row.
    pub id: String,
    /// Resource; rows of s3db.js have `global` for the sum of all.
    pub resource_name: String,
    /// Verb.
    pub operation: String,
    /// Calls.
    pub count: u64,
    /// How long they took together, in milliseconds.
    pub total_time: f64,
    /// Of these, failures.
    pub errors: u64,
    /// Mean, in milliseconds.
    pub avg_time: f64,
    /// When it was written, as an ISO time.
    pub timestamp: String,
    /// Percentiles, in milliseconds, under `p50`, `p95` and `p99`; what s3db.js puts there.
    pub metadata: Document,
}

/// Failures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErrorRow {
    /// Id of the row.
    pub id: String,
    /// Resource.
    pub resource_name: String,
    /// Verb.
    pub operation: String,
    /// Kind of the failure; s3db.js has the message.
    pub error: String,
    /// How many there were; s3db.js has a row for each.
    pub count: u64,
    /// When it was written, as an ISO time.
    pub timestamp: String,
}

/// The row of the calls since `before`.
pub(super) fn operation(
    env: &dyn Env,
    now_ms: i64,
    resource: &str,
    verb: &str,
    calls: &Calls,
    before: &Calls,
) -> Value {
    let times = calls.times.since(&before.times);
    let failures = |calls: &Calls| calls.errors.values().sum::<u64>();
    let total_time = times.sum.as_secs_f64() * 1e3;
    let mut row = json!({
        "id": id(env, "metrics", now_ms),
        "type": "operation",
        "resourceName": resource,
        "operation": verb,
        "count": times.count,
        "totalTime": total_time,
        "errors": failures(calls).saturating_sub(failures(before)),
        "avgTime": times.mean_ms(),
        "metadata": {
            "resource": "true",
            "p50": times.percentile_ms(50),
            "p95": times.percentile_ms(95),
            "p99": times.percentile_ms(99),
        },
    });
    date(&mut row, now_ms);
    row
}

/// A row for each kind of failure since `before`.
pub(super) fn errors(
    env: &dyn Env,
    now_ms: i64,
    resource: &str,
    verb: &str,
    calls: &Calls,
    before: &Calls,
) -> Vec<Value> {
    let mut rows = Vec::new();
    for (kind, count) in &calls.errors {
        let count = count.saturating_sub(before.errors.get(kind).copied().unwrap_or(0));
        if count > 0 {
            let mut row = json!({
                "id": id(env, "error", now_ms),
                "resourceName": resource,
                "operation": verb,
                "error": kind,
                "metadata": {"error": "true", "count": count},
            });
            date(&mut row, now_ms);
            rows.push(row);
        }
    }
    rows
}

impl OperationRow {
    pub(super) fn read(id: &str, row: &Document) -> Self {
        let number = |name: &str| row.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        Self {
            id: id.to_owned(),
            resource_name: text(row, "resourceName"),
            operation: text(row, "operation"),
            count: number("count") as u64,
            total_time: number("totalTime"),
            errors: number("errors") as u64,
            avg_time: number("avgTime"),
            timestamp: text(row, "timestamp"),
            metadata: row.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default(),
        }
    }
}

impl ErrorRow {
    pub(super) fn read(id: &str, row: &Document) -> Self {
        Self {
            id: id.to_owned(),
            resource_name: text(row, "resourceName"),
            operation: text(row, "operation"),
            error: text(row, "error"),
            count: row.get("metadata").and_then(|data| data.get("count")?.as_u64()).unwrap_or(1),
            timestamp: text(row, "timestamp"),
        }
    }
}

fn text(row: &Document, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn date(row: &mut Value, now_ms: i64) {
    let now = iso(now_ms);
    if let Some(row) = row.as_object_mut() {
        row.insert("createdAt".to_owned(), now.get(..10).unwrap_or_default().into());
        row.insert("timestamp".to_owned(), now.into());
    }
}

/// `metrics-1795384986111-b4ve9eqzb`, as s3db.js has it.
fn id(env: &dyn Env, kind: &str, now_ms: i64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut random = [0; 9];
    env.fill(&mut random);
    let digit = |byte: &u8| DIGITS.get(usize::from(*byte) % DIGITS.len()).copied().map_or('0', char::from);
    format!("{kind}-{now_ms}-{}", random.iter().map(digit).collect::<String>())
}

/// The time in an id.
pub(super) fn time_of(id: &str) -> Option<i64> {
    id.split('-').nth(1)?.parse().ok()
}

/// An ISO time with milliseconds.
pub(super) fn iso(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}
