//! What the bill will be.

use std::time::Duration;

use s3db_core::price::Prices;
use serde::Serialize;

use crate::money::{NanoDollars, of_requests};
use crate::report::{Snapshot, SnapshotOptions, storage};
use crate::sum::Counts;
use crate::tally::Tally;
use crate::transfer::Transfer;

const DAY_MS: u128 = 86_400_000;

/// Days of a month as bills of storage and transfer are projected here.
const MONTH_DAYS: u128 = 30;

/// Below so much time an estimate is of little worth.
const SHORT_MS: u64 = 3_600_000;

/// How to project.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EstimateOptions {
    /// Days that the bill is for; 30 by default.
    pub days: u32,
    /// What is looked at, so far back; a day by default. Of a process that is younger, its age counts.
    pub window: Duration,
    /// How much more than was seen, in hundredths; 100 by default.
    pub percent: u32,
}

impl Default for EstimateOptions {
    fn default() -> Self {
        Self { days: 30, window: Duration::from_secs(86_400), percent: 100 }
    }
}

impl EstimateOptions {
    /// Sets the days.
    #[must_use]
    pub fn days(mut self, days: u32) -> Self {
        self.days = days;
        self
    }

    /// Sets how far back is looked.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets how much more than was seen, in hundredths.
    #[must_use]
    pub fn percent(mut self, percent: u32) -> Self {
        self.percent = percent;
        self
    }
}

/// A bill that is to be expected when things go on as they were.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Estimate {
    /// Days that it is for.
    pub days: u32,
    /// Time that it is made from, in milliseconds.
    pub observed_ms: u64,
    /// What was seen in that time.
    pub observed: Snapshot,
    /// What is to be expected.
    pub projected: Projected,
    /// Why it is of little worth, where it is.
    pub warning: Option<&'static str>,
}

/// What is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Projected {
    /// Requests of all kinds.
    pub total_requests: u64,
    /// Requests by kind, each rounded up.
    pub requests: Counts,
    /// Bytes up.
    pub bytes_in: u64,
    /// Bytes down.
    pub bytes_out: u64,
    /// What the requests cost.
    pub request_cost: NanoDollars,
    /// What the transfer costs, month by month.
    pub transfer_cost: NanoDollars,
    /// What it costs to store what this process has written by now.
    pub storage_cost: NanoDollars,
    /// All together.
    pub total_cost: NanoDollars,
}

impl Estimate {
    pub(crate) fn of(
        tally: &Tally,
        options: &EstimateOptions,
        prices: &Prices,
        transfer: &Transfer,
        free_tier: bool,
    ) -> Self {
        let part = SnapshotOptions::default().window(options.window);
        let observed = Snapshot::of(tally, &part, prices, transfer, free_tier);
        let observed_ms = u64::try_from(observed.to_ms.saturating_sub(observed.from_ms)).unwrap_or(0).max(1);
        let days = u128::from(options.days);
        let scale = |number: u64, days: u128| {
            let scaled = u128::from(number).saturating_mul(days * DAY_MS * u128::from(options.percent));
            u64::try_from(scaled.div_ceil(u128::from(observed_ms) * 100)).unwrap_or(u64::MAX)
        };
        let mut requests = observed.sum.requests;
        requests.each().into_iter().for_each(|count| *count = scale(*count, days));
        let by_month = |month: NanoDollars| NanoDollars(month.0.saturating_mul(days) / MONTH_DAYS);
        let request_cost = of_requests(prices, &requests);
        let transfer_cost = by_month(transfer.cost(scale(observed.sum.bytes_out, MONTH_DAYS), free_tier));
        let storage_cost = by_month(storage(prices, tally.stored.bytes));
        let projected = Projected {
            total_requests: requests.total(),
            requests,
            bytes_in: scale(observed.sum.bytes_in, days),
            bytes_out: scale(observed.sum.bytes_out, days),
            request_cost,
            transfer_cost,
            storage_cost,
            total_cost: request_cost + transfer_cost + storage_cost,
        };
        let warning = (observed_ms < SHORT_MS).then_some("less than an hour was observed");
        Self { days: options.days, observed_ms, observed, projected, warning }
    }
}
