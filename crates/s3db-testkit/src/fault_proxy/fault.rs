//! What can go wrong on the wire, and how often it did.

use std::time::Duration;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It reaches the server so much later.
    Delay(Duration),
    /// The connection is closed and the server never sees it.
    CutBefore,
    /// The server does it, and the connection is closed without an answer.
    LoseAnswer,
    /// It is answered with 503 SlowDown and the server never sees it.
    SlowDown,
    /// It is answered with 500 InternalError and the server never sees it.
    ServerError,
    /// It is answered with 409 ConditionalRequestConflict, as AWS does when two writers meet, and the server never sees
    /// it.
    WriteConflict,
    /// The server does it, and the connection is closed in the middle of the answer's body; an answer without a body is
    /// lost whole.
    TruncateAnswer,
    /// The server gets it and answers, and gets it once more so much later.
    Duplicate(Duration),
    /// The connection is closed at once, and the server gets it so much later.
    Late(Duration),
}

/// How often things have happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Requests that came in.
    pub requests: u64,
    /// Requests that the server has answered, repeated and late ones included.
    pub forwarded: u64,
    /// [`Fault::Delay`].
    pub delayed: u64,
    /// [`Fault::CutBefore`].
    pub cut: u64,
    /// [`Fault::LoseAnswer`].
    pub lost: u64,
    /// [`Fault::SlowDown`].
    pub slowed_down: u64,
    /// [`Fault::ServerError`].
    pub failed: u64,
    /// [`Fault::WriteConflict`].
    pub conflicts: u64,
    /// [`Fault::TruncateAnswer`].
    pub truncated: u64,
    /// [`Fault::Duplicate`].
    pub duplicated: u64,
    /// [`Fault::Late`].
    pub late: u64,
    /// Requests that the server did not answer, for which no plan was the reason. Their connection is closed.
    pub unreachable: u64,
}

impl Counts {
    /// All that went wrong by script or plan.
    pub fn faults(&self) -> u64 {
        self.delayed
            + self.cut
            + self.lost
            + self.slowed_down
            + self.failed
            + self.conflicts
            + self.truncated
            + self.duplicated
            + self.late
    }

    pub(super) fn count(&mut self, fault: Fault) {
        let counter = match fault {
            Fault::Delay(_) => &mut self.delayed,
            Fault::CutBefore => &mut self.cut,
            Fault::LoseAnswer => &mut self.lost,
            Fault::SlowDown => &mut self.slowed_down,
            Fault::ServerError => &mut self.failed,
            Fault::WriteConflict => &mut self.conflicts,
            Fault::TruncateAnswer => &mut self.truncated,
            Fault::Duplicate(_) => &mut self.duplicated,
            Fault::Late(_) => &mut self.late,
        };
        *counter += 1;
    }
}
