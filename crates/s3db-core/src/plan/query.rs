//! How a query reads: by an id, through a partition, or by a scan. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::partition::PartitionPlan;
use crate::Result;
use crate::key::{Keys, Partition};
use crate::query::Filter;
use crate::schema::Schema;

/// Where a query finds its candidates.
///
/// Every document that is read is checked against the whole filter, so that no plan finds more than a scan would.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryPlan {
    /// One document by its id: 1 GET.
    Id(String),
    /// The references of a partition: 1 LIST per 1,000 of them, and 1 GET a candidate unless the plan is covered.
    Partition(PartitionPlan),
    /// The keys of all documents, which answer by themselves what is asked of ids alone: 1 LIST per 1,000 ids.
    Ids,
    /// All documents: 1 LIST per 1,000 ids and 1 GET a document.
    Scan,
}

/// What a query may be answered from.
#[derive(Debug, Clone, Copy)]
pub struct QuerySources<'s> {
    /// Builds keys.
    pub keys: &'s Keys,
    /// The resource.
    pub resource: &'s str,
    /// Its schema, which says what the text of a key stands for.
    pub schema: &'s Schema,
    /// Its partitions.
    pub partitions: &'s [Partition],
    /// Names of those that hold a reference of every document that has their fields.
    pub complete: &'s BTreeSet<String>,
    /// Paths that have the same type in every version of the schema, and keep their values whole, so that the text of a
    /// key tells the value.
    pub steady: &'s BTreeSet<String>,
    /// Paths at which every document has a value.
    pub always_present: &'s BTreeSet<String>,
}

impl QueryPlan {
    /// Chooses the cheapest source that holds every match of `filter`. `fields` are the paths that are asked for, those
    /// of the order included; `None` asks for whole documents.
    ///
    /// Of the partitions that hold every match the one is taken that answers without reading documents, then the one
    /// with most leading fields given, then with most fields given, then with fewest fields, then the first by name.
    ///
    /// # Errors
    /// `TooLarge` when a value of the filter makes a key too long.
    pub fn choose(filter: &Filter, fields: Option<&[&str]>, sources: &QuerySources<'_>) -> Result<Self> {
        let constraints = filter.constraints();
        let id = constraints.iter().find_map(|(path, constraint)| match constraint {
            crate::query::Constraint::Equal(Value::String(id)) if *path == "id" => Some(id.clone()),
            _ => None,
        });
        if let Some(id) = id {
            return Ok(Self::Id(id));
        }
        let looked_at = || filter.paths().into_iter().chain(fields.into_iter().flatten().copied());
        if fields.is_some() && looked_at().all(|path| path == "id") {
            return Ok(Self::Ids);
        }
        let covering = fields.map(|_| looked_at().collect::<Vec<_>>());
        let best = PartitionPlan::best(&constraints, covering.as_deref(), sources)?;
        Ok(best.map_or(Self::Scan, Self::Partition))
    }

    /// Whether LIST alone gives the answer.
    pub fn is_covered(&self) -> bool {
        match self {
            Self::Ids => true,
            Self::Partition(plan) => plan.is_covered(),
            Self::Id(_) | Self::Scan => false,
        }
    }
}

impl fmt::Display for QueryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "1 GET: id={id}"),
            Self::Partition(plan) => plan.fmt(f),
            Self::Ids => f.write_str("1 LIST per 1,000 ids: all ids; no GET"),
            Self::Scan => f.write_str("1 LIST per 1,000 ids: all ids; 1 GET a document"),
        }
    }
}
