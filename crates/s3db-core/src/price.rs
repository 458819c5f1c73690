//! What requests cost.

use crate::store::Requests;

/// Prices of requests, in US dollars a thousand. Storage and transfer are not in them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Prices {
    /// Whose prices these are.
    pub name: &'static str,
    /// PUT, COPY and LIST.
    pub write_per_thousand: f64,
    /// GET and HEAD.
    pub read_per_thousand: f64,
    /// DELETE, of one object or many.
    pub delete_per_thousand: f64,
}

/// AWS S3 Standard in us-east-1, as of 2026-11: <https://aws.amazon.com/s3/pricing/>.
pub const AWS_S3_STANDARD: Prices = Prices {
    name: "AWS S3 Standard, us-east-1",
    write_per_thousand: 0.005,
    read_per_thousand: 0.0004,
    delete_per_thousand: 0.0,
};

impl Prices {
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
        let thousands = |count: u64| count as f64 / 1000.0;
        thousands(requests.put + requests.copy + requests.list) * self.write_per_thousand
            + thousands(requests.get + requests.head) * self.read_per_thousand
            + thousands(requests.delete + requests.delete_many) * self.delete_per_thousand
    }
}
