//! Which partitions hold a reference of every document that has their fields.
//!
//! A partition that every version of the resource has is complete: each document was written together with its
//! reference. One that came later misses the documents from before until it is indexed again; the member
//! `indexedPartitions` of the resource says that this has been done. s3db.js drops that member when it writes the
//! catalogue, after which queries read past the partition until the next reindex: slower, never wrong.

use serde_json::{Map, Value};

use super::{Catalog, edit_object};

/// Partitions by name, each with the definition that was indexed.
const MEMBER: &str = "indexedPartitions";

impl Catalog {
    /// Names of the partitions that hold a reference of every document that has their fields.
    pub fn complete_partitions(&self, resource: &str) -> Vec<String> {
        let Some(entry) = self.entry(resource) else { return Vec::new() };
        let versions = entry.get("versions").and_then(Value::as_object);
        let everywhere = |name: &String, definition: &Value| {
            let has = |version: &Value| {
                fields(version.get("partitions").and_then(|p| p.get(name))) == fields(Some(definition))
            };
            versions.is_some_and(|versions| !versions.is_empty() && versions.values().all(has))
        };
        let marked = |name: &String, definition: &Value| {
            entry
                .get(MEMBER)
                .and_then(|marks| marks.get(name))
                .is_some_and(|mark| fields(Some(mark)) == fields(Some(definition)))
        };
        let partitions = current(entry).into_iter().flatten();
        let complete =
            partitions.filter(|(name, definition)| everywhere(name, definition) || marked(name, definition));
        complete.map(|(name, _)| name.clone()).collect()
    }

    /// Notes that a partition holds a reference of every document that has its fields. Returns whether that is news.
    pub fn mark_complete(&mut self, resource: &str, partition: &str, now: &str) -> bool {
        if self.complete_partitions(resource).iter().any(|name| name == partition) {
            return false;
        }
        let Some(definition) = self.entry(resource).and_then(current).and_then(|p| p.get(partition)).cloned()
        else {
            return false;
        };
        edit_object(&mut self.root, "resources", |resources| {
            edit_object(resources, resource, |entry| {
                edit_object(entry, MEMBER, |marks| marks.insert(partition.to_owned(), definition));
            });
        });
        self.touch(now);
        true
    }
}

/// Forgets marks of partitions that the entry does not have, or has with other fields: the documents that are written
/// meanwhile get no reference.
pub(super) fn forget_marks(entry: &mut Map<String, Value>) {
    let Some(Value::Object(mut marks)) = entry.shift_remove(MEMBER) else { return };
    let partitions = current(entry);
    marks.retain(|name, mark| fields(partitions.and_then(|p| p.get(name))) == fields(Some(mark)));
    if !marks.is_empty() {
        entry.insert(MEMBER.to_owned(), Value::Object(marks));
    }
}

fn current(entry: &Map<String, Value>) -> Option<&Map<String, Value>> {
    entry.get("partitions")?.as_object()
}

fn fields(definition: Option<&Value>) -> Option<&Map<String, Value>> {
    definition?.get("fields")?.as_object()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partition_is_complete_from_the_start_or_once_it_is_marked_and_not_after_it_was_away() {
        let (a, b) = (json!({"fields": {"a": "string"}}), json!({"fields": {"b": "string"}}));
        let catalog = json!({"resources": {"r": {
            "partitions": {"byA": a, "byB": b},
            "versions": {"v1": {"partitions": {"byA": a}}, "v2": {"partitions": {"byA": a, "byB": b}}},
        }}});
        let mut catalog = Catalog::from_json(catalog).unwrap();
        assert_eq!(catalog.complete_partitions("r"), ["byA"]);
        assert!(!catalog.mark_complete("r", "byA", "now"));
        assert!(catalog.mark_complete("r", "byB", "now"));
        assert!(!catalog.mark_complete("r", "byC", "now"));
        assert_eq!(catalog.complete_partitions("r"), ["byA", "byB"]);
        let mut entry = catalog.entry("r").unwrap().clone();
        forget_marks(&mut entry);
        assert_eq!(entry[MEMBER], json!({"byB": b}));
        entry["partitions"] = json!({"byA": a});
        forget_marks(&mut entry);
        assert!(!entry.contains_key(MEMBER));
    }
}
