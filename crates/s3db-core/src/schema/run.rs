//! Walks a document along the table of a schema.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::custom::Pending;
use super::messages;
use super::types::choice::{self, EqualRules};
use super::types::formats::{Format, Verdict};
use super::types::number::{NumberRules, apply_boolean};
use super::types::structure::{self, ArrayRules, FieldId, ObjectRules};
use super::types::text::TextRules;
use super::types::web::{EmailRules, apply_url};
use super::types::{bits, uuid};
use super::{Mode, password};
use crate::FieldError;

/// One row of the table: an attribute, an item, a branch of a list of types.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    pub(super) optional: bool,
    pub(super) nullable: bool,
    /// Already converted and sanitised.
    pub(super) default: Option<Value>,
    pub(super) label: Option<Box<str>>,
    pub(super) messages: Vec<(Box<str>, Box<str>)>,
    /// The value is a secret, or holds one: no error may show it.
    pub(super) sensitive: bool,
    /// A hash of a password may stand where the password was.
    pub(super) password: bool,
    /// Name of the program's own validator.
    pub(super) custom: Option<Arc<str>>,
}

/// What a value is checked for, compiled.
#[derive(Debug)]
pub(super) enum Kind {
    Any,
    Text(Box<TextRules>),
    Number(Box<NumberRules>),
    Boolean { convert: bool },
    Email(Box<EmailRules>),
    Url { empty: bool },
    Uuid { version: Option<u8> },
    Enum(Vec<Value>),
    Format(&'static Format),
    Bits(Option<usize>),
    Equal(Box<EqualRules>),
    Forbidden { remove: bool },
    Object(Box<ObjectRules>),
    Array(Box<ArrayRules>),
    Tuple { items: std::ops::Range<FieldId>, empty: Option<bool> },
    Record { key: Option<FieldId>, value: Option<FieldId> },
    AnyOf(std::ops::Range<FieldId>),
}

/// The way from the document to a value. Built on the stack; text is made only for an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Item(usize),
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub(super) fn key<'b>(&'b self, name: &'b str) -> Path<'b> {
        Path { parent: Some(self), step: Step::Key(name) }
    }

    pub(super) fn item(&self, index: usize) -> Path<'_> {
        Path { parent: Some(self), step: Step::Item(index) }
    }

    pub(super) fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }

    fn text(&self) -> String {
        let mut out = self.parent.map(Path::text).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            Step::Item(index) => out.push_str(&format!("[{index}]")),
        }
        out
    }
}

/// Receives the errors of one value.
#[derive(Debug)]
pub(super) struct Report<'a> {
    errors: Vec<FieldError>,
    field: &'a Field,
    path: &'a Path<'a>,
}

impl<'a> Report<'a> {
    fn new(field: &'a Field, path: &'a Path<'a>) -> Self {
        Self { errors: Vec::new(), field, path }
    }

    /// Adds an error. The actual value of a secret is left out.
    pub(super) fn fail(&mut self, code: &'static str, expected: Option<Value>, actual: Option<&Value>) {
        let actual = actual.filter(|_| !self.field.sensitive);
        let path = self.path.text();
        let own = self.field.messages.iter().find(|(known, _)| **known == *code);
        let template = own.map_or_else(|| messages::template(code), |(_, text)| text);
        let label = self.field.label.as_deref().unwrap_or(&path);
        let message = messages::render(template, label, expected.as_ref(), actual);
        let mut error = FieldError::new(path, code, message);
        error.expected = expected;
        error.actual = actual.cloned();
        self.errors.push(error);
    }
}

/// One pass over one document.
#[derive(Debug)]
pub(super) struct Run<'s> {
    pub(super) fields: &'s [Field],
    pub(super) mode: Mode,
    pub(super) errors: Vec<FieldError>,
    /// Values that wait for validators of the program.
    pub(super) pending: Vec<Pending>,
}

/// What to do with a value that is absent or null.
enum Missing {
    Accept,
    Default,
    Refuse,
}

impl Field {
    fn missing(&self, is_null: bool) -> Missing {
        let forbidden = matches!(self.kind, Kind::Forbidden { .. });
        match (is_null, &self.default) {
            (true, _) if self.nullable => Missing::Accept,
            (_, Some(_)) => Missing::Default,
            _ if self.optional || forbidden => Missing::Accept,
            _ => Missing::Refuse,
        }
    }
}

impl<'s> Run<'s> {
    /// A field of an object, which may be absent.
    pub(super) fn member(&mut self, id: FieldId, map: &mut Map<String, Value>, path: &Path<'_>) {
        let Some(field) = self.fields.get(id) else { return };
        match (&field.kind, map.get_mut(&*field.name)) {
            (_, None) => {
                if let Some(default) = self.absent(field, &path.key(&field.name)) {
                    map.insert(field.name.to_string(), default);
                }
            }
            (Kind::Forbidden { remove: true }, Some(value)) if !value.is_null() => {
                map.shift_remove(&*field.name);
            }
            (Kind::Equal(rules), Some(value)) if !value.is_null() => {
                let path = path.key(&field.name);
                let mut report = Report::new(field, &path);
                if let Some(value) = map.get(&*field.name) {
                    rules.check(value, map, &mut report);
                }
                self.errors.append(&mut report.errors);
            }
            (_, Some(value)) => self.present(field, value, &path.key(&field.name)),
        }
    }

    /// Checks `value` when `key` is the field's name and the field needs nothing but its own value.
    pub(super) fn in_order(&mut self, id: FieldId, key: &str, value: &mut Value, path: &Path<'_>) -> bool {
        let fits = |field: &&Field| {
            *field.name == *key && !matches!(field.kind, Kind::Equal(_) | Kind::Forbidden { remove: true })
        };
        let Some(field) = self.fields.get(id).filter(fits) else {
            return false;
        };
        self.present(field, value, &path.key(&field.name));
        true
    }

    /// An item of an array or tuple, a key or value of a record, a branch of a list of types.
    pub(super) fn item(&mut self, id: FieldId, value: &mut Value, path: &Path<'_>) {
        if let Some(field) = self.fields.get(id) {
            self.present(field, value, path);
        }
    }

    /// The items of an array.
    pub(super) fn items(&mut self, id: FieldId, items: &mut [Value], path: &Path<'_>) {
        let Some(field) = self.fields.get(id) else { return };
        // Embeddings have thousands of items that nothing is asked of but to be numbers.
        let free = field.custom.is_none() && matches!(&field.kind, Kind::Number(rules) if rules.is_free());
        for (i, item) in items.iter_mut().enumerate() {
            if !(free && item.as_f64().is_some_and(f64::is_finite)) {
                self.present(field, item, &path.item(i));
            }
        }
    }

    /// The root object.
    pub(super) fn root(&mut self, root: &'s Field, rules: &ObjectRules, document: &mut Map<String, Value>) {
        let mut report = Report::new(root, &Path::ROOT);
        rules.apply_map(document, &Path::ROOT, self, &mut report);
        self.errors.append(&mut report.errors);
    }

    fn absent(&mut self, field: &Field, path: &Path<'_>) -> Option<Value> {
        match field.missing(false) {
            Missing::Accept => None,
            Missing::Default => field.default.clone(),
            Missing::Refuse => {
                self.refuse(field, path);
                None
            }
        }
    }

    fn present(&mut self, field: &'s Field, value: &mut Value, path: &Path<'_>) {
        if !value.is_null() {
            self.check(field, value, path);
            return;
        }
        match field.missing(true) {
            Missing::Accept => {}
            Missing::Default => *value = field.default.clone().unwrap_or_default(),
            Missing::Refuse => self.refuse(field, path),
        }
    }

    fn refuse(&mut self, field: &Field, path: &Path<'_>) {
        let mut report = Report::new(field, path);
        report.fail("required", None, None);
        self.errors.append(&mut report.errors);
    }

    /// A value that is there.
    pub(super) fn check(&mut self, field: &'s Field, value: &mut Value, path: &Path<'_>) {
        if field.password && self.mode != Mode::Insert && password::is_hash(value) {
            return;
        }
        let errors_before = self.errors.len();
        let report = &mut Report::new(field, path);
        match &field.kind {
            Kind::Any => {}
            Kind::Text(rules) => rules.apply(value, report),
            Kind::Number(rules) => rules.apply(value, report),
            Kind::Boolean { convert } => apply_boolean(*convert, value, report),
            Kind::Email(rules) => rules.apply(value, report),
            Kind::Url { empty } => apply_url(*empty, value, report),
            Kind::Uuid { version } => uuid::apply(*version, value, report),
            Kind::Enum(allowed) => choice::one_of(allowed, value, report),
            Kind::Format(format) => match (format.apply)(value) {
                Verdict::Keep => {}
                Verdict::Replace(normal) => *value = normal,
                Verdict::Wrong(code) => report.fail(code, None, Some(value)),
            },
            Kind::Bits(wanted) => bits(*wanted, value, report),
            Kind::Equal(rules) => rules.check(value, &Map::new(), report),
            Kind::Forbidden { remove: true } => *value = Value::Null,
            Kind::Forbidden { remove: false } => report.fail("forbidden", None, Some(value)),
            Kind::Object(rules) => rules.apply(value, path, self, report),
            Kind::Array(rules) => rules.apply(value, path, self, report),
            Kind::Tuple { items, empty } => structure::tuple(items, *empty, value, path, self, report),
            Kind::Record { key, value: inner } => structure::record(*key, *inner, value, path, self, report),
            Kind::AnyOf(branches) => structure::any_of(branches, value, path, self),
        }
        self.errors.append(&mut report.errors);
        // A validator may count on the type that the schema says.
        if let Some(name) = &field.custom
            && self.errors.len() == errors_before
        {
            self.pending.push(Pending {
                validator: name.clone(),
                field: path.text(),
                value: value.clone(),
                sensitive: field.sensitive,
            });
        }
    }
}
