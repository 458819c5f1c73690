//! Databases that s3db.js wrote, through the binary.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::support::Shell;

/// Records of which the object does not say what was meant: s3db.js stored something else.
const LOST: [&str; 11] = [
    "huge-number",
    "json-string-number",
    "list-of-empty",
    "list-of-null-word",
    "null-flag",
    "object-object",
    "secret-word-null",
    "tiny-number",
    "woff2",
    "word-null",
    "word-undefined",
];

/// Records of older versions that s3db.js reads with the keys of the current one, which shows the values of fields that
/// are gone under their keys. They are read as they were written.
fn as_written(path: &std::path::Path, id: &str) -> Option<Value> {
    let is_evolved = path.ends_with("versioning-evolved.json");
    match id {
        "p1" if is_evolved => {
            Some(json!({"id": "p1", "name": "Ann", "team": "red", "age": 40, "city": "Rome"}))
        }
        "p3" if is_evolved => {
            Some(json!({"id": "p3", "name": "Cid", "team": "red", "age": 1.5, "email": "c@x.io"}))
        }
        _ => None,
    }
}

#[test]
fn every_bucket_of_s3db_js_loads_and_reads_exactly() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/buckets");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bucket: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        if bucket.get("expected").is_none() {
            continue;
        }
        let shell = Shell::new().set("S3DB_PASSPHRASE", bucket["passphrase"].as_str().unwrap());
        shell.ok(&["load", path.to_str().unwrap()]);
        for (resource, expected) in expected(&bucket) {
            let lines = shell.ok(&["query", &resource, "--limit", "0", "--output", "ndjson"]);
            let mut read: BTreeMap<String, Value> = BTreeMap::new();
            for line in lines.lines() {
                let record: Value = serde_json::from_str(line).unwrap();
                read.insert(record["id"].as_str().unwrap().to_owned(), record);
            }
            for (id, expected) in &expected {
                checked += 1;
                let mut record = read.remove(id).unwrap_or_default();
                let mut expected = as_written(&path, id).unwrap_or_else(|| plain(expected.clone()));
                hide(&bucket, &mut record, &expected);
                hide(&bucket, &mut expected, &Value::Null);
                if !LOST.contains(&id.as_str()) && !same(&record, &expected) {
                    wrong.push(format!(
                        "{} {resource} {id}: {record:.300} for {expected:.300}",
                        path.display()
                    ));
                }
            }
            wrong.extend(read.keys().map(|id| format!("{} {resource} {id}: not expected", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 250, "only {checked} records");
}

/// The expected records of each resource; those that s3db.js itself misreads as they were meant.
fn expected(bucket: &Value) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut out: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    for (resource, records) in object(&bucket["expected"]) {
        out.entry(resource).or_default().extend(object(&records));
    }
    for (resource, records) in object(&bucket["quirks"]) {
        let sane = object(&records).into_iter().map(|(id, quirk)| (id, quirk["sane"].clone()));
        out.entry(resource).or_default().extend(sane);
    }
    out
}

/// Writes the marked values of the bucket files as the binary prints them.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(members) => {
            match (members.get("$buffer"), members.get("$number").and_then(Value::as_str)) {
                (Some(bytes), _) => bytes.clone(),
                (None, Some("-0")) => Value::from(0),
                _ => {
                    let kept = members.into_iter().filter(|(_, member)| member.get("$undefined").is_none());
                    Value::Object(kept.map(|(name, member)| (name, plain(member))).collect::<Map<_, _>>())
                }
            }
        }
        other => other,
    }
}

/// Takes out the system fields that nobody expects, and the left-overs that may be hidden.
fn hide(bucket: &Value, record: &mut Value, expected: &Value) {
    let artefacts = bucket["artefacts"]["fields"].as_array().cloned().unwrap_or_default();
    if let Value::Object(record) = record {
        record.retain(|name, _| {
            let system = name.starts_with('_') && !expected.is_null() && expected.get(name).is_none();
            !system && !artefacts.iter().any(|artefact| artefact == name)
        });
    }
}

/// Equality of JSON with numbers as JavaScript has them, doubles; the order of members does not matter.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
