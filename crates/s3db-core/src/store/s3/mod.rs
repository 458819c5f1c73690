//! A bucket on S3, or on anything that speaks its protocol, over aws-sdk-s3.
//!
//! The SDK retries by itself what a retry can mend: lost connections, timeouts, 5xx and throttling, with adaptive
//! pauses. Put no retrying layer around this store.
//!
//! A conditional write whose answer was lost is retried too, and is then refused by its own success: a `Conflict` that
//! follows a retry is marked as [`outcome_unknown`](crate::Error::is_outcome_unknown).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{Delete, EncodingType, MetadataDirective, ObjectIdentifier};
use futures::StreamExt as _;

use super::{
    ByteRange, Capability, Condition, ETag, Head, ListEntry, ListPage, ListRequest, Metadata, Object,
    PutObject, PutResult, Reading, Replace, Store, VersionPage, VersionsRequest, limits, retries,
};
use crate::{Error, Result};

mod attempts;
mod client;
mod config;
mod encoded_word;
mod errors;
mod http;
mod identity;
mod key_url;
mod ranges;
mod versions;

pub use config::S3Config;
use errors::{Call, Missing};

/// Single deletes in flight where [`Store::delete_many`] cannot name keys in XML.
const DELETES_AT_ONCE: usize = 16;

/// What came of reading an object once.
enum Read {
    Found(Object),
    Absent,
    /// The head of the answer came, and its body broke off.
    Broken(Error),
}

/// A bucket. Clones share one client and its connections.
///
/// ```no_run
/// use s3db_core::store::{Condition, PutObject, S3Config, S3Store, Store};
///
/// # async fn example() -> s3db_core::Result<()> {
/// let store = S3Store::connect(S3Config::new("my-bucket").region("eu-west-1")).await?;
/// let hello = PutObject { body: "hello".into(), ..PutObject::default() };
/// store.put("greeting", hello, Condition::IfAbsent).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct S3Store(Arc<Shared>);

struct Shared {
    client: Client,
    bucket: String,
    endpoint: String,
    identity: identity::Identity,
    capability: Capability,
    attempts_max: u32,
    /// Whether the bucket has answered once; then a bare 404 means the key.
    bucket_seen: AtomicBool,
}

impl S3Store {
    /// Builds the client for a bucket. No request is sent to the bucket: the first call finds out whether it is there.
    ///
    /// # Errors
    /// `Config` when the configuration cannot work, or TLS is needed and the system has no root certificates.
    pub async fn connect(config: S3Config) -> Result<Self> {
        config.check()?;
        let connected = client::connect(&config).await?;
        Ok(Self(Arc::new(Shared {
            client: connected.client,
            endpoint: connected.endpoint,
            identity: connected.identity,
            bucket: config.bucket,
            capability: config.capability.unwrap_or(connected.capability),
            attempts_max: config.attempts_max,
            bucket_seen: AtomicBool::new(false),
        })))
    }

    /// Name of the bucket.
    pub fn bucket(&self) -> &str {
        &self.0.bucket
    }

    /// Where requests go, for people: the origin of the server, or the region of AWS.
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// What the server calls itself in the header `Server`, once it has answered: a hint for people, no more.
    pub fn server(&self) -> Option<&str> {
        self.0.identity.get()
    }

    fn call<'a>(&'a self, operation: &'static str, key: Option<&'a str>) -> Call<'a> {
        Call { operation, bucket: &self.0.bucket, endpoint: &self.0.endpoint, key }
    }

    fn bucket_is_there(&self) {
        if !self.0.bucket_seen.load(Ordering::Relaxed) {
            self.0.bucket_seen.store(true, Ordering::Relaxed);
        }
    }

    /// Tells an absent key from an absent bucket after a 404, whose body may have said nothing: a HEAD has none.
    async fn absent(&self, call: &Call<'_>, missing: Missing) -> Result<()> {
        match missing {
            Missing::Bucket => return Err(call.no_such_bucket()),
            Missing::Key => return Ok(()),
            Missing::Unknown if self.0.bucket_seen.load(Ordering::Relaxed) => return Ok(()),
            Missing::Unknown => {}
        }
        match self.0.client.head_bucket().bucket(&self.0.bucket).send().await {
            Ok(_) => {
                self.bucket_is_there();
                Ok(())
            }
            Err(error) if errors::missing(&error).is_some() => Err(call.no_such_bucket()),
            // Without the permission to look at the bucket, the key is what the 404 was about.
            Err(error) if errors::status(&error) == Some(403) => Ok(()),
            Err(error) => Err(call.failed(error)),
        }
    }

    async fn read_whole(&self, key: &str, version_id: Option<&str>) -> Result<Option<Object>> {
        limits::check_key(key)?;
        let mut attempt = 1;
        // The SDK retries up to the head of an answer. A body that breaks off is read again here.
        loop {
            match self.read(key, version_id).await? {
                Read::Found(object) => return Ok(Some(object)),
                Read::Absent => return Ok(None),
                Read::Broken(error) if attempt >= self.0.attempts_max => return Err(error),
                Read::Broken(_) => {
                    attempt += 1;
                    retries::retried(1);
                }
            }
        }
    }

    async fn read(&self, key: &str, version_id: Option<&str>) -> Result<Read> {
        let call = self.call("get", Some(key));
        let request = self.0.client.get_object().bucket(&self.0.bucket).key(key);
        let output = match request.set_version_id(version_id.map(str::to_owned)).send().await {
            Ok(output) => output,
            Err(error) => {
                return match (errors::missing(&error), version_id) {
                    (Some(missing), _) => self.absent(&call, missing).await.map(|()| Read::Absent),
                    (None, None) => Err(call.failed(error)),
                    (None, Some(_)) if versions::is_no_version(&error) => Ok(Read::Absent),
                    (None, Some(id)) => Err(versions::explained(call.failed(error).with("version_id", id))),
                };
            }
        };
        self.bucket_is_there();
        let body = match output.body.collect().await {
            Ok(body) => body.into_bytes(),
            Err(error) => return Ok(Read::Broken(call.broken_body(error))),
        };
        let head = Answer {
            metadata: output.metadata,
            etag: output.e_tag,
            last_modified: output.last_modified,
            content_length: Some(i64::try_from(body.len()).unwrap_or(i64::MAX)),
            content_type: output.content_type,
            version_id: output.version_id,
            missing_meta: output.missing_meta,
        };
        Ok(Read::Found(Object { head: head.into_head(&call)?, body }))
    }

    async fn delete_one(&self, key: &str, condition: Condition) -> Result<()> {
        let if_match = match &condition {
            Condition::IfMatch(etag) => Some(quoted(etag)),
            Condition::None | Condition::IfAbsent => None,
        };
        let request = self.0.client.delete_object().bucket(&self.0.bucket).key(key).set_if_match(if_match);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.call("delete", Some(key)).write_failed(&condition, error)),
        }
    }

    async fn delete_alone(&self, key: String) -> (String, Result<()>) {
        let result = self.delete_one(&key, Condition::None).await;
        (key, result)
    }

    /// Deletes with one request keys that XML can hold. The errors are by key.
    async fn delete_in_xml(&self, keys: &[&str]) -> Result<HashMap<String, Error>> {
        let call = self.call("delete_many", None);
        let identifier = |key: &&str| ObjectIdentifier::builder().key(*key).build();
        let objects = keys.iter().map(identifier).collect::<Result<Vec<_>, _>>();
        let delete =
            objects.and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
        let delete = delete.map_err(|error| call.unbuildable(error))?;
        let request = self.0.client.delete_objects().bucket(&self.0.bucket).delete(delete);
        let output = request.send().await;
        let output = output.map_err(|error| call.write_failed(&Condition::None, error))?;
        let failed = output.errors.unwrap_or_default().into_iter().filter_map(|error| {
            let key = error.key?;
            let reason =
                self.call("delete_many", Some(&key)).refused(error.code.as_deref(), error.message.as_deref());
            Some((key, reason))
        });
        Ok(failed.collect())
    }
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("bucket", &self.0.bucket)
            .field("endpoint", &self.0.endpoint)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for S3Store {
    fn capability(&self) -> &Capability {
        &self.0.capability
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        limits::check_key(key)?;
        limits::check_metadata(key, &object.metadata, &self.0.capability)?;
        self.call("put", Some(key)).check_condition(&condition, self.0.capability.conditional_put)?;
        let (if_match, if_none_match) = headers(&condition);
        let request = self
            .0
            .client
            .put_object()
            .bucket(&self.0.bucket)
            .key(key)
            .set_metadata(to_headers(&object.metadata))
            .set_content_type(object.content_type.map(|text| text.as_ref().to_owned()))
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .body(ByteStream::from(object.body));
        let call = self.call("put", Some(key));
        let output = request.send().await.map_err(|error| call.write_failed(&condition, error))?;
        self.bucket_is_there();
        let etag = etag(&call, output.e_tag.as_deref())?;
        Ok(PutResult::new(etag).version_id(output.version_id.map(Arc::from)))
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.read_whole(key, None).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        limits::check_key(key)?;
        self.open(key, range, if_match).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        limits::check_key(key)?;
        let call = self.call("head", Some(key));
        match self.0.client.head_object().bucket(&self.0.bucket).key(key).send().await {
            Ok(output) => {
                self.bucket_is_there();
                let answer = Answer {
                    metadata: output.metadata,
                    etag: output.e_tag,
                    last_modified: output.last_modified,
                    content_length: output.content_length,
                    content_type: output.content_type,
                    version_id: output.version_id,
                    missing_meta: output.missing_meta,
                };
                answer.into_head(&call).map(Some)
            }
            Err(error) => match errors::missing(&error) {
                Some(missing) => self.absent(&call, missing).await.map(|()| None),
                None => Err(call.failed(error)),
            },
        }
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        limits::check_key(from)?;
        limits::check_key(to)?;
        let call = self.call("copy", Some(to));
        call.check_condition(&condition, self.0.capability.conditional_copy)?;
        let (if_match, if_none_match) = headers(&condition);
        let mut request = self
            .0
            .client
            .copy_object()
            .bucket(&self.0.bucket)
            .key(to)
            .copy_source(key_url::copy_source(&self.0.bucket, from))
            .set_if_match(if_match)
            .set_if_none_match(if_none_match);
        if let Some(replace) = replace {
            if !self.0.capability.copy_replaces_metadata {
                return Err(call.unsupported("replace metadata in a copy"));
            }
            limits::check_metadata(to, &replace.metadata, &self.0.capability)?;
            request = request
                .metadata_directive(MetadataDirective::Replace)
                .set_metadata(to_headers(&replace.metadata))
                .set_content_type(replace.content_type.map(|text| text.as_ref().to_owned()));
        }
        let output = match request.send().await {
            Ok(output) => output,
            Err(error) => {
                let is_retried = attempts::is_retried(error.raw_response());
                let from_call = self.call("copy", Some(from));
                return Err(match (errors::missing(&error), &condition) {
                    (Some(Missing::Bucket), _) => call.no_such_bucket(),
                    // The 404 may be about either end of the copy.
                    (Some(_), Condition::IfMatch(_)) if self.head(from).await?.is_some() => {
                        limits::condition_failed(to, &condition).outcome_unknown(is_retried)
                    }
                    (Some(_), _) => from_call.no_such_source(),
                    (None, _) => call.write_failed(&condition, error),
                });
            }
        };
        self.bucket_is_there();
        let result = output.copy_object_result.and_then(|result| result.e_tag);
        let etag = etag(&call, result.as_deref())?;
        Ok(PutResult::new(etag).version_id(output.version_id.map(Arc::from)))
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        let call = self.call("list", None);
        let page_size = limits::page_size(&request);
        let start_after = if request.continuation.is_some() { None } else { request.start_after };
        let output = self
            .0
            .client
            .list_objects_v2()
            .bucket(&self.0.bucket)
            .prefix(&request.prefix)
            .set_start_after(start_after)
            .set_continuation_token(request.continuation)
            .set_delimiter(request.delimiter.filter(|delimiter| !delimiter.is_empty()))
            .max_keys(i32::try_from(page_size).unwrap_or(i32::MAX))
            // XML cannot hold every key as it is.
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| call.failed_with_prefix(&request.prefix, error))?;
        self.bucket_is_there();
        let is_encoded = output.encoding_type == Some(EncodingType::Url);
        let decode = |key: String| decode_listed(&call, key, is_encoded);
        let entries = output.contents.unwrap_or_default().into_iter().map(|object| {
            Ok(ListEntry {
                key: Arc::from(decode(object.key.unwrap_or_default())?),
                etag: ETag::new(object.e_tag.as_deref().unwrap_or_default()),
                content_length: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
                last_modified_ms: millis(object.last_modified),
            })
        });
        let entries = entries.collect::<Result<_>>()?;
        let rolled =
            output.common_prefixes.unwrap_or_default().into_iter().filter_map(|rolled| rolled.prefix);
        let common_prefixes = rolled.map(decode).collect::<Result<_>>()?;
        let continuation = match output.is_truncated {
            Some(true) => {
                Some(output.next_continuation_token.ok_or_else(|| call.senseless("no continuation"))?)
            }
            _ => None,
        };
        Ok(ListPage { entries, common_prefixes, continuation })
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        limits::check_key(key)?;
        limits::check_delete_condition(key, &condition)?;
        self.call("delete", Some(key)).check_condition(&condition, self.0.capability.conditional_delete)?;
        self.delete_one(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        limits::check_delete_many(keys)?;
        let is_good = |key: &&str| limits::check_key(key).is_ok();
        let (in_xml, alone) = keys
            .iter()
            .map(String::as_str)
            .filter(is_good)
            .partition::<Vec<_>, _>(|key| key_url::fits_xml(key));
        let mut errors = if in_xml.is_empty() { HashMap::new() } else { self.delete_in_xml(&in_xml).await? };
        let alone = alone.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let deletes = futures::stream::iter(alone).map(|key| self.delete_alone(key));
        let results = deletes.buffer_unordered(DELETES_AT_ONCE).collect::<Vec<_>>().await;
        errors.extend(results.into_iter().filter_map(|(key, result)| Some((key, result.err()?))));
        Ok(keys
            .iter()
            .map(|key| {
                limits::check_key(key)?;
                errors.remove(key.as_str()).map_or(Ok(()), Err)
            })
            .collect())
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        if !self.0.capability.object_versions {
            return Err(super::versions::unsupported().with("prefix", request.prefix));
        }
        self.versions_page(request).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        if !self.0.capability.object_versions {
            return Err(super::versions::unsupported().with("key", key).with("version_id", version_id));
        }
        self.read_whole(key, Some(version_id)).await
    }
}

/// The parts of an answer that describe an object.
struct Answer {
    metadata: Option<HashMap<String, String>>,
    etag: Option<String>,
    last_modified: Option<DateTime>,
    content_length: Option<i64>,
    content_type: Option<String>,
    version_id: Option<String>,
    /// Metadata entries that the server has and cannot put into a header.
    missing_meta: Option<i32>,
}

impl Answer {
    /// Errors: `Corrupt` when metadata is missing from the answer, as fields would be missing from the document.
    fn into_head(self, call: &Call<'_>) -> Result<Head> {
        if let Some(missing) = self.missing_meta.filter(|missing| *missing > 0) {
            return Err(call.metadata_missing(missing));
        }
        Ok(Head {
            metadata: Arc::new(from_headers(self.metadata)),
            etag: etag(call, self.etag.as_deref())?,
            last_modified_ms: millis(self.last_modified),
            content_length: self
                .content_length
                .and_then(|length| u64::try_from(length).ok())
                .unwrap_or_default(),
            content_type: self.content_type.map(Arc::from),
            version_id: self.version_id.map(Arc::from),
        })
    }
}

fn etag(call: &Call<'_>, text: Option<&str>) -> Result<ETag> {
    text.map(ETag::new).ok_or_else(|| call.senseless("no ETag"))
}

fn quoted(etag: &ETag) -> String {
    format!("\"{etag}\"")
}

/// `If-Match` and `If-None-Match`.
fn headers(condition: &Condition) -> (Option<String>, Option<String>) {
    match condition {
        Condition::None => (None, None),
        Condition::IfAbsent => (None, Some("*".to_owned())),
        Condition::IfMatch(etag) => (Some(quoted(etag)), None),
    }
}

/// Metadata for a request.
fn to_headers(metadata: &Metadata) -> Option<HashMap<String, String>> {
    if metadata.is_empty() {
        return None;
    }
    let entries = metadata.iter();
    Some(
        entries
            .map(|(name, value)| (name.to_ascii_lowercase(), encoded_word::encode(value).into_owned()))
            .collect(),
    )
}

/// Metadata of an answer, sorted by name: the SDK keeps no order.
fn from_headers(headers: Option<HashMap<String, String>>) -> Metadata {
    let mut entries = headers.into_iter().flatten().collect::<Vec<_>>();
    entries.sort_unstable();
    let bytes = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
    let mut metadata = Metadata::with_capacity(entries.len(), bytes);
    for (mut name, value) in entries {
        name.make_ascii_lowercase();
        metadata.insert(name, encoded_word::decode(value));
    }
    metadata
}

fn millis(time: Option<DateTime>) -> i64 {
    time.and_then(|time| time.to_millis().ok()).unwrap_or_default()
}

fn decode_listed(call: &Call<'_>, key: String, is_encoded: bool) -> Result<String> {
    if !is_encoded || !key.contains(['%', '+']) {
        return Ok(key);
    }
    match key_url::decode_listed(&key) {
        Some(decoded) => Ok(decoded.into_owned()),
        None => Err(call.senseless("a key that is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn metadata_that_the_server_leaves_out_of_its_answer_is_an_error_and_no_absent_field() {
        let call = Call { operation: "get", bucket: "b", endpoint: "e", key: Some("data/id=1") };
        let answer = |missing_meta| Answer {
            metadata: Some(HashMap::from([("0".to_owned(), "x".to_owned())])),
            etag: Some("\"e\"".to_owned()),
            last_modified: None,
            content_length: Some(0),
            content_type: None,
            version_id: None,
            missing_meta,
        };
        for fine in [None, Some(0)] {
            assert_eq!(answer(fine).into_head(&call).unwrap().metadata.get("0"), Some("x"));
        }
        let error = answer(Some(2)).into_head(&call).unwrap_err();
        assert_eq!(
            (error.kind(), error.context("key")),
            (ErrorKind::Corrupt, Some("data/id=1")),
            "{error:?}"
        );
        assert_eq!(error.context("missing_entries"), Some("2"));
    }
}
