//! Checks a database, and repairs what it finds, beside live writers.
//!
//! A check compares three listings: documents, the references of partitions, and claims on unique values. Documents
//! come in the order of their ids and references in the order of their values, so that they cannot be merged as they
//! come. Instead every document is read once, and the keys that it should have are noted; then the references and
//! claims that there are are compared with these notes. The notes are 128-bit fingerprints in a table whose size is
//! bounded by [`FsckOptions::memory_bytes`]: where they do not all fit, they are spilled to temporary files, chosen by
//! the hash of the key, and the listings are read once for each file. A listing costs about a hundredth of reading the
//! documents that it names, so that more passes hardly change the price, and no document is read twice. No step relies
//! on the order of a listing, which not every store keeps.
//!
//! What seems wrong is read again before it is called wrong, for writers may be at work. Nothing younger than the grace
//! period is touched, by the clock of the store: a write that was signed before can land until then.
//!
//! | Found | Repair |
//! |---|---|
//! | a document lacks a reference | the reference is put |
//! | a reference has no document, other values, or is a second one | it is deleted with its ETag |
//! | a claim whose owner lacks the value | it is released with its ETag |
//! | a document lacks a claim | the claim is put if the value is free |
//! | two documents hold one value, unreadable or too large documents, unknown keys | left to a person |

use std::collections::BTreeSet;
use std::time::Duration;

mod clock;
mod count;
mod expected;
mod finding;
mod judge;
mod run;

pub use count::Estimate;
pub use finding::{Finding, FindingKind, Repair, Summary};

use crate::store::Requests;
use crate::{Database, Resource, Result};
use count::Counted;

/// What to check, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckOptions {
    /// The resource to check; all of them, and what lies beside them, when absent.
    pub resource: Option<String>,
    /// Whether to repair what is found.
    pub repair: bool,
    /// Age below which nothing is touched: a write may be under way. At least the
    /// [`claim_grace`](crate::database::DatabaseOptions::claim_grace) of the writers, which is the default.
    pub grace: Duration,
    /// Memory for the keys that documents should have. More keys than fit are compared in several passes.
    pub memory_bytes: usize,
}

impl Default for FsckOptions {
    fn default() -> Self {
        Self { resource: None, repair: false, grace: crate::exec::GRACE, memory_bytes: 64 << 20 }
    }
}

/// What a running check tells.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FsckEvent {
    /// Something is wrong, and this became of it.
    Finding(Finding),
    /// So many objects of so many have been looked at.
    Progress {
        /// Objects looked at so far.
        done: u64,
        /// Objects that were counted.
        total: u64,
    },
}

/// A check that has counted what there is, and not begun.
#[derive(Debug)]
pub struct Fsck {
    db: Database,
    options: FsckOptions,
    resources: Vec<(Resource, Counted)>,
    estimate: Estimate,
    requests_before: Requests,
}

impl Database {
    /// Prepares a check: counts by listing, so that its price is known before it begins.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::fsck::FsckOptions;
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/fsck").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// users.insert(json!({"name": "Ann"})).await?;
    ///
    /// let check = db.fsck(FsckOptions::default()).await?;
    /// assert_eq!(check.estimate().documents, 1);
    /// let (findings, summary) = check.collect().await?;
    /// assert!(findings.is_empty() && summary.is_clean());
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 GET, and 1 LIST per 1,000 objects. Errors: `NotFound` for an unknown resource.
    pub async fn fsck(&self, options: FsckOptions) -> Result<Fsck> {
        let requests_before = self.requests();
        self.refresh().await?;
        let names = match &options.resource {
            Some(name) => vec![name.clone()],
            None => self.resource_names(),
        };
        let mut resources = Vec::with_capacity(names.len());
        for name in names {
            let resource = self.resource(&name)?;
            let counted = Counted::of(&resource, options.memory_bytes).await?;
            resources.push((resource, counted));
        }
        let estimate = Estimate::of(resources.iter().map(|(_, counted)| counted));
        Ok(Fsck { db: self.clone(), options, resources, estimate, requests_before })
    }
}

impl Fsck {
    /// What there is, and what checking it costs.
    pub fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// Checks, and tells `listener` of each finding and of the progress. Memory stays bounded, whatever is found.
    ///
    /// Requests: those of the estimate; 2 more to confirm each finding, and 1 or 2 to repair it.
    /// Errors: of the store; what was repaired stays repaired. `Crypto` when a unique or partition field is secret, and
    /// the database was opened without a passphrase.
    pub async fn run(self, listener: &mut (dyn FnMut(FsckEvent) + Send)) -> Result<Summary> {
        run::run(self, listener).await
    }

    /// Checks, and keeps all findings in memory: for databases that are known to be in fair order.
    ///
    /// Requests and errors: as [`run`](Self::run).
    pub async fn collect(self) -> Result<(Vec<Finding>, Summary)> {
        let mut findings = Vec::new();
        let mut listener = |event| {
            if let FsckEvent::Finding(finding) = event {
                findings.push(finding);
            }
        };
        let summary = self.run(&mut listener).await?;
        Ok((findings, summary))
    }

    fn known_resources(&self) -> BTreeSet<String> {
        self.db.resource_names().into_iter().collect()
    }
}
