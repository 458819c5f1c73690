//! Schemas: what the documents of a resource look like.
//!
//! The road of a schema is `notation` (text and JSON to a tree), `compile` (tree to a flat table), `run` (documents
//! along the table); `words` and `messages` are the vocabulary, `types` does the work of each family of types. Nothing
//! here does I/O. `docs/schema.md` is the notation for users.

mod compile;
mod custom;
mod messages;
mod notation;
mod password;
mod pattern;
mod portable;
mod problem;
mod rules;
mod run;
mod types;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Map, Value};

use self::compile::Compiler;
use self::problem::Problems;
use self::run::{Field, Kind, Run};
use crate::{Document, Error, FieldError, Result};

pub use self::custom::{Checked, Pending};
pub(crate) use self::portable::portable_form;
pub use self::problem::SchemaWarning;

/// A compiled schema.
///
/// ```
/// use s3db_core::schema::{Mode, Schema, SchemaOptions};
/// use serde_json::json;
///
/// let attributes = json!({ "email": "email", "age": "number|min:18|optional", "role": "string|default:user" });
/// let schema = Schema::compile(attributes.as_object().unwrap(), SchemaOptions::default())?;
///
/// let document = json!({ "email": "ana@example.com", "age": "42" });
/// let document = schema.validate(document.as_object().unwrap().clone(), Mode::Insert)?;
/// assert_eq!(document["age"], 42);
/// assert_eq!(document["role"], "user");
///
/// let document = json!({ "email": "ana", "age": 7 });
/// let error = schema.validate(document.as_object().unwrap().clone(), Mode::Insert).unwrap_err();
/// let failing: Vec<_> = error.fields().iter().map(|f| (f.field.as_str(), f.rule.as_str())).collect();
/// assert_eq!(failing, [("email", "email"), ("age", "numberMin")]);
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Schema {
    fields: Vec<Field>,
    root: Field,
    infos: Vec<FieldInfo>,
    customs: Vec<(String, Arc<str>)>,
    warnings: Vec<SchemaWarning>,
}

/// How a schema is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaOptions {
    /// Whether nested objects may be absent unless their `$$type` says `required`. On by default.
    pub all_nested_objects_optional: bool,
    /// What happens to words that are not known.
    pub strictness: Strictness,
}

impl Default for SchemaOptions {
    fn default() -> Self {
        Self { all_nested_objects_optional: true, strictness: Strictness::Create }
    }
}

/// What happens to types and rules that are not known or not well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// They are an error, which names every one of them. For schemas that are being made.
    #[default]
    Create,
    /// They are [warnings](Schema::warnings); the rule is left out, or the attribute accepts anything. For schemas that
    /// are already in a catalogue, whose documents must stay readable.
    Open,
}

/// Which write a document is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A new document.
    Insert,
    /// A stored document with changes: a password that was not changed stands there as its hash, which the rules of the
    /// password do not touch.
    Update,
    /// A whole document in the place of another; hashes of passwords are treated as in an update.
    Replace,
}

/// What a schema says of one attribute, nested field or kind of item.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// Dotted path; the items of an array end in `[]`.
    pub path: String,
    /// The type as it was written, such as `string`, `money:2` or `embedding:1536`; `object` for a nested object and
    /// `multi` for a list of types.
    pub type_word: String,
    /// The field may be absent or null.
    pub optional: bool,
    /// The field may be null.
    pub nullable: bool,
    /// No two documents may hold the same value. Enforced by the resource, not by the schema.
    pub unique: bool,
    /// Name of the constraint that this field shares with others, as in `unique:tenantEmail`: together their values are
    /// unique. `None` when the field is unique by itself.
    pub unique_group: Option<String>,
    /// Taken when the field is absent; not given for secrets.
    pub default: Option<Value>,
    /// The other rules as they were written.
    pub rules: Map<String, Value>,
}

impl Schema {
    /// Compiles the attributes of a resource.
    ///
    /// Errors: with [`Strictness::Create`] one [`ErrorKind::Config`](crate::ErrorKind::Config) that names every problem;
    /// with [`Strictness::Open`] never.
    pub fn compile(attributes: &Map<String, Value>, options: SchemaOptions) -> Result<Self> {
        let mut problems = Problems::default();
        // A stored `$$type` means what s3db.js took it for.
        let portable = (options.strictness == Strictness::Create)
            .then(|| portable_form(attributes, options.all_nested_objects_optional));
        let attributes = portable.as_ref().unwrap_or(attributes);
        let tree = notation::parse_root(attributes, options.all_nested_objects_optional, &mut problems);
        let mut compiler =
            Compiler { fields: Vec::new(), infos: Vec::new(), customs: Vec::new(), problems: &mut problems };
        let root = compiler.field("", "", &tree);
        let Compiler { fields, infos, customs, .. } = compiler;
        if options.strictness == Strictness::Create && !problems.is_empty() {
            return Err(problems.into_error());
        }
        Ok(Self { fields, root, infos, customs, warnings: problems.into_warnings() })
    }

    /// Fills defaults, converts, sanitises and checks `document`, and gives it back.
    ///
    /// Keys named `__proto__`, `constructor` or `prototype` are dropped at every depth.
    ///
    /// Validators of the program, which the rule `custom` names, are not run: [`examine`](Self::examine) collects what
    /// they must look at, and the verbs of a resource run them.
    ///
    /// Errors: [`ErrorKind::Validation`](crate::ErrorKind::Validation) with every failing field.
    pub fn validate(&self, mut document: Document, mode: Mode) -> Result<Document> {
        let (errors, _) = self.pass(&mut document, mode);
        if errors.is_empty() { Ok(document) } else { Err(Error::validation(errors)) }
    }

    /// Every failing field of `document`, which stays as it is. Works on a copy: to write the document, call
    /// [`validate`](Self::validate) instead.
    pub fn check(&self, document: &Document) -> Vec<FieldError> {
        self.pass(&mut document.clone(), Mode::Update).0
    }

    /// As [`validate`](Self::validate), with the errors beside the document, and with the values that validators of the
    /// program must look at.
    pub fn examine(&self, mut document: Document, mode: Mode) -> Checked {
        let (errors, pending) = self.pass(&mut document, mode);
        Checked { document, errors, pending }
    }

    /// The validators that the rule `custom` names: path of the field and name, in the order of the schema.
    pub fn validators(&self) -> impl Iterator<Item = (&str, &str)> {
        self.customs.iter().map(|(path, name)| (path.as_str(), name.as_ref()))
    }

    /// Every attribute, nested field and kind of item, parents before children, in the order of the schema.
    pub fn fields(&self) -> &[FieldInfo] {
        &self.infos
    }

    /// What the schema says of the field at a dotted path.
    pub fn field(&self, path: &str) -> Option<&FieldInfo> {
        self.infos.iter().find(|info| info.path == path)
    }

    /// What was not understood; empty unless compiled with [`Strictness::Open`].
    pub fn warnings(&self) -> &[SchemaWarning] {
        &self.warnings
    }

    fn pass(&self, document: &mut Document, mode: Mode) -> (Vec<FieldError>, Vec<Pending>) {
        drop_dangerous_keys(document);
        let mut run = Run { fields: &self.fields, mode, errors: Vec::new(), pending: Vec::new() };
        if let Kind::Object(rules) = &self.root.kind {
            run.root(&self.root, rules, document);
        }
        (run.errors, run.pending)
    }
}

/// Drops the keys with which a document could reach the prototypes of a JavaScript reader.
fn drop_dangerous_keys(map: &mut Map<String, Value>) {
    let dangerous = |key: &str| matches!(key, "__proto__" | "constructor" | "prototype");
    if map.keys().any(|key| dangerous(key)) {
        map.retain(|key, _| !dangerous(key));
    }
    map.values_mut().for_each(drop_below);
}

fn drop_below(value: &mut Value) {
    match value {
        Value::Object(map) => drop_dangerous_keys(map),
        Value::Array(items) => items.iter_mut().for_each(drop_below),
        _ => {}
    }
}
