//! Steps on index entries.

use super::SeenReferences;
use crate::behavior::stamp_of;
use crate::plan::Step;
use crate::store::{Condition, ETag, PutObject, Store};
use crate::{Error, ErrorKind, Result};

/// How often putting a reference is tried while others put and delete it.
const ATTEMPTS_MAX: u32 = 8;

/// Runs a step of the background on a reference; others do nothing.
pub(super) async fn step(store: &dyn Store, seen: &SeenReferences, step: Step) -> Result<()> {
    match step {
        Step::PutReference { key, object } => put(store, &key, object, None).await,
        Step::DeleteReference { key } => match delete(store, &key, seen.get(&key).cloned()).await {
            // Another writer has put it anew, or it is left to fsck.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unsupported) => Ok(()),
            result => result,
        },
        _ => Ok(()),
    }
}

/// Puts a reference, under a condition always: a network that delivers an unconditional put once more, late, would bring
/// an old ETag back, and with it the right of a late delete to remove the reference that is in force.
///
/// `new_document` is the key of a document that is to be created. When a reference to it stands already, the document is
/// looked at before that reference is touched: a writer that is deleting the document may just have read its ETag.
///
/// Requests: 1 PUT; where a reference stands 1 GET + 1 PUT more, and 1 HEAD for a new document.
/// Errors: `AlreadyExists` when the new document is there.
pub(super) async fn put(
    store: &dyn Store,
    key: &str,
    object: PutObject,
    new_document: Option<&str>,
) -> Result<()> {
    let at = |error: Error| error.with("key", key);
    let stamp = stamp_of(&object.body).map(str::to_owned);
    // Without a stamp all references look the same, and no condition tells them apart.
    let (Some(stamp), true) = (stamp, store.capability().conditional_put) else {
        return store.put(key, object, Condition::None).await.map(drop).map_err(at);
    };
    for _ in 0..ATTEMPTS_MAX {
        match store.put(key, object.clone(), Condition::IfAbsent).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) if error.is_outcome_unknown() => {
                // Only if it is there, it was written. Else the caller hears why not.
                return match store.get(key).await {
                    Ok(Some(found)) if stamp_of(&found.body) == Some(&stamp) => Ok(()),
                    _ => Err(at(error)),
                };
            }
            Err(error) => return Err(at(error)),
        }
        let Some(found) = store.get(key).await.map_err(at)? else {
            continue;
        };
        if stamp_of(&found.body) == Some(&stamp) {
            return Ok(());
        }
        if let Some(document) = new_document
            && store.head(document).await?.is_some()
        {
            return Err(Error::new(ErrorKind::AlreadyExists, "the id is taken"));
        }
        match store.put(key, object.clone(), Condition::IfMatch(found.head.etag)).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(at(error)),
        }
    }
    Err(at(Error::new(ErrorKind::Conflict, "other writers kept changing the reference").retryable(true)))
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
