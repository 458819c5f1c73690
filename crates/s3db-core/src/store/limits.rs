//! Checks that every store makes before it touches anything.

use super::{Capability, Condition, DELETE_MANY_MAX, KEY_BYTES_MAX, LIST_PAGE_MAX, ListRequest, Metadata};
use crate::{Error, ErrorKind, Result};

/// Refuses an empty key and one over [`KEY_BYTES_MAX`].
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::new(ErrorKind::Config, "the key of an object is empty"));
    }
    if key.len() > KEY_BYTES_MAX {
        return Err(Error::new(ErrorKind::TooLarge, "the key of an object is too long")
            .with("bytes", key.len())
            .with("limit", KEY_BYTES_MAX)
            .hint("shorten the key prefix, the resource name, the partition values or the id"));
    }
    Ok(())
}

/// Refuses metadata over the store's limit.
pub(crate) fn check_metadata(key: &str, metadata: &Metadata, capability: &Capability) -> Result<()> {
    let bytes = metadata.size_bytes();
    if bytes <= capability.metadata_bytes_max {
        return Ok(());
    }
    Err(Error::new(ErrorKind::TooLarge, "the metadata of an object is too large")
        .with("key", key)
        .with("bytes", bytes)
        .with("limit", capability.metadata_bytes_max)
        .hint("use a behavior that moves fields to the body, such as body-overflow"))
}

/// Refuses the one condition that makes no sense for a delete.
pub(crate) fn check_delete_condition(key: &str, condition: &Condition) -> Result<()> {
    match condition {
        Condition::IfAbsent => {
            Err(Error::new(ErrorKind::Unsupported, "a delete cannot ask for an absent object")
                .with("key", key))
        }
        Condition::None | Condition::IfMatch(_) => Ok(()),
    }
}

/// Refuses more keys than one call takes.
pub(crate) fn check_delete_many(keys: &[String]) -> Result<()> {
    if keys.len() <= DELETE_MANY_MAX {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, "too many keys for one delete_many")
        .with("keys", keys.len())
        .with("limit", DELETE_MANY_MAX))
}

/// The page size that a request really gets.
pub(crate) fn page_size(request: &ListRequest) -> usize {
    request.max_keys.unwrap_or(LIST_PAGE_MAX).clamp(1, LIST_PAGE_MAX)
}

/// The error of a condition that does not hold.
pub(crate) fn condition_failed(key: &str, condition: &Condition) -> Error {
    let message = match condition {
        Condition::IfAbsent => "the object exists already",
        Condition::None | Condition::IfMatch(_) => "the object is not the one that was expected",
    };
    Error::new(ErrorKind::Conflict, message).with("key", key)
}
