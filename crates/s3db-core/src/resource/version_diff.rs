//! What is different between two versions of a document, field by field.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Resource;
use crate::{Document, Result};

/// What is different between two versions of a document. `Display` has one line a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DocumentDiff {
    /// Id of the document.
    pub id: String,
    /// Version id of the one side.
    pub from: String,
    /// Version id of the other side.
    pub to: String,
    /// Fields whose values differ, in the order of the one side, then those that only the other has.
    pub changes: Vec<FieldChange>,
}

/// A field whose value differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// Dotted path of the field.
    pub path: String,
    /// The value on the one side; `None` where the field is absent.
    pub before: Option<Value>,
    /// The value on the other side; `None` where the field is absent.
    pub after: Option<Value>,
}

impl Resource {
    /// What is different between two versions of a document, by the ids that [`history`](Self::history) tells. Secrets and
    /// passwords that differ are named, and their values are `"[redacted]"`.
    ///
    /// Requests: 2 GET. Errors: those of [`get_version`](Self::get_version).
    pub async fn diff(&self, id: &str, from: &str, to: &str) -> Result<DocumentDiff> {
        self.diff_of(id, from, to, false).await
    }

    /// As [`diff`](Self::diff), with the values of secrets in the clear.
    pub async fn diff_with_secrets(&self, id: &str, from: &str, to: &str) -> Result<DocumentDiff> {
        self.diff_of(id, from, to, true).await
    }

    async fn diff_of(&self, id: &str, from: &str, to: &str, reveals: bool) -> Result<DocumentDiff> {
        let (before, after) = futures::try_join!(self.get_version(id, from), self.get_version(id, to))?;
        let changes = if reveals {
            changes(&before.data, &after.data, &before.data, &after.data)
        } else {
            let (mut shown_before, mut shown_after) = (before.clone(), after.clone());
            self.redact_record(&mut shown_before);
            self.redact_record(&mut shown_after);
            changes(&before.data, &after.data, &shown_before.data, &shown_after.data)
        };
        Ok(DocumentDiff { id: id.to_owned(), from: from.to_owned(), to: to.to_owned(), changes })
    }
}

impl fmt::Display for DocumentDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FieldChange { path, before, after } in &self.changes {
            match (before, after) {
                (Some(before), Some(after)) => writeln!(f, "~ {path}: {before} -> {after}")?,
                (None, Some(after)) => writeln!(f, "+ {path}: {after}")?,
                (Some(before), None) => writeln!(f, "- {path}: {before}")?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}

/// Dotted paths of the fields that differ between two documents.
///
/// ```
/// use s3db_core::resource::changed_fields;
/// use serde_json::json;
///
/// let (before, after) = (json!({"name": "Ann", "home": {"city": "Rome"}}), json!({"home": {"city": "Oslo"}, "age": 3}));
/// let changed = changed_fields(before.as_object().unwrap(), after.as_object().unwrap());
/// assert_eq!(changed, ["name", "home.city", "age"]);
/// ```
pub fn changed_fields(before: &Document, after: &Document) -> Vec<String> {
    changes(before, after, before, after).into_iter().map(|change| change.path).collect()
}

/// Fields that differ between two documents, with the values that others may see. Pure.
fn changes(
    before: &Document,
    after: &Document,
    shown_before: &Document,
    shown_after: &Document,
) -> Vec<FieldChange> {
    let mut out = Vec::new();
    let shown = [Shown::Members(shown_before), Shown::Members(shown_after)];
    compare(&mut out, "", before, after, shown);
    out
}

/// What others may see of a value.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// Of its members, each by itself.
    Members(&'a Document),
    /// This, whatever is in it.
    Whole(&'a Value),
    Nothing,
}

impl<'a> Shown<'a> {
    fn member(self, name: &str) -> Self {
        match self {
            Self::Members(members) => match members.get(name) {
                Some(Value::Object(members)) => Self::Members(members),
                Some(value) => Self::Whole(value),
                None => Self::Nothing,
            },
            whole => whole,
        }
    }

    fn value(self) -> Option<Value> {
        match self {
            Self::Members(members) => Some(Value::Object(members.clone())),
            Self::Whole(value) => Some(value.clone()),
            Self::Nothing => None,
        }
    }
}

fn compare(
    out: &mut Vec<FieldChange>,
    prefix: &str,
    before: &Document,
    after: &Document,
    [shown_before, shown_after]: [Shown<'_>; 2],
) {
    let added = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(added) {
        let path = format!("{prefix}{name}");
        let shown = [shown_before.member(name), shown_after.member(name)];
        match (before.get(name), after.get(name)) {
            (Some(one), Some(other)) if one == other => {}
            // Where one side is redacted as a whole, its members are nobody's business.
            (Some(Value::Object(one)), Some(Value::Object(other)))
                if matches!(shown, [Shown::Members(_), Shown::Members(_)]) =>
            {
                compare(out, &format!("{path}."), one, other, shown);
            }
            (one, other) => {
                let [shown_before, shown_after] = shown;
                let before = one.and_then(|_| shown_before.value());
                let after = other.and_then(|_| shown_after.value());
                out.push(FieldChange { path, before, after });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_diff_names_each_field_that_differs_and_shows_no_secret() {
        let document = |value: Value| value.as_object().cloned().unwrap();
        let redacted = |value: &Value| {
            let mut shown = document(value.clone());
            for name in ["token", "card"] {
                if let Some(value) = shown.get_mut(name) {
                    *value = json!("[redacted]");
                }
            }
            shown
        };
        for (before, after, expected) in [
            (json!({"a": 1}), json!({"a": 1}), ""),
            (json!({"a": 1, "b": [1]}), json!({"b": [2], "c": null}), "- a: 1\n~ b: [1] -> [2]\n+ c: null\n"),
            (json!({"p": {"x": 1, "y": 2}}), json!({"p": {"x": 1, "y": 3}}), "~ p.y: 2 -> 3\n"),
            (json!({"p": {"x": 1}}), json!({"p": "x"}), "~ p: {\"x\":1} -> \"x\"\n"),
            (json!({"token": "old"}), json!({"token": "new"}), "~ token: \"[redacted]\" -> \"[redacted]\"\n"),
            (json!({"token": "old"}), json!({"token": "old"}), ""),
            (json!({}), json!({"token": "new"}), "+ token: \"[redacted]\"\n"),
            (
                json!({"card": {"number": "1"}}),
                json!({"card": {"number": "2"}}),
                "~ card: \"[redacted]\" -> \"[redacted]\"\n",
            ),
        ] {
            let changes = changes(
                &document(before.clone()),
                &document(after.clone()),
                &redacted(&before),
                &redacted(&after),
            );
            let diff = DocumentDiff { id: "a".into(), from: "1".into(), to: "2".into(), changes };
            assert_eq!(diff.to_string(), expected, "{before} {after}");
        }
    }
}
