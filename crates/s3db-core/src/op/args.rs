//! Arguments of the reads of many documents.

use serde_json::Value;

use crate::Document;
use crate::query::SortKey;

/// The partition that a read is limited to.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionArgs {
    /// Name of the partition.
    pub name: String,
    /// Values of its fields, of all or of some.
    pub values: Document,
}

/// Everything that a query asks for.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct QueryArgs {
    /// The partition that it is limited to.
    pub partition: Option<PartitionArgs>,
    /// The filter, as [`Filter`](crate::query::Filter) describes it.
    pub filter: Value,
    /// Fields to sort by, the most important first.
    pub sort: Vec<SortKey>,
    /// Most matches.
    pub limit: Option<usize>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Whether every document is read, also where references would do.
    pub verified: bool,
    /// Whether all documents of the resource are read, past all partitions.
    pub scan: bool,
    /// What the caller wants of the matches.
    pub output: QueryOutput,
}

/// What a query gives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum QueryOutput {
    /// Whole documents: [`Answer::Page`](super::Answer::Page).
    #[default]
    Documents,
    /// Some fields, by path: [`Answer::Selection`](super::Answer::Selection).
    Fields(Vec<String>),
    /// Ids: [`Answer::Ids`](super::Answer::Ids).
    Ids,
    /// The number of matches: [`Answer::Count`](super::Answer::Count).
    Count,
}
