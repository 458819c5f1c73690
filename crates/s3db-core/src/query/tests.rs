use serde_json::{Value, json};

use super::*;
use crate::ErrorKind;

fn check(filter: Value, document: Value, expected: bool) {
    let compiled = Filter::parse(&filter).unwrap();
    let document = document.as_object().unwrap();
    assert_eq!(compiled.matches("the-id", document), expected, "{filter} on {document:?}");
}

#[test]
fn a_filter_finds_what_its_words_say() {
    let doc = || json!({"age": 30, "name": "Ann", "tags": ["a", "b"], "p": {"city": "Lisbon", "n": null}, "ok": true});
    for (filter, expected) in [
        (json!({}), true),
        (json!({"age": 30}), true),
        (json!({"age": 30.0}), true),
        (json!({"age": "30"}), false),
        (json!({"id": "the-id"}), true),
        (json!({"id": {"$in": ["x", "the-id"]}}), true),
        (json!({"p.city": "Lisbon", "name": "Ann"}), true),
        (json!({"p.city": "Lisbon", "name": "Bob"}), false),
        (json!({"p": {"city": "Lisbon", "n": null}}), true),
        (json!({"tags": ["a", "b"]}), true),
        (json!({"tags.1": "b"}), true),
        (json!({"age": {"$gt": 29, "$lte": 30}}), true),
        (json!({"age": {"$lt": 30}}), false),
        (json!({"age": {"$gte": 30.5}}), false),
        (json!({"name": {"$gt": "Al"}}), true),
        (json!({"name": {"$gt": 5}}), false),
        (json!({"nope": {"$lt": 5}}), false),
        (json!({"nope": {"$ne": 5}}), true),
        (json!({"nope": null}), true),
        (json!({"p.n": null}), true),
        (json!({"nope": {"$exists": false}}), true),
        (json!({"p.n": {"$exists": true}}), true),
        (json!({"age": {"$in": [1, 30]}}), true),
        (json!({"age": {"$nin": [1, 30]}}), false),
        (json!({"nope": {"$nin": [1]}}), true),
        (json!({"name": {"$regex": "^a", "$options": "i"}}), true),
        (json!({"name": {"$regex": "^a"}}), false),
        (json!({"age": {"$regex": "3"}}), false),
        (json!({"name": {"$startsWith": "An"}}), true),
        (json!({"$or": [{"age": 1}, {"name": "Ann"}]}), true),
        (json!({"$or": []}), false),
        (json!({"$and": [{"age": 30}, {"ok": true}]}), true),
        (json!({"$not": {"age": 30}}), false),
        (json!({"age": {"$not": {"$gt": 40}}}), true),
    ] {
        check(filter, doc(), expected);
    }
    check(json!({"n": 9007199254740993_i64}), json!({"n": 9007199254740992_i64}), false);
}

#[test]
fn a_bad_filter_says_which_operator_and_what_to_try() {
    for (filter, message) in [
        (json!([]), "a filter is a JSON object found=a list"),
        (json!({"a": {"$foo": 1}}), "unknown filter operator operator=$foo field=a"),
        (json!({"$nor": []}), "unknown filter operator operator=$nor"),
        (json!({"a": {"$in": 5}}), "the operand is a list found=a number operator=$in"),
        (json!({"a": {"$exists": 1}}), "the operand is true or false found=a number operator=$exists"),
        (json!({"$or": {}}), "the operand is a list of filters found=an object operator=$or"),
        (json!({"a": {"$regex": "("}}), "the pattern of $regex is not a regular expression"),
    ] {
        let error = Filter::parse(&filter).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{filter}");
        assert_eq!(error.to_string(), message, "{filter}");
    }
    let deep = (0..100).fold(json!({"a": 1}), |inner, _| json!({"$not": inner}));
    assert_eq!(Filter::parse(&deep).unwrap_err().message(), "the filter is nested too deeply");
}

#[test]
fn sorting_orders_absent_null_and_values_and_breaks_ties_by_id() {
    let keys = [SortKey::parse("n"), SortKey::parse("-name")];
    let documents = [
        ("e", json!({"n": 2, "name": "x"})),
        ("d", json!({"n": 2, "name": "y"})),
        ("c", json!({"n": null})),
        ("b", json!({})),
        ("a", json!({"n": 10})),
        ("f", json!({"n": 2, "name": "y"})),
    ];
    let mut positions: Vec<_> = documents
        .iter()
        .map(|(id, doc)| sort::Position::of(&keys, id, None, doc.as_object().unwrap()))
        .collect();
    positions.sort_by(|a, b| a.compare(b, &keys));
    assert_eq!(positions.iter().map(|p| p.id.as_str()).collect::<String>(), "bcdfea");
}

#[test]
fn a_cursor_survives_its_text_and_refuses_another_query() {
    let keys = [SortKey::parse("n"), SortKey::parse("m")];
    let position = sort::Position::of(&keys, "ü/1", None, json!({"n": [1, null]}).as_object().unwrap());
    let text = Cursor::new("users|n".into(), position.clone()).encode();
    assert_eq!(Cursor::decode(&text, "users|n").unwrap(), position);
    assert_eq!(
        Cursor::decode(&text, "users|m").unwrap_err().message(),
        "the cursor belongs to another query"
    );
    assert_eq!(Cursor::decode("%%%", "users|n").unwrap_err().message(), "the cursor is not valid");
}
