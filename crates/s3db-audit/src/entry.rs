//! One row.

use std::fmt;

use s3db_core::database::{Action, Change};
use s3db_core::env::Env;
use s3db_core::resource::PartitionInfo;
use s3db_core::{Document, Record, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::image::{self, Image};
use crate::options::AuditOptions;

/// What was done to a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Operation {
    /// It was created.
    Insert,
    /// Fields of it were changed.
    Update,
    /// It was written whole.
    Replace,
    /// It was deleted.
    Delete,
    /// It got content.
    SetContent,
    /// Its content was deleted.
    DeleteContent,
    /// What only s3db.js writes, such as `deleteMany`.
    #[serde(untagged)]
    Other(String),
}

impl Operation {
    /// Every operation that is written here.
    pub const ALL: [Self; 6] =
        [Self::Insert, Self::Update, Self::Replace, Self::Delete, Self::SetContent, Self::DeleteContent];

    /// Its name in rows.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::SetContent => "setContent",
            Self::DeleteContent => "deleteContent",
            Self::Other(name) => name,
        }
    }

    /// The operation of a name.
    pub fn parse(name: &str) -> Self {
        let known = Self::ALL.into_iter().find(|operation| operation.as_str() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    fn of(action: Action) -> Self {
        match action {
            Action::Insert => Self::Insert,
            Action::Update => Self::Update,
            Action::Replace => Self::Replace,
            Action::Delete => Self::Delete,
            Action::SetContent => Self::SetContent,
            Action::DeleteContent => Self::DeleteContent,
            other => Self::Other(format!("{other:?}").to_lowercase()),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row: one change of one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its id, which begins with its time: ids sort by time.
    pub id: String,
    /// Resource of the document.
    pub resource: String,
    /// What was done.
    pub operation: Operation,
    /// Id of the document.
    pub record_id: String,
    /// On whose behalf; `system` where nobody has said so.
    pub user: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The document before, where it is known, without its secrets.
    pub before: Option<Document>,
    /// The document after, without its secrets.
    pub after: Option<Document>,
    /// The partitions that the document is in, and its values there.
    pub partitions: Document,
    /// Fields whose values were cut, each with the bytes that it had.
    pub truncated: Document,
}

impl AuditEntry {
    /// The row of a change.
    pub(crate) fn of(
        change: &Change,
        resource: Option<&Resource>,
        options: &AuditOptions,
        env: &dyn Env,
        number: u64,
    ) -> Self {
        let image = |document: &Option<Document>| {
            let document = document.as_ref().filter(|_| options.include_data)?;
            Some(image::of(document, resource, options.data_bytes_max))
        };
        let (before, after) = (image(&change.before), image(&change.after));
        let mut truncated = Document::new();
        for (name, image) in [("before", &before), ("after", &after)] {
            if let Some(Image { cut, .. }) = image
                && !cut.is_empty()
            {
                truncated.insert(name.to_owned(), Value::Object(cut.clone()));
            }
        }
        let partitions = match (resource, change.after.as_ref().or(change.before.as_ref())) {
            (Some(resource), Some(document)) if options.include_partitions => partitions(resource, document),
            _ => Document::new(),
        };
        let actor = change.actor.as_ref().map(|actor| actor.to_string());
        let user = actor.or_else(|| options.current_user.as_ref().and_then(|current| current.ask()));
        Self {
            id: id(change.at_ms, number, env),
            resource: change.resource.clone(),
            operation: Operation::of(change.action),
            record_id: change.id.clone(),
            user: user.unwrap_or_else(|| "system".to_owned()),
            at_ms: change.at_ms,
            before: before.map(|image| image.document),
            after: after.map(|image| image.document),
            partitions,
            truncated,
        }
    }

    /// The row as a document of the resource of s3db.js.
    pub(crate) fn to_document(&self) -> Value {
        let text = |document: &Document| Value::String(Value::Object(document.clone()).to_string());
        let mut metadata = json!({"source": "audit-plugin", "version": "2.0"});
        if !self.truncated.is_empty() {
            metadata["truncated"] = Value::Object(self.truncated.clone());
        }
        let at = iso(self.at_ms);
        let mut row = json!({
            "id": self.id, "resourceName": self.resource, "operation": self.operation.as_str(),
            "recordId": self.record_id, "userId": self.user, "timestamp": at, "createdAt": day(self.at_ms),
            "metadata": metadata.to_string(),
        });
        if let Some(before) = &self.before {
            row["oldData"] = text(before);
        }
        if let Some(after) = &self.after {
            row["newData"] = text(after);
        }
        if let Some(first) = self.partitions.keys().next() {
            row["partition"] = json!(first);
            row["partitionValues"] = text(&self.partitions);
        }
        row
    }

    /// A row as it was read. Texts that are JSON come as that or as texts, depending on who wrote them; the time comes as text
    /// or as a number.
    pub(crate) fn read(record: &Record) -> Self {
        let data = &record.data;
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = |name: &str| match data.get(name)? {
            Value::Object(members) => Some(members.clone()),
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        };
        let at_ms = match data.get("timestamp") {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => {
                text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
            }
            _ => None,
        };
        let truncated = object("metadata").and_then(|mut metadata| match metadata.remove("truncated") {
            Some(Value::Object(truncated)) => Some(truncated),
            _ => None,
        });
        Self {
            id: record.id.clone(),
            resource: text("resourceName"),
            operation: Operation::parse(&text("operation")),
            record_id: text("recordId"),
            user: text("userId"),
            at_ms: at_ms.or_else(|| time_of(&record.id)).unwrap_or(0),
            before: object("oldData").map(image::without_marks),
            after: object("newData").map(image::without_marks),
            partitions: object("partitionValues").unwrap_or_default(),
            truncated: truncated.unwrap_or_default(),
        }
    }
}

/// The values that a document has in the partitions of its resource.
fn partitions(resource: &Resource, document: &Document) -> Document {
    let value = |path: &str| {
        let mut segments = path.split('.');
        let mut value = document.get(segments.next()?)?;
        for segment in segments {
            value = value.as_object()?.get(segment)?;
        }
        (!value.is_null()).then(|| value.clone())
    };
    let values = |info: &PartitionInfo| -> Option<Document> {
        info.fields.iter().map(|(path, _)| Some((path.clone(), value(path)?))).collect()
    };
    let infos = resource.partitions().unwrap_or_default();
    let found = infos.iter().filter_map(|info| Some((info.name.clone(), Value::Object(values(info)?))));
    let mut found: Document = found.collect();
    resource.redact(&mut found);
    found
}

/// An id as s3db.js makes them: nine digits of base 36 behind the time. The first four count the rows of this process, so that
/// two changes of one millisecond stay in order; the rest is random.
fn id(at_ms: i64, number: u64, env: &dyn Env) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digits = |mut number: u64, length: usize| {
        let mut text = vec!['0'; length];
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(number % 36).unwrap_or(0);
            *place = DIGITS.get(digit).copied().map_or('0', char::from);
            number /= 36;
        }
        text.into_iter().collect::<String>()
    };
    let mut bytes = [0; 8];
    env.fill_ahead(&mut bytes);
    format!("audit-{at_ms}-{}{}", digits(number, 4), digits(u64::from_le_bytes(bytes), 5))
}

/// The time that an id begins with, of ours and of s3db.js.
pub(crate) fn time_of(id: &str) -> Option<i64> {
    id.strip_prefix("audit-")?.split('-').next()?.parse().ok()
}

pub(crate) fn iso(at_ms: i64) -> String {
    // Three digits of a second, as JavaScript writes it.
    jiff::Timestamp::from_millisecond(at_ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// The day of a time, in UTC.
pub(crate) fn day(at_ms: i64) -> String {
    iso(at_ms).chars().take(10).collect()
}
