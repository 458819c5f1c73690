//! Cells of CSV and the values of fields.

use std::collections::HashMap;

use s3db::Document;
use s3db::schema::Schema;
use serde_json::Value;

/// Types whose cells are JSON. The others are text, whatever it looks like.
const JSON_TYPES: [&str; 20] = [
    "any",
    "json",
    "number",
    "money",
    "crypto",
    "decimal",
    "geo:lat",
    "geo:lon",
    "geo-lat",
    "geo-lon",
    "boolean",
    "bool",
    "array",
    "embedding",
    "object",
    "record",
    "tuple",
    "multi",
    "secretAny",
    "secretNumber",
];

/// What a resource says of its fields, for the columns of CSV.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// Dotted paths, and whether their cells are JSON.
    is_json: HashMap<String, bool>,
    /// Names of the columns, in order.
    names: Vec<String>,
}

impl Columns {
    /// The columns of a schema.
    pub(crate) fn of(schema: &Schema, timestamps: bool) -> Self {
        let is_json = |word: &str| {
            JSON_TYPES.iter().any(|json| {
                word.strip_prefix(json).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            })
        };
        let fields = schema.fields();
        let top = fields.iter().filter(|field| !field.path.contains(['.', '[']));
        let mut names = vec!["id".to_owned()];
        names.extend(top.map(|field| field.path.clone()).filter(|name| name != "id"));
        if timestamps {
            for name in ["createdAt", "updatedAt"] {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        let is_json = fields.iter().map(|field| (field.path.clone(), is_json(&field.type_word))).collect();
        Self { is_json, names }
    }

    /// Names of the columns, in order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The document of a row. An empty cell is a field that is not there.
    pub(super) fn document(&self, header: &csv::StringRecord, row: &csv::StringRecord) -> Value {
        let mut document = Document::new();
        for (name, cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let value = self.value(name, cell);
            if self.is_json.contains_key(name) {
                put(&mut document, name, value);
            } else {
                document.insert(name.to_owned(), value);
            }
        }
        Value::Object(document)
    }

    fn value(&self, name: &str, cell: &str) -> Value {
        let is_json = match self.is_json.get(name) {
            Some(is_json) => *is_json,
            None => name != "id" && cell.starts_with(['{', '[']),
        };
        // What is no JSON is left to the schema, which says what it wants.
        let json = is_json.then(|| serde_json::from_str(cell).ok()).flatten();
        json.unwrap_or_else(|| Value::String(cell.to_owned()))
    }
}

/// Puts a value at a dotted path.
fn put(document: &mut Document, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        document.insert(path.to_owned(), value);
        return;
    };
    let inner = document.entry(first.to_owned()).or_insert_with(|| Value::Object(Document::new()));
    match inner {
        Value::Object(inner) => put(inner, rest, value),
        _ => drop(document.insert(path.to_owned(), value)),
    }
}

/// A value as a cell: a text as it is, null and nothing empty, anything else as JSON.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use s3db::schema::SchemaOptions;
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_become_values_of_the_type_that_the_schema_names() {
        let attributes = json!({"name": "string", "zip": "string", "age": "number", "price": "money:2", "ok": "boolean",
            "tags": "array|items:string", "place": {"city": "string"}});
        let schema = Schema::compile(attributes.as_object().unwrap(), SchemaOptions::default()).unwrap();
        let columns = Columns::of(&schema, true);
        assert_eq!(columns.names().first().map(String::as_str), Some("id"));
        assert_eq!(columns.names().last().map(String::as_str), Some("updatedAt"));
        for (name, cell, expected) in [
            ("zip", "0123", json!({"zip": "0123"})),
            ("id", "[7]", json!({"id": "[7]"})),
            ("age", "31", json!({"age": 31})),
            ("age", "many", json!({"age": "many"})),
            ("age", "", json!({})),
            ("price", "1.5", json!({"price": 1.5})),
            ("ok", "false", json!({"ok": false})),
            ("tags", "[\"a\"]", json!({"tags": ["a"]})),
            ("place", "{\"city\":\"Rome\"}", json!({"place": {"city": "Rome"}})),
            ("place.city", "Rome", json!({"place": {"city": "Rome"}})),
            ("other", "{\"a\":1}", json!({"other": {"a": 1}})),
            ("other.name", "7", json!({"other.name": "7"})),
        ] {
            let (header, row) = (csv::StringRecord::from(vec![name]), csv::StringRecord::from(vec![cell]));
            assert_eq!(columns.document(&header, &row), expected, "{name}: {cell}");
        }
    }
}
