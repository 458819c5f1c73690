//! Definitions of resources in a file.

use s3db::database::DefinitionDiff;
use s3db::{Database, ResourceConfig};
use serde_json::{Map, Value, json};

use crate::exit::{Failure, Outcome};
use crate::input;

/// A resource that the file declares.
pub(super) struct Declared {
    pub(super) config: ResourceConfig,
    pub(super) diff: DefinitionDiff,
}

/// Reads `{"resources": {"users": {"attributes": {…}, …}}}` and compares it with the database. What an entry does not say
/// stays as it is; a new resource has the defaults.
pub(super) fn read(db: &Database, file: &str) -> Outcome<Vec<Declared>> {
    let text = if file == "-" { file.to_owned() } else { format!("@{file}") };
    let Value::Object(mut root) = input::json(&text, "FILE")? else {
        return Err(wrong(file, "it is not a JSON object"));
    };
    let resources = root.shift_remove("resources");
    if let Some(other) = root.keys().next() {
        return Err(wrong(file, &format!("it has the unknown member `{other}`")));
    }
    let Some(Value::Object(resources)) = resources else {
        return Err(wrong(file, "it has no object `resources`"));
    };
    resources.into_iter().map(|(name, entry)| declare(db, file, name, entry)).collect()
}

fn declare(db: &Database, file: &str, name: String, entry: Value) -> Outcome<Declared> {
    let Value::Object(mut entry) = entry else {
        return Err(wrong(file, &format!("resource {name} is not an object")));
    };
    if entry.get("name").is_some_and(|other| *other != *name) {
        return Err(wrong(file, &format!("resource {name} has another name inside")));
    }
    // What `s3db schema` prints has it, and a database numbers its versions by itself.
    entry.shift_remove("version");
    entry.insert("name".to_owned(), json!(name));
    if let Some(stored) = super::schema::definition(db, &name)? {
        let says_no_times = entry.get("timestamps") == Some(&json!(false));
        let kept = [
            ("attributes", json!(stored.attributes)),
            ("behavior", json!(stored.behavior)),
            ("timestamps", json!(stored.timestamps)),
            ("paranoid", json!(stored.paranoid)),
            ("allNestedObjectsOptional", json!(stored.all_nested_objects_optional)),
            ("autoDecrypt", json!(stored.auto_decrypt)),
            ("idSize", json!(stored.id_size)),
            ("createdBy", json!(stored.created_by)),
        ];
        for (member, value) in kept {
            entry.entry(member).or_insert(value);
        }
        keep_partitions(&mut entry, &stored.partitions, says_no_times);
    }
    let config = ResourceConfig::from_json(&Value::Object(entry))?;
    let diff = db.diff_resource(&config)?;
    Ok(Declared { config, diff })
}

/// Without `partitions` those of the database stay; with them only the one that `versioning` has added.
fn keep_partitions(entry: &mut Map<String, Value>, stored: &Map<String, Value>, says_no_times: bool) {
    match entry.get_mut("partitions") {
        None => {
            let mut kept = stored.clone();
            if says_no_times {
                kept.retain(|name, _| name != "byCreatedDate" && name != "byUpdatedDate");
            }
            entry.insert("partitions".to_owned(), kept.into());
        }
        Some(Value::Object(given)) => {
            if let Some(by_version) = stored.get("byVersion") {
                given.entry("byVersion").or_insert_with(|| by_version.clone());
            }
        }
        Some(_) => {}
    }
}

fn wrong(file: &str, why: &str) -> Failure {
    Failure::usage(
        format!("{file} declares no resources: {why}"),
        r#"for example {"resources": {"users": {"attributes": {"name": "string"}}}}"#,
    )
}

/// One row a change, as both commands print it.
pub(super) fn rows(declared: &[Declared]) -> Vec<Value> {
    let changes = declared.iter().flat_map(|declared| {
        declared.diff.changes.iter().map(|change| {
            json!({
                "resource": declared.diff.resource,
                "member": change.member,
                "stored": change.stored,
                "wanted": change.wanted,
            })
        })
    });
    changes.collect()
}
