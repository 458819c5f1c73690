//! Every record of every bucket that s3db.js has written reads as it should.

use base64::Engine;
use serde_json::{Map, Value};

use super::{object, same};
use crate::behavior::{Behavior, gather};
use crate::encoding::{
    DecodeContext, Decoded, Derive, KeyRing, Mapper, Passphrase, PluginRegistries, SchemaRegistry,
};
use crate::env::SystemEnv;
use crate::store::Metadata;

/// Records whose bytes do not tell what was meant; what they read as is what s3db.js reads, or as close as can be.
const LOST: [(&str, &str); 11] = [
    ("huge-number", "its digits were lost on writing"),
    ("json-string-number", "a json text that looks like a number is stored like the number"),
    ("list-of-empty", "is stored like the empty list"),
    ("list-of-null-word", "is stored like null"),
    ("null-flag", "is stored like false"),
    ("object-object", "is stored as {}"),
    ("secret-word-null", "is sealed like null"),
    ("tiny-number", "is stored as the empty text"),
    ("woff2", "has the code of another word"),
    ("word-null", "is stored like null"),
    ("word-undefined", "is stored like an absent value"),
];

struct Bucket {
    file: Value,
    catalogue: Value,
    keys: KeyRing,
}

impl Bucket {
    fn open(path: &std::path::Path) -> Option<Self> {
        let file: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        file.get("expected")?;
        let passphrase = file["passphrase"].as_str().unwrap_or("secret");
        let keys = KeyRing::new(Passphrase::new(passphrase), &SystemEnv);
        let mut bucket = Self { file, catalogue: Value::Null, keys };
        let text = bucket.body("s3db.json").unwrap();
        bucket.catalogue = serde_json::from_slice(&text).ok()?;
        Some(bucket)
    }

    fn object(&self, key: &str) -> Option<&Value> {
        let prefix = self.file["key_prefix"].as_str().unwrap_or_default();
        let full = if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{}/{key}", prefix.trim_end_matches('/'))
        };
        self.file["objects"].as_array().unwrap().iter().find(|o| o["key"] == full.as_str() || o["key"] == key)
    }

    fn body(&self, key: &str) -> Option<Vec<u8>> {
        let text = self.object(key)?["body_base64"].as_str()?;
        Some(base64::engine::general_purpose::STANDARD.decode(text).unwrap())
    }

    fn read(&self, resource: &str, id: &str) -> Option<Map<String, Value>> {
        let entry = &self.catalogue["resources"][resource];
        let version = &entry["versions"][entry["currentVersion"].as_str()?];
        let registry = entry.get("schemaRegistry").map(|json| SchemaRegistry::from_json(json).unwrap());
        let plugins =
            entry.get("pluginSchemaRegistry").map(|json| PluginRegistries::from_json(json).unwrap());
        let mapper = Mapper::new(object(&version["attributes"]), registry.as_ref(), plugins.as_ref());
        let behavior: Behavior = version["behavior"].as_str().unwrap_or("user-managed").parse().unwrap();

        let key = format!("resource={resource}/data/id={id}");
        let metadata: Metadata = object(&self.object(&key)?["metadata"])
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let flat_body = self.body(&key).unwrap();
        let flat = gather(behavior, &metadata, &flat_body, &mapper);
        let context = DecodeContext { keys: Some(&self.keys), derive: Derive::Allowed, auto_decrypt: true };
        match mapper.decode(&flat, &context).unwrap() {
            Decoded::Read(reading) => Some(reading.document),
            Decoded::NotCached => None,
        }
    }

    fn hide_artefacts(&self, record: &mut Map<String, Value>) {
        for field in self.file["artefacts"]["fields"].as_array().into_iter().flatten() {
            record.shift_remove(field.as_str().unwrap());
        }
        record.shift_remove("id");
    }
}

fn buckets() -> Vec<(String, Bucket)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/buckets");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| {
            Some((path.file_stem().unwrap().to_string_lossy().into_owned(), Bucket::open(&path)?))
        })
        .collect()
}

#[test]
fn every_record_of_every_bucket_reads_exactly() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (name, bucket) in buckets() {
        for (resource, records) in object(&bucket.file["expected"]) {
            for (id, expected) in object(records) {
                let Some(mut read) = bucket.read(resource, id) else {
                    wrong.push(format!("{name} {resource} {id}: not read"));
                    continue;
                };
                let mut expected = object(expected).clone();
                bucket.hide_artefacts(&mut expected);
                bucket.hide_artefacts(&mut read);
                let (read, expected) = (Value::from(read), Value::from(expected));
                if !same(&read, &expected) {
                    wrong.push(format!(
                        "{name} {resource} {id}:\n  read     {read:.900}\n  expected {expected:.900}"
                    ));
                }
                checked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {checked} records:\n{}", wrong.len(), wrong.join("\n"));
    assert!(checked > 200, "only {checked} records");
}

#[test]
fn records_that_s3db_js_misreads_read_as_they_were_meant() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (name, bucket) in buckets() {
        for (resource, records) in object(&bucket.file["quirks"]) {
            for (id, quirk) in records.as_object().into_iter().flatten() {
                let (Some(sane), Some(mut read)) = (quirk.get("sane"), bucket.read(resource, id)) else {
                    continue;
                };
                if LOST.iter().any(|(lost, _)| lost == id) {
                    continue;
                }
                let mut sane = object(sane).clone();
                bucket.hide_artefacts(&mut sane);
                bucket.hide_artefacts(&mut read);
                let (read, sane) = (Value::from(read), Value::from(sane));
                if !same(&read, &sane) {
                    wrong.push(format!("{name} {resource} {id}:\n  read {read:.300}\n  sane {sane:.300}"));
                }
                checked += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked >= 10, "only {checked} records");
}
