//! How costs are counted.

use std::time::Duration;

use s3db_core::price::Prices;
use s3db_core::{Document, Error, ErrorKind, Result};

use crate::transfer::Transfer;

/// Settings of [`Costs`](crate::Costs).
///
/// ```
/// use s3db_core::price::Prices;
/// use s3db_costs::CostsOptions;
///
/// let options = CostsOptions::default().prices(Prices::new("my provider", 4.0, 0.4)).free_tier(true);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CostsOptions {
    /// Tells several instances apart.
    pub namespace: Option<String>,
    /// What requests and storage cost; those of the database unless given.
    pub prices: Option<Prices>,
    /// What transfer costs; that which goes with the prices unless given.
    pub transfer: Option<Transfer>,
    /// Whether the free gigabytes of transfer are left for this database.
    pub free_tier: bool,
    /// How long the history is kept, 30 days by default.
    pub history: Duration,
    /// Most entries of the history, one for each minute, resource, plugin and verb that had requests; 40,000 by default, some
    /// 4 MB. The oldest minutes are dropped first.
    pub points_max: usize,
    /// Most names of resources and plugins that are told apart, 1,000 by default. The rest is `(other)`.
    pub names_max: usize,
    /// Most keys whose sizes are known, 100,000 by default, some 4 MB: see
    /// [`StorageReport`](crate::StorageReport).
    pub stored_keys_max: usize,
}

impl Default for CostsOptions {
    fn default() -> Self {
        Self {
            namespace: None,
            prices: None,
            transfer: None,
            free_tier: false,
            history: Duration::from_secs(30 * 86_400),
            points_max: 40_000,
            names_max: 1_000,
            stored_keys_max: 100_000,
        }
    }
}

impl CostsOptions {
    /// Tells this instance from others.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets what requests and storage cost.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// Sets what transfer costs.
    #[must_use]
    pub fn transfer(mut self, transfer: Transfer) -> Self {
        self.transfer = Some(transfer);
        self
    }

    /// Sets whether free transfer is left.
    #[must_use]
    pub fn free_tier(mut self, is_left: bool) -> Self {
        self.free_tier = is_left;
        self
    }

    /// Sets how long the history is kept.
    #[must_use]
    pub fn history(mut self, history: Duration) -> Self {
        self.history = history;
        self
    }

    /// Sets the most entries of the history.
    #[must_use]
    pub fn points_max(mut self, points: usize) -> Self {
        self.points_max = points;
        self
    }

    /// Reads the options of a configuration: `namespace`, `prices` (the name of a table), `free_tier`, `history_seconds`,
    /// `points_max`, `names_max`, `stored_keys_max`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let whole = || {
                let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                number.ok_or_else(|| wrong(name, "a whole number"))
            };
            match name.as_str() {
                "namespace" => {
                    let text = value.as_str().ok_or_else(|| wrong(name, "a text"))?;
                    read.namespace = Some(text.to_owned());
                }
                "prices" => {
                    let table = value.as_str().and_then(Prices::named);
                    read.prices = Some(table.ok_or_else(|| wrong(name, "the name of a table of prices"))?);
                }
                "free_tier" => {
                    read.free_tier = value.as_bool().ok_or_else(|| wrong(name, "true or false"))?
                }
                "history_seconds" => {
                    let seconds =
                        value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    read.history = seconds.ok_or_else(|| wrong(name, "seconds"))?;
                }
                "points_max" => read.points_max = whole()?,
                "names_max" => read.names_max = whole()?,
                "stored_keys_max" => read.stored_keys_max = whole()?,
                _ => {
                    return Err(wrong(
                        name,
                        "namespace, prices, free_tier, history_seconds, points_max, names_max or stored_keys_max",
                    ));
                }
            }
        }
        read.check()?;
        Ok(read)
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        if self.history < Duration::from_secs(60) {
            return Err(wrong("history_seconds", "at least 60"));
        }
        if self.points_max < 1_000 {
            return Err(wrong("points_max", "at least 1000"));
        }
        if self.names_max == 0 {
            return Err(wrong("names_max", "at least 1"));
        }
        Ok(())
    }
}

fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the costs is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
