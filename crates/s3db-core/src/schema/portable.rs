//! Definitions in the words that s3db.js understands too.
//!
//! s3db.js refuses to open a whole database in which one definition is not to its taste: `bool`, `enum:a,b`, a blank
//! before a `|`, a nested object as the item of a list. It takes every definition with a `$$type` for a nested object.
//! Each of these has another spelling that says the same to both, and that is what a new definition becomes before it is
//! checked and stored.

use serde_json::{Map, Value, json};

use super::words::{Family, type_word};

/// Attributes in a spelling that s3db.js opens and that means the same here.
///
/// Not every type has one: in lists, `bits` and `geo:point` stay as they are.
pub(crate) fn portable_form(attributes: &Map<String, Value>, nested_optional: bool) -> Map<String, Value> {
    Form { nested_optional }.members(attributes, 0, false)
}

/// As deep as definitions may nest; what is deeper is refused later.
const DEPTH_MAX: usize = 64;

/// Rules of the type `text` that say how it is stored.
const STORAGE_RULES: [&str; 3] = ["compress", "threshold", "encoding"];

struct Form {
    nested_optional: bool,
}

impl Form {
    fn members(&self, map: &Map<String, Value>, depth: usize, inside: bool) -> Map<String, Value> {
        map.iter()
            .map(|(name, value)| {
                let marks = name.starts_with("$$");
                (name.clone(), if marks { value.clone() } else { self.definition(value, depth, inside) })
            })
            .collect()
    }

    /// One definition; `inside` a list, where s3db.js knows fewer types and no nested objects.
    fn definition(&self, value: &Value, depth: usize, inside: bool) -> Value {
        let depth = depth + 1;
        match value {
            Value::String(text) => self.pipe(text, depth, inside),
            Value::Array(types) => types.iter().map(|one| self.definition(one, depth, true)).collect(),
            Value::Object(map) if depth <= DEPTH_MAX => {
                let kind = map.get("type").and_then(Value::as_str).filter(|word| type_word(word).is_some());
                match (kind, map.get("$$type").and_then(Value::as_str)) {
                    (Some(_), _) => self.explicit(map.clone(), depth, inside),
                    (None, Some(text)) if !is_object(text) => {
                        let mut explicit = from_pipe(text);
                        let rules = map.iter().filter(|(name, _)| !name.starts_with("$$"));
                        explicit.extend(rules.map(|(name, value)| (name.clone(), value.clone())));
                        self.explicit(explicit, depth, inside)
                    }
                    (None, None) if inside => self.nested(map, depth),
                    _ => self.members(map, depth, inside).into(),
                }
            }
            other => other.clone(),
        }
    }

    /// A nested object inside a list.
    fn nested(&self, map: &Map<String, Value>, depth: usize) -> Value {
        let fields = map.iter().filter(|(name, _)| !name.starts_with("$$"));
        let props: Map<String, Value> = fields
            .map(|(name, value)| {
                let is_nested = value.as_object().is_some_and(|map| !map.contains_key("$$type"))
                    && value.get("type").and_then(Value::as_str).and_then(type_word).is_none();
                let mut value = self.definition(value, depth, true);
                if let (true, Some(map)) = (is_nested && self.nested_optional, value.as_object_mut()) {
                    map.insert("optional".into(), true.into());
                }
                (name.clone(), value)
            })
            .collect();
        let strict = map.get("$$strict").cloned().unwrap_or(Value::Bool(false));
        json!({"type": "object", "props": props, "strict": strict})
    }

    fn pipe(&self, text: &str, depth: usize, inside: bool) -> Value {
        let mut tokens: Vec<&str> = text.split('|').map(str::trim).collect();
        if tokens.iter().any(|token| token.is_empty()) {
            // Refused later, with what is wrong.
            return text.into();
        }
        let Some(first) = tokens.first().copied() else { return text.into() };
        if let Some(item) = first.strip_suffix("[]") {
            let portable = self.pipe(item, depth + 1, true);
            return match portable.as_str().filter(|item| !item.contains('|')) {
                Some(same) if same == item && tokens.len() == 1 => first.into(),
                Some(item) => {
                    let items = format!("items:{item}");
                    let words = ["array", items.as_str()].into_iter().chain(tokens.into_iter().skip(1));
                    self.pipe(&words.collect::<Vec<_>>().join("|"), depth, inside)
                }
                None => {
                    let mut explicit = from_pipe(text);
                    explicit.insert("items".into(), portable);
                    self.explicit(explicit, depth, inside)
                }
            };
        }
        let has = |name: &str| tokens.iter().skip(1).any(|token| token.split(':').next() == Some(name));
        let items = tokens.iter().find_map(|token| token.strip_prefix("items:"));
        let moves = items.is_some_and(|items| self.pipe(items, depth + 1, true) != items);
        if first.starts_with("enum") || has("enum") || has("values") || moves {
            return self.explicit(from_pipe(text), depth, inside);
        }
        if first == "text" {
            tokens.retain(|token| !STORAGE_RULES.iter().any(|rule| token.split(':').next() == Some(rule)));
        }
        let word = word(first, inside);
        let words = std::iter::once(word.as_str()).chain(tokens.into_iter().skip(1));
        words.collect::<Vec<_>>().join("|").into()
    }

    fn explicit(&self, mut map: Map<String, Value>, depth: usize, inside: bool) -> Value {
        let Some(first) = map.get("type").and_then(Value::as_str).map(str::to_owned) else {
            return map.into();
        };
        if first == "multi"
            && map.len() == 2
            && let Some(rules @ Value::Array(_)) = map.get("rules")
        {
            return self.definition(rules, depth, inside);
        }
        for (name, value) in &mut map {
            match (name.as_str(), &*value) {
                ("props" | "properties", Value::Object(props)) => {
                    *value = self.members(props, depth, inside).into();
                }
                ("items", Value::Array(items)) if first == "tuple" => {
                    *value = items.iter().map(|one| self.definition(one, depth, true)).collect();
                }
                ("items", Value::Object(_) | Value::Array(_) | Value::String(_))
                | ("rules" | "key", Value::Object(_) | Value::Array(_)) => {
                    *value = self.definition(value, depth, true);
                }
                ("value", Value::Object(_) | Value::Array(_)) if first == "record" => {
                    *value = self.definition(value, depth, true);
                }
                _ => {}
            }
        }
        if first == "text" {
            map.retain(|name, _| !STORAGE_RULES.contains(&name.as_str()));
        }
        if let Some((list @ "enum", values)) = first.split_once(':') {
            map.insert("type".into(), list.into());
            map.entry("values").or_insert_with(|| list_of(values));
        } else if let Some(("embedding", length)) = first.split_once(':') {
            if let Ok(length) = length.parse::<u32>() {
                map.insert("type".into(), "embedding".into());
                map.entry("length").or_insert_with(|| length.into());
            }
        } else {
            // A word that becomes several gives its rules to the definition.
            let mut words = from_pipe(&word(&first, inside));
            for (name, value) in std::mem::take(&mut map) {
                if name == "type" {
                    map.insert(name, words.remove("type").unwrap_or(value));
                } else {
                    words.remove(&name);
                    map.insert(name, value);
                }
            }
            map.extend(words);
        }
        map.into()
    }
}

/// What a type is called by both.
fn word(word: &str, inside: bool) -> String {
    let base = word.split(':').next().unwrap_or_default();
    match (word, base, inside) {
        ("bool", ..) => "boolean",
        ("text", ..) => "string",
        ("objectid" | "objectID", ..) => "string|lowercase|length:24|hex",
        (_, "money" | "crypto", true) => "number|min:0",
        (_, "decimal", true) => "number",
        _ if inside && (word.starts_with("geo:lat") || word.starts_with("geo-lat")) => {
            "number|min:-90|max:90"
        }
        _ if inside && (word.starts_with("geo:lon") || word.starts_with("geo-lon")) => {
            "number|min:-180|max:180"
        }
        ("ip4", _, true) => "string|ip4",
        ("ip6", _, true) => "string|ip6",
        ("buffer", _, true) => "string|buffer",
        _ => return word.replacen("geo-", "geo:", 1),
    }
    .to_owned()
}

fn list_of(values: &str) -> Value {
    values.split(',').map(|value| Value::from(value.trim())).collect()
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
    let family = type_word(word).map_or(Family::Array, |(row, _)| row.family);
    for token in tokens.filter(|token| !token.is_empty()) {
        match token.split_once(':') {
            Some((name, value)) => {
                let read = || serde_json::from_str::<Value>(value.trim()).ok();
                let value = match (name.trim(), family) {
                    ("enum" | "values", _) => list_of(value),
                    // The type says what the letters are.
                    ("default", Family::Text | Family::Enum) => value.into(),
                    ("default", Family::Array | Family::Object) => read().unwrap_or_else(|| value.into()),
                    // true, false and numbers; anything else is text.
                    _ => read()
                        .filter(|read| read.is_boolean() || read.is_number())
                        .unwrap_or_else(|| value.into()),
                };
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
        let form = portable_form(written.as_object().unwrap(), true);
        assert_eq!(Value::from(form.clone()), json!({ "a": expected }));
        assert_eq!(portable_form(&form, true), form, "and so it stays");
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
    fn words_that_s3db_js_refuses_are_written_in_words_that_it_takes() {
        for (written, expected) in [
            (json!("bool|optional"), json!("boolean|optional")),
            (json!("text|compress|max:9"), json!("string|max:9")),
            (json!("string | min:2"), json!("string|min:2")),
            (json!("objectid"), json!("string|lowercase|length:24|hex")),
            (
                json!({"type": "objectID", "optional": true}),
                json!({"type": "string", "optional": true, "lowercase": true, "length": 24, "hex": true}),
            ),
            (json!("enum:a, b|default:a"), json!({"type": "enum", "default": "a", "values": ["a", "b"]})),
            (json!("enum|values:a,b"), json!({"type": "enum", "values": ["a", "b"]})),
            (json!("string|enum:1,2"), json!({"type": "string", "enum": ["1", "2"]})),
            (json!("bool[]"), json!("array|items:boolean")),
            (json!("email[]|min:1"), json!("array|items:email|min:1")),
            (json!("ip4[]"), json!({"type": "array", "items": "string|ip4"})),
            (json!("array|items:money:2"), json!({"type": "array", "items": "number|min:0"})),
            (json!(["number", "bool"]), json!(["number", "boolean"])),
            (json!({"type": "multi", "rules": ["string", "bool"]}), json!(["string", "boolean"])),
            (json!({"type": "embedding:3"}), json!({"type": "embedding", "length": 3})),
            (json!({"b": "bool"}), json!({"b": "boolean"})),
            (
                json!({"type": "array", "items": {"b": {"c": "bool"}}}),
                json!({"type": "array", "items": {"type": "object", "strict": false, "props": {
                    "b": {"type": "object", "strict": false, "optional": true, "props": {"c": "boolean"}}
                }}}),
            ),
        ] {
            check(written, expected);
        }
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
