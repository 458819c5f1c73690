//! Values that validators of the program must look at, which a pure pass can only collect.

use std::sync::Arc;

use serde_json::Value;

use crate::{Document, FieldError};

/// A value that the rule `custom` names a validator for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Pending {
    /// Name of the validator.
    pub validator: Arc<str>,
    /// Path of the field, with `[i]` for the items of arrays.
    pub field: String,
    /// The value, converted and sanitised, of the type that the schema says.
    pub value: Value,
    /// Whether it must not be shown.
    pub(crate) sensitive: bool,
}

/// What a pass over a document came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// The document with its defaults, converted and sanitised.
    pub document: Document,
    /// Every failing field.
    pub errors: Vec<FieldError>,
    /// What validators of the program have yet to look at: values of fields that do not fail.
    pub pending: Vec<Pending>,
}

impl Pending {
    /// The error of a value that its validator refuses.
    pub fn refused(&self, message: impl Into<String>) -> FieldError {
        let mut error = FieldError::new(self.field.clone(), "custom", message.into());
        error.expected = Some(self.validator.as_ref().into());
        error.actual = (!self.sensitive).then(|| self.value.clone());
        error
    }
}
