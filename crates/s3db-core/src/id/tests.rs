//! Every form of a generator, what it refuses, and what it gives.

use serde_json::{Value, json};

use super::{IdGenerator, Incremental};
use crate::env::{Random, SystemEnv};
use crate::{Document, ErrorKind};

/// Bytes that count up from 0.
struct Counting;

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for (byte, value) in buffer.iter_mut().zip(0..) {
            *byte = value;
        }
    }
}

fn vectors() -> Vec<Value> {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sequences.json"));
    let vectors: Value = serde_json::from_str(text).unwrap();
    vectors["cases"].as_array().unwrap().clone()
}

#[test]
fn settings_of_s3db_js_mean_the_same_or_are_refused() {
    for case in vectors().iter().filter(|case| case["kind"] == "generator") {
        let read = IdGenerator::from_json(&case["input"]);
        if case["input"] == "incremental:weird!" {
            // s3db.js counts from 1 and says nothing.
            assert_eq!(read.unwrap_err().kind(), ErrorKind::Config);
            continue;
        }
        match read.unwrap() {
            IdGenerator::Incremental(settings) => assert_eq!(settings.to_json(), case["parsed"], "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
fn numbers_look_as_those_of_s3db_js() {
    for case in vectors().iter().filter(|case| case["kind"] == "format") {
        let input = &case["input"];
        let settings = Incremental {
            prefix: input["prefix"].as_str().unwrap_or_default().to_owned(),
            padding: input["padding"].as_u64().unwrap_or(0) as usize,
            ..Incremental::default()
        };
        assert_eq!(settings.format(input["value"].as_i64().unwrap()), case["expected"], "{case}");
    }
}

#[test]
fn each_form_gives_ids_of_its_own_and_survives_the_catalogue() {
    let now = 1_469_918_176_385;
    let rows = [
        (json!("nanoid"), "ABCDEFGHIJKLMNOPQRSTUV", "default"),
        (json!(8), "ABCDEFGH", "default"),
        (json!({"type": "nanoid", "size": 5, "alphabet": "xyz"}), "xyzxy", "custom"),
        (json!("uuid"), "00010203-0405-4607-8809-0a0b0c0d0e0f", "custom"),
        (json!("uuid:v4"), "00010203-0405-4607-8809-0a0b0c0d0e0f", "custom"),
        // 1469918176385 is 0x01563df36481.
        (json!("uuid:v7"), "01563df3-6481-7001-8203-040506070809", "custom"),
        // The time of the example in the specification of ULIDs: 01ARYZ6S41.
        (json!("ulid"), "01ARYZ6S41000G40R40M30E209", "custom"),
    ];
    for (setting, expected, word) in rows {
        let generator = IdGenerator::from_json(&setting).unwrap();
        let make =
            |generator: &IdGenerator| generator.generate(&Counting, now, &Document::new()).unwrap().unwrap();
        assert_eq!(make(&generator), expected, "{setting}");
        assert_eq!(generator.word(), word, "{setting}");
        if let Some(stored) = generator.settings() {
            assert_eq!(make(&IdGenerator::from_json(&stored).unwrap()), expected, "{setting} as stored");
        }
    }
    for text in ["incremental:1000", "incremental:-5", "incremental:ORD-0001", "incremental:fast:INV7"] {
        let read = |setting: &Value| match IdGenerator::from_json(setting).unwrap() {
            IdGenerator::Incremental(settings) => settings,
            other => panic!("{text}: {other:?}"),
        };
        let settings = read(&json!(text));
        assert_eq!(read(&IdGenerator::Incremental(settings.clone()).settings().unwrap()), settings);
    }
}

#[test]
fn settings_that_no_id_can_be_made_of_are_refused_with_the_forms() {
    for setting in [
        json!("incremental:"),
        json!("incremental:007"),
        json!("incremental:A_B-01"),
        json!("incremental:ORD-"),
        json!("incremental:1.5"),
        json!("incremental:fast:"),
        json!("incremental:--5"),
        json!("incremental:A--5"),
        json!("incremental:99999999999999999999"),
        json!("incremental:ABCDEFGHIJKLMNOPQRSTU1"),
        json!("incrementals"),
        json!("serial"),
        json!("custom"),
        json!(0),
        json!(256),
        json!(-1),
        json!(1.5),
        json!(null),
        json!([]),
        json!({}),
        json!({"type": "nanoid", "size": 0}),
        json!({"type": "nanoid", "alphabet": "a"}),
        json!({"type": "nanoid", "alphabet": "aba"}),
        json!({"type": "nanoid", "alphabet": "a/b"}),
        json!({"type": "nanoid", "length": 4}),
        json!({"type": "incremental", "start": "x"}),
        json!({"type": "incremental", "start": 9_007_199_254_740_992_i64}),
        json!({"type": "incremental", "increment": 0}),
        json!({"type": "incremental", "mode": "faster"}),
        json!({"type": "incremental", "batchSize": 0}),
        json!({"type": "incremental", "batchSize": 100_001}),
        json!({"type": "incremental", "prefix": "a/b"}),
        json!({"type": "incremental", "padding": 21}),
        json!({"type": "incremental", "padding": -1}),
        json!({"type": "incremental", "begin": 1}),
    ] {
        let error = IdGenerator::from_json(&setting).expect_err(&setting.to_string());
        assert_eq!(error.kind(), ErrorKind::Config, "{setting}: {error}");
        assert!(error.suggestion().is_some() || error.message().contains("idSize"), "{setting}: {error}");
    }
}

#[test]
fn a_function_gets_the_document_and_must_give_an_id() {
    let generator = IdGenerator::custom(|document| document["name"].as_str().unwrap_or_default().to_owned());
    let mut document = Document::new();
    document.insert("name".into(), json!("ann"));
    assert_eq!(generator.generate(&Counting, 0, &document).unwrap().as_deref(), Some("ann"));
    document.insert("name".into(), json!(""));
    assert_eq!(generator.generate(&Counting, 0, &document).unwrap_err().kind(), ErrorKind::Validation);
    assert_eq!(format!("{generator:?}"), "Custom(..)");
}

#[test]
fn random_ids_have_the_asked_length_and_alphabet_and_differ() {
    for (generator, size, alphabet) in [
        (IdGenerator::default(), 22, String::from_utf8(super::random::ALPHABET.to_vec()).unwrap()),
        (IdGenerator::Alphabet { size: 40, alphabet: "0123456789é".into() }, 40, "0123456789é".to_owned()),
    ] {
        let make = || generator.generate(&SystemEnv, 0, &Document::new()).unwrap().unwrap();
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| make()).collect();
        assert_eq!(ids.len(), 1000);
        let used: std::collections::HashSet<char> = ids.iter().flat_map(|id| id.chars()).collect();
        assert_eq!(used, alphabet.chars().collect(), "every character is used");
        assert!(ids.iter().all(|id| id.chars().count() == size));
    }
    assert!(super::stamp(&SystemEnv).len() <= super::STAMP_BYTES_MAX);
    let stamps = || (0..1000).map(|_| super::stamp(&SystemEnv)).collect::<Vec<_>>();
    let both = std::thread::scope(|scope| {
        let other = scope.spawn(stamps);
        [stamps(), other.join().unwrap()].concat()
    });
    assert_eq!(both.iter().collect::<std::collections::HashSet<_>>().len(), 2000, "no stamp comes twice");
}
