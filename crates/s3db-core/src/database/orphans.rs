//! Partitions that name fields which the resource does not have.

use serde_json::Value;

use crate::catalog::ResourceDefinition;
use crate::key::Partition;
use crate::{Document, Error, ErrorKind, Result};

/// A partition that names fields which the resource does not have: no document gets a reference in it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OrphanedPartition {
    /// Name of the partition.
    pub name: String,
    /// The fields that the resource does not have.
    pub missing_fields: Vec<String>,
    /// All fields of the partition, in key order.
    pub fields: Vec<String>,
    /// The partition as the catalogue has it.
    pub definition: Value,
}

/// The orphaned partitions of a definition.
pub(crate) fn orphans(definition: &ResourceDefinition) -> Vec<OrphanedPartition> {
    let orphan = |(name, partition): (&String, &Value)| {
        let fields: Vec<String> =
            Partition::parse(name, partition).ok()?.fields.into_iter().map(|field| field.path).collect();
        let missing: Vec<String> =
            fields.iter().filter(|path| !exists(&definition.attributes, path)).cloned().collect();
        (!missing.is_empty()).then(|| OrphanedPartition {
            name: name.clone(),
            missing_fields: missing,
            fields,
            definition: partition.clone(),
        })
    };
    definition.partitions.iter().filter_map(orphan).collect()
}

/// Errors: `Config` for a partition of a wrong form and, when `strict`, for an orphaned one.
pub(crate) fn check(definition: &ResourceDefinition, strict: bool) -> Result<()> {
    for (name, partition) in &definition.partitions {
        Partition::parse(name, partition)?;
    }
    let Some(orphan) = orphans(definition).into_iter().next().filter(|_| strict) else {
        return Ok(());
    };
    let known: Vec<&str> = definition.attributes.keys().map(String::as_str).collect();
    Err(Error::new(ErrorKind::Config, "a partition names a field that the resource does not have")
        .with("partition", orphan.name)
        .with("field", orphan.missing_fields.join(", "))
        .hint(format!(
            "the fields are: {}; or open the database with strict_validation off; remove_orphaned_partitions mends what is stored",
            known.join(", ")
        )))
}

/// Whether attributes declare a field: by its dotted name, inside nested objects, or below one of free form.
fn exists(attributes: &Document, path: &str) -> bool {
    if matches!(path, "id" | "_v") || attributes.contains_key(path) {
        return true;
    }
    let Some((first, rest)) = path.split_once('.') else {
        return false;
    };
    match attributes.get(first) {
        Some(Value::Object(nested)) => {
            let props = nested.get("props").or_else(|| nested.get("properties")).and_then(Value::as_object);
            exists(nested, rest) || props.is_some_and(|props| exists(props, rest))
        }
        Some(Value::String(rule)) => matches!(rule.split('|').next(), Some("object" | "json" | "any")),
        _ => false,
    }
}
