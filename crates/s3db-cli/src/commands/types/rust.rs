//! A struct with `#[derive(Document)]`.

use std::collections::HashSet;
use std::fmt::Write as _;

use s3db::catalog::ResourceDefinition;
use s3db::schema::{FieldInfo, Schema};
use serde_json::{Map, Value};

use super::{Kind, base, fields, items, names, title};
use crate::exit::Outcome;

const DERIVES: &str = "#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Document)]";

pub(super) fn code(definition: &ResourceDefinition, schema: &Schema) -> Outcome<String> {
    let mut structs = Structs { schema, names: HashSet::new(), code: String::new() };
    let name = title(definition);
    structs.names.insert(name.clone());
    let attributes = options(definition);
    structs.structure(&name, "", &definition.attributes, &attributes)?;
    Ok(format!("use s3db::Document;\nuse serde::{{Deserialize, Serialize}};\n{}", structs.code))
}

/// The attributes that say what the resource is, beside its fields.
fn options(definition: &ResourceDefinition) -> String {
    let mut first =
        vec![format!("resource = {:?}", definition.name), format!("behavior = {:?}", definition.behavior)];
    if definition.timestamps {
        first.push("timestamps".to_owned());
    }
    if !definition.paranoid {
        first.push("paranoid = false".to_owned());
    }
    let mut out = format!("#[document({})]\n", first.join(", "));
    // These are there without being asked for.
    let implied = |name: &str| match name {
        "byVersion" => true,
        "byCreatedDate" | "byUpdatedDate" => definition.timestamps,
        _ => false,
    };
    for (name, partition) in definition.partitions.iter().filter(|(name, _)| !implied(name)) {
        let fields = partition.get("fields").unwrap_or(partition).as_object();
        let fields: Vec<String> = fields
            .into_iter()
            .flatten()
            .map(|(path, rule)| match rule.as_str() {
                None | Some("string") => path.clone(),
                Some(rule) => format!("{path}: {rule}"),
            })
            .collect();
        let _ = writeln!(out, "#[document(partition(name = {name:?}, on = {:?}))]", fields.join(", "));
    }
    out
}

struct Structs<'a> {
    schema: &'a Schema,
    names: HashSet<String>,
    code: String,
}

impl Structs<'_> {
    fn structure(
        &mut self,
        name: &str,
        path: &str,
        attributes: &Map<String, Value>,
        options: &str,
    ) -> Outcome {
        let mut body = String::new();
        let mut known = HashSet::new();
        let mut inner = Vec::new();
        if path.is_empty() {
            known.insert("id".to_owned());
            body += "    #[document(id)]\n    pub id: String,\n";
        }
        for (field, field_path, kind) in fields(attributes, path, self.schema)? {
            let mut ident = names::snake(field);
            while !known.insert(ident.clone()) {
                ident.push('_');
            }
            if ident.trim_start_matches("r#") != field {
                let _ = writeln!(body, "    #[serde(rename = {field:?})]");
            }
            match kind {
                Kind::Leaf(notation, info) => {
                    let _ = writeln!(body, "    #[document(type = {notation:?})]");
                    let _ = writeln!(body, "    pub {ident}: {},", leaf(info, self.schema));
                }
                Kind::Object(members, optional) => {
                    let ty = self.name_of(name, field);
                    let shown = if optional { format!("Option<{ty}>") } else { ty.clone() };
                    let _ = writeln!(body, "    pub {ident}: {shown},");
                    inner.push((ty, field_path, members.clone()));
                }
            }
        }
        let _ = write!(self.code, "\n{DERIVES}\n{options}pub struct {name} {{\n{body}}}\n");
        inner.into_iter().try_for_each(|(ty, path, members)| self.structure(&ty, &path, &members, ""))
    }

    /// A name that no other type has.
    fn name_of(&mut self, outer: &str, field: &str) -> String {
        let mut name = names::pascal(field);
        if self.names.contains(&name)
            || matches!(name.as_str(), "Option" | "String" | "Vec" | "Document" | "Serialize" | "Deserialize")
        {
            name = format!("{outer}{name}");
        }
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

fn leaf(info: &FieldInfo, schema: &Schema) -> String {
    // What may be null and not absent is no `Option`, which may be both.
    if info.nullable && !info.optional {
        return "serde_json::Value".to_owned();
    }
    let ty = match base(info) {
        "number" if info.rules.get("integer") == Some(&Value::Bool(true)) => "i64",
        "number" | "money" | "crypto" | "decimal" | "geo" | "geo-lat" | "geo-lon" => "f64",
        "boolean" | "bool" => "bool",
        "embedding" => "Vec<f64>",
        "array" => match items(info, schema) {
            Some("string" | "text" | "email" | "url" | "uuid") => "Vec<String>",
            Some("number") => "Vec<f64>",
            Some("boolean") => "Vec<bool>",
            _ => "Vec<serde_json::Value>",
        },
        "secret" | "password" => "s3db::typed::Secret<String>",
        "secretNumber" => "s3db::typed::Secret<f64>",
        "secretAny" => "s3db::typed::Secret<serde_json::Value>",
        "any" | "json" | "object" | "record" | "tuple" | "multi" | "geo:point" | "geo-point" | "bits"
        | "buffer" | "equal" | "objectid" | "objectID" => "serde_json::Value",
        _ => "String",
    };
    if info.optional && info.default.is_none() { format!("Option<{ty}>") } else { ty.to_owned() }
}
