//! What requests cost: tables of the providers, each with its date and source.
//!
//! Requests and stored bytes are priced. Transfer and what some storage classes ask for each byte that is read are not in
//! these tables, nor are the free allowances of an account.

use std::fmt;

use crate::store::Requests;

mod aws;
mod choose;
mod dollars;
mod others;

pub use aws::AWS_S3_STANDARD;
pub use dollars::Dollars;
pub use others::FREE;

/// Prices of requests, in US dollars a million, and of storage.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Prices {
    /// Who asks for them, such as `AWS S3`.
    pub provider: &'static str,
    /// Storage class, such as `Standard`; empty where there is but one.
    pub class: &'static str,
    /// Region, such as `eu-west-1`; empty where the price is the same everywhere.
    pub region: &'static str,
    /// PUT.
    pub put_per_million: f64,
    /// COPY.
    pub copy_per_million: f64,
    /// LIST.
    pub list_per_million: f64,
    /// GET.
    pub get_per_million: f64,
    /// HEAD.
    pub head_per_million: f64,
    /// DELETE, of one object or many.
    pub delete_per_million: f64,
    /// A gigabyte (10^9 bytes) stored for a month, in the first step of the price list. Zero for prices of your own until it
    /// is set. As it is commonly quoted, whatever [`is_checked`](Self::is_checked) says. What some classes ask for small
    /// objects on top, and shortest times, are not in it.
    pub storage_per_gb_month: f64,
    /// Year and month of the prices. Empty for [`FREE`] and for prices of your own.
    pub as_of: &'static str,
    /// Where they stand; empty as above.
    pub source: &'static str,
    /// Whether the prices of requests were compared with what the provider publishes. The others are as they are commonly quoted: look
    /// at `source` before you rely on them.
    pub is_checked: bool,
}

impl Prices {
    /// Prices of your own. What is the same as PUT elsewhere (COPY, LIST) costs `write_per_million`, GET and HEAD
    /// `read_per_million`, DELETE nothing; the fields can be changed.
    ///
    /// ```
    /// use s3db_core::price::Prices;
    /// use s3db_core::store::Requests;
    ///
    /// let mut prices = Prices::new("my provider", 4.0, 0.4);
    /// prices.delete_per_million = 1.0;
    /// let requests = Requests { put: 1_000_000, delete: 1_000_000, ..Requests::NONE };
    /// assert_eq!(prices.dollars(requests), 5.0);
    /// ```
    pub const fn new(provider: &'static str, write_per_million: f64, read_per_million: f64) -> Self {
        Self {
            provider,
            class: "",
            region: "",
            put_per_million: write_per_million,
            copy_per_million: write_per_million,
            list_per_million: write_per_million,
            get_per_million: read_per_million,
            head_per_million: read_per_million,
            delete_per_million: 0.0,
            storage_per_gb_month: 0.0,
            as_of: "",
            source: "",
            is_checked: false,
        }
    }

    /// All tables that are known.
    pub fn all() -> impl Iterator<Item = Self> {
        aws::TABLES.iter().chain(others::TABLES).copied()
    }

    /// A table by its [name](Self::name), whatever the case.
    ///
    /// ```
    /// use s3db_core::price::Prices;
    ///
    /// let frankfurt = Prices::named("aws-s3/standard/eu-central-1").unwrap();
    /// assert_eq!(frankfurt.put_per_million, 5.4);
    /// assert!(Prices::named("aws-s3/standard/the-moon-1").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|prices| prices.name().eq_ignore_ascii_case(name))
    }

    /// Provider, storage class and region in one word: `aws-s3/standard/eu-west-1`.
    pub fn name(&self) -> String {
        let parts = [self.provider, self.class, self.region].into_iter().filter(|part| !part.is_empty());
        parts.map(|part| part.to_lowercase().replace(' ', "-")).collect::<Vec<_>>().join("/")
    }

    /// Dollars that storing `bytes` costs a month.
    ///
    /// ```
    /// use s3db_core::price::AWS_S3_STANDARD;
    ///
    /// assert_eq!(AWS_S3_STANDARD.storage_dollars(1_000_000_000), 0.023);
    /// ```
    pub fn storage_dollars(&self, bytes: u64) -> f64 {
        bytes as f64 * self.storage_per_gb_month / 1e9
    }

    /// Dollars that `requests` cost.
    ///
    /// ```
    /// use s3db_core::price::AWS_S3_STANDARD;
    /// use s3db_core::store::Requests;
    ///
    /// let requests = Requests { get: 10_000, list: 10, ..Requests::NONE };
    /// assert_eq!(format!("{:.5}", AWS_S3_STANDARD.dollars(requests)), "0.00405");
    /// ```
    pub fn dollars(&self, requests: Requests) -> f64 {
        let Requests { get, head, put, copy, list, delete, delete_many } = requests;
        [
            (put, self.put_per_million),
            (copy, self.copy_per_million),
            (list, self.list_per_million),
            (get, self.get_per_million),
            (head, self.head_per_million),
            (delete, self.delete_per_million),
            (delete_many, self.delete_per_million),
        ]
        .into_iter()
        .map(|(count, per_million)| count as f64 * per_million / 1e6)
        .sum()
    }
}

impl fmt::Display for Prices {
    /// For people: `AWS S3 Standard, eu-west-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.provider)?;
        if !self.class.is_empty() {
            write!(f, " {}", self.class)?;
        }
        if !self.region.is_empty() {
            write!(f, ", {}", self.region)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_dated_sourced_and_found_by_its_name() {
        for prices in Prices::all() {
            let name = prices.name();
            assert_eq!(Prices::named(&name), Some(prices), "two tables are called {name}");
            if prices == FREE {
                continue;
            }
            assert!(prices.source.starts_with("https://"), "{name}");
            let (year, month) = prices.as_of.split_once('-').expect("year and month");
            assert!(year.len() == 4 && month.len() == 2 && format!("{year}{month}").parse::<u32>().is_ok());
        }
    }

    #[test]
    fn a_table_counts_each_kind_of_request_at_its_own_price() {
        let million = |name: &str| {
            let one = |change: fn(&mut Requests)| {
                let mut requests = Requests::NONE;
                change(&mut requests);
                Prices::named(name).expect("a known table").dollars(requests)
            };
            [
                one(|r| r.put = 1_000_000),
                one(|r| r.copy = 1_000_000),
                one(|r| r.list = 1_000_000),
                one(|r| r.get = 1_000_000),
                one(|r| r.head = 1_000_000),
                one(|r| r.delete = 1_000_000),
                one(|r| r.delete_many = 1_000_000),
            ]
        };
        assert_eq!(million("aws-s3/standard/us-east-1"), [5.0, 5.0, 5.0, 0.4, 0.4, 0.0, 0.0]);
        assert_eq!(million("aws-s3/standard-ia/us-east-1"), [10.0, 10.0, 10.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(million("cloudflare-r2/standard"), [4.5, 4.5, 4.5, 0.36, 0.36, 0.0, 0.0]);
        assert_eq!(million("backblaze-b2"), [0.0, 4.0, 4.0, 0.4, 0.4, 0.0, 0.0]);
        assert_eq!(million("own-server"), [0.0; 7]);
    }
}
