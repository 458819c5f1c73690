//! Answering a query through a partition. Pure.

use std::cmp::Reverse;
use std::fmt;

use serde_json::{Number, Value};

use super::QuerySources;
use crate::key::{Lookup, Partition, PartitionField, Wanted};
use crate::query::Constraint;
use crate::{Document, Result};

/// Longest list of `$in` that is looked up value by value.
const VALUES_MAX: usize = 16;

/// Types whose values stand in a key as they are.
const TEXT_TYPES: [&str; 3] = ["string", "text", "email"];

/// Which references of a partition a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionPlan {
    partition: String,
    lookup: Lookup,
    fields: Vec<(String, Recover)>,
    covered: bool,
}

/// How the value of a field is told from its text in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recover {
    Text,
    Number,
    Boolean,
    /// It cannot be told.
    Never,
}

impl PartitionPlan {
    /// Reads what a lookup finds. `covering` are the paths that the query looks at, where it may be answered without
    /// reading documents.
    pub fn new(
        partition: &Partition,
        lookup: Lookup,
        covering: Option<&[&str]>,
        sources: &QuerySources<'_>,
    ) -> Self {
        let fields: Vec<(String, Recover)> =
            partition.fields.iter().map(|field| (field.path.clone(), recover(field, sources))).collect();
        let told = |path: &&str| {
            *path == "id" || fields.iter().any(|(name, how)| name == path && *how != Recover::Never)
        };
        let covered = covering.is_some_and(|paths| paths.iter().all(told));
        Self { partition: partition.name.clone(), lookup, fields, covered }
    }

    pub(super) fn best(
        constraints: &[(&str, Constraint<'_>)],
        covering: Option<&[&str]>,
        sources: &QuerySources<'_>,
    ) -> Result<Option<Self>> {
        let mut best = None;
        for partition in sources.partitions {
            let usable = sources.complete.contains(&partition.name)
                && partition.fields.iter().all(|field| {
                    // s3db.js loses the entries by version of documents that it updates.
                    field.path != "_v"
                        && (sources.always_present.contains(&field.path)
                            || is_present(&field.path, constraints))
                });
            if !usable {
                continue;
            }
            let wanted: Vec<Option<Wanted>> =
                partition.fields.iter().map(|field| wanted(field, constraints, sources)).collect();
            let leading = wanted.iter().take_while(|w| matches!(w, Some(Wanted::OneOf(_)))).count();
            let range = matches!(wanted.get(leading), Some(Some(Wanted::Between(..))));
            let bound = wanted.iter().flatten().count();
            let Some(lookup) = Lookup::new(partition, sources.keys, sources.resource, wanted)? else {
                continue;
            };
            let plan = Self::new(partition, lookup, covering, sources);
            if bound == 0 && !plan.covered {
                continue;
            }
            let rank = (
                plan.covered,
                leading * 2 + usize::from(range),
                bound,
                Reverse(partition.fields.len()),
                Reverse(partition.name.clone()),
            );
            if best.as_ref().is_none_or(|(known, _)| rank > *known) {
                best = Some((rank, plan));
            }
        }
        Ok(best.map(|(_, plan)| plan))
    }

    /// Name of the partition.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The references that are read.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// Whether the keys of the references hold all that the query looks at, so that LIST alone gives the answer. Only a
    /// document whose key does not tell its values, such as one with a number beyond 2^53, is read.
    pub fn is_covered(&self) -> bool {
        self.covered
    }

    /// What the key of a reference tells of its document. `is_stamped` says that the reference carries a stamp, so that
    /// s3db.js did not write it, which joins texts like paths: `US/` and `US` have one key there.
    pub fn told(&self, key: &str, is_stamped: bool) -> Told {
        let Some((_, values)) = self.lookup.parse(key) else {
            return Told { document: Document::new(), is_whole: false };
        };
        let mut told = Told { document: Document::new(), is_whole: true };
        for ((path, how), text) in self.fields.iter().zip(values) {
            match how.value(text, is_stamped) {
                Some(value) => drop(told.document.insert(path.clone(), value)),
                None => told.is_whole &= *how == Recover::Never,
            }
        }
        told
    }
}

/// What the key of a reference tells of its document.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The values that are certain, each under its dotted path.
    pub document: Document,
    /// Whether nothing is missing that the keys of this partition tell as a rule.
    pub is_whole: bool,
}

impl Recover {
    fn value(self, text: &str, is_stamped: bool) -> Option<Value> {
        match self {
            // s3db.js does not escape slashes, and joins paths: those at the end, and what stands between them, may be
            // lost.
            Self::Text => (is_stamped && !text.contains('/')).then(|| Value::from(text)),
            Self::Number => number(text).map(Value::Number),
            Self::Boolean => text.parse().ok().map(Value::Bool),
            Self::Never => None,
        }
    }
}

impl fmt::Display for PartitionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} LIST per 1,000 references: partition={}", self.lookup.ranges().len(), self.partition)?;
        for ((path, _), wanted) in self.fields.iter().zip(self.lookup.wanted()) {
            match wanted {
                Some(Wanted::OneOf(texts)) => write!(f, " {path}={}", texts.join("|"))?,
                Some(Wanted::Between(low, high)) => write!(f, " {path}={low}..{high}")?,
                None => {}
            }
        }
        f.write_str(if self.covered { "; no GET" } else { "; 1 GET a candidate" })
    }
}

/// Whether every match of the constraints has a value at `path`.
fn is_present(path: &str, constraints: &[(&str, Constraint<'_>)]) -> bool {
    constraints.iter().any(|(of, constraint)| {
        *of == path
            && match constraint {
                Constraint::Equal(value) => !value.is_null(),
                Constraint::In(values) => !values.iter().any(Value::is_null),
                Constraint::AtLeast(_) | Constraint::AtMost(_) | Constraint::Text => true,
            }
    })
}

/// What the references of every match must have in a field.
fn wanted(
    field: &PartitionField,
    constraints: &[(&str, Constraint<'_>)],
    sources: &QuerySources<'_>,
) -> Option<Wanted> {
    let of_field = || constraints.iter().filter(|(path, _)| *path == field.path).map(|(_, c)| c);
    let value = of_field().find_map(|constraint| match constraint {
        Constraint::Equal(value) if !value.is_null() => Some(*value),
        _ => None,
    });
    if let Some(value) = value {
        return Some(Wanted::OneOf(vec![field.text_in_key(value)]));
    }
    let values = of_field().find_map(|constraint| match constraint {
        Constraint::In(values) if values.len() <= VALUES_MAX && !values.iter().any(Value::is_null) => {
            Some(*values)
        }
        _ => None,
    });
    if let Some(values) = values {
        let mut texts: Vec<String> = values.iter().map(|value| field.text_in_key(value)).collect();
        texts.sort();
        texts.dedup();
        return Some(Wanted::OneOf(texts));
    }
    days(field, of_field(), sources)
}

/// The days of a range of times. Only where the text in the key is the first ten characters of the value, so that both
/// have the same order: under the rule of the partitions by date, for fields whose type allows nothing but dates.
fn days<'c>(
    field: &PartitionField,
    constraints: impl Iterator<Item = &'c Constraint<'c>>,
    sources: &QuerySources<'_>,
) -> Option<Wanted> {
    let dates = matches!(steady_type(field, sources), Some("datetime" | "dateonly"));
    if field.rule != "date|maxlength:10" || !dates {
        return None;
    }
    let (mut low, mut high) = (None, None);
    for constraint in constraints {
        match constraint {
            Constraint::AtLeast(Value::String(text)) => low = low.max(day(text)),
            Constraint::AtMost(Value::String(text)) => {
                high = [high, day(text)].into_iter().flatten().min();
            }
            _ => {}
        }
    }
    if low.is_none() && high.is_none() {
        return None;
    }
    // Years beyond 9999 begin with a sign, which is below every digit; `:` is above.
    let (low, high) = (low.unwrap_or_default(), high.unwrap_or(":"));
    Some(Wanted::Between(low.to_owned(), high.to_owned()))
}

/// The first ten characters of a text when they are a day.
fn day(text: &str) -> Option<&str> {
    let day = text.get(..10)?;
    (day.bytes()
        .enumerate()
        .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }))
    .then_some(day)
}

fn recover(field: &PartitionField, sources: &QuerySources<'_>) -> Recover {
    if field.is_lossy() {
        return Recover::Never;
    }
    match steady_type(field, sources) {
        Some(word) if TEXT_TYPES.contains(&word) => Recover::Text,
        Some("number") => Recover::Number,
        Some("boolean" | "bool") => Recover::Boolean,
        _ => Recover::Never,
    }
}

/// The type of a field, where every version of the schema gives it the same.
fn steady_type<'s>(field: &PartitionField, sources: &QuerySources<'s>) -> Option<&'s str> {
    let info = sources.schema.field(&field.path).filter(|_| sources.steady.contains(&field.path))?;
    Some(info.type_word.as_str())
}

/// A number from its text in JavaScript, which names one double. From 2^53 on several whole numbers share a double, so
/// that the text does not tell which it was.
fn number(text: &str) -> Option<Number> {
    const WHOLE_MAX: f64 = (1_u64 << 53) as f64;
    match text.parse::<i64>() {
        Ok(whole) if whole.unsigned_abs() < 1 << 53 => Some(whole.into()),
        Ok(_) => None,
        Err(_) => {
            let float = text.parse::<f64>().ok().filter(|float| float.abs() < WHOLE_MAX)?;
            Number::from_f64(float)
        }
    }
}
