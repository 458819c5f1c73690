//! Partitions: which documents get a reference, and under which key.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::names::{refused, shown};
use super::{Keys, check_id, check_name, day_of, fits, locale_compare};
use crate::{Document, Error, ErrorKind, FieldError, Result};

/// A partition: an index over one or more fields.
///
/// ```
/// use s3db_core::key::{Keys, Partition};
/// use serde_json::json;
///
/// let by_day = Partition::parse("byDay", &json!({ "fields": { "user.id": "string", "at": "date|maxlength:10" } }))?;
/// let event = json!({ "at": "2024-01-15T10:00:00.000Z", "user": { "id": "u1" } });
/// let key = by_day.key(&Keys::new(""), "events", "e1", event.as_object().unwrap(), "v1")?;
/// assert_eq!(key.as_deref(), Some("resource=events/partition=byDay/at=2024-01-15/user.id=u1/id=e1"));
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// Its fields in the order of the key, which is [`locale_compare`]'s and not the declared one.
    pub fields: Vec<PartitionField>,
}

/// One field of a partition.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionField {
    /// Dotted path of the field. `_v` is the version of the document's definition, `id` its id.
    pub path: String,
    /// The rule as declared.
    pub rule: String,
    maxlength_units: Option<usize>,
    date: bool,
}

impl Partition {
    /// Reads a definition `{"fields": {"path": "rule"}}`.
    ///
    /// # Errors
    /// `Config` when the definition has another form or a name cannot stand in a key.
    pub fn parse(name: &str, definition: &Value) -> Result<Self> {
        let in_partition = |e: Error| e.with("partition", name);
        check_name("partition", name)?;
        let fields = definition.get("fields").and_then(Value::as_object).filter(|fields| !fields.is_empty());
        let fields = fields.ok_or_else(|| {
            in_partition(Error::new(ErrorKind::Config, "the partition has no fields"))
                .hint(r#"write a partition as {"fields": {"country": "string"}}"#)
        })?;
        let mut parsed = Vec::with_capacity(fields.len());
        for (path, rule) in fields {
            check_name("field", path).map_err(in_partition)?;
            let rule = rule.as_str().ok_or_else(|| {
                in_partition(Error::new(ErrorKind::Config, "the rule of a partition field is not a text"))
                    .with("field", path)
            })?;
            parsed.push(PartitionField::new(path, rule));
        }
        parsed.sort_by(|a: &PartitionField, b| locale_compare(&a.path, &b.path));
        Ok(Self { name: name.to_owned(), fields: parsed })
    }

    /// The key of the reference of a document, or `None` when a field is absent or null. `version` is the version of
    /// the definition that the document is written with, such as `v1`.
    ///
    /// # Errors
    /// `Validation` when a value holds `/`, `\`, `=` or `%`: it could leave its segment of the key, and s3db.js
    /// refuses to look such values up. `TooLarge` when the key passes its limit.
    pub fn key(
        &self,
        keys: &Keys,
        resource: &str,
        id: &str,
        document: &Document,
        version: &str,
    ) -> Result<Option<String>> {
        check_name("resource", resource)?;
        check_id(id)?;
        let mut tail = String::new();
        for field in &self.fields {
            let Some(text) = field.text_of(document, id, version) else {
                return Ok(None);
            };
            if let Some(characters) = refused(&text) {
                return Err(self.unwritable(field, &text, &characters));
            }
            push_segment(&mut tail, &field.path, &text);
        }
        let head = keys.partitions(resource, Some(&self.name))?;
        fits(format!("{head}{tail}id={id}")).map(Some).map_err(|e| e.with("partition", &self.name))
    }

    /// The key under which s3db.js has written the reference of a document, values unchecked, to recognise and remove
    /// it. `None` when a field is absent or null, or when the key would lie outside the partition.
    pub fn foreign_key(
        &self,
        keys: &Keys,
        resource: &str,
        id: &str,
        document: &Document,
        version: &str,
    ) -> Option<String> {
        let mut tail = String::new();
        for field in &self.fields {
            push_segment(&mut tail, &field.path, &field.text_of(document, id, version)?);
        }
        self.contained(keys, resource, &format!("{tail}id={id}"))
    }

    /// List prefix of the references whose first fields, in key order, have these values. It ends with `/`, so that
    /// `US` does not find `USA`.
    ///
    /// # Errors
    /// `Validation` for a field that the partition lacks, for a gap (a later field given without an earlier one), and
    /// for a value that would leave the partition. Values with a `/` inside find what s3db.js wrote for them.
    pub fn prefix(&self, keys: &Keys, resource: &str, values: &Document) -> Result<String> {
        check_name("resource", resource)?;
        let given = |field: &PartitionField| values.get(&field.path).filter(|value| !value.is_null());
        if let Some(unknown) =
            values.keys().find(|path| !self.fields.iter().any(|field| field.path == **path))
        {
            return Err(self.bad_lookup("the partition has no such field").with("field", unknown));
        }
        let used = self.fields.iter().take_while(|field| given(field).is_some()).count();
        if let Some(late) = self.fields.iter().skip(used).find(|field| given(field).is_some()) {
            let missing = self.fields.get(used).map_or("", |field| field.path.as_str());
            return Err(self
                .bad_lookup("a field is given without the one before it in the key")
                .with("field", &late.path)
                .with("missing", missing));
        }
        let mut tail = String::new();
        for field in self.fields.iter().take(used) {
            if let Some(value) = given(field) {
                push_segment(&mut tail, &field.path, &js_text(&field.ruled(value)));
            }
        }
        let prefix = self.contained(keys, resource, &tail);
        fits(prefix.ok_or_else(|| self.bad_lookup("a value would leave the partition"))? + "/")
    }

    /// The fields of the partition as a declared definition.
    pub fn to_definition(&self) -> Value {
        let fields = self.fields.iter().map(|field| (field.path.clone(), Value::from(field.rule.as_str())));
        Value::Object(Map::from_iter([("fields".to_owned(), Value::Object(fields.collect()))]))
    }

    /// The key that a POSIX join makes of the partition and `tail`, without a final `/`, when it stays inside.
    pub(super) fn contained(&self, keys: &Keys, resource: &str, tail: &str) -> Option<String> {
        let head = format!("resource={resource}/partition={}", self.name);
        let joined = super::normalize_prefix(&format!("{head}/{tail}"));
        let inside = joined.strip_prefix(&head)?;
        (inside.is_empty() || inside.starts_with('/')).then(|| keys.below(&joined))
    }

    fn unwritable(&self, field: &PartitionField, text: &str, characters: &str) -> Error {
        let what = "holds characters that a partition key cannot hold";
        Error::validation(vec![
            FieldError::new(&field.path, "partitionKey", format!("`{}` {what}: {characters}", shown(text)))
                .expected("no / \\ = %")
                .actual(shown(text)),
        ])
        .with("partition", &self.name)
        .hint("store the value in another form, or take the field out of the partition")
    }

    pub(super) fn bad_lookup(&self, message: &str) -> Error {
        let fields = self.fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>().join(", ");
        Error::new(ErrorKind::Validation, message)
            .with("partition", &self.name)
            .hint(format!("the fields of the partition are, in key order: {fields}"))
    }
}

impl PartitionField {
    /// A field with its rule.
    pub fn new(path: &str, rule: &str) -> Self {
        Self {
            path: path.to_owned(),
            rule: rule.to_owned(),
            maxlength_units: maxlength(rule),
            date: rule.contains("date"),
        }
    }

    /// Whether two different values can have the same text in the key, so that a lookup must check the documents.
    pub fn is_lossy(&self) -> bool {
        self.date || self.maxlength_units.is_some()
    }

    /// A value after the rule: texts cut, dates cut to their day; all else unchanged.
    ///
    /// `maxlength` counts UTF-16 units, as JavaScript does. A character of two units that would be cut in half is
    /// left out; s3db.js keeps half of it, which no object store accepts in a key.
    pub fn ruled<'v>(&self, value: &'v Value) -> Cow<'v, Value> {
        let Value::String(text) = value else {
            return Cow::Borrowed(value);
        };
        let cut = self.maxlength_units.map_or(text.as_str(), |units| cut(text, units));
        let ruled = if self.date { day_of(cut) } else { Cow::Borrowed(cut) };
        if ruled.len() == text.len() && *ruled == *text {
            return Cow::Borrowed(value);
        }
        Cow::Owned(Value::String(ruled.into_owned()))
    }

    pub(super) fn text_of<'v>(
        &self,
        document: &'v Document,
        id: &'v str,
        version: &'v str,
    ) -> Option<Cow<'v, str>> {
        match lookup(document, &self.path) {
            None if self.path == "id" => Some(Cow::Borrowed(id)),
            None if self.path == "_v" => Some(Cow::Borrowed(version)),
            None | Some(Value::Null) => None,
            Some(value) => match self.ruled(value) {
                Cow::Borrowed(Value::String(text)) => Some(Cow::Borrowed(text)),
                ruled => Some(Cow::Owned(js_text(&ruled).into_owned())),
            },
        }
    }
}

/// Partitions in their full form: a list `["region"]` becomes `{"byRegion": {"fields": {"region": <type>}}}`, with
/// the first word of the attribute's rule as the type.
///
/// # Errors
/// `Config` for an entry that is not a text, or names no attribute.
pub fn normalize_partitions(
    partitions: &Value,
    attributes: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let list = match partitions {
        Value::Null => return Ok(Map::new()),
        Value::Object(full) => return Ok(full.clone()),
        Value::Array(list) => list,
        _ => {
            return Err(Error::new(
                ErrorKind::Config,
                "partitions are neither a list of fields nor an object",
            ));
        }
    };
    let mut full = Map::new();
    for entry in list {
        let field = entry.as_str().ok_or_else(|| {
            Error::new(ErrorKind::Config, "an entry of the list of partitions is not a field name")
                .with("entry", entry)
        })?;
        let rule = attributes.get(field).ok_or_else(|| {
            let known = attributes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::new(ErrorKind::Config, "a partition names a field that the resource does not have")
                .with("field", field)
                .hint(format!("the fields are: {known}"))
        })?;
        let rule = rule.as_str().or_else(|| rule.get("type").and_then(Value::as_str)).unwrap_or("string");
        let first = rule.split('|').next().unwrap_or("string").trim();
        let mut name = String::from("by");
        let mut letters = field.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.extend(letters);
        full.insert(name, serde_json::json!({ "fields": { field: first } }));
    }
    Ok(full)
}

/// Adds the partitions that options imply, unless a partition of that name is there.
pub fn with_implicit_partitions(partitions: &mut Map<String, Value>, timestamps: bool, versioning: bool) {
    let implied: [(bool, &str, &str, &str); 3] = [
        (timestamps, "byCreatedDate", "createdAt", "date|maxlength:10"),
        (timestamps, "byUpdatedDate", "updatedAt", "date|maxlength:10"),
        (versioning, "byVersion", "_v", "string"),
    ];
    for (wanted, name, field, rule) in implied {
        if wanted && !partitions.contains_key(name) {
            partitions.insert(name.to_owned(), serde_json::json!({ "fields": { field: rule } }));
        }
    }
}

fn push_segment(tail: &mut String, path: &str, text: &str) {
    tail.push_str(path);
    tail.push('=');
    tail.push_str(text);
    tail.push('/');
}

/// The number after the first `maxlength:` that has one.
fn maxlength(rule: &str) -> Option<usize> {
    rule.match_indices("maxlength:").find_map(|(at, word)| {
        let rest = rule.get(at + word.len()..)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest.get(..digits)?.parse().ok()
    })
}

/// The first `units` UTF-16 units, whole characters only.
fn cut(text: &str, units: usize) -> &str {
    if text.len() <= units {
        return text;
    }
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.len_utf16();
        if used > units {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// A field by its dotted path; numeric parts index arrays.
fn lookup<'v>(document: &'v Document, path: &str) -> Option<&'v Value> {
    let mut parts = path.split('.');
    let mut at = document.get(parts.next()?)?;
    for part in parts {
        at = match at {
            Value::Object(object) => object.get(part)?,
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

/// A value in a JavaScript template string.
pub(super) fn js_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed("null"),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::String(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(js_number(number)),
        Value::Object(_) => Cow::Borrowed("[object Object]"),
        Value::Array(items) => {
            let texts =
                items.iter().map(|item| if item.is_null() { Cow::Borrowed("") } else { js_text(item) });
            Cow::Owned(texts.collect::<Vec<_>>().join(","))
        }
    }
}

fn js_number(number: &serde_json::Number) -> String {
    const EXACT_MAX: u64 = 1 << 53;
    match number.as_i64() {
        Some(small) if small.unsigned_abs() <= EXACT_MAX => small.to_string(),
        _ => {
            let float = number.as_f64().unwrap_or_default();
            // `-0` prints as `0` in JavaScript.
            ryu_js::Buffer::new().format(if float == 0.0 { 0.0 } else { float }).to_owned()
        }
    }
}
