//! What a check finds, and what became of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::store::Requests;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The resource.
    pub resource: String,
    /// Key of the object that is wrong, or missing.
    pub key: String,
    /// Id of the document that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Id of the document that holds the same unique value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Age of the object by the store's clock, in milliseconds; of the document where an entry is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<i64>,
    /// What became of it.
    pub repair: Repair,
    /// What a person should know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A document has no entry in a partition that it belongs to: queries by partition do not see it.
    MissingReference,
    /// An entry of a partition points to a document that does not exist.
    DanglingReference,
    /// An entry of a partition has values that its document does not have.
    StaleReference,
    /// A second entry of a document in one partition, with the same values under another key.
    DuplicateReference,
    /// An entry of a partition that the resource does not have.
    UnknownPartition,
    /// A unique value of a document is not claimed, so that another document can take it.
    MissingClaim,
    /// A unique value is claimed for a document that does not hold it.
    StaleClaim,
    /// Two documents hold one unique value.
    SharedValue,
    /// A document cannot be decoded.
    UnreadableDocument,
    /// A document has more metadata than the limit.
    OverLimitDocument,
    /// An object that is none of the database's kinds.
    UnknownKey,
    /// Objects of a resource that the catalogue does not have.
    UnknownResource,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repair {
    /// It can be repaired, and was not asked to be.
    Possible,
    /// It is younger than the grace period: a write may be under way. Nothing was done.
    Pending,
    /// It was repaired.
    Done,
    /// Another writer changed the object before the repair. Nothing was done.
    Overtaken,
    /// The repair failed; the detail says why.
    Failed,
    /// Only a person can repair it.
    Impossible,
}

/// What a whole check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Documents that were read.
    pub documents: u64,
    /// References that were compared.
    pub references: u64,
    /// Claims that were compared.
    pub claims: u64,
    /// Findings of each kind.
    pub found: BTreeMap<FindingKind, u64>,
    /// Findings that were repaired.
    pub repaired: u64,
    /// Findings that are younger than the grace period.
    pub pending: u64,
    /// Requests sent, those of the estimate included.
    #[serde(skip)]
    pub requests: Requests,
}

impl Summary {
    /// Findings that were not repaired, pending ones included.
    pub fn left(&self) -> u64 {
        self.found.values().sum::<u64>() - self.repaired
    }

    /// Whether nothing is wrong, or nothing is any more.
    pub fn is_clean(&self) -> bool {
        self.left() == 0
    }

    pub(super) fn count(&mut self, finding: &Finding) {
        *self.found.entry(finding.kind).or_default() += 1;
        match finding.repair {
            Repair::Done => self.repaired += 1,
            Repair::Pending => self.pending += 1,
            _ => {}
        }
    }
}

impl Finding {
    pub(super) fn new(kind: FindingKind, resource: &str, key: &str) -> Self {
        Self {
            kind,
            resource: resource.to_owned(),
            key: key.to_owned(),
            id: None,
            other: None,
            age_ms: None,
            repair: Repair::Impossible,
            detail: String::new(),
        }
    }

    pub(super) fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

impl FindingKind {
    /// Short lower-case name, stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingReference => "missing_reference",
            Self::DanglingReference => "dangling_reference",
            Self::StaleReference => "stale_reference",
            Self::DuplicateReference => "duplicate_reference",
            Self::UnknownPartition => "unknown_partition",
            Self::MissingClaim => "missing_claim",
            Self::StaleClaim => "stale_claim",
            Self::SharedValue => "shared_value",
            Self::UnreadableDocument => "unreadable_document",
            Self::OverLimitDocument => "over_limit_document",
            Self::UnknownKey => "unknown_key",
            Self::UnknownResource => "unknown_resource",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Repair {
    /// Short lower-case name, stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Overtaken => "overtaken",
            Self::Failed => "failed",
            Self::Impossible => "impossible",
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
