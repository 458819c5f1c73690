//! The documents of the round trip, and what s3db.js is known to misread of them.

use serde_json::{Map, Value, json};

/// Resources of one shape.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) behavior: &'static str,
    pub(super) timestamps: bool,
    pub(super) attributes: Value,
    pub(super) documents: Vec<(String, Value)>,
}

/// Name, rule, and values of every type.
fn types() -> Vec<(&'static str, Value, Vec<Value>)> {
    vec![
        (
            "text",
            json!("string|optional"),
            vec![
                json!("plain"),
                json!("São Paulo 日本 😀"),
                json!(""),
                json!("null"),
                json!("undefined"),
                json!("d:j"),
                json!("a|b\\c"),
                json!("https://example.com/é"),
                json!("font/woff2"),
                json!("tab\there"),
            ],
        ),
        ("padded", json!("string|trim:false|optional"), vec![json!("  both ends  "), json!(" ")]),
        (
            "num",
            json!("number|optional"),
            vec![
                json!(30.5),
                json!(0),
                json!(-12.75),
                json!(1e-7),
                json!(1e300),
                json!(123456789012345_u64),
                json!(-2.5e-9),
            ],
        ),
        (
            "whole",
            json!("number|integer:true|optional"),
            vec![json!(-62), json!(0), json!(9007199254740991_i64)],
        ),
        ("flag", json!("boolean|optional"), vec![json!(true), json!(false)]),
        ("uid", json!("uuid|optional"), vec![json!("550e8400-e29b-41d4-a716-446655440000")]),
        ("addr4", json!("ip4|optional"), vec![json!("192.168.1.1"), json!("8.8.8.8")]),
        ("addr6", json!("ip6|optional"), vec![json!("2001:db8::1"), json!("::1")]),
        ("hwaddr", json!("mac|optional"), vec![json!("aa:bb:cc:dd:ee:ff")]),
        ("network", json!("cidr|optional"), vec![json!("10.0.0.0/8")]),
        ("release", json!("semver|optional"), vec![json!("1.2.3")]),
        ("tel", json!("phone|optional"), vec![json!("+5511999999999")]),
        ("paint", json!("color|optional"), vec![json!("#ff5733")]),
        ("span", json!("duration|optional"), vec![json!("PT1H30M"), json!("P2DT3H4M5.678S")]),
        ("schedule", json!("cron|optional"), vec![json!("*/5 * * * *")]),
        ("lang", json!("locale|optional"), vec![json!("pt-BR")]),
        ("coin", json!("currency|optional"), vec![json!("USD")]),
        ("land", json!("country|optional"), vec![json!("BR")]),
        ("barcode", json!("ean|optional"), vec![json!("4006381333931")]),
        ("price", json!("money|optional"), vec![json!(19.99), json!(0)]),
        ("price4", json!("money:4|optional"), vec![json!(19.9999)]),
        ("btc", json!("crypto|optional"), vec![json!(1e-8)]),
        ("ratio", json!("decimal:4|optional"), vec![json!(-4.1235)]),
        ("lat", json!("geo:lat|optional"), vec![json!(-23.5)]),
        ("lon", json!("geo:lon|optional"), vec![json!(-46.625)]),
        ("vec3", json!("embedding:3|optional"), vec![json!([0.1, -0.2, 0.3])]),
        (
            "words",
            json!("array|items:string|optional"),
            vec![json!(["a|b", "c\\d", ""]), json!([]), json!([""]), json!(["null"]), json!(["日本"])],
        ),
        ("nums", json!("array|items:number|optional"), vec![json!([1.5, -2, 1e-7]), json!([])]),
        ("list", json!("array|optional"), vec![json!([1, "a", null, {"k": true}]), json!([])]),
        ("free", json!("object|optional"), vec![json!({"a": {"b": [1, 2]}}), json!({})]),
        ("raw", json!("json|optional"), vec![json!({"a": 1}), json!([1, 2]), json!("text")]),
        ("mail", json!("email|optional"), vec![json!("ann@example.com")]),
        ("site", json!("url|optional"), vec![json!("https://example.com/x?y=z")]),
        (
            "nested",
            json!({"city": "string|optional", "deep": {"n": "number|optional", "on": "boolean|optional"}}),
            vec![json!({"city": "Lisboa", "deep": {"n": 2.5, "on": true}}), json!({}), json!({"city": ""})],
        ),
        ("extra", json!({"known": "string|optional"}), vec![json!({"known": "k", "unknownKey": {"x": 1}})]),
        (
            "boxed",
            json!({"type": "object", "optional": true, "props": {"firstName": "string", "age": "number|optional"}}),
            vec![json!({"firstName": "Ann", "age": 30})],
        ),
    ]
}

/// The shapes written under one behavior.
pub(super) fn cases(behavior: &'static str, timestamps: bool) -> Vec<Case> {
    let types = types();
    let mut attributes = Map::new();
    attributes.insert("label".into(), json!("string"));
    let mut dated = Map::new();
    dated.insert("label".into(), json!("string"));
    for (name, rule, _) in &types {
        attributes.insert((*name).into(), rule.clone());
    }
    for (name, rule) in
        [("moment", "datetime|optional"), ("day", "dateonly|optional"), ("clock", "timeonly|optional")]
    {
        dated.insert(name.into(), json!(rule));
    }
    dated.insert("words".into(), json!("array|items:string|optional"));
    dated.insert("big".into(), json!("string|optional"));

    let mut documents = vec![("bare".to_owned(), json!({"label": "only this"}))];
    for (name, _, values) in &types {
        for (i, value) in values.iter().enumerate() {
            documents.push((format!("{name}-{i}"), json!({"label": "one field", *name: value})));
        }
        documents.push((format!("{name}-null"), json!({"label": "null", *name: null})));
    }
    // Everything at once; without padding so that it fits the metadata under every behavior.
    let mut everything = json!({"label": "everything"});
    for (name, _, values) in &types {
        everything[*name] = values[0].clone();
    }
    documents.push(("everything".to_owned(), everything));

    let moments = vec![
        (
            "moments".to_owned(),
            json!({"label": "m", "moment": "2024-01-15T10:20:30.123Z", "day": "2024-01-15", "clock": "10:20:30.500", "words": ["x", "y"]}),
        ),
        (
            "before-1970".to_owned(),
            json!({"label": "m", "moment": "1950-06-01T00:00:00.000Z", "day": "1960-05-05"}),
        ),
        ("only-clock".to_owned(), json!({"label": "m", "clock": "00:00:01.000"})),
        ("none".to_owned(), json!({"label": "m", "moment": null})),
    ];
    let sealed = ["hunter2", "påss 😀", "null", "{\"k\":1}"];
    let sealed = sealed
        .iter()
        .enumerate()
        .map(|(i, text)| (format!("sealed-{i}"), json!({"label": "s", "token": text})));
    let mut cases = vec![
        // Apart from the others: s3db.js seals an absent secret too, and derives a key for each.
        Case {
            name: "secrets",
            behavior,
            timestamps,
            attributes: json!({"label": "string", "token": "secret|optional"}),
            documents: sealed.chain([("unsealed".to_owned(), json!({"label": "none"}))]).collect(),
        },
        Case { name: "types", behavior, timestamps, attributes: attributes.into(), documents },
        Case { name: "times", behavior, timestamps, attributes: dated.clone().into(), documents: moments },
    ];
    if matches!(behavior, "body-overflow" | "body-only" | "user-managed") {
        let big = "0123456789".repeat(300);
        let documents = vec![
            (
                "big".to_owned(),
                json!({"label": "big", "big": big, "words": ["w".repeat(900), "é".repeat(300)]}),
            ),
            (
                "big-dated".to_owned(),
                json!({"label": "big", "big": big, "moment": "2024-01-15T10:20:30.123Z", "words": ["x"]}),
            ),
        ];
        cases.push(Case { name: "large", behavior, timestamps, attributes: dated.into(), documents });
    }
    cases
}

/// Fields that s3db.js 21.6.2 misreads whatever the writer does.
pub(super) fn differs_in_s3db_js(field: &str, ours: Option<&Value>, theirs: Option<&Value>) -> bool {
    match field {
        // Decoded twice in documents without a datetime.
        "clock" => theirs == Some(&json!("NaN:NaN:NaN.NaN")),
        // It has no null boolean.
        "flag" => ours == Some(&Value::Null) && theirs == Some(&json!(false)),
        // An opened secret that is the word null, or JSON text, comes back parsed.
        "token" => {
            (ours == Some(&json!("null")) && theirs == Some(&Value::Null))
                || (ours == Some(&json!("{\"k\":1}")) && theirs == Some(&json!({"k": 1})))
        }
        _ => false,
    }
}

/// Documents that s3db.js cannot write again: what it misread does not pass its own validation.
pub(super) fn cannot_be_updated_by_s3db_js(document: &Value) -> bool {
    document.get("clock").is_some_and(Value::is_string)
        || document.get("token").is_some_and(|token| *token == json!("{\"k\":1}"))
}

/// Fields that an update of s3db.js changes although it was not asked to: it writes them anew in its own form, which
/// loses them.
pub(super) fn is_damaged_by_s3db_js(field: &str, before: &Value) -> bool {
    match field {
        // It has no null boolean.
        "flag" => before.is_null(),
        // Numbers below 1e-6 without a fraction become empty, those above 2^53 lose digits.
        "num" => *before == json!(1e-7) || *before == json!(1e300),
        "nums" => *before == json!([1.5, -2, 1e-7]),
        // These words mean absent values or dictionary codes to it.
        "text" => [json!("null"), json!("undefined"), json!("font/woff2")].contains(before),
        "words" => [json!([""]), json!(["null"])].contains(before),
        // It flattens members that the schema does not name, and properties of explicit objects.
        "token" => [json!("null"), json!("{\"k\":1}")].contains(before),
        "extra" => before.get("unknownKey").is_some(),
        "boxed" => before.is_object(),
        _ => false,
    }
}
