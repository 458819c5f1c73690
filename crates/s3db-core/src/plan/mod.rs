//! Plans: what a write sends, as data. Pure.
//!
//! Every write compiles to stages of steps before anything is sent. Steps of one stage may run at once; stages run in
//! order. The executor, `explain`, budgets and tests all read the same value.

use std::fmt;

use crate::store::{Condition, PutObject};

mod query;
mod write;

/// Name of the stamp: a member of JSON bodies, or a metadata entry where the body cannot hold it.
pub const STAMP: &str = "_w";

pub use query::QueryPlan;
pub use write::{Reference, WriteRequest, delete, write};

/// One request of a plan.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// Looks at a reference that may have to go, so that its deletion can be conditional.
    HeadReference {
        /// Key of the reference.
        key: String,
    },
    /// Takes a unique value for a document, before the document is written.
    PutClaim {
        /// Key of the claim.
        key: String,
        /// The claim: owner and stamp.
        object: PutObject,
    },
    /// Writes an index entry, before the document it points to.
    PutReference {
        /// Key of the reference.
        key: String,
        /// The reference, which carries the stamp of this write.
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
            Self::HeadReference { .. } => "HEAD",
            Self::PutClaim { .. } | Self::PutReference { .. } | Self::PutDocument { .. } => "PUT",
            Self::DeleteDocument { .. } | Self::DeleteReference { .. } | Self::ReleaseClaim { .. } => {
                "DELETE"
            }
        }
    }

    /// The key that the request goes to.
    pub fn key(&self) -> &str {
        match self {
            Self::HeadReference { key }
            | Self::PutClaim { key, .. }
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
            Self::DeleteReference { .. } | Self::ReleaseClaim { .. } => "if-match",
            Self::HeadReference { .. } | Self::PutReference { .. } => "",
        }
    }
}

/// The steps of one write. A stage starts when all steps of the one before have succeeded.
#[derive(Debug, Clone, Default)]
pub struct WritePlan {
    stages: Vec<Vec<Step>>,
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

    /// The stages, in order, by value.
    pub fn into_stages(self) -> Vec<Vec<Step>> {
        self.stages
    }

    /// Number of requests.
    pub fn requests(&self) -> usize {
        self.stages.iter().map(Vec::len).sum()
    }
}

impl fmt::Display for WritePlan {
    /// One line a request: stage, verb, key, condition.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, stage) in self.stages.iter().enumerate() {
            for step in stage {
                let line = format!("{} {:<6} {} {}", number + 1, step.verb(), step.key(), step.condition());
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}
