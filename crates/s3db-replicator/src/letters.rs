//! Documents that a target did not take, as rows that people can look at and that can be sent again.

use s3db_core::behavior::Behavior;
use s3db_core::plugin::Context;
use s3db_core::resource::ListOptions;
use s3db_core::{Document, Error, Resource, ResourceConfig, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::change::{Operation, RecordedChange};
use crate::target::Delivery;

/// Longest id that is made of the names of a document; those of others are random.
const ID_BYTES_MAX: usize = 200;

/// A document that a target did not take.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Id of its row.
    pub letter_id: String,
    /// Name of the target.
    pub target: String,
    /// Resource.
    pub resource: String,
    /// Id of the document.
    pub id: String,
    /// What was done to the document last.
    pub operation: Option<Operation>,
    /// Why the target did not take it.
    pub error: String,
    /// When it was put aside, as an ISO time.
    pub at: String,
}

/// The rows.
#[derive(Debug)]
pub(crate) struct Letters {
    context: Context,
    resource_name: String,
}

/// The resource of the rows, as s3db.js defines it. What it lacks to send a document again stands beside the attributes.
pub(crate) fn config(name: &str) -> ResourceConfig {
    let attributes = json!({
        "id": "string|required", "replicator": "string|required", "resource": "string|required",
        "action": "string|required", "data": "json", "timestamp": "datetime|required",
        "createdAt": "dateonly|required", "status": "string|required", "error": "string|optional",
    });
    ResourceConfig::new(name, attributes)
        .behavior(Behavior::BodyOnly)
        .timestamps(false)
        .partitions(json!({"byDate": {"fields": {"createdAt": "dateonly"}}}))
}

impl Letters {
    pub(crate) fn new(context: Context, resource_name: String) -> Self {
        Self { context, resource_name }
    }

    /// Requests: 2 PUT.
    pub(crate) async fn put_aside(&self, target: &str, delivery: &Delivery, error: &Error) -> Result<()> {
        let now_ms = self.context.env().now_ms();
        let resource = delivery.routed.resource.name();
        let last = delivery.changes.last();
        let id = format!("{resource}-{}-{now_ms}", delivery.id);
        let id = if id.len() <= ID_BYTES_MAX { id } else { format!("{resource}-{now_ms}") };
        let now = iso(now_ms);
        let day = now.get(..10).unwrap_or_default().to_owned();
        let row = json!({
            "id": format!("{id}-{target}"),
            "replicator": target,
            "resource": resource,
            "action": last.map_or("update", |change| change.operation.as_str()),
            // Required, and a delete or a replay has none.
            "data": last.and_then(|change| change.after.clone()).unwrap_or_default(),
            "beforeData": last.and_then(|change| change.before.clone()),
            "timestamp": now,
            "createdAt": day,
            "status": "failed",
            "error": match error.suggestion() {
                Some(hint) => format!("{error}: {hint}"),
                None => error.to_string(),
            },
            "recordId": delivery.id,
            "resourceName": resource,
            "operation": last.map_or("update", |change| change.operation.as_str()),
        });
        self.rows()?.upsert(row).await.map(drop)
    }

    /// The letters of a target, or of all, page by page.
    pub(crate) async fn failed(&self, target: Option<&str>) -> Result<Vec<DeadLetter>> {
        let rows = self.rows()?.list(ListOptions::default()).await?.records;
        let letters = rows.iter().filter_map(|record| letter(&record.id, &record.data));
        Ok(letters.filter(|letter| target.is_none_or(|target| target == letter.target)).collect())
    }

    /// Whether a letter is for this target. s3db.js notes the kind of it.
    pub(crate) fn is_for(letter: &DeadLetter, target: &str, driver: &str) -> bool {
        letter.target == target || letter.target.eq_ignore_ascii_case(&format!("{driver}Replicator"))
    }

    /// Notes that the target has taken it. Requests: 1 GET + 1 PUT.
    pub(crate) async fn taken(&self, letter: &DeadLetter) -> Result<()> {
        self.rows()?.update(&letter.letter_id, json!({"status": "success"})).await.map(drop)
    }

    fn rows(&self) -> Result<Resource> {
        self.context.database()?.resource(&self.resource_name)
    }
}

/// The letter of a row; `None` where the target has taken it.
fn letter(row_id: &str, row: &Document) -> Option<DeadLetter> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("status")? != "failed" {
        return None;
    }
    let resource = text("resource")?;
    // s3db.js notes no id: it stands between the resource and the time.
    let id = text("recordId").or_else(|| {
        let rest = row_id.strip_prefix(resource.as_str())?.strip_prefix('-')?;
        Some(rest.rsplit_once('-')?.0.to_owned())
    })?;
    Some(DeadLetter {
        letter_id: row_id.to_owned(),
        target: text("replicator")?,
        resource,
        id,
        operation: text("action").and_then(|name| Operation::parse(&name)),
        error: text("error").unwrap_or_default(),
        at: text("timestamp").unwrap_or_default(),
    })
}

/// An ISO time with milliseconds.
pub(crate) fn iso(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// A change that only says that a document is to be sent as it is now.
pub(crate) fn again(letter: &DeadLetter, at_ms: i64) -> RecordedChange {
    RecordedChange {
        change_id: format!("letter-{}", letter.letter_id),
        number: 0,
        resource: letter.resource.clone(),
        id: letter.id.clone(),
        operation: letter.operation.unwrap_or(Operation::Update),
        before: None,
        after: None,
        at_ms,
        actor: None,
        is_certain: false,
    }
}
