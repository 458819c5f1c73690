//! What has been spent.

use std::collections::BTreeMap;
use std::time::Duration;

use s3db_core::price::Prices;
use serde::Serialize;

use crate::money::{NanoDollars, nano, of_requests};
use crate::sum::{Counts, Sum};
use crate::tally::{Series, Tally};
use crate::transfer::Transfer;

/// What requests are counted under that have no resource, plugin or verb.
const NONE: &str = "(none)";

/// What has been spent since the plugin was installed. Serialised with the names of s3db.js where it has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CostReport {
    /// Name of the table of prices, such as `aws-s3/standard/us-east-1`.
    pub provider: String,
    /// Year and month of the prices; empty for prices of your own.
    pub prices_as_of: &'static str,
    /// Requests and transfer together. Stored bytes are priced by the month, and not in it.
    pub total: NanoDollars,
    /// Requests.
    pub requests: RequestReport,
    /// Transfer.
    pub data_transfer: TransferReport,
    /// What this process has written and not deleted.
    pub storage: StorageReport,
    /// By resource.
    pub by_resource: BTreeMap<String, Sum>,
    /// By slug of the plugin whose storage it is.
    pub by_plugin: BTreeMap<String, Sum>,
    /// By verb of the resource.
    pub by_operation: BTreeMap<String, Sum>,
    /// When counting began, in milliseconds since 1970.
    pub started_ms: i64,
}

/// Requests and their price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestReport {
    /// All kinds.
    pub total: u64,
    /// By kind.
    #[serde(flatten)]
    pub counts: Counts,
    /// Of these, those that the client of S3 has sent again.
    pub retries: u64,
    /// Of the calls of the store, those that failed.
    pub failed: u64,
    /// What they cost.
    pub subtotal: NanoDollars,
}

/// Bytes that moved and their price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TransferReport {
    /// Bytes up.
    pub in_bytes: u64,
    /// Bytes down.
    pub out_bytes: u64,
    /// What those down cost, as if all were of one month.
    pub subtotal: NanoDollars,
}

/// Bytes that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StorageReport {
    /// Keys, metadata and bodies of what this process has written since it started, without what it has deleted.
    pub total_bytes: u64,
    /// Objects that these are.
    pub objects: usize,
    /// Writes that are not in it: there were too many keys, or the size of the source of a copy is not known.
    pub untracked: u64,
    /// What they cost a month.
    pub per_month: NanoDollars,
}

impl CostReport {
    pub(crate) fn of(tally: &Tally, prices: &Prices, transfer: &Transfer, free_tier: bool) -> Self {
        let sum = tally.total;
        let requests = RequestReport {
            total: sum.requests.total(),
            counts: sum.requests,
            retries: sum.retries,
            failed: sum.failed,
            subtotal: of_requests(prices, &sum.requests),
        };
        let data_transfer = TransferReport {
            in_bytes: sum.bytes_in,
            out_bytes: sum.bytes_out,
            subtotal: transfer.cost(sum.bytes_out, free_tier),
        };
        let groups = Groups::of(tally, tally.all());
        Self {
            provider: prices.name(),
            prices_as_of: prices.as_of,
            total: requests.subtotal + data_transfer.subtotal,
            requests,
            data_transfer,
            storage: StorageReport {
                total_bytes: tally.stored.bytes,
                objects: tally.stored.objects(),
                untracked: tally.stored.untracked,
                per_month: storage(prices, tally.stored.bytes),
            },
            by_resource: groups.resources,
            by_plugin: groups.plugins,
            by_operation: groups.operations,
            started_ms: tally.started_ms,
        }
    }
}

/// What storing bytes costs a month.
pub(crate) fn storage(prices: &Prices, bytes: u64) -> NanoDollars {
    NanoDollars(nano(prices.storage_dollars(bytes)))
}

/// Which part of the history to sum up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SnapshotOptions {
    /// So far back; all that is kept by default.
    pub window: Option<Duration>,
    /// Only what is about this resource.
    pub resource: Option<String>,
    /// Only what is about the storage of this plugin.
    pub plugin: Option<String>,
}

impl SnapshotOptions {
    /// Sets how far back.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Sets the resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Sets the plugin.
    #[must_use]
    pub fn plugin(mut self, plugin: impl Into<String>) -> Self {
        self.plugin = Some(plugin.into());
        self
    }
}

/// What was spent in a time. The history is kept by the minute, so that the first minute is in it whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Snapshot {
    /// From when, in milliseconds since 1970: never before counting began, or further back than the history goes.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// Requests of all kinds.
    pub total_requests: u64,
    /// Requests and bytes.
    #[serde(flatten)]
    pub sum: Sum,
    /// What the requests cost.
    pub request_cost: NanoDollars,
    /// What the transfer costs.
    pub transfer_cost: NanoDollars,
    /// Both.
    pub total: NanoDollars,
    /// By resource.
    pub by_resource: BTreeMap<String, Sum>,
    /// By slug of the plugin whose storage it is.
    pub by_plugin: BTreeMap<String, Sum>,
    /// By verb of the resource.
    pub by_operation: BTreeMap<String, Sum>,
}

impl Snapshot {
    pub(crate) fn of(
        tally: &Tally,
        options: &SnapshotOptions,
        prices: &Prices,
        transfer: &Transfer,
        free_tier: bool,
    ) -> Self {
        let to_ms = tally.last_ms;
        let window =
            options.window.map_or(i64::MAX, |window| i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let from_ms = to_ms.saturating_sub(window).max(tally.since_ms());
        let is = |wanted: &Option<String>, name: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| name == Some(wanted))
        };
        let wanted = |series: Series| {
            is(&options.resource, tally.resource(series)) && is(&options.plugin, tally.plugin(series))
        };
        let groups = Groups::of(tally, tally.between(from_ms, to_ms).filter(|(series, _)| wanted(*series)));
        let sum = groups.sum;
        let request_cost = of_requests(prices, &sum.requests);
        let transfer_cost = transfer.cost(sum.bytes_out, free_tier);
        Self {
            from_ms,
            to_ms,
            total_requests: sum.requests.total(),
            sum,
            request_cost,
            transfer_cost,
            total: request_cost + transfer_cost,
            by_resource: groups.resources,
            by_plugin: groups.plugins,
            by_operation: groups.operations,
        }
    }
}

#[derive(Default)]
struct Groups {
    sum: Sum,
    resources: BTreeMap<String, Sum>,
    plugins: BTreeMap<String, Sum>,
    operations: BTreeMap<String, Sum>,
}

impl Groups {
    fn of(tally: &Tally, sums: impl Iterator<Item = (Series, Sum)>) -> Self {
        let mut groups = Self::default();
        for (series, sum) in sums {
            groups.sum.add(&sum);
            for (group, name) in [
                (&mut groups.resources, tally.resource(series)),
                (&mut groups.plugins, tally.plugin(series)),
                (&mut groups.operations, series.operation),
            ] {
                group.entry(name.unwrap_or(NONE).to_owned()).or_default().add(&sum);
            }
        }
        groups
    }
}
