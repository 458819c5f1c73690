//! Tests of the schema as its users see it.

use serde_json::{Value, json};

use super::{Mode, Schema, SchemaOptions};
use crate::Document;

fn map(value: Value) -> Document {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

fn schema(attributes: Value) -> Schema {
    Schema::compile(&map(attributes), SchemaOptions::default()).unwrap()
}

/// Validates one document: the normalised document, or `field code` of every error.
fn outcome(attributes: &Value, document: &Value) -> Result<Value, Vec<String>> {
    let schema = schema(attributes.clone());
    match schema.validate(map(document.clone()), Mode::Insert) {
        Ok(document) => Ok(document.into()),
        Err(error) => Err(error
            .fields()
            .iter()
            .map(|f| format!("{} {}", f.field, f.rule))
            .collect()),
    }
}

/// Each value of one attribute `v`, and what becomes of it: a value, or `Err(codes)`.
fn check(definition: Value, cases: &[(Value, Result<Value, &[&str]>)]) {
    for (value, expected) in cases {
        let got = outcome(&json!({ "v": definition }), &json!({ "v": value }));
        let expected = match expected {
            Ok(value) => Ok(json!({ "v": value })),
            Err(codes) => Err(codes.iter().map(|code| format!("v {code}")).collect()),
        };
        assert_eq!(got, expected, "{definition} <- {value}");
    }
}

#[test]
fn every_type_converts_and_checks() {
    check(
        json!("string|min:2|max:4"),
        &[
            (json!("  ab "), Ok(json!("ab"))),
            (json!("a"), Err(&["stringMin"])),
            (json!("abcde"), Err(&["stringMax"])),
            (json!("😀"), Ok(json!("😀"))),
            (json!(5), Err(&["string"])),
            (json!(null), Err(&["required"])),
        ],
    );
    check(
        json!("number|min:0|integer"),
        &[
            (json!("12"), Ok(json!(12))),
            (json!(""), Ok(json!(0))),
            (json!("0x10"), Ok(json!(16))),
            (json!(true), Ok(json!(1))),
            (json!("twelve"), Err(&["number"])),
            (json!("Infinity"), Err(&["number"])),
            (json!(-1.5), Err(&["numberMin", "numberInteger"])),
        ],
    );
    check(
        json!("boolean"),
        &[
            (json!("on"), Ok(json!(true))),
            (json!(0), Ok(json!(false))),
            (json!("yes"), Err(&["boolean"])),
        ],
    );
    check(
        json!("ip6"),
        &[
            (json!("::FFFF:1.2.3.4"), Ok(json!("::ffff:102:304"))),
            (json!("2001:0db8:0:0:1:0:0:1"), Ok(json!("2001:db8::1:0:0:1"))),
            (json!("1:2"), Err(&["ip6"])),
        ],
    );
    check(
        json!("duration"),
        &[
            (json!("1h30m"), Ok(json!(5_400_000))),
            (json!("PT1.5S"), Ok(json!(1500))),
            (json!("500ms"), Ok(json!(500))),
            (json!("soon"), Err(&["duration"])),
        ],
    );
    check(
        json!("datetime"),
        &[
            (json!("2024-01-15"), Ok(json!("2024-01-15T00:00:00.000Z"))),
            (
                json!("2024-01-15T10:20:30+02:00"),
                Ok(json!("2024-01-15T08:20:30.000Z")),
            ),
            (json!(0), Ok(json!("1970-01-01T00:00:00.000Z"))),
            (json!("2024-02-30"), Err(&["datetime"])),
        ],
    );
}
