//! Sums of money without rounding errors.

use std::fmt;
use std::ops::Add;

use s3db_core::price::{Dollars, Prices};
use serde::{Serialize, Serializer};

use crate::sum::Counts;

/// Billionths of a US dollar. A whole number, so that sums of millions of requests are exact. Serialised as dollars.
///
/// ```
/// use s3db_costs::NanoDollars;
///
/// assert_eq!(NanoDollars(9_000_000).to_string(), "$0.009");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct NanoDollars(pub u128);

impl NanoDollars {
    /// In dollars, as near as a float comes.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for NanoDollars {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for NanoDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Dollars(self.dollars()).fmt(f)
    }
}

impl Serialize for NanoDollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

/// Dollars as billionths.
pub(crate) fn nano(dollars: f64) -> u128 {
    // A negative or senseless price counts as none: the cast saturates.
    (dollars * 1e9).round() as u128
}

/// What requests cost.
pub(crate) fn of_requests(prices: &Prices, counts: &Counts) -> NanoDollars {
    let Counts { get, head, put, copy, list, delete, delete_many } = *counts;
    let priced = [
        (put, prices.put_per_million),
        (copy, prices.copy_per_million),
        (list, prices.list_per_million),
        (get, prices.get_per_million),
        (head, prices.head_per_million),
        (delete, prices.delete_per_million),
        (delete_many, prices.delete_per_million),
    ];
    let of_million = |(count, per_million)| u128::from(count).saturating_mul(nano(per_million));
    NanoDollars(priced.into_iter().map(of_million).sum::<u128>() / 1_000_000)
}
