//! Steps on index entries.

use super::SeenReferences;
use crate::plan::Step;
use crate::store::{Condition, ETag, Store};
use crate::{Error, ErrorKind, Result};

/// Runs a step on a reference; others do nothing.
pub(super) async fn step(store: &dyn Store, seen: &SeenReferences, step: Step) -> Result<()> {
    match step {
        Step::PutReference { key, object } => {
            store.put(&key, object, Condition::None).await.map(drop).map_err(|error| error.with("key", key))
        }
        Step::DeleteReference { key } => match delete(store, &key, seen.get(&key).cloned()).await {
            // Another writer has put it anew, or it is left to fsck.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unsupported) => Ok(()),
            result => result,
        },
        _ => Ok(()),
    }
}

/// Deletes a reference if it still is the one that was seen. One that was not there is left alone.
pub(super) async fn delete(store: &dyn Store, key: &str, seen: Option<ETag>) -> Result<()> {
    let Some(etag) = seen else {
        return Ok(());
    };
    // An unconditional delete could remove what another writer has just put back.
    if !store.capability().conditional_delete {
        return Err(Error::new(ErrorKind::Unsupported, "the store has no conditional delete"));
    }
    store.delete(key, Condition::IfMatch(etag)).await
}
