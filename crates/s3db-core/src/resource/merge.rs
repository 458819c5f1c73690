//! How an update changes a document. Pure.

use serde_json::Value;

use crate::{Document, Error, ErrorKind, Result};

/// Names that would reach into JavaScript's object machinery; s3db.js drops them and so do we.
const FORBIDDEN: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// Applies `changes` to `document`.
///
/// A plain object merges into the object that is there, at every depth; a dotted name sets one leaf and keeps its
/// siblings, creating missing parents; anything else, null and arrays too, replaces the value. `"$unset"` takes a list
/// of dotted names to remove.
///
/// Errors: `Config` when `$unset` is no list of texts, or a dotted name runs through a value that is not an object.
pub fn apply(document: &mut Document, changes: Document) -> Result<()> {
    for (name, value) in changes {
        if name == "$unset" {
            for path in unset_paths(&value)? {
                unset(document, path);
            }
        } else if name.contains('.') && !document.contains_key(&name) {
            set(document, &name, value)?;
        } else {
            merge_member(document, name, value);
        }
    }
    Ok(())
}

fn merge_member(into: &mut Document, name: String, value: Value) {
    if FORBIDDEN.contains(&name.as_str()) {
        return;
    }
    match (into.get_mut(&name), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (name, value) in new {
                merge_member(old, name, value);
            }
        }
        (_, value) => {
            into.insert(name, value);
        }
    }
}

fn set(document: &mut Document, path: &str, value: Value) -> Result<()> {
    let mut segments = path.split('.').collect::<Vec<_>>();
    if segments.iter().any(|segment| segment.is_empty() || FORBIDDEN.contains(segment)) {
        return Err(Error::new(ErrorKind::Config, "not a field name").with("field", path));
    }
    let last = segments.pop().unwrap_or(path);
    let mut at = document;
    for segment in segments {
        let next = at.entry(segment).or_insert_with(|| Value::Object(Document::new()));
        if next.is_null() {
            *next = Value::Object(Document::new());
        }
        let Value::Object(members) = next else {
            return Err(Error::new(
                ErrorKind::Config,
                "a dotted name runs through a value that is not an object",
            )
            .with("field", path)
            .with("at", segment)
            .hint("set the whole value instead"));
        };
        at = members;
    }
    merge_member(at, last.to_owned(), value);
    Ok(())
}

fn unset(document: &mut Document, path: &str) {
    if document.shift_remove(path).is_some() {
        return;
    }
    let Some((parents, last)) = path.rsplit_once('.') else {
        return;
    };
    let mut at = document;
    for segment in parents.split('.') {
        let Some(Value::Object(members)) = at.get_mut(segment) else {
            return;
        };
        at = members;
    }
    at.shift_remove(last);
}

fn unset_paths(value: &Value) -> Result<Vec<&str>> {
    let bad = || {
        Error::new(ErrorKind::Config, "$unset takes a list of field names")
            .hint("{\"$unset\": [\"profile.bio\"]}")
    };
    value.as_array().ok_or_else(bad)?.iter().map(|path| path.as_str().ok_or_else(bad)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Document {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn an_update_changes_what_it_names_and_keeps_the_rest() {
        for (before, changes, after) in [
            (json!({"a": 1, "b": 2}), json!({"b": 3}), json!({"a": 1, "b": 3})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
            (json!({"p": {"x": 1, "y": 2}}), json!({"p.x": 5}), json!({"p": {"x": 5, "y": 2}})),
            (
                json!({"p": {"d": {"a": 1, "b": 2}}}),
                json!({"p": {"d": {"a": 9}}}),
                json!({"p": {"d": {"a": 9, "b": 2}}}),
            ),
            (json!({"p": {"x": 1}}), json!({"p": {"y": 2}}), json!({"p": {"x": 1, "y": 2}})),
            (json!({"p": {"x": 1}}), json!({"p": [1]}), json!({"p": [1]})),
            (json!({}), json!({"p.q.r": 1}), json!({"p": {"q": {"r": 1}}})),
            (json!({"p": null}), json!({"p.q": 1}), json!({"p": {"q": 1}})),
            (json!({"a.b": 1}), json!({"a.b": 2}), json!({"a.b": 2})),
            (
                json!({"a": 1, "p": {"x": 1, "y": 2}}),
                json!({"$unset": ["a", "p.x", "no.such"]}),
                json!({"p": {"y": 2}}),
            ),
            (json!({"a": 1}), json!({"__proto__": {"x": 1}, "o": 1}), json!({"a": 1, "o": 1})),
        ] {
            let mut document = object(before.clone());
            apply(&mut document, object(changes.clone())).unwrap();
            assert_eq!(Value::Object(document), after, "{before} + {changes}");
        }
    }

    #[test]
    fn an_update_that_cannot_apply_says_where() {
        let mut document = object(json!({"p": {"x": 5}}));
        let error = apply(&mut document, object(json!({"p.x.y": 1}))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a dotted name runs through a value that is not an object field=p.x.y at=x"
        );
        assert!(apply(&mut document, object(json!({"$unset": "p"}))).is_err());
    }
}
