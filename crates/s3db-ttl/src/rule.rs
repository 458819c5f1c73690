//! When the documents of a resource end, and what is done then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use s3db_core::{Document, Record, Result};
use serde_json::Value;

use crate::cohort::Granularity;

/// When the documents of one resource end, and what is done then.
///
/// ```
/// use std::time::Duration;
/// use s3db_ttl::{OnExpire, TtlRule};
///
/// // Thirty minutes after they were last seen.
/// let sessions = TtlRule::after(Duration::from_secs(1800), OnExpire::HardDelete).field("seenAt");
/// // At the time that the document names itself.
/// let offers = TtlRule::at("endsAt", OnExpire::Archive { resource: "old_offers".into(), keep_id: true });
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TtlRule {
    /// How long after the time of `field`, or after the document was created.
    pub ttl: Option<Duration>,
    /// The field with the time that `ttl` is added to, or the deadline itself without one: a text of ISO 8601, or
    /// milliseconds since 1970. A document without it does not end.
    pub field: Option<String>,
    /// What is done when the time has come.
    pub on_expire: OnExpire,
}

/// What is done with a document whose time has come.
#[derive(Clone)]
#[non_exhaustive]
pub enum OnExpire {
    /// It is deleted.
    HardDelete,
    /// `field` gets the time, and `isdeleted` the text `true`, as s3db.js does it. It ends no more after that.
    SoftDelete {
        /// The field; `deletedat` in s3db.js.
        field: String,
    },
    /// It is copied to another resource, with `archivedAt`, `archivedFrom` and `originalId`, then deleted. A process that is
    /// killed between the two leaves it in both, and the next sweep writes the same copy again.
    Archive {
        /// The other resource.
        resource: String,
        /// Whether the copy has the same id; else it is that of the resource and the id, with `-` between them.
        keep_id: bool,
    },
    /// The program is asked: `true` deletes it, `false` keeps it for the next sweep.
    Callback(Callback),
}

/// What the program does with a document whose time has come.
#[derive(Clone)]
pub struct Callback(Arc<dyn Fn(Record) -> BoxFuture<'static, Result<bool>> + Send + Sync>);

impl OnExpire {
    /// Asks `ask` whether a document is to be deleted.
    pub fn callback<F, R>(ask: F) -> Self
    where
        F: Fn(Record) -> R + Send + Sync + 'static,
        R: Future<Output = Result<bool>> + Send + 'static,
    {
        Self::Callback(Callback(Arc::new(move |record| Box::pin(ask(record)))))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::HardDelete => "hard-delete",
            Self::SoftDelete { .. } => "soft-delete",
            Self::Archive { .. } => "archive",
            Self::Callback(_) => "callback",
        }
    }
}

impl Callback {
    pub(crate) async fn ask(&self, record: Record) -> Result<bool> {
        (self.0)(record).await
    }
}

impl fmt::Debug for OnExpire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(…)")
    }
}

impl TtlRule {
    /// Documents end so long after they were created.
    pub fn after(ttl: Duration, on_expire: OnExpire) -> Self {
        Self { ttl: Some(ttl), field: None, on_expire }
    }

    /// Documents end at the time that a field names.
    pub fn at(field: impl Into<String>, on_expire: OnExpire) -> Self {
        Self { ttl: None, field: Some(field.into()), on_expire }
    }

    /// Counts from the time of a field instead.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(crate) fn granularity(&self) -> Granularity {
        Granularity::of(self.ttl)
    }

    /// When a document ends, in milliseconds since 1970; `None` when it does not, or when the document does not tell.
    /// `created_ms` is when it was created, where that is known beside the document.
    pub(crate) fn deadline(&self, data: &Document, created_ms: Option<i64>) -> Option<i64> {
        if let OnExpire::SoftDelete { field } = &self.on_expire
            && data.get(field).is_some_and(|value| !value.is_null() && *value != "")
        {
            return None;
        }
        let base = match &self.field {
            Some(field) => time(lookup(data, field)?)?,
            None => data.get("createdAt").and_then(time).or(created_ms)?,
        };
        let ttl = self.ttl.map_or(0, |ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX));
        Some(base.saturating_add(ttl))
    }

    /// Whether a stored document tells its deadline by itself.
    pub(crate) fn is_told(&self, data: &Document) -> bool {
        self.field.is_some() || data.get("createdAt").and_then(time).is_some()
    }
}

fn lookup<'d>(data: &'d Document, path: &str) -> Option<&'d Value> {
    let mut segments = path.split('.');
    let mut value = data.get(segments.next()?)?;
    for segment in segments {
        value = value.as_object()?.get(segment)?;
    }
    Some(value)
}

fn time(value: &Value) -> Option<i64> {
    match value {
        // JavaScript's own range of times.
        Value::Number(number) => number.as_f64().filter(|ms| ms.abs() <= 8.64e15).map(|ms| ms as i64),
        Value::String(text) => {
            let at = text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
            // A day is its beginning in UTC, as in JavaScript.
            at.or_else(|| {
                format!("{text}T00:00:00Z").parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_ends_when_its_rule_says() {
        let check = |rule: &TtlRule, data: Value, created: Option<i64>, expected: Option<i64>| {
            assert_eq!(rule.deadline(data.as_object().unwrap(), created), expected, "{data}");
        };
        let minute = Duration::from_secs(60);
        let after = TtlRule::after(minute, OnExpire::HardDelete);
        check(&after, json!({"createdAt": "1970-01-01T00:00:01.000Z"}), Some(5), Some(61_000));
        check(&after, json!({}), Some(5), Some(60_005));
        check(&after, json!({}), None, None);
        let at = TtlRule::at("end.at", OnExpire::SoftDelete { field: "deletedat".into() });
        check(&at, json!({"end": {"at": "1970-01-02"}}), None, Some(86_400_000));
        check(&at, json!({"end": {"at": 7}}), None, Some(7));
        for none in [
            json!({}),
            json!({"end": 1}),
            json!({"end": {"at": "soon"}}),
            json!({"end": {"at": null}}),
            json!({"end": {"at": 1e300}}),
        ] {
            check(&at, none, Some(1), None);
        }
        check(&at, json!({"end": {"at": 7}, "deletedat": "1970-01-01T00:00:00Z"}), None, None);
        check(
            &TtlRule::after(minute, OnExpire::HardDelete).field("seen"),
            json!({"seen": 5}),
            None,
            Some(60_005),
        );
        check(&TtlRule::after(Duration::MAX, OnExpire::HardDelete), json!({}), Some(5), Some(i64::MAX));
    }
}
