//! How a stored schema is different from a declared one. Pure.

use std::fmt;

use serde_json::Value;

use crate::Result;
use crate::catalog::ResourceDefinition;
use crate::schema::{FieldInfo, Schema, SchemaOptions, Strictness};

/// How the schema in a bucket is different from the one that a program declares. It prints one line a difference.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SchemaDiff {
    /// Version of the stored schema.
    pub version: String,
    /// The differences, fields first.
    pub differences: Vec<Difference>,
}

/// One difference between a stored and a declared schema.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// Dotted path of a field, or the name of an option such as `behavior` or `partition byCity`.
    pub what: String,
    /// Whether it is a field.
    pub is_field: bool,
    /// How it is stored; `None` when only the program has it.
    pub stored: Option<String>,
    /// How it is declared; `None` when only the bucket has it.
    pub declared: Option<String>,
}

impl SchemaDiff {
    /// Compares two definitions by their meaning: other spellings of the same are no difference.
    ///
    /// Errors: `Config` when the declared schema is not valid.
    pub fn between(stored: &ResourceDefinition, declared: &ResourceDefinition) -> Result<Self> {
        let mut differences = fields(&compiled(stored)?, &compiled(declared)?);
        let mut option = |what: &str, stored: String, declared: String| {
            if stored != declared {
                let (stored, declared) = (Some(stored), Some(declared));
                differences.push(Difference { what: what.to_owned(), is_field: false, stored, declared });
            }
        };
        option("behavior", stored.behavior.clone(), declared.behavior.clone());
        option("timestamps", on(stored.timestamps), on(declared.timestamps));
        option("paranoid", on(stored.paranoid), on(declared.paranoid));
        option("auto_decrypt", on(stored.auto_decrypt), on(declared.auto_decrypt));
        let names = stored.partitions.keys().chain(declared.partitions.keys());
        let mut names: Vec<&String> = names.filter(|name| *name != "byVersion").collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let text =
                |partition: Option<&Value>| partition.map(|partition| fields_of(partition).to_string());
            let (stored, declared) = (text(stored.partitions.get(name)), text(declared.partitions.get(name)));
            if stored != declared {
                differences.push(Difference {
                    what: format!("partition {name}"),
                    is_field: false,
                    stored,
                    declared,
                });
            }
        }
        Ok(Self { version: stored.version.clone(), differences })
    }

    /// Whether both mean the same.
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for SchemaDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, difference) in self.differences.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            difference.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match (&self.stored, &self.declared) {
            (Some(stored), Some(declared)) => write!(f, "  ~ {what}: stored {stored}, declared {declared}"),
            (Some(stored), None) => write!(f, "  - {what}: stored {stored}, not declared"),
            (None, Some(declared)) if self.is_field && !declared.ends_with("optional") => {
                write!(f, "  + {what}: declared {declared}, not stored; documents that are there lack it")
            }
            (None, declared) => {
                write!(f, "  + {what}: declared {}, not stored", declared.as_deref().unwrap_or_default())
            }
        }
    }
}

fn compiled(definition: &ResourceDefinition) -> Result<Schema> {
    let options = SchemaOptions {
        all_nested_objects_optional: definition.all_nested_objects_optional,
        strictness: Strictness::Open,
    };
    Schema::compile(&definition.attributes, options)
}

fn fields(stored: &Schema, declared: &Schema) -> Vec<Difference> {
    let mut differences = Vec::new();
    for field in named(stored) {
        let other = declared.field(&field.path).map(describe);
        let (stored, declared) = (Some(describe(field)), other);
        if stored != declared {
            differences.push(Difference { what: field.path.clone(), is_field: true, stored, declared });
        }
    }
    for field in named(declared).filter(|field| stored.field(&field.path).is_none()) {
        let (stored, declared) = (None, Some(describe(field)));
        differences.push(Difference { what: field.path.clone(), is_field: true, stored, declared });
    }
    differences
}

/// All fields but the document itself.
fn named(schema: &Schema) -> impl Iterator<Item = &FieldInfo> {
    schema.fields().iter().filter(|field| !field.path.is_empty())
}

/// A field in the notation of schemas, its rules in one order.
fn describe(field: &FieldInfo) -> String {
    let mut rules: Vec<String> = field
        .rules
        .iter()
        .filter(|(name, value)| !is_usual(name, value) && !is_said_otherwise(name))
        .map(|(name, value)| match value {
            Value::Bool(true) => name.clone(),
            Value::Bool(false) => format!("no-{name}"),
            Value::String(text) => format!("{name}:{text}"),
            other => format!("{name}:{other}"),
        })
        .collect();
    rules.sort_unstable();
    let mut out = field.type_word.clone();
    for rule in rules {
        out.extend(["|", &rule]);
    }
    match (field.unique, &field.unique_group) {
        (true, Some(group)) => out.extend(["|unique:", group]),
        (true, None) => out.push_str("|unique"),
        (false, _) => {}
    }
    if let Some(default) = &field.default {
        out.extend(["|default:", &default.to_string()]);
    }
    if field.nullable {
        out.push_str("|nullable");
    }
    if field.optional && field.default.is_none() {
        out.push_str("|optional");
    }
    out
}

/// Rules that say what holds without them.
fn is_usual(name: &str, value: &Value) -> bool {
    match name {
        "required" => true,
        "strict" => *value == Value::Bool(false),
        "trim" | "convert" => *value == Value::Bool(true),
        _ => false,
    }
}

/// Rules that [`FieldInfo`] has in members of their own, or that are definitions of fields of their own.
fn is_said_otherwise(name: &str) -> bool {
    matches!(
        name,
        "optional" | "nullable" | "unique" | "default" | "items" | "props" | "properties" | "rules"
    )
}

fn on(flag: bool) -> String {
    if flag { "on" } else { "off" }.to_owned()
}

/// The fields of a partition; its other members are for people.
fn fields_of(partition: &Value) -> &Value {
    partition.get("fields").unwrap_or(partition)
}
