//! Between values of Rust and documents. Pure.

use std::collections::HashSet;

use serde_json::Value;

use super::{Shape, TypedDocument};
use crate::{Document, Error, ErrorKind, FieldError, Record, Result};

/// The field of a type that holds the id.
#[derive(Debug, Clone)]
pub struct IdField {
    name: &'static str,
    is_number: bool,
}

impl IdField {
    /// The field is serialised under this name, and has this shape.
    pub fn new(name: &'static str, shape: &Shape) -> Self {
        Self { name, is_number: shape.is_number() }
    }
}

/// What of a type matters for reading and writing it, worked out once.
#[derive(Debug)]
pub(super) struct Layout {
    id: Option<IdField>,
    names: HashSet<String>,
    /// Fields that hold a null which the store leaves out.
    nulls: Vec<String>,
    /// Fields whose values no error may show.
    secrets: HashSet<String>,
}

impl Layout {
    pub(super) fn of<T: TypedDocument>() -> Self {
        let shape = T::shape();
        let names = shape.fields().map(|(name, _)| name.to_owned()).collect();
        let nulls =
            shape.fields().filter(|(_, shape)| shape.is_any()).map(|(name, _)| name.to_owned()).collect();
        let secrets =
            shape.fields().filter(|(_, shape)| shape.has_secret()).map(|(name, _)| name.to_owned()).collect();
        Self { id: T::id_field(), names, nulls, secrets }
    }

    /// The document of a value, with its id as `id`.
    ///
    /// Errors: `Validation` when the value does not serialise.
    pub(super) fn to_document<T: TypedDocument>(&self, value: &T) -> Result<Document> {
        let error = |reason: String| {
            Error::new(ErrorKind::Validation, "the value does not serialise to a document")
                .with("reason", reason)
        };
        let mut document = match serde_json::to_value(value) {
            Ok(Value::Object(document)) => document,
            Ok(_) => return Err(error("it is no object".to_owned())),
            Err(cause) => return Err(error(cause.to_string())),
        };
        if let Some(id) = &self.id
            && id.name != "id"
            && let Some(value) = document.shift_remove(id.name)
        {
            document.insert("id".to_owned(), value);
        }
        Ok(document)
    }

    /// The value of a document.
    ///
    /// Errors: `Validation` that names the field which does not fit.
    pub(super) fn to_value<T: TypedDocument>(&self, id: &str, mut data: Document) -> Result<T> {
        if let Some(field) = &self.id {
            let id = match id.parse::<u64>() {
                Ok(number) if field.is_number => Value::from(number),
                _ => Value::from(id),
            };
            data.insert(field.name.to_owned(), id);
        }
        for name in &self.nulls {
            data.entry(name.as_str()).or_insert(Value::Null);
        }
        // A type may deny fields that it does not know, and cannot know those of the library.
        for name in ["createdAt", "updatedAt"] {
            if !self.names.contains(name) && self.id.as_ref().is_none_or(|id| id.name != name) {
                data.shift_remove(name);
            }
        }
        serde_path_to_error::deserialize(Value::Object(data)).map_err(|error| {
            let path = error.path().to_string();
            let top = path.split(['.', '[']).next().unwrap_or_default();
            let message = match self.secrets.contains(top) {
                true => "is not of its type".to_owned(),
                false => error.into_inner().to_string(),
            };
            let field = if path == "." { String::new() } else { path };
            Error::validation(vec![FieldError::new(field, "type", message)])
                .with("type", std::any::type_name::<T>())
                .hint("the stored document does not fit the type: make the field an Option, give it #[serde(default)], or read it as a dynamic document")
        })
    }

    /// The id of a document to write, and the rest.
    pub(super) fn take_id(document: &mut Document) -> Option<String> {
        match document.shift_remove("id")? {
            Value::String(id) if !id.is_empty() => Some(id),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    }

    /// Puts the fields of a type in the place of those of a document; fields that the type does not know stay.
    pub(super) fn overwrite(&self, data: &mut Document, new: &Document) {
        for name in self.names.iter().filter(|name| !new.contains_key(*name)) {
            data.shift_remove(name);
        }
        for (name, value) in new {
            data.insert(name.clone(), value.clone());
        }
    }
}

/// Carries over what is different between two values of a type into a document, and leaves all else there as it is.
pub(super) fn carry_over(data: &mut Document, before: &Document, after: &Document) {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        data.shift_remove(name);
    }
    for (name, new) in after {
        let old = before.get(name);
        if old == Some(new) {
            continue;
        }
        match (data.get_mut(name), old, new) {
            (Some(Value::Object(data)), Some(Value::Object(old)), Value::Object(new)) => {
                carry_over(data, old, new)
            }
            _ => drop(data.insert(name.clone(), new.clone())),
        }
    }
}

/// The record of a document as one of a value.
pub(super) fn stored<T: TypedDocument>(layout: &Layout, record: Record) -> Result<super::Stored<T>> {
    let Record { id, data, meta } = record;
    match layout.to_value(&id, data) {
        Ok(value) => Ok(super::Stored { id, value, meta }),
        Err(error) => Err(error.with("id", id)),
    }
}
