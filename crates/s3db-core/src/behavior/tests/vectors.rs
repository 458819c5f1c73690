//! What one write leaves in a bucket, and what hand-written objects read as.

use base64::Engine;
use serde_json::{Map, Value};

use super::{object, same, vectors};
use crate::behavior::{Behavior, PlaceContext, Placement, gather, place};
use crate::encoding::{DecodeContext, Decoded, Derive, EncodeContext, KeyRing, Mapper, Passphrase};
use crate::env::SystemEnv;
use crate::store::Metadata;
use crate::{ErrorKind, Result};

const BEHAVIORS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/behaviors.json"));
const MAPPER: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/mapper.json"));
const READ_RAW: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/read_raw.json"));
const TYPES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/types.json"));

/// Cases in which we write other bytes than s3db.js, and why. All of them are read back.
const OTHER_BYTES: [(&str, &str); 11] = [
    ("body-overflow-nested", "an attribute is never split over metadata and body"),
    ("body-only-nested", "an object with members that the schema does not know is one JSON text"),
    ("enforce-limits-unicode-counted-before-encoding", "a real store refuses what it encodes to"),
    ("truncate-data-last-key-blanked", "the text is cut, not blanked"),
    ("truncate-data-last-key-blanked-2", "the text is cut, not blanked"),
    ("body-overflow-ts-edge1", "a record with a date has a body keyed by name"),
    ("body-overflow-ts-edge2", "a record with a date has a body keyed by name"),
    ("body-overflow-ts-sorted-by-size", "a record with a date has a body keyed by name"),
    ("body-overflow-ts-two-overflow", "a record with a date has a body keyed by name"),
    ("body-overflow-ts-all-overflow", "a record with a date has a body keyed by name"),
    ("body-overflow-ts-unicode", "a record with a date has a body keyed by name"),
];

fn is_other(name: &str) -> bool {
    OTHER_BYTES.iter().any(|(other, _)| *other == name)
}

fn read(
    mapper: &Mapper,
    behavior: Behavior,
    metadata: &Metadata,
    body: &[u8],
    keys: Option<&KeyRing>,
) -> Value {
    let flat = gather(behavior, metadata, body, mapper);
    let context = DecodeContext { keys, derive: Derive::Allowed, auto_decrypt: true };
    match mapper.decode(&flat, &context).unwrap() {
        Decoded::Read(reading) => reading.document.into(),
        Decoded::NotCached => panic!("not cached"),
    }
}

fn write(
    mapper: &Mapper,
    behavior: Behavior,
    record: &Map<String, Value>,
    context: &PlaceContext<'_>,
) -> Result<Placement> {
    let flat = mapper.encode(record, &EncodeContext::new(&SystemEnv))?;
    place(behavior, &flat, mapper, context)
}

fn metadata_of(value: &Value) -> Metadata {
    object(value).iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn as_json(metadata: &Metadata) -> Value {
    metadata
        .iter()
        .filter(|(name, _)| *name != "_x")
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

#[test]
fn a_document_is_placed_as_s3db_js_places_it() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in vectors(BEHAVIORS) {
        // Updates of s3db.js leave internals in the record; we write the form of an insert.
        let name = case["name"].as_str().unwrap();
        let record = match case["op"].as_str() {
            Some("insert") => &case["record"],
            Some("replace") => &case["patch"],
            _ => continue,
        };
        checked += 1;
        let timestamps = case["timestamps"] == true;
        let mut attributes = object(&case["attributes"]).clone();
        let mut record = object(record).clone();
        if timestamps {
            for field in ["createdAt", "updatedAt"] {
                attributes.insert(field.into(), "datetime|optional".into());
                record.insert(field.into(), "2025-03-04T05:06:07.000Z".into());
            }
        }
        let mapper = Mapper::new(&attributes, None, None);
        let behavior: Behavior = case["behavior"].as_str().unwrap().parse().unwrap();
        let context = PlaceContext { timestamps, ..PlaceContext::new("v1") };
        let placed = match (write(&mapper, behavior, &record, &context), case.get("expected_error")) {
            (Ok(placed), None) => placed,
            (Err(error), Some(expected)) => {
                assert_eq!(error.kind(), ErrorKind::TooLarge, "{name}");
                assert_eq!(
                    error.context("size_bytes"),
                    Some(expected["totalSize"].to_string().as_str()),
                    "{name}"
                );
                assert_eq!(
                    error.context("limit_bytes"),
                    Some(expected["effectiveLimit"].to_string().as_str()),
                    "{name}"
                );
                continue;
            }
            (Err(error), None) if is_other(name) => {
                assert_eq!(error.kind(), ErrorKind::TooLarge, "{name}");
                continue;
            }
            (outcome, expected) => panic!("{name}: {outcome:?}, expected {expected:?}"),
        };
        assert!(placed.metadata.size_bytes() <= 2047, "{name}");
        let read = read(&mapper, behavior, &placed.metadata, &placed.body, None);
        if placed.truncated.is_empty() {
            assert!(same(&read, &record.clone().into()), "{name}: {read:.300}");
        }
        let times = |value: &Value| {
            // The vectors hold the times of their recording; ours are all of one length.
            let text = value.to_string();
            text.split('"')
                .map(|part| if part.len() == 7 && part.starts_with('u') { "(time)" } else { part })
                .collect::<String>()
        };
        let got = as_json(&placed.metadata);
        let body =
            Value::from(std::str::from_utf8(&placed.body).unwrap().replace('"', "'").replace("'u", "\"u"));
        let expected_body =
            Value::from(case["expected"]["body"].as_str().unwrap().replace('"', "'").replace("'u", "\"u"));
        let mut sorted = object(&case["expected"]["metadata"]).clone();
        sorted.sort_keys();
        let mut sorted_got = object(&got).clone();
        sorted_got.sort_keys();
        let equal = times(&sorted.into()) == times(&sorted_got.into())
            && (body.as_str().unwrap().len() == expected_body.as_str().unwrap().len())
            && (timestamps || body == expected_body);
        if equal == is_other(name) {
            wrong.push(format!(
                "{name}: equal={equal}\n {got:.300}\n {body:.200}\n {:.300}\n {expected_body:.200}",
                case["expected"]["metadata"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 50, "{checked}");
}

#[test]
fn objects_written_by_hand_read_as_they_should() {
    let mut wrong = Vec::new();
    for case in vectors(READ_RAW) {
        let mapper = Mapper::new(object(&case["attributes"]), None, None);
        let behavior: Behavior = case["behavior"].as_str().unwrap_or("user-managed").parse().unwrap();
        let metadata = metadata_of(&case["metadata"]);
        let body = case["body"].as_str().unwrap_or_default();
        let read = read(&mapper, behavior, &metadata, body.as_bytes(), None);
        let mut expected = object(&case["expected"]).clone();
        expected.shift_remove("id");
        if !same(&read, &expected.clone().into()) {
            wrong.push(format!("{}: {read} expected {}", case["name"], Value::from(expected)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_is_stored_and_read_as_by_s3db_js() {
    let keys = KeyRing::new(Passphrase::new("vector-pass"), &SystemEnv);
    let mut wrong = Vec::new();
    for case in vectors(TYPES) {
        let rule = case["type"].as_str().unwrap();
        let mapper = Mapper::new(object(&serde_json::json!({ "f": rule })), None, None);
        let absent = |value: &Value| value.get("$undefined").is_some();
        let Some(stored) = case["stored"].as_str().filter(|text| !text.starts_with('(')) else { continue };
        let metadata: Metadata = [("0", stored)].into_iter().collect();
        let read = read(&mapper, Behavior::UserManaged, &metadata, b"", Some(&keys));
        let got = read.get("f").cloned().unwrap_or_else(|| serde_json::json!({ "$undefined": true }));
        if !same(&got, &case["expected"]) {
            wrong.push(format!(
                "{} {rule}: {stored} reads {got}, expected {}",
                case["name"], case["expected"]
            ));
        }
        // What was read is written as it was stored; secrets differ by their nonce.
        let null_boolean = rule.starts_with("boolean");
        if !absent(&case["expected"]) && !rule.starts_with("secret") && !null_boolean {
            let placed =
                write(&mapper, Behavior::UserManaged, object(&read), &PlaceContext::new("v1")).unwrap();
            // Blanks at the ends would not survive HTTP.
            if placed.metadata.get("0") != Some(stored) && stored.trim() == stored {
                wrong.push(format!(
                    "{} {rule}: writes {:?}, expected {stored}",
                    case["name"], placed.metadata
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a case has values that are no JSON.
fn unwrap_buffers(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Object(members) if members.contains_key("$buffer") => {
            let text = members["$buffer"].as_str()?;
            base64::engine::general_purpose::STANDARD.decode(text).ok()?;
            text.into()
        }
        Value::Object(members) if members.keys().any(|name| name.starts_with('$')) => return None,
        Value::Object(members) => {
            let members: Option<Map<_, _>> =
                members.iter().map(|(name, value)| Some((name.clone(), unwrap_buffers(value)?))).collect();
            members?.into()
        }
        Value::Array(items) => items.iter().map(unwrap_buffers).collect::<Option<Vec<_>>>()?.into(),
        value => value.clone(),
    })
}

#[test]
fn a_document_is_mapped_as_by_s3db_js_and_comes_back() {
    /// Cases whose values are not of the type of their attribute, so that they come back as what their text says.
    const MISTYPED: [&str; 8] =
        ["numbers-0", "numbers-2", "numbers-3", "dates-1", "dates-4", "misc-0", "misc-1", "binary-1"];
    /// Cases in which we write other bytes, and why.
    const OTHER: [(&str, &[&str]); 10] = [
        ("an empty inner object has no key: the object is one JSON text", &["nested-3"]),
        ("members that the schema does not know: the object is one JSON text", &["nested-4"]),
        ("items that are no numbers are kept in a JSON text", &["numbers-3"]),
        ("text is not compressed", &["text-compression-1", "text-compression-2"]),
        ("an explicit object, or one in an any attribute, is one JSON text", &["explicit-object-0", "any-2"]),
        ("bits that are base64 text are kept, not numbered", &["binary-1"]),
        ("font/woff2 would read as another word", &["looks-like-3"]),
        (
            "the words null and undefined would read as null and absent",
            &[
                "looks-like-0",
                "fuzz-0",
                "fuzz-24",
                "fuzz-31",
                "fuzz-32",
                "fuzz-49",
                "fuzz-59",
                "fuzz-71",
                "fuzz-117",
            ],
        ),
        (
            "a list of one empty text, or that begins like JSON, would read as another one",
            &["fuzz-73", "fuzz-76", "fuzz-78", "fuzz-82", "fuzz-83", "fuzz-96"],
        ),
        (
            "no header takes what is beyond ASCII after a URL prefix",
            &["fuzz-16", "fuzz-19", "fuzz-98", "fuzz-119"],
        ),
    ];
    let mut wrong = Vec::new();
    let mut checked = 0;
    for case in vectors(MAPPER) {
        let name = case["name"].as_str().unwrap();
        let Some(record) = unwrap_buffers(&case["record"]) else { continue };
        checked += 1;
        let mapper = Mapper::new(object(&case["attributes"]), None, None);
        let map: Value = serde_json::from_str(mapper.map_json()).unwrap();
        assert_eq!(map, case["map"], "{name}");
        let context = PlaceContext { limit_bytes: 1 << 20, ..PlaceContext::new("1") };
        let placed = write(&mapper, Behavior::EnforceLimits, object(&record), &context).unwrap();
        let got = as_json(&placed.metadata);
        let other = OTHER.iter().any(|(_, names)| names.contains(&name));
        if (got == case["expected_metadata"]) == other {
            wrong.push(format!(
                "{name}: other={other}\n  wrote    {got}\n  expected {}",
                case["expected_metadata"]
            ));
        }
        let read = read(&mapper, Behavior::EnforceLimits, &placed.metadata, &placed.body, None);
        if !MISTYPED.contains(&name) && !same(&read, &record) {
            wrong.push(format!("{name}:\n  read  {read}\n  given {record}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(checked > 140, "{checked}");
}
