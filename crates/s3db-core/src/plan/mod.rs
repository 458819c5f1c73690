//! Plans: what a write sends, as data. Pure.
//!
//! Every write compiles to stages of steps before anything is sent. Steps of one stage may run at once; stages run in
//! order. The executor, `explain`, budgets and tests all read the same value.

use std::fmt;

use crate::store::{Condition, PutObject};
use crate::unique::Claim;

mod cost;
mod partition;
mod query;
mod write;

/// Name of the stamp: a member of JSON bodies, or a metadata entry where the body cannot hold it.
pub const STAMP: &str = "_w";

pub use partition::{PartitionPlan, Told};
pub use query::{QueryPlan, QuerySources};
pub use write::{Indexes, PartitionWrites, Reference, Snapshot, WriteRequest, delete, write};

/// One request of a plan.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Looks at a reference that may have to go, so that its deletion can be conditional.
    HeadReference {
        /// Key of the reference.
        key: String,
    },
    /// Looks at a claim that may have to go, so that its release can be conditional.
    ReadClaim {
        /// Key of the claim.
        key: String,
        /// Id of the document; a claim of another one stays.
        owner: String,
    },
    /// Takes a unique value for a document, before the document is written. One that is taken costs 1 GET to see by
    /// whom, and 1 GET of that document.
    PutClaim {
        /// What is claimed, and for whom.
        claim: Claim,
        /// The claim as it is stored: owner and stamp.
        object: PutObject,
    },
    /// Writes an index entry, before the document it points to.
    PutReference {
        /// Key of the reference.
        key: String,
        /// The reference, which carries the stamp of this write.
        object: PutObject,
    },
    /// Looks at the snapshot that is there, so that writing another one can be conditional.
    HeadSnapshot {
        /// Key of the snapshot.
        key: String,
    },
    /// Keeps what the document was, before the document is written, if the snapshot there still is the one that
    /// [`Step::HeadSnapshot`] saw.
    PutSnapshot {
        /// Key of the snapshot.
        key: String,
        /// The document as it is stored.
        object: PutObject,
    },
    /// Writes the document. This is the moment of the commit.
    PutDocument {
        /// Key of the document.
        key: String,
        /// The document, encoded and placed.
        object: PutObject,
        /// What must hold.
        condition: Condition,
    },
    /// Deletes the document. This is the moment of the commit.
    DeleteDocument {
        /// Key of the document.
        key: String,
        /// What must hold.
        condition: Condition,
    },
    /// Deletes an index entry that no longer holds, if it still is the one that [`Step::HeadReference`] saw.
    DeleteReference {
        /// Key of the reference.
        key: String,
    },
    /// Gives a unique value back, after the document has let go of it.
    ReleaseClaim {
        /// Key of the claim.
        key: String,
    },
}

impl Step {
    /// The request's verb, as a person reads it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::HeadReference { .. } | Self::HeadSnapshot { .. } => "HEAD",
            Self::ReadClaim { .. } => "GET",
            Self::PutClaim { .. } | Self::PutReference { .. } => "PUT",
            Self::PutDocument { .. } | Self::PutSnapshot { .. } => "PUT",
            Self::DeleteDocument { .. } | Self::DeleteReference { .. } | Self::ReleaseClaim { .. } => {
                "DELETE"
            }
        }
    }

    /// The key that the request goes to.
    pub fn key(&self) -> &str {
        match self {
            Self::PutClaim { claim, .. } => &claim.key,
            Self::HeadReference { key }
            | Self::ReadClaim { key, .. }
            | Self::HeadSnapshot { key }
            | Self::PutSnapshot { key, .. }
            | Self::PutReference { key, .. }
            | Self::PutDocument { key, .. }
            | Self::DeleteDocument { key, .. }
            | Self::DeleteReference { key }
            | Self::ReleaseClaim { key } => key,
        }
    }

    fn condition(&self) -> &'static str {
        match self {
            Self::PutClaim { .. } => "if-none-match",
            Self::PutDocument { condition, .. } | Self::DeleteDocument { condition, .. } => match condition {
                Condition::None => "",
                Condition::IfAbsent => "if-none-match",
                Condition::IfMatch(_) => "if-match",
            },
            Self::DeleteReference { .. } | Self::ReleaseClaim { .. } | Self::PutSnapshot { .. } => "if-match",
            Self::HeadReference { .. } | Self::HeadSnapshot { .. } => "",
            Self::ReadClaim { .. } | Self::PutReference { .. } => "",
        }
    }
}

/// The steps of one write. A stage starts when all steps of the one before have succeeded.
#[derive(Debug, Clone, Default)]
pub struct WritePlan {
    stages: Vec<Vec<Step>>,
    background: Vec<Vec<Step>>,
}

impl WritePlan {
    /// Appends a stage; an empty one is left out.
    pub fn push(&mut self, stage: Vec<Step>) {
        if !stage.is_empty() {
            self.stages.push(stage);
        }
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Vec<Step>] {
        &self.stages
    }

    /// The stages that run after the call has returned, in order.
    pub fn background(&self) -> &[Vec<Step>] {
        &self.background
    }

    /// The stages and those of the background, in order, by value.
    pub fn into_stages(self) -> (Vec<Vec<Step>>, Vec<Vec<Step>>) {
        (self.stages, self.background)
    }

    /// Number of requests, when no other writer interferes.
    pub fn requests(&self) -> usize {
        self.stages.iter().chain(&self.background).map(Vec::len).sum()
    }
}

impl fmt::Display for WritePlan {
    /// One line a request: stage, verb, key, condition. Stages of the background are marked with `+`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages = self.stages.iter().map(|stage| ("", stage));
        let stages = stages.chain(self.background.iter().map(|stage| ("+", stage)));
        for (number, (mark, stage)) in stages.enumerate() {
            for step in stage {
                let number = format!("{mark}{}", number + 1);
                let line = format!("{number} {:<6} {} {}", step.verb(), step.key(), step.condition());
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}
