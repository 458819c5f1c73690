//! Content as it comes.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt as _, Stream, StreamExt as _};

use super::super::Resource;
use super::read::{Content, collect};
use crate::store::layers::within;
use crate::store::{BodyStream, ByteRange, ETag, Head, Reading};
use crate::{Error, ErrorKind, Result};

/// How often a stream that breaks off goes on without a byte having come in between.
const RESUMES_MAX: u32 = 5;

/// Content of a document as it comes, made by [`ReadContent::stream`](super::ReadContent::stream).
///
/// It is a [`futures::Stream`] of [`Bytes`]. After an error it ends. Dropped, it ends its request.
pub struct ContentStream {
    resource: Resource,
    key: String,
    id: String,
    about: About,
    range: Range<u64>,
    /// The next byte.
    position: u64,
    resumes: u32,
    state: State,
}

enum State {
    Reading(BodyStream),
    Resuming(BoxFuture<'static, Result<Option<Reading>>>),
    Over,
}

/// What is known of content before it is read.
#[derive(Debug, Clone)]
pub(super) struct About {
    length: u64,
    content_type: Option<Arc<str>>,
    etag: ETag,
}

impl About {
    pub(super) fn new(head: &Head) -> Self {
        let Head { content_length, content_type, etag, .. } = head;
        Self { length: *content_length, content_type: content_type.clone(), etag: etag.clone() }
    }
}

impl ContentStream {
    pub(super) fn open(
        resource: &Resource,
        key: &str,
        id: &str,
        about: About,
        range: Range<u64>,
        body: BodyStream,
    ) -> Self {
        Self {
            resource: resource.clone(),
            key: key.to_owned(),
            id: id.to_owned(),
            about,
            position: range.start,
            range,
            resumes: 0,
            state: State::Reading(body),
        }
    }

    /// Bytes of the whole content.
    pub fn length(&self) -> u64 {
        self.about.length
    }

    /// Which bytes of the content the stream gives, from its beginning to its end.
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    /// Type of the content.
    pub fn content_type(&self) -> Option<&str> {
        self.about.content_type.as_deref()
    }

    /// ETag of the object, for [`Resource::if_match`].
    pub fn etag(&self) -> &ETag {
        &self.about.etag
    }

    pub(super) async fn whole(self) -> Result<Content> {
        let (range, About { length, content_type, etag }) = (self.range.clone(), self.about.clone());
        Ok(Content { bytes: collect(self).await?, range, length, content_type, etag })
    }

    /// Goes on where the stream broke off, with the same version of the object.
    fn resume(&mut self, error: Error) -> Result<()> {
        let is_lasting = !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled);
        if is_lasting || self.resumes >= RESUMES_MAX {
            return Err(error);
        }
        tracing::debug!(key = %self.key, position = self.position, %error, "content broke off, and goes on");
        let attempt = self.resumes;
        self.resumes += 1;
        let (resource, key, etag) = (self.resource.clone(), self.key.clone(), self.about.etag.clone());
        let range = ByteRange::from(self.position..self.range.end);
        let again = async move {
            resource.pause(attempt).await;
            resource.store.read_range(&key, range, Some(&etag)).await
        };
        self.state = State::Resuming(within("content", again).boxed());
        Ok(())
    }

    /// The body of an answer that goes on, if it is of the same version.
    fn go_on(&self, found: Option<Reading>) -> Result<BodyStream> {
        match found {
            None => Err(self.changed("the document was deleted while its content was read")),
            Some(reading) if reading.head.etag != self.about.etag || reading.range.start != self.position => {
                Err(self.changed("the content was replaced while it was read"))
            }
            Some(reading) => Ok(reading.body),
        }
    }

    fn changed(&self, what: &'static str) -> Error {
        Error::new(ErrorKind::Conflict, what)
            .with("position", self.position)
            .hint("read it again from the start")
            .retryable(true)
    }

    fn end(&mut self, error: Error) -> Poll<Option<Result<Bytes>>> {
        self.state = State::Over;
        Poll::Ready(Some(Err(self.resource.at(error, &self.id))))
    }

    /// What comes of the next answer; `None` to ask again.
    fn advance(&mut self, cx: &mut Context<'_>) -> Option<Poll<Option<Result<Bytes>>>> {
        let left = self.range.end.saturating_sub(self.position);
        let broken = match &mut self.state {
            State::Over => return Some(Poll::Ready(None)),
            State::Reading(body) => match body.poll_next_unpin(cx) {
                Poll::Pending => return Some(Poll::Pending),
                Poll::Ready(Some(Ok(mut bytes))) => {
                    bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    if bytes.is_empty() && left > 0 {
                        return None;
                    }
                    self.position += bytes.len() as u64;
                    self.resumes = 0;
                    return (!bytes.is_empty()).then_some(Poll::Ready(Some(Ok(bytes))));
                }
                Poll::Ready(None) if left == 0 => {
                    self.state = State::Over;
                    return Some(Poll::Ready(None));
                }
                Poll::Ready(None) => Error::new(ErrorKind::Unavailable, "the content ended early"),
                Poll::Ready(Some(Err(error))) => error,
            },
            State::Resuming(answer) => match answer.poll_unpin(cx) {
                Poll::Pending => return Some(Poll::Pending),
                Poll::Ready(Ok(found)) => match self.go_on(found) {
                    Ok(body) => {
                        self.state = State::Reading(body);
                        return None;
                    }
                    Err(error) => error,
                },
                Poll::Ready(Err(error)) if error.kind() == ErrorKind::Conflict => {
                    self.changed("the content was replaced while it was read").caused_by(error)
                }
                Poll::Ready(Err(error)) => error,
            },
        };
        self.resume(broken).err().map(|error| self.end(error))
    }
}

impl Stream for ContentStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(poll) = self.advance(cx) {
                return poll;
            }
        }
    }
}

impl fmt::Debug for ContentStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentStream")
            .field("key", &self.key)
            .field("about", &self.about)
            .field("range", &self.range)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// A [`ContentStream`] in an [`Answer`](crate::op::Answer), from where it can be taken once. Clones share it.
#[derive(Debug, Clone)]
pub struct OpenedContent(Arc<Mutex<Option<ContentStream>>>);

impl OpenedContent {
    /// Puts a stream into an answer.
    pub fn new(stream: ContentStream) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// Takes the stream; `None` when it was taken before.
    pub fn take(&self) -> Option<ContentStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
