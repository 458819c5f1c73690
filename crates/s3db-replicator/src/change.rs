//! What an outbox knows of a change.

use std::fmt;

use s3db_core::database::{Action, Change};
use s3db_core::{Document, Resource};
use serde::{Deserialize, Serialize};

/// What a change did, as targets are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Operation {
    /// A document was created.
    Insert,
    /// A document was changed: by update, patch, upsert or replace.
    Update,
    /// A document was deleted.
    Delete,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    /// That of a change; `None` where no field has changed.
    pub(crate) fn of(action: Action) -> Option<Self> {
        match action {
            Action::Insert => Some(Self::Insert),
            Action::Update | Action::Replace => Some(Self::Update),
            Action::Delete => Some(Self::Delete),
            _ => None,
        }
    }

    /// The operation of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == name)
    }

    /// `insert`, `update` or `delete`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A change, as the outbox has recorded it before the change was committed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedChange {
    /// Tells this change from every other one, also when it is delivered again.
    #[serde(skip)]
    pub change_id: String,
    /// Its place among the changes of the process that recorded it.
    #[serde(skip)]
    pub(crate) number: u64,
    /// Resource.
    pub resource: String,
    /// Id of the document.
    pub id: String,
    /// What was done.
    pub operation: Operation,
    /// The document before, where the write has read it. Secrets and passwords are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Document>,
    /// The document after; `None` after a delete. Secrets and passwords are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Document>,
    /// When, in milliseconds since 1970, by the clock of the process that made it.
    pub at_ms: i64,
    /// On whose behalf, where the program says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Whether it is known that the change was committed. `false` after a crash, or a lost answer: the document tells.
    #[serde(skip)]
    pub is_certain: bool,
}

impl RecordedChange {
    pub(crate) fn of(change: &Change, operation: Operation, resource: &Resource) -> Self {
        let plain = |document: &Option<Document>| document.clone().map(|document| plain(document, resource));
        Self {
            change_id: String::new(),
            number: 0,
            resource: change.resource.clone(),
            id: change.id.clone(),
            operation,
            before: plain(&change.before),
            after: plain(&change.after),
            at_ms: change.at_ms,
            actor: change.actor.as_deref().map(str::to_owned),
            is_certain: true,
        }
    }
}

/// Without secrets, passwords, and what s3db.js writes beside the fields.
pub(crate) fn plain(document: Document, resource: &Resource) -> Document {
    let mut document = without_marks(document);
    if resource.has_secrets() {
        let original = document.clone();
        resource.redact(&mut document);
        remove_redacted(&mut document, &original);
    }
    document
}

/// Takes out what is not as it was: a mark in the place of a secret is no value for a column.
fn remove_redacted(document: &mut Document, original: &Document) {
    document.retain(|name, value| {
        let Some(before) = original.get(name) else { return false };
        if let (Some(inner), Some(before)) = (value.as_object_mut(), before.as_object()) {
            remove_redacted(inner, before);
            return true;
        }
        value == before
    });
}

/// Without what s3db.js writes beside the fields, under names that begin with `_` or `$`.
pub(crate) fn without_marks(document: Document) -> Document {
    document.into_iter().filter(|(name, _)| !name.starts_with(['_', '$'])).collect()
}
