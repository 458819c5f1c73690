//! Receipts: what a call has cost.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

use crate::price::{Dollars, Prices};
use crate::resource::WriteCheck;
use crate::store::{Requests, Traffic};

mod bytes;
mod handle;
mod layer;

pub(crate) use bytes::Bytes;
pub use layer::Receipts;

/// What some calls have cost: requests, bytes, time and dollars.
///
/// `Display` is one line for people; as JSON it is an object with `requests`, `bytes_written`, `bytes_read`, `retries`,
/// `refused`, `elapsed_ms`, `dollars`, `prices` and, where it is known, `check`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// Requests that were sent, by kind, whatever their outcome.
    pub requests: Requests,
    /// Bytes of metadata and bodies that went to the store and came from it.
    pub traffic: Traffic,
    /// Requests that the store's client sent again by itself, after a failure. They are not among [`requests`]: the
    /// known providers charge nothing for answers of the kind 5xx.
    ///
    /// [`requests`]: Self::requests
    pub retries: u64,
    /// Conditional writes that were refused: races that were lost, and keys that were taken.
    pub refused: u64,
    /// Time from the first call to the receipt, by the clock that never goes back.
    pub elapsed: Duration,
    /// How far conditional writes of documents have seen the changes of others: the weakest of them. `None` where no
    /// document was written.
    pub check: Option<WriteCheck>,
    /// Prices of the database that was used.
    pub prices: Prices,
}

impl Receipt {
    /// Dollars that the requests cost, at the prices of the database.
    pub fn dollars(&self) -> f64 {
        self.dollars_at(&self.prices)
    }

    /// Dollars that the requests cost at other prices.
    pub fn dollars_at(&self, prices: &Prices) -> f64 {
        prices.dollars(self.requests)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traffic { bytes_in, bytes_out } = self.traffic;
        let (read, written) = (Bytes(bytes_out), Bytes(bytes_in));
        write!(f, "{}, {read} read, {written} written", self.requests)?;
        write!(f, ", {:.1} ms", self.elapsed.as_secs_f64() * 1e3)?;
        write!(f, ", {} ({})", Dollars(self.dollars()), self.prices)?;
        for (count, what) in [(self.retries, "sent again"), (self.refused, "refused")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        self.check.map_or(Ok(()), |check| write!(f, ", {}", check.as_str()))
    }
}

impl Serialize for Receipt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Receipt", 9)?;
        out.serialize_field("requests", &self.requests)?;
        out.serialize_field("bytes_written", &self.traffic.bytes_in)?;
        out.serialize_field("bytes_read", &self.traffic.bytes_out)?;
        out.serialize_field("retries", &self.retries)?;
        out.serialize_field("refused", &self.refused)?;
        out.serialize_field("elapsed_ms", &(self.elapsed.as_secs_f64() * 1e3))?;
        out.serialize_field("dollars", &self.dollars())?;
        out.serialize_field("prices", &self.prices.name())?;
        match self.check {
            Some(check) => out.serialize_field("check", check.as_str())?,
            None => out.skip_field("check")?,
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::AWS_S3_STANDARD;

    #[test]
    fn a_receipt_is_a_line_for_people_and_an_object_for_programs() {
        let receipt = Receipt {
            requests: Requests { get: 1, put: 1, ..Requests::NONE },
            traffic: Traffic { bytes_in: 214, bytes_out: 3_210 },
            retries: 1,
            refused: 0,
            elapsed: Duration::from_micros(12_340),
            check: Some(WriteCheck::Checked),
            prices: AWS_S3_STANDARD,
        };
        assert_eq!(
            receipt.to_string(),
            "1 GET + 1 PUT, 3.2 kB read, 214 B written, 12.3 ms, $0.0000054 (AWS S3 Standard, us-east-1), \
             1 sent again, checked"
        );
        let json = serde_json::to_value(&receipt).expect("JSON");
        assert_eq!((&json["requests"]["get"], &json["requests"]["delete"]), (&1.into(), &0.into()));
        assert_eq!((&json["bytes_written"], &json["bytes_read"]), (&214.into(), &3210.into()));
        assert_eq!((&json["elapsed_ms"], &json["retries"]), (&12.34.into(), &1.into()));
        assert_eq!(
            (&json["prices"], &json["check"]),
            (&"aws-s3/standard/us-east-1".into(), &"checked".into())
        );
        assert!(json["dollars"].as_f64().is_some_and(|dollars| (dollars - 5.4e-6).abs() < 1e-12));
        let unwritten = Receipt { check: None, ..receipt };
        assert_eq!(serde_json::to_value(&unwritten).expect("JSON").get("check"), None);
    }
}
