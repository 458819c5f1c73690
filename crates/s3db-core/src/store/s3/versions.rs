//! Old versions of objects: `ListObjectVersions`, and what it takes to have its answer in order.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{DeleteMarkerEntry, EncodingType, ObjectVersion};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::{S3Store, decode_listed, errors, millis};
use crate::store::{ETag, NULL_VERSION, VersionEntry, VersionPage, VersionsRequest};
use crate::{Error, ErrorKind, Result};

const ACTIONS: &str = "reading old versions needs s3:ListBucketVersions on the bucket and s3:GetObjectVersion on its objects, \
                       beside what the database needs";

impl S3Store {
    pub(super) async fn versions_page(&self, request: VersionsRequest) -> Result<VersionPage> {
        let call = self.call("list_versions", None);
        let order = Order::default();
        let (id_marker, key_marker) = match request
            .continuation
            .as_deref()
            .map(|token| token.split_once('\n'))
        {
            None => (None, None),
            Some(Some((id, key))) => (Some(id.to_owned()).filter(|id| !id.is_empty()), Some(key.to_owned())),
            Some(None) => {
                return Err(Error::new(ErrorKind::Config, "the continuation is none of a page of versions"));
            }
        };
        let sent = self.0.client.list_object_versions().bucket(&self.0.bucket).prefix(&request.prefix);
        let sent = sent.set_key_marker(key_marker).set_version_id_marker(id_marker);
        let sent = sent.max_keys(i32::try_from(request.page_size()).unwrap_or(i32::MAX));
        // XML cannot hold every key as it is.
        let sent = sent.encoding_type(EncodingType::Url).customize().interceptor(order.clone()).send().await;
        let mut output = sent.map_err(|error| explained(call.failed_with_prefix(&request.prefix, error)))?;
        self.bucket_is_there();
        let is_encoded = output.encoding_type == Some(EncodingType::Url);
        let decode = |key: Option<String>| decode_listed(&call, key.unwrap_or_default(), is_encoded);
        let continuation = match (output.is_truncated, output.next_key_marker.take()) {
            (Some(true), Some(key)) => {
                let id = output.next_version_id_marker.take().unwrap_or_default();
                Some(format!("{id}\n{}", decode(Some(key))?))
            }
            (Some(true), None) => {
                return Err(call.senseless("a page of versions that does not say where it ends"));
            }
            _ => None,
        };
        Ok(VersionPage { entries: in_order(output, &order.take(), decode)?, continuation })
    }
}

/// Tells what a call for old versions needs.
pub(super) fn explained(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Denied if error.context("status") == Some("403") => error.hint(ACTIONS),
        ErrorKind::Unsupported => {
            error.hint("this server keeps no old versions of objects, or does not list them")
        }
        _ => error,
    }
}

/// Kinds of entries in the order in which they stand in the answer: `true` for a deletion. The SDK keeps versions and
/// deletions apart, and with the times of AWS, which are whole seconds, nobody could put them together again.
#[derive(Debug, Clone, Default)]
struct Order(Arc<Mutex<Vec<bool>>>);

impl Order {
    fn take(&self) -> Vec<bool> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Order {
    fn name(&self) -> &'static str {
        "s3db-order-of-versions"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> std::result::Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = kinds(body);
        Ok(())
    }
}

/// Kinds of the entries of an answer. A `<` stands in no text of XML, so that every one begins a tag.
fn kinds(body: &[u8]) -> Vec<bool> {
    let tags = body.split(|byte| *byte == b'<').skip(1);
    let name = |tag: &[u8]| tag.split(|byte| matches!(byte, b'>' | b' ' | b'/')).next().map(<[u8]>::to_vec);
    tags.filter_map(|tag| match name(tag)?.as_slice() {
        b"Version" => Some(false),
        b"DeleteMarker" => Some(true),
        _ => None,
    })
    .collect()
}

/// Puts versions and deletions together.
fn in_order(
    output: ListObjectVersionsOutput,
    kinds: &[bool],
    decode: impl Fn(Option<String>) -> Result<String>,
) -> Result<Vec<VersionEntry>> {
    let versions = output.versions.unwrap_or_default().into_iter();
    let mut versions = versions.map(|version| of_version(version, &decode)).collect::<Result<Vec<_>>>()?;
    let deletions = output.delete_markers.unwrap_or_default().into_iter();
    let deletions = deletions.map(|marker| of_deletion(marker, &decode)).collect::<Result<Vec<_>>>()?;
    if deletions.is_empty() {
        return Ok(versions);
    }
    let is_told = kinds.len() == versions.len() + deletions.len()
        && kinds.iter().filter(|is_deletion| **is_deletion).count() == deletions.len();
    // A server that lists all of one kind and then all of the other has not told their order.
    let changes = kinds.windows(2).filter(|pair| pair.first() != pair.last()).count();
    if is_told && changes > 1 {
        let (mut versions, mut deletions) = (versions.into_iter(), deletions.into_iter());
        let next = |is_deletion: &bool| if *is_deletion { deletions.next() } else { versions.next() };
        return Ok(kinds.iter().filter_map(next).collect());
    }
    versions.extend(deletions);
    // In one moment, a deletion comes after what it has deleted.
    versions.sort_by(|a, b| {
        let rank =
            |entry: &VersionEntry| (!entry.is_latest, Reverse(entry.last_modified_ms), !entry.is_deleted);
        a.key.cmp(&b.key).then_with(|| rank(a).cmp(&rank(b)))
    });
    Ok(versions)
}

fn of_version(
    version: ObjectVersion,
    decode: impl Fn(Option<String>) -> Result<String>,
) -> Result<VersionEntry> {
    Ok(VersionEntry {
        key: decode(version.key)?.into(),
        version_id: version.version_id.as_deref().unwrap_or(NULL_VERSION).into(),
        is_latest: version.is_latest.unwrap_or_default(),
        is_deleted: false,
        etag: version.e_tag.as_deref().map(ETag::new),
        content_length: version.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        last_modified_ms: millis(version.last_modified),
    })
}

fn of_deletion(
    marker: DeleteMarkerEntry,
    decode: impl Fn(Option<String>) -> Result<String>,
) -> Result<VersionEntry> {
    Ok(VersionEntry {
        key: decode(marker.key)?.into(),
        version_id: marker.version_id.as_deref().unwrap_or(NULL_VERSION).into(),
        is_latest: marker.is_latest.unwrap_or_default(),
        is_deleted: true,
        etag: None,
        content_length: 0,
        last_modified_ms: millis(marker.last_modified),
    })
}

/// Whether the refusal of a read says that there is no such version, or that it is a deletion.
pub(super) fn is_no_version<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match errors::status(error) {
        Some(405) => true,
        Some(400) => error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("InvalidArgument"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::DateTime;

    use super::*;

    fn listed(entries: &[(&str, &str, i64, bool)]) -> ListObjectVersionsOutput {
        let mut output = ListObjectVersionsOutput::builder();
        for (kind, id, second, is_latest) in entries {
            let at = DateTime::from_secs(*second);
            output = match *kind {
                "v" => output.versions(
                    ObjectVersion::builder()
                        .key("k")
                        .version_id(*id)
                        .is_latest(*is_latest)
                        .last_modified(at)
                        .build(),
                ),
                _ => output.delete_markers(
                    DeleteMarkerEntry::builder()
                        .key("k")
                        .version_id(*id)
                        .is_latest(*is_latest)
                        .last_modified(at)
                        .build(),
                ),
            };
        }
        output.build()
    }

    #[test]
    fn versions_and_deletions_come_in_the_order_of_the_answer() {
        let xml = b"<?xml version=\"1.0\"?><ListVersionsResult><VersionIdMarker/><Version><VersionId>4</VersionId>\
            </Version><DeleteMarker><VersionId>3</VersionId></DeleteMarker><Version ><VersionId>2</VersionId></Version>";
        assert_eq!(kinds(xml), [false, true, false]);
        let order = |entries: &[(&str, &str, i64, bool)], kinds: &[bool]| {
            let all = in_order(listed(entries), kinds, |key| Ok(key.unwrap_or_default())).unwrap();
            all.iter().map(|entry| entry.version_id.to_string()).collect::<String>()
        };
        for (entries, kinds, expected) in [
            // All within one second: only the answer knows.
            (
                [("v", "4", 9, true), ("d", "3", 9, false), ("v", "2", 9, false), ("d", "1", 9, false)],
                &[false, true, false, true][..],
                "4321",
            ),
            // A server that lists the deletions last.
            (
                [("v", "4", 9, true), ("v", "2", 7, false), ("d", "3", 8, false), ("d", "1", 6, false)],
                &[false, false, true, true][..],
                "4321",
            ),
            (
                [("v", "3", 9, false), ("v", "1", 8, false), ("d", "4", 9, true), ("d", "2", 8, false)],
                &[false, false, true, true][..],
                "4321",
            ),
            // Nothing is known of the order.
            (
                [("v", "3", 9, false), ("v", "1", 7, false), ("d", "4", 9, true), ("d", "2", 8, false)],
                &[][..],
                "4321",
            ),
        ] {
            assert_eq!(order(&entries, kinds), expected);
        }
    }
}
