//! Costs: counts the requests and bytes of a database, prices them, and projects the bill.
//!
//! Every request that is sent counts, also one that fails and one that is sent again, for its resource, plugin and verb. Nothing
//! is stored on the bucket, and nothing is sent. See `docs/plugins/costs.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod estimate;
mod money;
mod options;
mod plugin;
mod report;
mod stored;
mod sum;
mod tally;
mod transfer;

pub use estimate::{Estimate, EstimateOptions, Projected};
pub use money::NanoDollars;
pub use options::CostsOptions;
pub use plugin::{Costs, register};
pub use report::{CostReport, RequestReport, Snapshot, SnapshotOptions, StorageReport, TransferReport};
pub use sum::{Counts, Sum};
pub use transfer::{Tier, Transfer};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/costs.md")]
mod guide {}
