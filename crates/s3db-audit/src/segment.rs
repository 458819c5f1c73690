//! Several rows in one object.

use futures::TryStreamExt as _;
use s3db_core::plugin::storage::{PluginStorage, SetOptions, WriteMode};
use s3db_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::entry::{AuditEntry, day, time_of};

/// Where they stand in the plugin storage, a folder for each day of their first row.
const FOLDER: &str = "segments";

/// Writes rows as one object. Requests: 1 PUT.
pub(crate) async fn write(storage: &PluginStorage, rows: &[AuditEntry]) -> Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let key = format!("{FOLDER}/{}/{}", day(first.at_ms), first.id);
    let rows = serde_json::to_value(rows).map_err(|error| {
        Error::new(ErrorKind::Validation, "rows of the audit could not be written").caused_by(error)
    })?;
    let options = SetOptions { mode: WriteMode::BodyOnly, ..SetOptions::default() };
    storage.set(&key, json!({"rows": rows}), options).await.map(drop)
}

/// Keys of the objects, oldest first, whose first row is from before `until_ms`, and not from a day before that of `since_ms`:
/// rows of an object are seconds apart.
pub(crate) async fn keys(
    storage: &PluginStorage,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
) -> Result<Vec<String>> {
    // One day earlier: an object may begin just before midnight.
    let from = since_ms.map(|since| format!("{FOLDER}/{}/", day(since.saturating_sub(86_400_000))));
    let mut keys: Vec<String> = storage.keys(&format!("{FOLDER}/")).try_collect().await?;
    keys.retain(|key| {
        let begins = key.rsplit('/').next().and_then(time_of);
        from.as_ref().is_none_or(|from| key >= from)
            && until_ms.is_none_or(|until| begins.is_none_or(|at| at < until))
    });
    Ok(keys)
}

/// The rows of an object. Requests: 1 GET.
pub(crate) async fn read(storage: &PluginStorage, key: &str) -> Result<Vec<AuditEntry>> {
    let Some(mut found) = storage.get(key).await? else {
        return Ok(Vec::new());
    };
    let rows = found.get_mut("rows").map(Value::take).unwrap_or_default();
    serde_json::from_value(rows).map_err(|error| {
        Error::new(ErrorKind::Corrupt, "an object of the audit cannot be read")
            .with("key", key)
            .caused_by(error)
    })
}
