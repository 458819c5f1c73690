//! Tests of the schema as its users see it.

mod differential;

use serde_json::{Value, json};

use super::{Mode, Schema, SchemaOptions, Strictness};
use crate::{Document, ErrorKind};

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
        Err(error) => Err(error.fields().iter().map(|f| format!("{} {}", f.field, f.rule)).collect()),
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
        &[(json!("on"), Ok(json!(true))), (json!(0), Ok(json!(false))), (json!("yes"), Err(&["boolean"]))],
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
            (json!("2024-01-15T10:20:30+02:00"), Ok(json!("2024-01-15T08:20:30.000Z"))),
            (json!(0), Ok(json!("1970-01-01T00:00:00.000Z"))),
            (json!("2024-02-30"), Err(&["datetime"])),
        ],
    );
}

#[test]
fn every_form_of_the_notation_is_understood() {
    let address =
        json!({ "$$type": "object|required", "$$strict": true, "city": "string", "zip": "string|optional" });
    let cases = [
        (json!("string[]"), json!([" a "]), Ok(json!(["a"]))),
        (json!("number[]|min:2"), json!(["1"]), Err("v arrayMin")),
        (json!(["number", "boolean"]), json!("on"), Ok(json!(true))),
        (json!({ "city": "string|uppercase" }), json!({ "city": "rio" }), Ok(json!({ "city": "RIO" }))),
        (
            json!({ "city": { "code": "number" } }),
            json!({ "city": { "code": "x" } }),
            Err("v.city.code number"),
        ),
        (address.clone(), json!({ "city": "Rio", "x": 1 }), Err("v objectStrict")),
        (address, json!(null), Err("v required")),
        (
            json!({ "type": "object", "props": { "a": "number" } }),
            json!({ "a": "1", "b": 2 }),
            Ok(json!({ "a": 1 })),
        ),
        (json!({ "type": "string", "pattern": "^(a|b):c$" }), json!("b:c"), Ok(json!("b:c"))),
        (json!("string|pattern:^a:b$"), json!("a:b"), Ok(json!("a:b"))),
        (json!("string|pattern:^a:b$"), json!("a"), Err("v stringPattern")),
        (json!("enum:new, paid"), json!("paid"), Ok(json!("paid"))),
        (json!("enum:new,paid"), json!("old"), Err("v enumValue")),
        (json!("string|enum:a,b"), json!("c"), Err("v stringEnum")),
        (json!("string|no-trim"), json!(" a"), Ok(json!(" a"))),
        (json!("string|email"), json!("ana"), Err("v email")),
        (json!("embedding:2"), json!([1, "2"]), Ok(json!([1, 2]))),
        (json!("embedding:2"), json!([1]), Err("v arrayLength")),
        (
            json!({ "type": "array", "items": { "name": "string" } }),
            json!([{ "name": "a" }, null]),
            Err("v[1] required"),
        ),
        (json!({ "type": "tuple", "items": ["string", "number"] }), json!(["a", "5"]), Ok(json!(["a", 5]))),
        (
            json!({ "type": "record", "key": "string|alpha", "value": "number" }),
            json!({ "a1": "5" }),
            Err("v.a1 stringAlpha"),
        ),
        (json!("geo:point"), json!([1, 2]), Ok(json!({ "latitude": 1, "longitude": 2 }))),
        (json!("bits:12"), json!("AQI="), Ok(json!("AQI="))),
        (json!("bits:12"), json!("AQID"), Err("v bitsLength")),
        (json!("forbidden"), json!(1), Err("v forbidden")),
    ];
    for (definition, value, expected) in cases {
        let got = outcome(&json!({ "v": definition }), &json!({ "v": value }));
        let expected = expected.map(|value| json!({ "v": value })).map_err(|error| vec![error.to_owned()]);
        assert_eq!(got, expected, "{definition} <- {value}");
    }
}

#[test]
fn defaults_fill_absent_fields_at_every_depth() {
    let attributes = json!({
        "role": "string|default:user", "tries": "number|default:3", "on": "boolean|default:false",
        "profile": { "lang": "string|lowercase|default:EN" }, "tags": "array|items:string|default:[\"a\"]",
        "free": "string|nullable|default:x",
    });
    let got = outcome(&attributes, &json!({ "profile": {}, "role": null, "free": null })).unwrap();
    let expected = json!({
        "profile": { "lang": "en" }, "role": "user", "free": null, "tries": 3, "on": false, "tags": ["a"],
    });
    assert_eq!(got, expected);
}

#[test]
fn every_failing_field_is_reported_with_its_own_words() {
    let schema = schema(json!({
        "name": { "type": "string", "min": 3, "label": "Full name", "messages": { "stringMin": "{field}: at least {expected}, not {actual}" } },
        "tags": "array|items:number",
        "home": { "city": "string|max:2" },
    }));
    let document = map(json!({ "name": "Al", "tags": [1, "x"], "home": { "city": "Rio" } }));
    let errors = schema.check(&document);
    let shown: Vec<String> = errors.iter().map(|e| format!("{} | {}", e.field, e.message)).collect();
    let expected = [
        "name | Full name: at least 3, not 2",
        "tags[1] | The 'tags[1]' field must be a number.",
        "home.city | The 'home.city' field length must be less than or equal to 2 characters long.",
    ];
    assert_eq!(shown, expected);
    assert_eq!(errors[1].actual, Some(json!("x")));
    assert_eq!(errors[2].expected, Some(json!(2)));
}

#[test]
fn no_error_shows_a_secret() {
    let marker = "hunter2-marker";
    for definition in [
        json!("secret|max:3"),
        json!("password|alpha"),
        json!("secretNumber"),
        json!({ "type": "secret", "pattern": "^x", "messages": { "stringPattern": "was {actual}" } }),
        json!(["secret|max:3", "number"]),
        json!({ "type": "array", "items": "secret|max:3" }),
        json!({ "type": "array", "contains": "x", "items": "secret" }),
        json!({ "inner": "secret|max:3" }),
    ] {
        let schema = schema(json!({ "v": definition }));
        for value in [json!(marker), json!([marker]), json!({ "inner": marker })] {
            let Err(error) = schema.validate(map(json!({ "v": value })), Mode::Insert) else {
                continue;
            };
            let shown = format!("{error} {error:?} {}", error.to_json());
            assert!(!shown.contains(marker), "{definition}: {shown}");
        }
    }
}

#[test]
fn creating_names_every_problem_and_opening_warns_of_them() {
    let attributes = map(json!({
        "a": "strng", "b": "string|emial", "c": "number|min:x", "d": 5, "e": "string|pattern:(?=x)",
        "f": { "type": "boolean", "min": 2 }, "g": "number|default:x", "h": { "i": "custom" }, "ok": "string",
    }));
    let error = Schema::compile(&attributes, SchemaOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    for part in [
        "8 problems",
        "`a`: unknown type `strng` (did you mean `string`?)",
        "unknown rule `emial` (did you mean `email`?)",
        "`c`: rule `min` needs a number",
        "`d`: `5` is not a definition",
        "`e`: the pattern",
        "`f`: rule `min` does not apply",
        "`g`: the default breaks the rule `number`",
        "`h.i`: the type `custom` needs code",
    ] {
        assert!(error.message().contains(part), "{part} in {}", error.message());
    }
    let options = SchemaOptions { strictness: Strictness::Open, ..SchemaOptions::default() };
    let schema = Schema::compile(&attributes, options).unwrap();
    assert_eq!(schema.warnings().len(), 8);
    let document = map(json!({
        "a": [1], "b": "no mail", "c": -5, "d": null, "e": "y", "f": true, "g": 1, "h": { "i": {} }, "ok": "x",
    }));
    let failing: Vec<String> = schema.check(&document).into_iter().map(|e| e.field).collect();
    assert_eq!(failing, ["d"], "an attribute that is not understood accepts anything, but is still required");
}

#[test]
fn keys_that_reach_prototypes_are_dropped_at_every_depth() {
    let document = json!({
        "v": { "__proto__": 1, "list": [{ "constructor": 2, "x": 3 }] }, "prototype": 4, "constructor": 5, "y": 6,
    });
    let expected = json!({ "v": { "list": [{ "x": 3 }] }, "y": 6 });
    assert_eq!(outcome(&json!({ "v": "any" }), &document), Ok(expected));
}

#[test]
fn a_stored_hash_passes_an_update_and_nothing_else_does() {
    let schema = schema(json!({ "v": "password|max:12" }));
    let bcrypt = format!("$c${}", "a".repeat(53));
    let cases = [
        (bcrypt.as_str(), Mode::Update, true),
        (bcrypt.as_str(), Mode::Insert, false),
        ("$j|g|3|4$c2FsdHNhbHQ$aGFzaGhhc2g", Mode::Replace, true),
        ("$1$ but a password that is too long", Mode::Update, false),
        ("short", Mode::Update, true),
    ];
    for (value, mode, expected) in cases {
        let got = schema.validate(map(json!({ "v": value })), mode).is_ok();
        assert_eq!(got, expected, "{value} {mode:?}");
    }
}

#[test]
fn fields_tell_what_the_schema_holds() {
    let schema = schema(json!({
        "email": "email|unique", "profile": { "tags": { "type": "array", "items": "number|min:0" } },
        "token": "secret|default:abc", "either": ["string", "number"],
    }));
    let shown: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| format!("{} {} {} {}", f.path, f.type_word, f.optional, f.unique))
        .collect();
    let expected = [
        "email email false true",
        "profile object true false",
        "profile.tags array false false",
        "profile.tags[] number false false",
        "token secret false false",
        "either multi false false",
    ];
    assert_eq!(shown, expected);
    assert_eq!(schema.field("profile.tags[]").unwrap().rules["min"], "0");
    assert_eq!(schema.field("token").unwrap().default, None, "a secret is not shown");
}

#[test]
fn nesting_without_end_is_refused() {
    let mut definition = json!("string");
    for _ in 0..60 {
        definition = json!({ "a": definition });
    }
    let error = Schema::compile(&map(definition), SchemaOptions::default()).unwrap_err();
    assert!(error.message().contains("nest deeper"), "{error}");
}
