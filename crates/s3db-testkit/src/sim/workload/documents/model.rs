//! What a document does when its operations come one after the other.

use s3db_core::Record;

use crate::sim::Model;

/// The documents of the workload.
#[derive(Debug)]
pub struct Documents;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Document {
    /// Number of additions.
    pub count: i64,
    /// In a partition.
    pub status: String,
    /// Names the write that set it.
    pub tag: u64,
}

impl Document {
    /// A document as it was read; `None` when a field is missing.
    pub fn of(record: &Record) -> Option<Self> {
        Some(Self {
            count: record.data.get("count")?.as_i64()?,
            status: record.data.get("status")?.as_str()?.to_owned(),
            tag: record.data.get("tag")?.as_u64()?,
        })
    }
}

/// An operation and its result.
#[derive(Debug, Clone)]
pub enum Operation {
    /// It was created.
    Insert {
        /// As this.
        document: Document,
    },
    /// A create found the id taken.
    Taken,
    /// It was read.
    Read {
        /// As this.
        seen: Option<Document>,
    },
    /// One was added to its count.
    Add {
        /// What the call returned, if it returned.
        seen: Option<Document>,
    },
    /// Two fields were set.
    Set {
        /// Status.
        status: String,
        /// Tag.
        tag: u64,
        /// What the call returned, if it returned.
        seen: Option<Document>,
    },
    /// It was written whole.
    Replace {
        /// As this.
        document: Document,
    },
    /// It was deleted. One that is gone already is gone as well.
    Delete,
    /// It was deleted if it still was as it had been read.
    DeleteSeen {
        /// As this.
        seen: Document,
    },
    /// A change did not find it.
    Absent,
}

impl Model for Documents {
    type State = Option<Document>;
    type Operation = Operation;

    fn initial() -> Self::State {
        None
    }

    fn apply(state: &Self::State, operation: &Operation) -> Option<Self::State> {
        let changed = |change: &dyn Fn(&mut Document), seen: &Option<Document>| {
            let mut document = state.clone()?;
            change(&mut document);
            seen.as_ref().is_none_or(|seen| *seen == document).then_some(Some(document))
        };
        match operation {
            Operation::Insert { document } => state.is_none().then(|| Some(document.clone())),
            Operation::Taken => state.is_some().then(|| state.clone()),
            Operation::Read { seen } => (seen == state).then(|| state.clone()),
            Operation::Add { seen } => changed(&|document| document.count += 1, seen),
            Operation::Set { status, tag, seen } => changed(
                &|document| {
                    document.status.clone_from(status);
                    document.tag = *tag;
                },
                seen,
            ),
            Operation::Replace { document } => Some(Some(document.clone())),
            Operation::Delete => Some(None),
            // It is gone also where the answer was lost and another client has deleted it.
            Operation::DeleteSeen { seen } => {
                state.as_ref().is_none_or(|state| state == seen).then_some(None)
            }
            Operation::Absent => state.is_none().then_some(None),
        }
    }
}
