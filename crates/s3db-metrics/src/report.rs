//! What people see.

use std::collections::BTreeMap;

use s3db_core::plugin::MetricReadings;
use serde::Serialize;

use crate::histogram::Histogram;
use crate::registry::Registry;

/// Most operations that are named as slow.
const SLOWEST: usize = 10;

/// What was counted since the plugin was installed. Serialised with the names of s3db.js.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricsReport {
    /// How fast calls were.
    pub performance: Performance,
    /// What was called.
    pub usage: Usage,
    /// What failed.
    pub errors: ErrorReport,
    /// What the plugin `cache` says, where it is installed.
    pub cache: Option<CacheUse>,
    /// Since when, in milliseconds.
    pub uptime_ms: u64,
}

/// How fast calls were, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Performance {
    /// Mean.
    pub average_response_time: f64,
    /// Half of the calls were at most so long: the end of the bucket that it falls into.
    pub p50: f64,
    /// 95 of a hundred.
    pub p95: f64,
    /// 99 of a hundred.
    pub p99: f64,
    /// Requests of the store.
    pub total_requests: u64,
    /// Of these, a second.
    pub requests_per_second: f64,
    /// Those whose mean is longest.
    pub slowest_operations: Vec<SlowOperation>,
}

/// A verb of a resource and how slow it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SlowOperation {
    /// Verb.
    pub operation: &'static str,
    /// Resource.
    pub resource: String,
    /// Mean, in milliseconds.
    pub avg_time: f64,
    /// 99 of a hundred were at most so long.
    pub p99: f64,
    /// Calls.
    pub count: u64,
}

/// What was called.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Usage {
    /// By resource.
    pub resources: BTreeMap<String, ResourceUse>,
    /// Calls of all verbs.
    pub total_operations: u64,
    /// The resource with most calls.
    pub most_active_resource: Option<String>,
    /// The hour of the day, UTC, with most calls: `14:00`.
    pub peak_usage_hour: Option<String>,
}

/// Calls of one resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceUse {
    /// `insert`.
    pub inserts: u64,
    /// `update`, `replace`, `upsert`, `set_content`, `delete_content`.
    pub updates: u64,
    /// `delete`, `delete_many`, `delete_all`.
    pub deletes: u64,
    /// All others.
    pub reads: u64,
    /// Each verb for itself.
    pub operations: BTreeMap<&'static str, u64>,
}

/// What failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ErrorReport {
    /// All.
    pub total: u64,
    /// By kind of the error; `cancelled` for calls whose caller went away.
    pub by_type: BTreeMap<&'static str, u64>,
    /// By resource.
    pub by_resource: BTreeMap<String, u64>,
}

/// What the plugin `cache` has done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheUse {
    /// Part of the reads that it has answered, 0 to 1.
    pub hit_rate: f64,
    /// Reads that it has answered.
    pub total_hits: u64,
    /// Reads that it has not.
    pub total_misses: u64,
}

impl MetricsReport {
    pub(crate) fn of(registry: &Registry, others: &[MetricReadings]) -> Self {
        let state = registry.snapshot();
        let (mut all, mut errors) = (Histogram::default(), ErrorReport::default());
        let mut resources = BTreeMap::<String, ResourceUse>::new();
        let mut slowest = Vec::new();
        for ((resource, verb), calls) in &state.calls {
            let count = calls.times.count;
            all.add(&calls.times);
            let used = resources.entry(resource.to_string()).or_default();
            *used.kind(verb) += count;
            used.operations.insert(*verb, count);
            for (kind, failed) in &calls.errors {
                errors.total += failed;
                *errors.by_type.entry(*kind).or_default() += failed;
                *errors.by_resource.entry(resource.to_string()).or_default() += failed;
            }
            let (avg_time, p99) = (calls.times.mean_ms(), calls.times.percentile_ms(99));
            slowest.push(SlowOperation {
                operation: verb,
                resource: resource.to_string(),
                avg_time,
                p99,
                count,
            });
        }
        slowest.sort_by(|a, b| b.avg_time.total_cmp(&a.avg_time));
        slowest.truncate(SLOWEST);
        let most = resources.iter().max_by_key(|(_, used)| used.operations.values().sum::<u64>());
        let most_active_resource = most.map(|(name, _)| name.clone());
        let peak = state.hours.iter().enumerate().max_by_key(|(_, count)| **count);
        let uptime = registry.uptime();
        let total_requests = state.sent.requests.total();
        let seconds = uptime.as_secs_f64();
        Self {
            performance: Performance {
                average_response_time: all.mean_ms(),
                p50: all.percentile_ms(50),
                p95: all.percentile_ms(95),
                p99: all.percentile_ms(99),
                total_requests,
                requests_per_second: if seconds > 0.0 { total_requests as f64 / seconds } else { 0.0 },
                slowest_operations: slowest,
            },
            usage: Usage {
                resources,
                total_operations: all.count,
                most_active_resource,
                peak_usage_hour: peak
                    .filter(|(_, count)| **count > 0)
                    .map(|(hour, _)| format!("{hour:02}:00")),
            },
            errors,
            cache: CacheUse::of(others),
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl ResourceUse {
    fn kind(&mut self, verb: &str) -> &mut u64 {
        match verb {
            "insert" => &mut self.inserts,
            "update" | "replace" | "upsert" | "set_content" | "delete_content" => &mut self.updates,
            "delete" | "delete_many" | "delete_all" => &mut self.deletes,
            _ => &mut self.reads,
        }
    }
}

impl CacheUse {
    fn of(others: &[MetricReadings]) -> Option<Self> {
        let sum = |name: &str| {
            let of = others.iter().filter(|other| other.metric.name == name);
            let values: Vec<f64> =
                of.flat_map(|other| &other.readings).map(|reading| reading.value).collect();
            (!values.is_empty()).then(|| values.into_iter().sum::<f64>())
        };
        let (hits, misses) = (sum("s3db_cache_hits")?, sum("s3db_cache_misses")?);
        let reads = hits + misses;
        let hit_rate = if reads > 0.0 { hits / reads } else { 0.0 };
        Some(Self { hit_rate, total_hits: hits as u64, total_misses: misses as u64 })
    }
}
