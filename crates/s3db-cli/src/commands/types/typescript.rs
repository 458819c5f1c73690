//! An interface of TypeScript.

use std::fmt::Write as _;

use s3db::catalog::ResourceDefinition;
use s3db::schema::{FieldInfo, Schema};
use serde_json::{Map, Value};

use super::{Kind, base, fields, items, title};
use crate::exit::Outcome;

pub(super) fn code(definition: &ResourceDefinition, schema: &Schema) -> Outcome<String> {
    let mut body = "  id: string;\n".to_owned();
    members(&definition.attributes, "", schema, "  ", &mut body)?;
    if definition.timestamps {
        for name in
            ["createdAt", "updatedAt"].iter().filter(|name| !definition.attributes.contains_key(**name))
        {
            let _ = writeln!(body, "  {name}?: string;");
        }
    }
    Ok(format!(
        "/** Documents of `{}`. */\nexport interface {} {{\n{body}}}\n",
        definition.name,
        title(definition)
    ))
}

fn members(
    attributes: &Map<String, Value>,
    path: &str,
    schema: &Schema,
    indent: &str,
    body: &mut String,
) -> Outcome {
    for (field, field_path, kind) in fields(attributes, path, schema)? {
        let is_name = field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
            && !field.starts_with(|c: char| c.is_ascii_digit());
        let name = if is_name { field.to_owned() } else { format!("{field:?}") };
        match kind {
            Kind::Leaf(_, info) => {
                let mark = if info.optional { "?" } else { "" };
                let null = if info.nullable { " | null" } else { "" };
                let _ = writeln!(body, "{indent}{name}{mark}: {}{null};", leaf(info, schema));
            }
            Kind::Object(inner, optional) => {
                let mark = if optional { "?" } else { "" };
                let _ = writeln!(body, "{indent}{name}{mark}: {{");
                members(inner, &field_path, schema, &format!("{indent}  "), body)?;
                let _ = writeln!(body, "{indent}}};");
            }
        }
    }
    Ok(())
}

fn leaf(info: &FieldInfo, schema: &Schema) -> String {
    match base(info) {
        "number" | "money" | "crypto" | "decimal" | "geo" | "geo-lat" | "geo-lon" | "secretNumber" => {
            "number".to_owned()
        }
        "boolean" | "bool" => "boolean".to_owned(),
        "embedding" => "number[]".to_owned(),
        "array" => match items(info, schema) {
            Some("string" | "text" | "email" | "url" | "uuid") => "string[]",
            Some("number") => "number[]",
            Some("boolean") => "boolean[]",
            _ => "unknown[]",
        }
        .to_owned(),
        "enum" => values(info).unwrap_or_else(|| "string".to_owned()),
        "record" => "Record<string, unknown>".to_owned(),
        "any" | "json" | "object" | "tuple" | "multi" | "geo:point" | "geo-point" | "bits" | "buffer"
        | "equal" | "secretAny" | "objectid" | "objectID" => "unknown".to_owned(),
        _ => "string".to_owned(),
    }
}

/// `"a" | "b"` of `enum:a,b`.
fn values(info: &FieldInfo) -> Option<String> {
    let listed = info
        .type_word
        .split_once(':')
        .map(|(_, values)| values.split(',').map(str::trim).collect::<Vec<_>>());
    let listed = listed.or_else(|| {
        let values = info.rules.get("values")?.as_array()?;
        values.iter().map(Value::as_str).collect()
    })?;
    let texts: Vec<String> = listed.iter().map(|value| Value::from(*value).to_string()).collect();
    (!texts.is_empty()).then(|| texts.join(" | "))
}
