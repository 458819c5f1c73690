//! What is placed is gathered again, for every behavior.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{object, same};
use crate::behavior::{Behavior, PlaceContext, gather, place, stamp_of};
use crate::encoding::{DecodeContext, Decoded, Derive, EncodeContext, KeyRing, Mapper, Passphrase};
use crate::env::SystemEnv;
use crate::{ErrorKind, Result};

fn keys() -> &'static KeyRing {
    static KEYS: std::sync::LazyLock<KeyRing> =
        std::sync::LazyLock::new(|| KeyRing::new(Passphrase::new("a passphrase"), &SystemEnv));
    &KEYS
}

fn round_trip(
    attributes: &Value,
    record: &Value,
    behavior: Behavior,
    keeps_empty: bool,
) -> Result<Option<Value>> {
    let mapper = Mapper::new(object(attributes), None, None);
    let context = EncodeContext { keys: Some(keys()), ..EncodeContext::new(&SystemEnv) };
    let flat = mapper.encode(object(record), &context)?;
    let context = PlaceContext { stamp: Some("stamp1"), keeps_empty, ..PlaceContext::new("v1") };
    let placed = place(behavior, &flat, &mapper, &context)?;
    assert!(placed.metadata.size_bytes() <= 2047, "{:?}", placed.metadata);
    for (name, value) in placed.metadata.iter() {
        assert!(value.bytes().all(|b| (0x20..0x7f).contains(&b)), "{name}: {value}");
        assert!(!name.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()), "{name}");
        assert!(keeps_empty || !value.is_empty(), "{name} would be dropped by the store");
    }
    if behavior != Behavior::BodyOnly {
        assert_eq!(stamp_of(&placed.body), Some("stamp1"));
    }
    let flat = gather(behavior, &placed.metadata, &placed.body, &mapper);
    let context = DecodeContext { keys: Some(keys()), derive: Derive::Allowed, auto_decrypt: true };
    let Decoded::Read(reading) = mapper.decode(&flat, &context)? else { panic!("not cached") };
    Ok(placed.truncated.is_empty().then(|| reading.document.into()))
}

fn check(attributes: &Value, record: &Value) {
    let cases = Behavior::ALL.into_iter().flat_map(|behavior| [(behavior, true), (behavior, false)]);
    for (behavior, keeps_empty) in cases {
        match round_trip(attributes, record, behavior, keeps_empty) {
            Ok(Some(read)) => {
                assert!(
                    same(&read, record),
                    "{behavior}\n schema {attributes}\n read  {read}\n given {record}"
                );
            }
            Ok(None) => assert_eq!(behavior, Behavior::TruncateData),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
                assert_eq!(behavior, Behavior::EnforceLimits, "{error}");
            }
        }
    }
}

/// The codec goes by the words of the whole rule, of which some are about the members.
#[test]
fn a_record_whose_rule_names_another_type_is_kept_whole() {
    for rule in ["number", "boolean", "uuid", "datetime", "array|items:string", "money", "ip4"] {
        let attributes = json!({"a": format!("record|key:string|value:{rule}"), "s": "string"});
        check(&attributes, &json!({"a": {"x": 1, "y": [true, "z"], "": {"n": null}}, "s": ""}));
    }
    check(&json!({"a": "tuple|label:number"}), &json!({"a": [1, "x", null]}));
}

#[test]
fn nothing_is_lost() {
    let attributes = json!({
        "s": "string", "b": "boolean", "n": "number", "a": "any", "j": "json", "list": "array|items:string",
        "p": { "x": "string|optional", "q": { "y": "number|optional" }, "key": "secret|optional" },
        "o": { "type": "object", "props": { "firstName": "string", "n": "number" } },
        "e": { "type": "enum", "values": [1, "two", true] }, "num": { "type": "number" }, "on": { "type": "boolean" },
        "dotted.name": "number", "list2": { "0": "string", "name": "string" }, "_private": "string", "hidden": "secret",
        "when": "datetime", "acc": "string|default:number",
    });
    for record in [
        json!({}),
        json!({ "s": "", "list": [], "j": {}, "p": {}, "o": {} }),
        json!({ "s": null, "b": null, "n": null, "a": null, "j": null, "list": null, "p": null, "o": null, "hidden": null }),
        json!({ "s": "null", "list": ["null"], "j": "null", "a": "undefined", "hidden": "null" }),
        json!({ "s": "{\"a\":1}", "a": "{\"a\":1}", "j": "5", "list": ["[1]"], "hidden": "{\"k\":1}" }),
        json!({ "a": 5 }),
        json!({ "a": true }),
        json!({ "a": "5" }),
        json!({ "a": [1, "x", null] }),
        json!({ "a": { "deep": { "k": 1 } } }),
        json!({ "p": { "x": "a", "q": { "y": 1.5 } } }),
        json!({ "p": { "x": null, "q": {} } }),
        json!({ "p": { "x": "a", "q": null, "key": "sealed" } }),
        json!({ "p": { "key": "sealed", "Unknown Member": { "x": [1] } } }),
        json!({ "o": { "firstName": "Ann", "n": 5, "more": null } }),
        json!({ "e": 1, "num": 5.5, "on": false }),
        json!({ "e": "two", "num": 1e300, "on": true }),
        json!({ "e": true, "num": -0.1 }),
        json!({ "dotted.name": 62, "list2": { "0": "zero", "name": "n" }, "_private": "kept" }),
        json!({ "Extra Field": "x", "extra_field": 1, "extra field": true, "0": "clash", "_hidden": [1], "ünï": null }),
        json!({ "o_firstname": "not of o", "a_deep": "not of a", "x.y": 1, "unknown": { "a": 1 }, "name": "{}" }),
        json!({ "hidden": 42 }),
        json!({ "acc": "active", "when": "2024-01-15T10:20:30.000Z" }),
        json!({ "acc": "12" }),
        json!({ "s": "日本 😀 \u{1}\u{7f}", "ключ": "значение" }),
    ] {
        check(&attributes, &record);
        // The same beside a text that does not fit, without and with a date.
        let mut big = object(&record).clone();
        big.insert("s".into(), "é".repeat(2000).into());
        check(&attributes, &big.clone().into());
        big.insert("when".into(), "2024-01-15T10:20:30.000Z".into());
        check(&attributes, &big.into());
    }
}

#[test]
fn a_truncated_text_is_a_beginning_of_the_text_and_nothing_else_changes() {
    for (text, other) in [
        ("日本語".repeat(900), "small"),
        ("a b".repeat(1500), "é"),
        ("é".repeat(3000), ""),
        ("a\n".repeat(2000), "x"),
    ] {
        let mapper = Mapper::new(object(&json!({ "a": "string", "b": "string", "c": "json" })), None, None);
        let record = json!({ "a": other, "b": text, "c": { "big": "z".repeat(4000) } });
        let flat = mapper.encode(object(&record), &EncodeContext::new(&SystemEnv)).unwrap();
        let placed = place(Behavior::TruncateData, &flat, &mapper, &PlaceContext::new("v1")).unwrap();
        assert!(placed.metadata.size_bytes() <= 2047);
        assert!(placed.metadata.size_bytes() > 2030, "room is used: {}", placed.metadata.size_bytes());
        assert_eq!(placed.truncated.len(), 2, "{:?}", placed.truncated);
        let flat = gather(Behavior::TruncateData, &placed.metadata, &placed.body, &mapper);
        let Decoded::Read(reading) = mapper.decode(&flat, &DecodeContext::default()).unwrap() else {
            panic!()
        };
        assert_eq!(reading.document["a"], other);
        let cut = reading.document["b"].as_str().unwrap();
        assert!(text.starts_with(cut) && cut.len() > 100);
        assert_eq!(reading.document.get("c"), None);
    }
}

#[test]
fn a_secret_without_a_key_names_the_field_and_nothing_is_written() {
    let mapper = Mapper::new(object(&json!({ "api": { "key": "secret" } })), None, None);
    let record = json!({ "api": { "key": "k" } });
    let error = mapper.encode(object(&record), &EncodeContext::new(&SystemEnv)).unwrap_err();
    assert_eq!((error.kind(), error.context("field")), (ErrorKind::Crypto, Some("api.key")));

    let context = EncodeContext { keys: Some(keys()), ..EncodeContext::new(&SystemEnv) };
    let sealed = mapper.encode(object(&record), &context).unwrap();
    let other = KeyRing::new(Passphrase::new("another"), &SystemEnv);
    for keys in [None, Some(&other)] {
        let context = DecodeContext { keys, derive: Derive::Allowed, auto_decrypt: true };
        let error = mapper.decode(&sealed, &context).unwrap_err();
        assert_eq!((error.kind(), error.context("field")), (ErrorKind::Crypto, Some("api.key")));
    }
    let fresh = KeyRing::new(Passphrase::new("a passphrase"), &SystemEnv);
    let context = DecodeContext { keys: Some(&fresh), derive: Derive::CachedOnly, auto_decrypt: true };
    assert_eq!(mapper.decode(&sealed, &context).unwrap(), Decoded::NotCached);
    let context = DecodeContext { auto_decrypt: false, ..DecodeContext::default() };
    let Decoded::Read(reading) = mapper.decode(&sealed, &context).unwrap() else { panic!() };
    assert!(reading.document["api"]["key"].as_str().unwrap().len() > 44);
}

#[test]
fn encoding_says_when_it_takes_long() {
    let mapper =
        Mapper::new(object(&json!({ "s": "string", "t": "secret", "p": { "pw": "password" } })), None, None);
    let fresh = KeyRing::new(Passphrase::new("x"), &SystemEnv);
    let hash = "$c$rZ7JFU9pzMKvEzkKj8s9R.XFSbSyc7Y59JI.0yn4t3IerhHOw7wIa";
    for (record, expected) in [
        (json!({ "s": "x" }), false),
        (json!({ "t": null }), false),
        (json!({ "t": "x" }), true),
        (json!({ "p": { "pw": "plain" } }), true),
        (json!({ "p": { "pw": hash } }), false),
    ] {
        assert_eq!(mapper.encode_is_blocking(object(&record), Some(&fresh)), expected, "{record}");
    }
    fresh.prepare();
    assert!(!mapper.encode_is_blocking(object(&json!({ "t": "x" })), Some(&fresh)));

    let record = json!({ "p": { "pw": "plain" } });
    let error = mapper.encode(object(&record), &EncodeContext::new(&SystemEnv)).unwrap_err();
    assert_eq!((error.kind(), error.context("field")), (ErrorKind::Unsupported, Some("p.pw")));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ -~]{0,12}",
        "\\PC{0,8}",
        prop_oneof![
            "null",
            "undefined",
            "d:j",
            "b:x",
            "\\{",
            "\\[1\\]",
            "font/woff2",
            "https://www\\.x\\.io/é"
        ],
        (1_usize..1500).prop_map(|n| "x".repeat(n)),
        (1_usize..600).prop_map(|n| "日".repeat(n)),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-1e6..1e6_f64).prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(json!(1e-7)),
        Just(json!(0))
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number(),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..3).prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "[0-9]{1,2}", "[a-zA-Z_][a-zA-Z0-9_. -]{0,7}", "\\PC{1,3}"]
        .prop_filter("system names", |name| {
            !name.contains("$$") && name != "id" && !name.starts_with("_v") && name != "_w"
        })
}

/// An attribute's definition and a value for it.
fn attribute(depth: u32) -> BoxedStrategy<(Value, Value)> {
    let with = |rule: &'static str, values: BoxedStrategy<Value>| {
        prop_oneof![4 => values, 1 => Just(Value::Null)]
            .prop_map(move |value| (Value::from(rule), value))
            .boxed()
    };
    let leaf = prop_oneof![
        with("string", text().prop_map(Value::from).boxed()),
        with("string|default:number", text().prop_map(Value::from).boxed()),
        with("number", number().boxed()),
        with("boolean", any::<bool>().prop_map(Value::from).boxed()),
        with("json", any_json().boxed()),
        with("any", any_json().boxed()),
        with("secret", text().prop_map(Value::from).boxed()),
        with("array|items:string", prop::collection::vec(text(), 0..4).prop_map(Value::from).boxed()),
        with("datetime", Just(json!("2024-01-15T10:20:30.123Z")).boxed()),
        number().prop_map(|n| (json!({ "type": "number" }), n)),
        any_json().prop_map(|v| (json!({ "type": "any" }), v)),
        prop::collection::vec((name(), any_json()), 0..3).prop_map(|m| (
            json!({ "type": "object", "props": { "a": "string" } }),
            Value::Object(m.into_iter().collect())
        )),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let nested = prop::collection::vec((name(), attribute(depth - 1), 0..3_u8), 1..4).prop_map(|members| {
        let members: Vec<_> = members.into_iter().filter(|(name, ..)| name != "type").collect();
        let definition: Map<_, _> =
            members.iter().map(|(name, (d, _), _)| (name.clone(), d.clone())).collect();
        // Some members are left out.
        let value: Map<_, _> = members
            .iter()
            .filter(|(name, (d, _), keep)| *keep > 0 && definition.get(name) == Some(d))
            .map(|(name, (_, v), _)| (name.clone(), v.clone()))
            .collect();
        (Value::from(definition), Value::from(value))
    });
    prop_oneof![4 => leaf, 1 => nested].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_document_under_any_schema_comes_back(
        members in prop::collection::vec((name(), attribute(2)), 0..7),
        unknown in prop::collection::vec((name(), any_json()), 0..2),
    ) {
        let mut attributes = Map::new();
        let mut record = Map::new();
        for (name, (definition, value)) in members {
            if !attributes.contains_key(&name) {
                attributes.insert(name.clone(), definition);
                record.insert(name, value);
            }
        }
        for (name, value) in unknown {
            record.entry(name).or_insert(value);
        }
        check(&attributes.into(), &record.into());
    }
}
