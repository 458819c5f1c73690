//! Old versions of objects, as a bucket with versioning gives them.

use s3db_core::store::{Store, VersionEntry, VersionsRequest};
use s3s::dto::{
    DeleteMarkerEntry, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::bucket::{decode_token, encode_listed, encode_token, length, time, to_etag, to_s3};

/// Lists versions. Where AWS mixes versions and deletions, this lists all of one kind and then all of the other, as some
/// servers do.
pub(super) async fn list(
    store: &dyn Store,
    input: ListObjectVersionsInput,
) -> S3Result<ListObjectVersionsOutput> {
    // The place is in the one marker that the client need not understand.
    let continuation = match &input.version_id_marker {
        Some(marker) => Some(decode_token(marker)?),
        None => None,
    };
    let max_keys = input.max_keys.unwrap_or(1000).clamp(0, 1000);
    let request = VersionsRequest {
        prefix: input.prefix.clone().unwrap_or_default(),
        continuation,
        max_keys: Some(usize::try_from(max_keys).unwrap_or_default()),
    };
    let page = store.list_versions(request).await.map_err(|error| to_s3(&error))?;
    let is_encoded =
        input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
    let text = |text: &str| {
        if is_encoded { encode_listed(text) } else { text.to_owned() }
    };
    let last = page.entries.last().map(|entry| text(&entry.key));
    let (deletions, versions): (Vec<_>, Vec<_>) =
        page.entries.into_iter().partition(|entry| entry.is_deleted);
    let is_truncated = page.continuation.is_some();
    Ok(ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: input.prefix.as_deref().map(text),
        key_marker: input.key_marker.as_deref().map(text),
        version_id_marker: input.version_id_marker,
        encoding_type: input.encoding_type,
        max_keys: Some(max_keys),
        is_truncated: Some(is_truncated),
        next_key_marker: last.filter(|_| is_truncated),
        next_version_id_marker: page.continuation.as_deref().map(encode_token),
        versions: Some(versions.into_iter().map(|entry| version(&entry, text(&entry.key))).collect()),
        delete_markers: Some(deletions.into_iter().map(|entry| deletion(&entry, text(&entry.key))).collect()),
        ..ListObjectVersionsOutput::default()
    })
}

fn version(entry: &VersionEntry, key: String) -> ObjectVersion {
    ObjectVersion {
        key: Some(key),
        version_id: Some(entry.version_id.to_string()),
        is_latest: Some(entry.is_latest),
        e_tag: entry.etag.as_ref().map(to_etag),
        size: Some(length(entry.content_length)),
        last_modified: Some(time(entry.last_modified_ms)),
        ..ObjectVersion::default()
    }
}

fn deletion(entry: &VersionEntry, key: String) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        key: Some(key),
        version_id: Some(entry.version_id.to_string()),
        is_latest: Some(entry.is_latest),
        last_modified: Some(time(entry.last_modified_ms)),
        ..DeleteMarkerEntry::default()
    }
}

/// The error of reading a version that is not there: AWS tells a deletion from an id that no version has.
pub(super) async fn absent(store: &dyn Store, key: &str, version_id: &str) -> S3Error {
    let page = store.list_versions(VersionsRequest::prefix(key)).await.unwrap_or_default();
    let is_deletion = page.entries.iter().any(|entry| *entry.key == *key && *entry.version_id == *version_id);
    if is_deletion {
        let message = "The specified method is not allowed against this resource.";
        return S3Error::with_message(S3ErrorCode::MethodNotAllowed, message);
    }
    S3Error::with_message(S3ErrorCode::NoSuchVersion, "The specified version does not exist.")
}
