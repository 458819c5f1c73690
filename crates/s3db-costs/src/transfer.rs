//! What transfer out of the bucket costs.

use s3db_core::price::Prices;

use crate::money::{NanoDollars, nano};

/// A gigabyte as bills of transfer count it.
const GB: u128 = 1 << 30;

/// Prices of transfer to the internet, in steps. Transfer into a bucket is free everywhere.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Transfer {
    /// Steps, the first one first. Beyond the last one its price holds. Without any, transfer is free.
    pub tiers: Vec<Tier>,
    /// Gigabytes of each month that are free, where the account still has them.
    pub free_gb: u64,
    /// Year and month of the prices.
    pub as_of: &'static str,
    /// Where they stand.
    pub source: &'static str,
}

/// A step of a price list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    /// Where it ends, in gigabytes (2^30 bytes) from the first byte of the month.
    pub up_to_gb: u64,
    /// Dollars a gigabyte.
    pub dollars_per_gb: f64,
}

impl Transfer {
    /// Costs nothing.
    pub fn free() -> Self {
        Self::default()
    }

    /// From AWS S3 to the internet, as it is commonly quoted for us-east-1.
    pub fn aws() -> Self {
        let tier = |tb: u64, dollars_per_gb| Tier { up_to_gb: tb.saturating_mul(1024), dollars_per_gb };
        Self {
            tiers: vec![tier(10, 0.09), tier(50, 0.085), tier(150, 0.07), tier(u64::MAX, 0.05)],
            free_gb: 100,
            as_of: "2025-10",
            source: "https://aws.amazon.com/s3/pricing/",
        }
    }

    /// Those that go with prices of requests: [`aws`](Self::aws) for AWS S3. Of other providers none is known, and none is
    /// priced: R2 asks for nothing, and a server of one's own neither.
    pub fn of(prices: &Prices) -> Self {
        if prices.provider == "AWS S3" { Self::aws() } else { Self::free() }
    }

    /// What `bytes` of one month cost.
    ///
    /// ```
    /// use s3db_costs::Transfer;
    ///
    /// let bytes = 11 << 40;
    /// assert_eq!(Transfer::aws().cost(bytes, false).to_string(), "$1008.64");
    /// assert_eq!(Transfer::aws().cost(bytes, true).to_string(), "$999.64");
    /// ```
    ///
    /// With `is_free_tier_left` the free gigabytes cost nothing, at the price of the first step.
    pub fn cost(&self, bytes: u64, is_free_tier_left: bool) -> NanoDollars {
        let bytes = u128::from(bytes);
        let free = if is_free_tier_left { u128::from(self.free_gb) * GB } else { 0 };
        let (mut below, mut sum) = (0, 0);
        for (index, tier) in self.tiers.iter().enumerate() {
            let is_last = index + 1 == self.tiers.len();
            let end = if is_last { u128::MAX } else { u128::from(tier.up_to_gb) * GB };
            let within = bytes.min(end).saturating_sub(below);
            let paid = if index == 0 { within.saturating_sub(free) } else { within };
            sum += paid * nano(tier.dollars_per_gb);
            below = end;
        }
        NanoDollars(sum / GB)
    }
}
