//! How changes are written down: several in one object, named by who wrote it and the number of the first.

use s3db_core::plugin::storage::{PluginStorage, SetOptions, WriteMode};
use s3db_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::change::RecordedChange;

/// Where they stand in the plugin storage.
pub(crate) const FOLDER: &str = "outbox/";

/// A change, and the targets that are to get it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub(crate) change: RecordedChange,
    pub(crate) targets: Vec<String>,
}

/// The name of an object of the outbox: `outbox/SOURCE/FIRST-COUNT`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EntryKey {
    /// Who wrote it: one start of one process.
    pub(crate) source: String,
    /// Number of its first change. Numbers of a source grow by one.
    pub(crate) first: u64,
    /// How many changes are in it.
    pub(crate) count: usize,
}

impl EntryKey {
    pub(crate) fn parse(key: &str) -> Option<Self> {
        let (source, name) = key.strip_prefix(FOLDER)?.split_once('/')?;
        let (first, count) = name.split_once('-')?;
        Some(Self { source: source.to_owned(), first: first.parse().ok()?, count: count.parse().ok()? })
    }

    pub(crate) fn key(&self) -> String {
        // As many digits as numbers up to 2^43 have, so that keys sort as numbers do.
        format!("{FOLDER}{}/{:013}-{}", self.source, self.first, self.count)
    }

    /// Notes what tells a change of it from all others.
    pub(crate) fn name(&self, at: usize, change: &mut RecordedChange) {
        change.number = self.first + at as u64;
        change.change_id = format!("{}-{}", self.source, change.number);
    }
}

/// Requests: 1 PUT.
pub(crate) async fn write(storage: &PluginStorage, key: &EntryKey, entries: &[Entry]) -> Result<()> {
    let changes = serde_json::to_value(entries).map_err(|error| {
        Error::new(ErrorKind::Validation, "changes could not be written into the outbox").caused_by(error)
    })?;
    let options = SetOptions { mode: WriteMode::BodyOnly, ..SetOptions::default() };
    storage.set(&key.key(), json!({"changes": changes}), options).await.map(drop)
}

/// The changes of an object; `None` where it is gone. Nobody knows whether they were committed. Requests: 1 GET.
pub(crate) async fn read(storage: &PluginStorage, key: &EntryKey) -> Result<Option<Vec<Entry>>> {
    let Some(mut found) = storage.get(&key.key()).await? else {
        return Ok(None);
    };
    let changes = found.get_mut("changes").map(Value::take).unwrap_or_default();
    let mut entries: Vec<Entry> = serde_json::from_value(changes).map_err(|error| {
        Error::new(ErrorKind::Corrupt, "an object of the outbox cannot be read")
            .with("key", key.key())
            .hint("send the documents again by a replay, then delete the object")
            .caused_by(error)
    })?;
    for (at, entry) in entries.iter_mut().enumerate() {
        key.name(at, &mut entry.change);
    }
    Ok(Some(entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_sort_as_numbers_do() {
        let key = |first, count| EntryKey { source: "m4x-9Kd2".to_owned(), first, count };
        for (first, count) in [(1, 1), (9, 256), (10, 3), (4_294_967_296, 1)] {
            assert_eq!(EntryKey::parse(&key(first, count).key()), Some(key(first, count)));
        }
        assert!(key(9, 1).key() < key(10, 1).key());
        for wrong in ["outbox/a", "outbox/a/1", "outbox/a/b-1", "outbox/a/1-b", "letters/a/1-1"] {
            assert_eq!(EntryKey::parse(wrong), None, "{wrong}");
        }
    }
}
