use std::collections::BTreeMap;

use s3db::typed::{Attribute as _, Secret, Shape};
use s3db::{Document, doc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize, Document)]
#[serde(rename_all = "camelCase")]
struct Everything {
    full_name: String,
    #[document(min = 1, max = 9)]
    nick: Option<String>,
    #[document(email, unique = "tenantEmail")]
    mail: String,
    #[document(url)]
    page: Option<String>,
    #[document(pattern = "^a|b$")]
    code: String,
    #[document(rules = "min:2|lowercase", trim)]
    slug: String,
    #[document(min = -5, max = 5.5)]
    score: f64,
    flag: bool,
    r#type: u16,
    tags: Vec<String>,
    points: Vec<f64>,
    places: Vec<Place>,
    home: Place,
    work: Option<Place>,
    counts: BTreeMap<String, u64>,
    kind: Kind,
    odd: Odd,
    event: Event,
    meters: Meters,
    #[document(embedding)]
    vector: [f32; 3],
    #[document(type = "money:2")]
    price: f64,
    token: Secret<String>,
    at: jiff::Timestamp,
    day: Option<jiff::civil::Date>,
    key: uuid::Uuid,
    ip: std::net::Ipv4Addr,
    #[serde(default)]
    seen: u8,
    #[serde(skip)]
    _cache: Option<u8>,
    free: Value,
}

#[derive(Serialize, Deserialize, Document)]
struct Place {
    r#type: bool,
    city: String,
}

#[derive(Serialize, Deserialize, Document)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    New,
    InProgress,
    #[serde(rename = "over")]
    Done,
}

#[derive(Serialize, Deserialize, Document)]
enum Odd {
    #[serde(rename = "a,b")]
    A,
}

#[derive(Serialize, Deserialize, Document)]
enum Event {
    Left,
    Joined { room: u32 },
}

#[derive(Serialize, Deserialize, Document)]
struct Meters(#[document(min = 0)] f64);

#[test]
fn each_type_has_its_attribute() {
    let attributes = Everything::shape().attributes();
    let place = json!({ "$$type": "object|required", "type": "boolean|required", "city": "string|no-trim" });
    for (name, expected) in [
        ("fullName", json!("string|no-trim")),
        ("nick", json!("string|no-trim|min:1|max:9|optional")),
        ("mail", json!("email|unique:tenantEmail")),
        ("page", json!("url|optional")),
        ("code", json!({ "type": "string", "trim": false, "pattern": "^a|b$" })),
        ("slug", json!("string|trim|min:2|lowercase")),
        ("score", json!("number|min:-5|max:5.5")),
        ("flag", json!("boolean")),
        ("type", json!("number|integer|min:0")),
        ("tags", json!({ "type": "array", "items": "string|no-trim" })),
        ("points", json!({ "type": "array", "items": "number" })),
        ("places", json!({ "type": "array", "items": place })),
        ("home", place.clone()),
        (
            "work",
            json!({ "$$type": "object|optional", "type": "boolean|required", "city": "string|no-trim" }),
        ),
        ("counts", json!("json")),
        ("kind", json!("enum:new,in-progress,over")),
        ("odd", json!({ "type": "enum", "values": ["a,b"] })),
        ("event", json!("json")),
        ("meters", json!("number|min:0")),
        ("vector", json!("embedding:3")),
        ("price", json!("money:2")),
        ("token", json!("secret|no-trim")),
        ("at", json!("datetime")),
        ("day", json!("dateonly|optional")),
        ("key", json!("uuid")),
        ("ip", json!("ip4")),
        ("seen", json!("number|integer|min:0|optional")),
        ("free", json!("json|optional")),
    ] {
        assert_eq!(attributes[name], expected, "{name}");
    }
    assert!(attributes.get("_cache").is_none());
}

#[test]
fn a_document_macro_takes_names_values_lists_and_objects() {
    let (name, tags) = ("Ann".to_owned(), vec!["a", "b"]);
    let note: Option<&str> = None;
    let document = doc! {
        name: name,
        "address.city": "Lisbon",
        tags: tags,
        note: note,
        sum: 1 + 1,
        list: [null, { a: 1 }, [true], []],
        empty: {},
    };
    let expected = json!({
        "name": "Ann", "address.city": "Lisbon", "tags": ["a", "b"], "note": null, "sum": 2,
        "list": [null, { "a": 1 }, [true], []], "empty": {},
    });
    assert_eq!(document, expected);
}

#[test]
fn a_shape_can_be_made_by_hand() {
    let shape =
        Shape::object([("a", Shape::word("string|min:2|optional")), ("b", Shape::list(Shape::json()))]);
    assert_eq!(
        shape.attributes(),
        json!({ "a": "string|min:2|optional", "b": { "type": "array", "items": "json" } })
    );
}
