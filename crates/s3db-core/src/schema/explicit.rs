//! `$$type` with a type other than `object`, turned into the explicit form.
//!
//! s3db.js takes every definition with a `$$type` for a nested object, so that `{"$$type": "array", "items": "string"}`
//! gives it an object with a field `items`. The words say an array. `{"type": "array", "items": "string"}` says the same
//! and both understand it, so that is what a new definition becomes before it is checked and stored.

use serde_json::{Map, Value};

use super::words::{Family, type_word};

/// Attributes in which each `$$type` that names a type other than `object` is written as an explicit `type`.
pub fn explicit_form(attributes: &Map<String, Value>) -> Map<String, Value> {
    members(attributes, 0)
}

/// As deep as definitions may nest; what is deeper is refused later.
const DEPTH_MAX: usize = 64;

fn members(map: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    map.iter()
        .map(|(name, value)| {
            let value = if name.starts_with("$$") { value.clone() } else { definition(value, depth) };
            (name.clone(), value)
        })
        .collect()
}

fn definition(value: &Value, depth: usize) -> Value {
    let depth = depth + 1;
    match value {
        Value::Object(map) if depth <= DEPTH_MAX => {
            let kind = map.get("type").and_then(Value::as_str).filter(|word| type_word(word).is_some());
            match (kind, map.get("$$type").and_then(Value::as_str)) {
                (Some(_), _) => rules(map, depth).into(),
                (None, Some(text)) if !is_object(text) => {
                    let mut explicit = from_pipe(text);
                    explicit
                        .extend(rules(map, depth).into_iter().filter(|(name, _)| !name.starts_with("$$")));
                    explicit.into()
                }
                _ => members(map, depth).into(),
            }
        }
        Value::Array(types) => types.iter().map(|one| definition(one, depth)).collect(),
        other => other.clone(),
    }
}

/// The members of an explicit form; some hold definitions.
fn rules(map: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    map.iter()
        .map(|(name, value)| {
            let value = match (name.as_str(), value) {
                ("props" | "properties", Value::Object(props)) => members(props, depth).into(),
                ("items" | "rules" | "key" | "value", Value::Object(_) | Value::Array(_)) => {
                    definition(value, depth)
                }
                _ => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

/// Whether a `$$type` is that of a nested object, or of no type that is known.
fn is_object(text: &str) -> bool {
    let word = text.split('|').next().unwrap_or_default().trim();
    let word = if word.ends_with("[]") { "array" } else { word };
    type_word(word).is_none_or(|(row, _)| row.family == Family::Object)
}

/// `array|min:1` as `{"type": "array", "min": 1}`.
fn from_pipe(text: &str) -> Map<String, Value> {
    let mut tokens = text.split('|').map(str::trim);
    let word = tokens.next().unwrap_or_default();
    let mut explicit = Map::new();
    match word.strip_suffix("[]") {
        None => drop(explicit.insert("type".into(), word.into())),
        Some(item) => {
            explicit.insert("type".into(), "array".into());
            explicit.insert("items".into(), item.into());
        }
    }
    for token in tokens.filter(|token| !token.is_empty()) {
        match token.split_once(':') {
            Some((name, value)) => {
                // true, false and numbers; anything else is text.
                let value = serde_json::from_str(value.trim())
                    .ok()
                    .filter(|read: &Value| read.is_boolean() || read.is_number())
                    .unwrap_or_else(|| value.into());
                explicit.insert(name.trim().into(), value);
            }
            None => match token.strip_prefix("no-") {
                Some(name) => drop(explicit.insert(name.into(), false.into())),
                None => drop(explicit.insert(token.into(), true.into())),
            },
        }
    }
    explicit
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::schema::{Mode, Schema, SchemaOptions, Strictness};

    #[track_caller]
    fn check(written: Value, expected: Value) {
        let written = json!({ "a": written });
        let form = explicit_form(written.as_object().unwrap());
        assert_eq!(Value::from(form.clone()), json!({ "a": expected }));
        assert_eq!(explicit_form(&form), form, "the explicit form stays");
    }

    #[test]
    fn a_marked_type_is_written_as_a_type() {
        check(json!({"$$type": "array", "items": "string"}), json!({"type": "array", "items": "string"}));
        check(
            json!({"$$type": "array|optional|min:1", "items": "string"}),
            json!({"type": "array", "optional": true, "min": 1, "items": "string"}),
        );
        check(json!({"$$type": "string[]", "max": 2}), json!({"type": "array", "items": "string", "max": 2}));
        check(
            json!({"$$type": "string|pattern:^x|no-trim", "min": 3}),
            json!({"type": "string", "pattern": "^x", "trim": false, "min": 3}),
        );
        check(json!({"$$type": "enum", "values": ["x"]}), json!({"type": "enum", "values": ["x"]}));
        check(
            json!({"b": {"$$type": "array", "items": {"$$type": "number|min:2"}}}),
            json!({"b": {"type": "array", "items": {"type": "number", "min": 2}}}),
        );
        let object = json!({"type": "object", "props": {"n": {"$$type": "number"}}});
        check(object, json!({"type": "object", "props": {"n": {"type": "number"}}}));
    }

    #[test]
    fn nested_objects_and_unknown_types_stay_as_they_are() {
        for same in [
            json!({"$$type": "object|required", "bio": "string"}),
            json!({"$$type": "strnig", "bio": "string"}),
            json!({"$$strict": true, "type": "string"}),
            json!("string|min:2"),
            json!(["string", "number"]),
        ] {
            check(same.clone(), same);
        }
    }

    #[test]
    fn a_new_schema_checks_what_the_words_say_and_a_stored_one_warns() {
        let attributes = json!({"tags": {"$$type": "array|min:1", "items": "string"}});
        let attributes = attributes.as_object().unwrap();
        let schema = Schema::compile(attributes, SchemaOptions::default()).unwrap();
        let verdict = |tags: Value| {
            let document = json!({ "tags": tags }).as_object().unwrap().clone();
            let errors = schema.validate(document, Mode::Insert).err();
            errors.map(|error| error.fields().iter().map(|f| f.rule.clone()).collect::<Vec<_>>())
        };
        assert_eq!(verdict(json!(["a"])), None);
        assert_eq!(verdict(json!([])).unwrap(), ["arrayMin"]);
        assert_eq!(verdict(json!([5])).unwrap(), ["string"]);
        assert_eq!(verdict(json!({"items": "x"})).unwrap(), ["array"]);

        let stored = SchemaOptions { strictness: Strictness::Open, ..SchemaOptions::default() };
        assert!(!Schema::compile(attributes, stored).unwrap().warnings().is_empty());
    }
}
