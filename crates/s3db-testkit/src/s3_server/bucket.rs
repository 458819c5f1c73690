//! S3's operations over a store, with AWS's answers.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use hyper::{HeaderMap, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use s3db_core::store::{
    BodyStream, ByteRange, Condition, DELETE_MANY_MAX, ETag as StoreTag, Head, KEY_BYTES_MAX, ListRequest,
    Metadata as StoreMetadata, PutObject, Reading, Replace, Store,
};
use s3db_core::{Error as StoreError, ErrorKind};
use s3s::dto::{
    CommonPrefix, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETag, ETagCondition,
    EncodingType, Error as DeleteError, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
    HeadObjectInput, HeadObjectOutput, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Metadata, MetadataDirective, Object, PutObjectInput, PutObjectOutput, Range,
    StreamingBlob, Timestamp,
};
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::policy::{self, Policy};
use super::versions;

/// Content type of an object that was written without one.
const CONTENT_TYPE_DEFAULT: &str = "binary/octet-stream";

/// What `encoding-type=url` leaves as it is.
const KEPT_IN_LISTING: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/');

/// One bucket over a store.
pub(super) struct Bucket {
    store: Arc<dyn Store>,
    name: String,
    policy: Policy,
}

impl Bucket {
    pub(super) fn new(store: Arc<dyn Store>, name: String, policy: Policy) -> Self {
        Self { store, name, policy }
    }

    /// The error of a read that finds nothing: who may not list may not know either.
    fn absent(&self, key: &str) -> S3Error {
        if self.policy.may_know(&self.name, key) { no_such_key() } else { policy::denied() }
    }

    fn check(&self, bucket: &str) -> S3Result<()> {
        if bucket == self.name {
            return Ok(());
        }
        Err(S3Error::with_message(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist"))
    }

    fn check_object(&self, bucket: &str, key: &str) -> S3Result<()> {
        self.check(bucket)?;
        if key.len() > KEY_BYTES_MAX {
            return Err(S3Error::with_message(S3ErrorCode::KeyTooLongError, "Your key is too long"));
        }
        Ok(())
    }

    /// The error of a conditional write. AWS says 404 where there is nothing to match.
    async fn refused(&self, key: &str, condition: &Condition, error: StoreError) -> S3Error {
        if error.kind() == ErrorKind::Conflict
            && matches!(condition, Condition::IfMatch(_))
            && matches!(self.store.head(key).await, Ok(None))
        {
            return no_such_key();
        }
        to_s3(&error)
    }
}

#[async_trait]
impl S3 for Bucket {
    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.check(&req.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        self.check_object(&input.bucket, &input.key)?;
        let condition = condition(input.if_match, input.if_none_match)?;
        let object = PutObject {
            metadata: Arc::new(to_store(input.metadata)),
            body: read_all(input.body).await?,
            content_type: input.content_type.map(Arc::from),
        };
        match self.store.put(&input.key, object, condition.clone()).await {
            Ok(written) => Ok(S3Response::new(PutObjectOutput {
                e_tag: Some(to_etag(&written.etag)),
                version_id: written.version_id.map(|id| id.to_string()),
                ..PutObjectOutput::default()
            })),
            Err(error) => Err(self.refused(&input.key, &condition, error).await),
        }
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        self.check_object(&input.bucket, &input.key)?;
        let if_match = match condition(input.if_match, None)? {
            Condition::IfMatch(etag) => Some(etag),
            Condition::None | Condition::IfAbsent => None,
        };
        let range = input.range.map(bytes_of).transpose()?;
        let bytes = range.unwrap_or(ByteRange::ALL);
        let found = match &input.version_id {
            None => self.store.read_range(&input.key, bytes, if_match.as_ref()).await,
            Some(id) => match self.store.get_version(&input.key, id).await {
                Ok(Some(object)) => Reading::of(&input.key, object, bytes, if_match.as_ref()).map(Some),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
        };
        let found = match found {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::Validation => return Err(invalid_range()),
            Err(error) => return Err(to_s3(&error)),
        };
        let Reading { head, range: given, body } = match (found, &input.version_id) {
            (Some(reading), _) => reading,
            (None, None) => return Err(self.absent(&input.key)),
            (None, Some(id)) => return Err(versions::absent(self.store.as_ref(), &input.key, id).await),
        };
        let content_length = length(given.end - given.start);
        let content_range = range.map(|_| {
            format!("bytes {}-{}/{}", given.start, given.end.saturating_sub(1), head.content_length)
        });
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(InTurn(Mutex::new(body)))),
            content_length: Some(content_length),
            content_range,
            content_type: Some(content_type(&head)),
            e_tag: Some(to_etag(&head.etag)),
            last_modified: Some(time(head.last_modified_ms)),
            metadata: Some(from_store(&head.metadata)),
            version_id: head.version_id.map(|id| id.to_string()),
            ..GetObjectOutput::default()
        }))
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        self.check_object(&input.bucket, &input.key)?;
        let found = self.store.head(&input.key).await.map_err(|error| to_s3(&error))?;
        let head = found.ok_or_else(|| self.absent(&input.key))?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(length(head.content_length)),
            content_type: Some(content_type(&head)),
            e_tag: Some(to_etag(&head.etag)),
            last_modified: Some(time(head.last_modified_ms)),
            metadata: Some(from_store(&head.metadata)),
            version_id: head.version_id.map(|id| id.to_string()),
            ..HeadObjectOutput::default()
        }))
    }

    async fn copy_object(&self, req: S3Request<CopyObjectInput>) -> S3Result<S3Response<CopyObjectOutput>> {
        // The parsed input has no place for these two headers.
        let condition = condition(header(&req.headers, "if-match")?, header(&req.headers, "if-none-match")?)?;
        let input = req.input;
        self.check_object(&input.bucket, &input.key)?;
        let CopySource::Bucket { bucket, key: from, .. } = &input.copy_source else {
            return Err(S3Error::new(S3ErrorCode::NotImplemented));
        };
        self.check_object(bucket, from)?;
        let is_replaced = input
            .metadata_directive
            .is_some_and(|directive| directive.as_str() == MetadataDirective::REPLACE);
        if !is_replaced && **from == *input.key {
            return Err(S3Error::with_message(
                S3ErrorCode::InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let replace = is_replaced.then(|| Replace {
            metadata: Arc::new(to_store(input.metadata)),
            content_type: input.content_type.map(Arc::from),
        });
        let written = match self.store.copy(from, &input.key, replace, condition.clone()).await {
            Ok(written) => written,
            Err(error) => return Err(self.refused(&input.key, &condition, error).await),
        };
        let head = self.store.head(&input.key).await.map_err(|error| to_s3(&error))?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(CopyObjectResult {
                e_tag: Some(to_etag(&written.etag)),
                last_modified: head.map(|head| time(head.last_modified_ms)),
                ..CopyObjectResult::default()
            }),
            version_id: written.version_id.map(|id| id.to_string()),
            ..CopyObjectOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let continuation = match &input.continuation_token {
            Some(token) => Some(decode_token(token)?),
            None => None,
        };
        let max_keys = input.max_keys.unwrap_or(1000).clamp(0, 1000);
        let request = ListRequest {
            prefix: input.prefix.clone().unwrap_or_default(),
            start_after: input.start_after.clone(),
            continuation,
            delimiter: input.delimiter.clone(),
            max_keys: Some(usize::try_from(max_keys).unwrap_or_default()),
        };
        let page = self.store.list(request).await.map_err(|error| to_s3(&error))?;
        let is_encoded =
            input.encoding_type.as_ref().is_some_and(|encoding| encoding.as_str() == EncodingType::URL);
        let text = |text: &str| {
            if is_encoded { encode_listed(text) } else { text.to_owned() }
        };
        let contents = page.entries.iter().map(|entry| Object {
            key: Some(text(&entry.key)),
            e_tag: Some(to_etag(&entry.etag)),
            size: Some(length(entry.content_length)),
            last_modified: Some(time(entry.last_modified_ms)),
            ..Object::default()
        });
        let contents = contents.collect::<Vec<_>>();
        let rolled = page.common_prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(text(prefix)) });
        let rolled = rolled.collect::<Vec<_>>();
        let key_count = i32::try_from(contents.len() + rolled.len()).unwrap_or(i32::MAX);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix.as_deref().map(text),
            delimiter: input.delimiter.as_deref().map(text),
            start_after: input.start_after.as_deref().map(text),
            encoding_type: input.encoding_type,
            max_keys: Some(max_keys),
            key_count: Some(key_count),
            is_truncated: Some(page.continuation.is_some()),
            continuation_token: input.continuation_token,
            next_continuation_token: page.continuation.as_deref().map(encode_token),
            contents: Some(contents),
            common_prefixes: Some(rolled),
            ..ListObjectsV2Output::default()
        }))
    }

    async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        self.check(&req.input.bucket)?;
        versions::list(self.store.as_ref(), req.input).await.map(S3Response::new)
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        self.check_object(&input.bucket, &input.key)?;
        let condition = condition(input.if_match, None)?;
        match self.store.delete(&input.key, condition.clone()).await {
            Ok(()) => Ok(S3Response::new(DeleteObjectOutput::default())),
            Err(error) => Err(self.refused(&input.key, &condition, error).await),
        }
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = req.input;
        self.check(&input.bucket)?;
        let keys = input.delete.objects.into_iter().map(|object| object.key).collect::<Vec<_>>();
        if keys.is_empty() || keys.len() > DELETE_MANY_MAX {
            return Err(S3Error::with_message(
                S3ErrorCode::MalformedXML,
                "The XML you provided was not well-formed or did not validate against our published schema",
            ));
        }
        let results = self.store.delete_many(&keys).await.map_err(|error| to_s3(&error))?;
        let is_quiet = input.delete.quiet.unwrap_or_default();
        let mut output = DeleteObjectsOutput::default();
        for (key, result) in keys.into_iter().zip(results) {
            match result {
                Ok(()) if is_quiet => {}
                Ok(()) => output
                    .deleted
                    .get_or_insert_default()
                    .push(DeletedObject { key: Some(key), ..DeletedObject::default() }),
                Err(error) => {
                    let error = to_s3(&error);
                    output.errors.get_or_insert_default().push(DeleteError {
                        code: Some(error.code().as_str().to_owned()),
                        message: error.message().map(str::to_owned),
                        key: Some(key),
                        version_id: None,
                    });
                }
            }
        }
        Ok(S3Response::new(output))
    }
}

/// A stream that several threads may know of; only its owner reads it.
struct InTurn(Mutex<BodyStream>);

impl Stream for InTurn {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(cx)
    }
}

fn bytes_of(range: Range) -> S3Result<ByteRange> {
    match range {
        Range::Int { first, last } => {
            Ok(ByteRange { start: first, end: last.and_then(|last| last.checked_add(1)) })
        }
        Range::Suffix { .. } => Err(S3Error::new(S3ErrorCode::NotImplemented)),
    }
}

fn invalid_range() -> S3Error {
    S3Error::with_message(S3ErrorCode::InvalidRange, "The requested range is not satisfiable")
}

pub(super) fn no_such_key() -> S3Error {
    S3Error::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

pub(super) fn to_s3(error: &StoreError) -> S3Error {
    let (code, status, message) = match error.kind() {
        ErrorKind::NotFound => return no_such_key(),
        ErrorKind::Conflict if error.is_retryable() => (
            S3ErrorCode::ConditionalRequestConflict,
            StatusCode::CONFLICT,
            "The conditional request cannot succeed due to a conflicting operation against this resource.",
        ),
        ErrorKind::Conflict => (
            S3ErrorCode::PreconditionFailed,
            StatusCode::PRECONDITION_FAILED,
            "At least one of the pre-conditions you specified did not hold",
        ),
        ErrorKind::TooLarge => (
            S3ErrorCode::MetadataTooLarge,
            StatusCode::BAD_REQUEST,
            "Your metadata headers exceed the maximum allowed metadata size",
        ),
        ErrorKind::Denied => (S3ErrorCode::AccessDenied, StatusCode::FORBIDDEN, "Access Denied"),
        ErrorKind::Throttled => {
            (S3ErrorCode::SlowDown, StatusCode::SERVICE_UNAVAILABLE, "Please reduce your request rate.")
        }
        ErrorKind::Unsupported => (
            S3ErrorCode::NotImplemented,
            StatusCode::NOT_IMPLEMENTED,
            "A header you provided implies functionality that is not implemented",
        ),
        ErrorKind::Config => (S3ErrorCode::InvalidArgument, StatusCode::BAD_REQUEST, "Invalid Argument"),
        _ => (
            S3ErrorCode::InternalError,
            StatusCode::INTERNAL_SERVER_ERROR,
            "We encountered an internal error. Please try again.",
        ),
    };
    let mut out = S3Error::with_message(code, message);
    out.set_status_code(status);
    out
}

fn condition(if_match: Option<ETagCondition>, if_none_match: Option<ETagCondition>) -> S3Result<Condition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::None),
        (None, Some(ETagCondition::Any)) => Ok(Condition::IfAbsent),
        (Some(ETagCondition::ETag(etag)), None) => Ok(Condition::IfMatch(StoreTag::new(etag.value()))),
        _ => Err(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            "A header you provided implies functionality that is not implemented",
        )),
    }
}

fn header(headers: &HeaderMap, name: &str) -> S3Result<Option<ETagCondition>> {
    let parse = |value: &hyper::header::HeaderValue| {
        ETagCondition::parse_http_header(value.as_bytes())
            .map_err(|_| S3Error::new(S3ErrorCode::InvalidArgument))
    };
    headers.get(name).map(parse).transpose()
}

async fn read_all(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    let Some(mut body) = body else {
        return Ok(Bytes::new());
    };
    let mut all = BytesMut::new();
    loop {
        match body.try_next().await {
            Ok(Some(part)) => all.extend_from_slice(&part),
            Ok(None) => return Ok(all.freeze()),
            Err(error) => {
                // A wrong checksum or an end before the promised length.
                return Err(S3Error::with_source(S3ErrorCode::IncompleteBody, error));
            }
        }
    }
}

fn to_store(metadata: Option<Metadata>) -> StoreMetadata {
    let mut entries = metadata.into_iter().flatten().collect::<Vec<_>>();
    entries.sort_unstable();
    entries.into_iter().collect()
}

fn from_store(metadata: &StoreMetadata) -> Metadata {
    metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn content_type(head: &Head) -> String {
    head.content_type.as_deref().unwrap_or(CONTENT_TYPE_DEFAULT).to_owned()
}

pub(super) fn to_etag(etag: &StoreTag) -> ETag {
    ETag::Strong(etag.as_str().to_owned())
}

pub(super) fn time(ms: i64) -> Timestamp {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    Timestamp::from(SystemTime::UNIX_EPOCH + since)
}

pub(super) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// As AWS does it: a blank is `+`.
pub(super) fn encode_listed(text: &str) -> String {
    utf8_percent_encode(text, KEPT_IN_LISTING).to_string().replace("%20", "+")
}

/// A token may hold any key, and XML may not.
pub(super) fn encode_token(token: &str) -> String {
    utf8_percent_encode(token, NON_ALPHANUMERIC).to_string()
}

pub(super) fn decode_token(token: &str) -> S3Result<String> {
    match percent_decode_str(token).decode_utf8() {
        Ok(token) => Ok(token.into_owned()),
        Err(_) => Err(S3Error::with_message(
            S3ErrorCode::InvalidArgument,
            "The continuation token provided is incorrect",
        )),
    }
}
