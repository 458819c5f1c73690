//! The keys of entries and slots in a tier.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3db_core::op::{Op, PartitionArgs, Verb};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::generation::Slot;

/// What stands in a key as it is. A value can so neither end a folder nor leave it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// Longest part of a key, for names of files.
const PART_BYTES_MAX: usize = 120;

/// The partition that a read is about: its name, and the values that it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    folder: String,
}

impl Partition {
    pub(crate) fn new(name: &str, values: &s3db_core::Document) -> Self {
        let mut values: Vec<_> = values.iter().collect();
        values.sort_by_key(|(field, _)| field.as_str());
        let mut folder = format!("{}/", part("partition=", name));
        for (field, value) in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            folder.push_str(&part(&format!("{}=", escaped(field)), &value));
            folder.push('/');
        }
        Self { folder }
    }
}

/// The partition of a read.
pub(crate) fn partition_of(op: &Op<'_>) -> Option<Partition> {
    let args = match op {
        Op::List { partition, .. } | Op::ListIds { partition, .. } => partition.as_ref(),
        Op::Page { partition, .. } | Op::Count { partition, .. } => partition.as_ref(),
        Op::Query(query) => query.partition.as_ref(),
        _ => None,
    };
    args.map(|PartitionArgs { name, values }| Partition::new(name, values))
}

/// What all keys of a resource start with.
pub(super) fn of_resource(resource: &str) -> String {
    format!("{}/", part("resource=", resource))
}

/// What all keys of a partition start with.
pub(super) fn of_partition(resource: &str, partition: &Partition) -> String {
    format!("{}{}", of_resource(resource), partition.folder)
}

/// The key of an entry. `ask` is all that the read asks for: only its hash is shown.
pub(super) fn of_entry(resource: &str, partition: Option<&Partition>, verb: Verb, ask: &str) -> String {
    let folder = partition.map_or("", |partition| &partition.folder);
    format!("{}{folder}{verb}/{}", of_resource(resource), hash(ask))
}

/// The key of a slot.
pub(super) fn of_slot(resource: &str, slot: Slot) -> String {
    let name = match slot {
        Slot::Many => "many".to_owned(),
        Slot::Documents(number) => format!("{number:02x}"),
    };
    format!("{}generations/{name}", of_resource(resource))
}

/// The slot of a document, the same in every process.
pub(super) fn stripe(id: &str) -> u8 {
    Sha256::digest(id).first().copied().unwrap_or(0) % Slot::DOCUMENTS
}

fn part(start: &str, value: &str) -> String {
    let text = escaped(value);
    if start.len() + text.len() > PART_BYTES_MAX {
        // A `.` is in no escaped value.
        return format!("{start}.{}", hash(value));
    }
    format!("{start}{text}")
}

fn escaped(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A value of a partition as s3db.js writes it into a key.
pub(super) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_value_leaves_its_folder_and_no_two_share_one() {
        let key = |resource: &str, partition: &str, values: Value| {
            let partition = Partition::new(partition, values.as_object().unwrap());
            of_entry(resource, Some(&partition), Verb::List, "ask")
        };
        let hash = hash("ask");
        assert_eq!(
            key("users", "byRegion", json!({"region": "US", "age": 7})),
            format!("resource=users/partition=byRegion/age=7/region=US/list/{hash}")
        );
        assert_eq!(
            key("users", "p", json!({"v": "/../x.y"})),
            format!("resource=users/partition=p/v=%2F%2E%2E%2Fx%2Ey/list/{hash}")
        );
        let long = key("users", "p", json!({"v": "é".repeat(100)}));
        assert!(long.split('/').all(|part| part.len() <= PART_BYTES_MAX), "{long}");
        assert!(!of_resource("users_archive").starts_with(&of_resource("users")));
    }
}
