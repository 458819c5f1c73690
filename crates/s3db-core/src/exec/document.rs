//! The step that commits: putting or deleting the document, and what to believe when its answer is lost.

use crate::store::{Condition, ETag, Object, PutObject, PutResult, Store};
use crate::{Error, ErrorKind, Result};

/// Puts a document.
///
/// A write whose answer was lost may be sent again by the store and then be refused by its own success. Where the store
/// says that this can have happened, the document is read back: if it carries `stamp`, this very write had won.
///
/// Errors: `Conflict`, or `AlreadyExists` when the document was to be absent.
pub(crate) async fn put(
    store: &dyn Store,
    key: &str,
    object: PutObject,
    condition: Condition,
    stamp: Option<&str>,
) -> Result<PutResult> {
    let error = match store.put(key, object, condition.clone()).await {
        Ok(put) => return Ok(put),
        Err(error) => error,
    };
    let error = if error.is_outcome_unknown() && stamp.is_some() {
        match read_back(store, key, &condition, stamp.unwrap_or_default(), error).await {
            Ok(put) => return Ok(put),
            Err(error) => error,
        }
    } else {
        error
    };
    // A store that may be asked again has not looked whether the document is there.
    if error.kind() == ErrorKind::Conflict && !error.is_retryable() && condition == Condition::IfAbsent {
        return Err(Error::new(ErrorKind::AlreadyExists, "the id is taken")
            .outcome_unknown(error.is_outcome_unknown())
            .caused_by(error));
    }
    Err(error)
}

/// Keeps what a document was, in place of the snapshot that was seen.
///
/// Errors: `Conflict` when another writer has kept one meanwhile. The outcome of none is unknown to the caller: the
/// document itself has not been sent.
pub(super) async fn keep(store: &dyn Store, key: &str, object: PutObject, seen: Option<ETag>) -> Result<()> {
    let condition = match seen {
        _ if !store.capability().conditional_put => Condition::None,
        Some(etag) => Condition::IfMatch(etag),
        None => Condition::IfAbsent,
    };
    let kept = store.put(key, object, condition).await;
    kept.map(drop).map_err(|error| error.with("key", key).outcome_unknown(false))
}

/// Deletes a document.
///
/// Errors: `Conflict`. Where the answer was lost and the document is gone, that is what the caller asked for.
pub(super) async fn delete(store: &dyn Store, key: &str, condition: Condition) -> Result<()> {
    let conditional = store.capability().conditional_delete;
    let condition = if conditional { condition } else { Condition::None };
    let error = match store.delete(key, condition.clone()).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if !error.is_outcome_unknown() {
        return Err(error);
    }
    match (store.head(key).await, condition) {
        (Ok(None), _) => Ok(()),
        // Untouched: the delete has not happened.
        (Ok(Some(head)), Condition::IfMatch(etag)) if head.etag == etag => Err(error),
        (Ok(Some(_)), Condition::IfMatch(_)) => Err(doubtful(error)),
        _ => Err(error),
    }
}

/// What became of a write whose answer was lost.
async fn read_back(
    store: &dyn Store,
    key: &str,
    condition: &Condition,
    stamp: &str,
    error: Error,
) -> Result<PutResult> {
    // When even this read fails, the first error says more.
    let Ok(found) = store.get(key).await else {
        return Err(error);
    };
    match (found, condition) {
        (Some(found), _) if carries(&found, stamp) => {
            Ok(PutResult::new(found.head.etag).version_id(found.head.version_id))
        }
        // Untouched: the write has not happened.
        (None, Condition::IfAbsent) => Err(error),
        (Some(found), Condition::IfMatch(etag)) if found.head.etag == *etag => Err(error),
        // Somebody else's document is there. It may have replaced what was there before, or what this write put there.
        (_, Condition::IfMatch(_) | Condition::IfAbsent) if error.kind() == ErrorKind::Conflict => {
            Err(doubtful(error))
        }
        _ => Err(error),
    }
}

fn doubtful(error: Error) -> Error {
    Error::new(ErrorKind::Conflict, "the answer was lost, and another writer has changed the document since")
        .hint("read the document: the write may have happened before that change, or not at all")
        .outcome_unknown(true)
        .caused_by(error)
}

/// Whether `object` was written by the write of `stamp`: the stamp stands in the body, or in the metadata of documents
/// whose body holds none.
fn carries(object: &Object, stamp: &str) -> bool {
    object.head.metadata.get(crate::plan::STAMP) == Some(stamp)
        || crate::behavior::stamp_of(&object.body).is_some_and(|found| found == stamp)
}
