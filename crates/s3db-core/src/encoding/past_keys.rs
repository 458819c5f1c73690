//! The short keys of older versions of a schema.
//!
//! The registry of a resource says which index a path has now, and which indices are burned. A path that was taken out
//! and came back has had several; which of them a version used follows from the versions themselves: each time that the
//! path went, one index was burned.

use super::short_keys::SchemaRegistry;

/// The registry under which documents of `versions[at]` were written. `versions` are the keyed paths of every version,
/// oldest first, the current one last.
///
/// `None` where the documents are older than the registry: their keys are the positions of their own paths.
pub(crate) fn registry_of(
    registry: &SchemaRegistry,
    versions: &[Vec<String>],
    at: usize,
) -> Option<SchemaRegistry> {
    let mut mapping = Vec::new();
    for path in versions.get(at)? {
        mapping.push((path.clone(), index_of(registry, versions, at, path)?));
    }
    Some(SchemaRegistry::of_mapping(mapping))
}

fn index_of(registry: &SchemaRegistry, versions: &[Vec<String>], at: usize, path: &str) -> Option<u32> {
    // A run is a row of versions that have the path. Every run but one that lasts until now has burned an index.
    let (mut ended, mut run_of_at, mut has_it) = (0_usize, None, false);
    for (number, paths) in versions.iter().enumerate() {
        let has = paths.iter().any(|known| known == path);
        ended += usize::from(has_it && !has);
        has_it = has;
        if number == at {
            run_of_at = Some(ended);
        }
    }
    let run = run_of_at?;
    if run == ended && has_it {
        return registry.index_of(path);
    }
    // A registry that came later has burned nothing for the first runs.
    let burned: Vec<u32> = registry.burned_of(path).collect();
    let unknown = ended.saturating_sub(burned.len());
    burned.get(run.checked_sub(unknown)?).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(lists: &[&str]) -> Vec<Vec<String>> {
        lists.iter().map(|list| list.split_whitespace().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn each_version_has_the_keys_that_its_documents_were_written_with() {
        let registry = SchemaRegistry::from_json(&json!({
            "nextIndex": 7,
            "mapping": {"name": 0, "age": 6},
            "burned": [{"index": 1, "attribute": "age"}, {"index": 3, "attribute": "age"}, {"index": 2, "attribute": "city"}]
        }))
        .unwrap();
        let versions = paths(&["name age city", "name city", "name age", "name", "name age"]);
        let check = |at: usize, expected: &[(&str, u32)]| {
            let found = registry_of(&registry, &versions, at).unwrap();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "version {}", at + 1);
        };
        check(0, &[("name", 0), ("age", 1), ("city", 2)]);
        check(1, &[("name", 0), ("city", 2)]);
        check(2, &[("name", 0), ("age", 3)]);
        check(4, &[("name", 0), ("age", 6)]);
    }

    #[test]
    fn documents_older_than_the_registry_have_the_keys_of_their_positions() {
        let registry = SchemaRegistry::from_json(&json!({
            "nextIndex": 2, "mapping": {"name": 0}, "burned": [{"index": 1, "attribute": "age"}]
        }))
        .unwrap();
        let versions = paths(&["age city name", "name", "name age", "name"]);
        assert_eq!(registry_of(&registry, &versions, 0), None);
        let third = registry_of(&registry, &versions, 2).unwrap();
        assert_eq!(third.iter().collect::<Vec<_>>(), [("name", 0), ("age", 1)]);
    }
}
