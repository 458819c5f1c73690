//! What a plan costs, before it is run.

use super::{Step, WritePlan};
use crate::store::Requests;

impl Step {
    /// The request of this step.
    pub fn cost(&self) -> Requests {
        match self {
            Self::HeadReference { .. } | Self::HeadSnapshot { .. } => Requests { head: 1, ..Requests::NONE },
            Self::ReadClaim { .. } => Requests { get: 1, ..Requests::NONE },
            Self::PutClaim { .. }
            | Self::PutReference { .. }
            | Self::PutSnapshot { .. }
            | Self::PutDocument { .. } => Requests { put: 1, ..Requests::NONE },
            Self::DeleteDocument { .. } | Self::DeleteReference { .. } | Self::ReleaseClaim { .. } => {
                Requests { delete: 1, ..Requests::NONE }
            }
        }
    }

    /// Whether this step is the moment of the commit.
    pub fn commits(&self) -> bool {
        matches!(self, Self::PutDocument { .. } | Self::DeleteDocument { .. })
    }
}

impl WritePlan {
    /// The requests of all steps, those of the background too, when no other writer interferes. An old index entry or
    /// claim that turns out to be gone already is not deleted, so that it can be less.
    pub fn cost(&self) -> Requests {
        self.stages.iter().chain(&self.background).flatten().map(Step::cost).sum()
    }
}
