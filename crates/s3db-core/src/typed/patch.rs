//! Changes of typed fields.

use std::fmt;
use std::marker::PhantomData;

use serde_json::{Number, Value};

use crate::{Document, Error, ErrorKind, Result};

/// Changes of documents `R`, made from their [`Field`](super::Field)s: `User::age().set(31)`, or a list of them.
pub struct Patch<R> {
    changes: Vec<Change>,
    of: PhantomData<fn() -> R>,
}

#[derive(Debug, Clone)]
struct Change {
    path: String,
    action: Action,
    operand: std::result::Result<Value, String>,
}

#[derive(Debug, Clone, Copy)]
enum Action {
    Set,
    Add,
}

impl<R> Patch<R> {
    pub(super) fn set(path: &str, operand: std::result::Result<Value, String>) -> Self {
        Self::one(Change { path: path.to_owned(), action: Action::Set, operand })
    }

    pub(super) fn add(path: &str, operand: std::result::Result<Value, String>) -> Self {
        Self::one(Change { path: path.to_owned(), action: Action::Add, operand })
    }

    fn one(change: Change) -> Self {
        Self { changes: vec![change], of: PhantomData }
    }

    /// Makes other changes too, after these.
    #[must_use]
    pub fn and(mut self, other: impl Into<Self>) -> Self {
        self.changes.extend(other.into().changes);
        self
    }

    /// Applies the changes to a document.
    ///
    /// Errors: `Config` when a value could not be serialised; `Validation` when a number is added to something else, or
    /// leaves the range of integers.
    pub fn apply(&self, document: &mut Document) -> Result<()> {
        for change in &self.changes {
            let operand = change.operand.clone().map_err(|reason| {
                Error::new(ErrorKind::Config, "a value of the change cannot be serialised")
                    .with("reason", reason)
            })?;
            let place = place(document, &change.path)?;
            *place = match change.action {
                Action::Set => operand,
                Action::Add => sum(place, &operand).ok_or_else(|| {
                    Error::new(ErrorKind::Validation, "the sum is not a number that can be kept")
                        .with("field", &change.path)
                })?,
            };
        }
        Ok(())
    }
}

/// The value at a dotted path; missing parents become objects.
fn place<'a>(document: &'a mut Document, path: &str) -> Result<&'a mut Value> {
    let Some((parents, last)) = path.rsplit_once('.') else {
        return Ok(document.entry(path).or_insert(Value::Null));
    };
    let mut at = document;
    for name in parents.split('.') {
        let parent = at.entry(name).or_insert(Value::Null);
        if parent.is_null() {
            *parent = Value::Object(Document::new());
        }
        at = parent.as_object_mut().ok_or_else(|| {
            Error::new(ErrorKind::Validation, "the field is in no object")
                .with("field", path)
                .with("at", name)
        })?;
    }
    Ok(at.entry(last).or_insert(Value::Null))
}

fn sum(value: &Value, amount: &Value) -> Option<Value> {
    if value.is_null() {
        return Some(amount.clone());
    }
    let whole = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (whole(value), whole(amount)) {
        (Some(a), Some(b)) => {
            let sum = a.checked_add(b)?;
            i64::try_from(sum).map(Value::from).or_else(|_| u64::try_from(sum).map(Value::from)).ok()
        }
        _ => Number::from_f64(value.as_f64()? + amount.as_f64()?).map(Value::Number),
    }
}

impl<R, const N: usize> From<[Self; N]> for Patch<R> {
    fn from(patches: [Self; N]) -> Self {
        Self { changes: patches.into_iter().flat_map(|patch| patch.changes).collect(), of: PhantomData }
    }
}

impl<R> From<Vec<Self>> for Patch<R> {
    fn from(patches: Vec<Self>) -> Self {
        Self { changes: patches.into_iter().flat_map(|patch| patch.changes).collect(), of: PhantomData }
    }
}

impl<R> Clone for Patch<R> {
    fn clone(&self) -> Self {
        Self { changes: self.changes.clone(), of: PhantomData }
    }
}

impl<R> fmt::Debug for Patch<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secret.
        f.debug_list().entries(self.changes.iter().map(|change| (&change.path, change.action))).finish()
    }
}
