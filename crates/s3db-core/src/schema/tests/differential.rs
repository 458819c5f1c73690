//! Compares the verdict on ten thousand documents with that of s3db.js.
//!
//! `tests/peer/differential.mjs` recorded what s3db.js answers. Where this crate answers otherwise, a named row of
//! [`DIFFERENCES`] must say why; `docs/schema.md` has the same rows. A difference without a row fails the test, and so
//! does a row without a difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::types::choice::same;
use super::super::{Mode, Schema, SchemaOptions};

const RECORDED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/differential.json"));
const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema.md"));

/// What becomes of a document.
#[derive(Debug, Clone, PartialEq)]
enum Answer {
    /// The schema is not compiled.
    Refused(String),
    Accepted(Value),
    Rejected(BTreeSet<(String, String)>),
}

/// One place at which the answers to a document differ.
#[derive(Debug)]
struct Case {
    /// The definition of the attribute at that place.
    definition: Value,
    /// Its type word, without an argument.
    word: String,
    /// Path of the place; empty for the whole document.
    path: String,
    /// What the document holds there.
    value: Value,
    /// Error code or value, or why the schema is refused.
    peer: Side,
    ours: Side,
}

#[derive(Debug, PartialEq)]
enum Side {
    Refused(String),
    Fine(Value),
    /// This code, which the other side does not have at this path.
    Code(String),
    /// No such code.
    Nothing,
}

impl Case {
    fn ours_is(&self, code: &str) -> bool {
        matches!(&self.ours, Side::Code(ours) if ours == code)
    }

    fn peer_is(&self, code: &str) -> bool {
        matches!(&self.peer, Side::Code(peer) if peer == code)
    }

    fn peer_refused(&self, part: &str) -> bool {
        matches!(&self.peer, Side::Refused(reason) if reason.contains(part))
            && !matches!(self.ours, Side::Refused(_))
    }

    fn we_refused(&self, part: &str) -> bool {
        matches!(&self.ours, Side::Refused(reason) if reason.contains(part))
            && !matches!(self.peer, Side::Refused(_))
    }

    /// The definition as text, for words anywhere in it.
    fn text(&self) -> String {
        self.definition.to_string()
    }

    fn rule(&self, word: &str) -> bool {
        match &self.definition {
            Value::String(text) => text.split('|').skip(1).any(|rule| rule.split(':').next() == Some(word)),
            Value::Object(map) => map.contains_key(word),
            _ => false,
        }
    }

    /// A text that starts with a calendar day which may not exist.
    fn is_late_day(&self) -> bool {
        let text = self.value.as_str().unwrap_or_default();
        text.len() >= 10 && text.as_bytes()[4] == b'-' && matches!(text.get(8..10), Some("29" | "30" | "31"))
    }
}

/// A way in which this crate differs from s3db.js on purpose.
struct Difference {
    name: &'static str,
    covers: fn(&Case) -> bool,
}

const fn row(name: &'static str, covers: fn(&Case) -> bool) -> Difference {
    Difference { name, covers }
}

/// Why each row exists is in `docs/schema.md`, under the same name.
const DIFFERENCES: &[Difference] = &[
    row("unusable-types", |c| c.peer_refused("Invalid 'text'") || c.peer_refused("Invalid 'bool'")),
    row("enum-in-pipe", |c| c.peer_refused("Invalid 'enum:") || c.peer_refused("join is not a function")),
    row("blank-around-bar", |c| c.peer_refused("Invalid 'string '")),
    row("types-inside", |c| {
        (c.definition.is_array()
            || c.rule("items")
            || c.text().contains("[]")
            || c.text().contains("embedding:3"))
            && c.peer_refused("type in validator schema")
    }),
    row("types-inside", |c| ["[\"mac\"", "[\"currency\""].iter().any(|list| c.text().contains(list))),
    row("explicit-words", |c| {
        let is_one =
            |word: &Value| ["luhn", "json", "tuple", "record", "multi", "equal"].iter().any(|w| word == w);
        is_one(&c.definition["type"]) || is_one(&c.definition["q"]["type"])
    }),
    row("list-of-types", |c| c.definition.is_array() && (c.ours_is("boolean") || c.peer_is("boolean"))),
    row("nested-strict", |c| c.path.starts_with('v') && !c.definition["$$strict"].is_null()),
    row("unknown-words", |c| c.we_refused("unknown rule") || c.we_refused("unknown type")),
    row("code-types", |c| c.we_refused("needs code")),
    row("object-id", |c| c.text().contains("objectID")),
    row("bad-default", |c| c.we_refused("the default breaks")),
    row("typed-default", |c| c.rule("default") && matches!(c.value, Value::Null)),
    row("format-rules", |c| {
        c.word == "string"
            && ["email", "url", "uuid", "semver", "ip4", "phone"].iter().any(|w| c.rule(w) && c.ours_is(w))
    }),
    row("json-kept", |c| {
        c.text().contains("json") && matches!((&c.peer, &c.ours), (Side::Fine(_), Side::Fine(_)))
    }),
    row("list-is-no-number", |c| {
        c.value.is_array()
            && (c.ours_is("number") || matches!(&c.peer, Side::Code(code) if code.starts_with("number")))
    }),
    row("list-is-no-number", |c| c.text().contains("number") && c.value.is_array() && c.ours_is("string")),
    row("null-item-path", |c| {
        (c.peer_is("required")
            && (c.word.ends_with("[]") || matches!(c.word.as_str(), "array" | "embedding" | "record")))
            || (c.ours_is("required") && (c.path.contains('[') || c.word == "record"))
    }),
    row("ip-checked", |c| matches!(c.word.as_str(), "ip4" | "ip6") && (c.ours_is("ip4") || c.ours_is("ip6"))),
    row("ip6-normal", |c| c.word == "ip6" && matches!((&c.peer, &c.ours), (Side::Fine(_), Side::Fine(_)))),
    row("phone-zero", |c| c.text().contains("phone") && c.ours_is("phone")),
    row("semver-limit", |c| {
        c.text().contains("semver")
            && c.ours_is("semver")
            && c.value.as_str().is_some_and(|text| text.contains("1000"))
    }),
    row("ean-number", |c| c.word == "ean" && c.value.is_f64() && c.ours_is("ean")),
    row("date-text", |c| {
        c.text().contains("date")
            && !c.rule("convert")
            && c.value != Value::Null
            && c.peer_is("date")
            && c.ours == Side::Nothing
    }),
    row("date-year", |c| c.word == "date" && c.value == "2024"),
    row("date-long-year", |c| {
        c.word == "dateonly" && matches!((&c.peer, &c.ours), (Side::Fine(_), Side::Fine(_)))
    }),
    row("impossible-day", |c| c.is_late_day() && (c.ours_is("date") || c.ours_is("datetime"))),
    row("legacy-date-text", |c| c.value.is_string() && (c.ours_is("date") || c.ours_is("datetime"))),
    row("point-checked", |c| c.word == "geo:point"),
    row("bytes-checked", |c| matches!(c.word.as_str(), "buffer" | "bits")),
    row("empty-password", |c| c.peer_is("passwordHashingProblem")),
    row("convert-scalars", |c| {
        c.word == "string" && c.rule("convert") && (c.value.is_array() || c.value.is_object())
    }),
    row("dotted-path", |c| c.path.contains("my-key")),
];

#[test]
fn answers_are_those_of_s3db_js_but_for_the_named_differences() {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unnamed = Vec::new();
    let mut pairs = 0;
    for line in recorded["schemas"].as_array().unwrap() {
        let attributes = line["a"].as_object().unwrap();
        let schema = Schema::compile(attributes, SchemaOptions::default());
        let refused = Value::Array(vec![Value::Array(vec![Value::Object(Map::new()), line["x"].clone()])]);
        let cases = if line["x"].is_string() { &refused } else { &line["c"] };
        for pair in cases.as_array().unwrap() {
            pairs += 1;
            let document = &pair[0];
            let peer = peer_answer(document, &pair[1]);
            let ours = our_answer(&schema, document, &peer);
            if agree(&peer, &ours) {
                continue;
            }
            for case in places(attributes, document, &peer, &ours) {
                match DIFFERENCES.iter().find(|row| (row.covers)(&case)) {
                    Some(row) => *used.entry(row.name).or_default() += 1,
                    None => unnamed.push(format!("{} <- {document}\n    {case:?}", line["a"])),
                }
            }
        }
    }
    assert!(pairs >= 3000, "only {pairs} pairs are recorded");
    assert!(unnamed.is_empty(), "{} differences have no row:\n{}", unnamed.len(), unnamed.join("\n"));
    for row in DIFFERENCES {
        assert!(used.contains_key(row.name), "the row `{}` covers nothing", row.name);
    }
    let named: BTreeSet<&str> = DIFFERENCES.iter().map(|row| row.name).collect();
    let (_, table) = PAGE.split_once("## Differences from s3db.js").unwrap();
    let listed: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(named, listed, "docs/schema.md lists the same differences");
}

fn peer_answer(document: &Value, recorded: &Value) -> Answer {
    match recorded {
        Value::String(reason) => Answer::Refused(reason.clone()),
        Value::Number(_) => Answer::Accepted(document.clone()),
        other => match other["e"].as_array() {
            None => Answer::Accepted(other["v"].clone()),
            Some(errors) => Answer::Rejected(
                errors
                    .iter()
                    .map(|e| {
                        (
                            e[0].as_str().unwrap_or_default().to_owned(),
                            e[1].as_str().unwrap_or("threw").to_owned(),
                        )
                    })
                    .collect(),
            ),
        },
    }
}

fn our_answer(schema: &crate::Result<Schema>, document: &Value, peer: &Answer) -> Answer {
    let schema = match schema {
        Err(error) => return Answer::Refused(error.message().to_owned()),
        Ok(schema) => schema,
    };
    match schema.validate(document.as_object().unwrap().clone(), Mode::Insert) {
        Err(error) => {
            Answer::Rejected(error.fields().iter().map(|f| (f.field.clone(), f.rule.clone())).collect())
        }
        // Sealed text differs from run to run and is recorded as a star.
        Ok(_) if matches!(peer, Answer::Accepted(value) if value["v"] == "*") => peer.clone(),
        Ok(document) => Answer::Accepted(document.into()),
    }
}

fn agree(peer: &Answer, ours: &Answer) -> bool {
    match (peer, ours) {
        (Answer::Refused(_), Answer::Refused(_)) => true,
        (Answer::Accepted(peer), Answer::Accepted(ours)) => alike(peer, ours),
        _ => peer == ours,
    }
}

/// Equal, where 1 and 1.0 are one number and the order of keys does not count.
fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| alike(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| alike(left, right)))
        }
        _ => same(left, right),
    }
}

/// Every place at which two answers differ.
fn places(attributes: &Map<String, Value>, document: &Value, peer: &Answer, ours: &Answer) -> Vec<Case> {
    let case = |path: &str, peer: Side, ours: Side| {
        let definition = definition(attributes, path);
        Case {
            word: word(&definition),
            definition,
            path: path.to_owned(),
            value: value_at(document, path),
            peer,
            ours,
        }
    };
    let code = |code: &str| Side::Code(code.to_owned());
    // A refusal concerns the only attribute, or the schema as a whole.
    let first = if attributes.contains_key("v") { "v" } else { "" };
    match (peer, ours) {
        (Answer::Accepted(peer), Answer::Accepted(ours)) => {
            let mut paths = Vec::new();
            differing(peer, ours, "", &mut paths);
            let fine = |value: &Value, path: &str| Side::Fine(value_at(value, path));
            paths.iter().map(|path| case(path, fine(peer, path), fine(ours, path))).collect()
        }
        (Answer::Refused(reason), _) => vec![case(first, Side::Refused(reason.clone()), Side::Nothing)],
        (_, Answer::Refused(reason)) => vec![case(first, Side::Nothing, Side::Refused(reason.clone()))],
        _ => {
            let none = BTreeSet::new();
            let errors = |answer: &Answer| match answer {
                Answer::Rejected(errors) => errors.clone(),
                _ => none.clone(),
            };
            let (peer, ours) = (errors(peer), errors(ours));
            let only_peer = peer.difference(&ours).map(|(path, rule)| case(path, code(rule), Side::Nothing));
            let only_ours = ours.difference(&peer).map(|(path, rule)| case(path, Side::Nothing, code(rule)));
            only_peer.chain(only_ours).collect()
        }
    }
}

/// Paths of the deepest values that differ.
fn differing(left: &Value, right: &Value, path: &str, out: &mut Vec<String>) {
    let (Value::Object(left), Value::Object(right)) = (left, right) else {
        if !alike(left, right) {
            out.push(path.to_owned());
        }
        return;
    };
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    for key in keys {
        let path = super::super::notation::join(path, key);
        match (left.get(key), right.get(key)) {
            (Some(left), Some(right)) => differing(left, right, &path, out),
            _ => out.push(path),
        }
    }
}

/// The steps of a path such as `a.b[2]`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']', '\'']).filter(|step| !step.is_empty())
}

fn value_at(document: &Value, path: &str) -> Value {
    let mut at = document;
    for step in steps(path) {
        at = match at {
            Value::Array(items) => {
                step.parse().ok().and_then(|i: usize| items.get(i)).unwrap_or(&Value::Null)
            }
            other => &other[step],
        };
    }
    at.clone()
}

/// The definition that rules the place, or the nearest one above it.
fn definition(attributes: &Map<String, Value>, path: &str) -> Value {
    let whole = Value::Object(attributes.clone());
    let mut at = &whole;
    for step in steps(path) {
        match at.get("props").unwrap_or(at).get(step) {
            Some(below) if at.get("type").is_none_or(|kind| kind == "object") => at = below,
            _ => break,
        }
    }
    at.clone()
}

fn word(definition: &Value) -> String {
    let text = definition.as_str().or_else(|| definition["type"].as_str()).unwrap_or_default();
    let word = text.split('|').next().unwrap_or_default();
    let known = super::super::words::type_word(word).map(|(row, _)| row.word);
    known.unwrap_or(word).to_owned()
}
