//! Reading content: whole, in part, as a stream or into a file.

use std::future::IntoFuture;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use futures::future::BoxFuture;

use super::super::Resource;
use super::stream::{About, ContentStream};
use crate::behavior::{self, Told};
use crate::op::Op;
use crate::store::{ByteRange, ETag, Reading};
use crate::{ErrorKind, Result};

/// Content of a document, or a part of it, as it is stored.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Content {
    /// The bytes.
    pub bytes: Bytes,
    /// Which bytes of the content these are.
    pub range: Range<u64>,
    /// Bytes of the whole content.
    pub length: u64,
    /// Type of the content.
    pub content_type: Option<Arc<str>>,
    /// ETag of the object, for [`Resource::if_match`].
    pub etag: ETag,
}

/// A read of content, made by [`Resource::content`]. Awaited, it gives the bytes.
#[derive(Debug, Clone)]
#[must_use = "it reads nothing until it is awaited, streamed or sent to a file"]
pub struct ReadContent {
    resource: Resource,
    id: String,
    range: ByteRange,
}

impl Resource {
    /// Reads the content of a document; `None` when it has none.
    ///
    /// Awaited it gives [`Content`], which holds all bytes. Content that may be large is better read as a
    /// [stream](ReadContent::stream) or into a [file](ReadContent::to_file); each of them may be of a
    /// [part](ReadContent::range).
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use futures::TryStreamExt;
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/content_read").await?;
    /// let films = db.create_resource(ResourceConfig::new("films", json!({"title": "string"}))).await?;
    /// films.insert(json!({"id": "m", "title": "M"})).await?;
    /// films.set_content("m", vec![7; 1_000_000]).await?;
    ///
    /// let mut stream = films.content("m").range(999_000..).stream().await?.expect("it was set");
    /// assert_eq!((stream.range(), stream.length()), (999_000..1_000_000, 1_000_000));
    /// let mut bytes = 0;
    /// while let Some(part) = stream.try_next().await? {
    ///     bytes += part.len();
    /// }
    /// assert_eq!(bytes, 1000);
    /// assert_eq!(films.content("m").range(..3).await?.expect("it was set").bytes, vec![7; 3]);
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 GET, and 1 GET more each time that the network breaks off. 1 GET more for a part of JSON, or of a text
    /// that s3db.js has written, where only the whole body tells that it is content.
    /// Errors: `NotFound`; `Validation` when the range holds no byte of the content; `Conflict`, from a stream that had
    /// broken off, when the content is another one by now.
    pub fn content(&self, id: impl Into<String>) -> ReadContent {
        ReadContent { resource: self.clone(), id: id.into(), range: ByteRange::ALL }
    }

    pub(in crate::resource) async fn content_now(
        &self,
        id: &str,
        range: ByteRange,
    ) -> Result<Option<Content>> {
        match self.open_content_now(id, range).await? {
            Some(stream) => stream.whole().await.map(Some),
            None => Ok(None),
        }
    }

    pub(in crate::resource) async fn open_content_now(
        &self,
        id: &str,
        range: ByteRange,
    ) -> Result<Option<ContentStream>> {
        let key = self.document_key(id)?;
        let at = |error| self.at(error, id);
        let reading = match self.store.read_range(&key, range, None).await {
            Ok(found) => found.ok_or_else(|| self.not_found(id))?,
            // Of the body. Whether that is content, only the whole object tells.
            Err(error)
                if error.kind() == ErrorKind::Validation && range.start < range.end.unwrap_or(u64::MAX) =>
            {
                let found = self.store.read_range(&key, ByteRange::ALL, None).await.map_err(at)?;
                let reading = found.ok_or_else(|| self.not_found(id))?;
                return match self.told(reading, &key, id).await? {
                    Some(_) => Err(at(error)),
                    None => Ok(None),
                };
            }
            Err(error) => return Err(at(error)),
        };
        let Reading { head, range: bytes, body } = reading;
        match behavior::told(&head.metadata, head.content_length, head.content_type.as_deref()) {
            Told::NoContent => Ok(None),
            Told::Content => {
                let about = About::new(&head);
                Ok(Some(ContentStream::open(self, &key, id, about, bytes, body)))
            }
            Told::Nothing => {
                let whole = if bytes == (0..head.content_length) {
                    Reading { head, range: bytes.clone(), body }
                } else {
                    drop(body);
                    let found = self.store.read_range(&key, ByteRange::ALL, Some(&head.etag)).await;
                    found.map_err(at)?.ok_or_else(|| self.not_found(id))?
                };
                let Some((about, body)) = self.told(whole, &key, id).await? else {
                    return Ok(None);
                };
                let bounds = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
                let part = body.slice(bounds(bytes.start)..bounds(bytes.end));
                let body = crate::store::reading::chunks(part);
                Ok(Some(ContentStream::open(self, &key, id, about, bytes, body)))
            }
        }
    }

    /// Reads a whole body, which alone tells whether it is content; `None` when it is not.
    async fn told(&self, reading: Reading, key: &str, id: &str) -> Result<Option<(About, Bytes)>> {
        let Reading { head, range, body } = reading;
        let told = behavior::told(&head.metadata, head.content_length, head.content_type.as_deref());
        if told == Told::NoContent {
            return Ok(None);
        }
        let about = About::new(&head);
        if told == Told::Content {
            return Ok(Some((about, Bytes::new())));
        }
        let stream = ContentStream::open(self, key, id, about.clone(), range, body);
        let body = collect(stream).await?;
        Ok(behavior::is_content(&head.metadata, &body).then_some((about, body)))
    }
}

impl ReadContent {
    /// Reads these bytes alone, such as `1000..2000`, `1000..` or `..=999`. What lies past the end is left out.
    pub fn range(mut self, range: impl Into<ByteRange>) -> Self {
        self.range = range.into();
        self
    }

    /// Opens the content and gives it as it comes. Little of it is in memory at any time.
    ///
    /// All bytes are of one version of the content, whatever others write meanwhile. A stream that breaks off goes on by
    /// itself where it was.
    ///
    /// Requests and errors: as [`Resource::content`].
    pub async fn stream(self) -> Result<Option<ContentStream>> {
        let Self { resource, id, range } = self;
        match resource.chain() {
            None => resource.open_content_now(&id, range).await,
            Some(chain) => {
                chain.run(&resource, Op::Content { id, range, streamed: true }).await?.content_stream()
            }
        }
    }

    /// Writes the content to a file, replacing one that exists, and says how many bytes it was. Little of it is in memory
    /// at any time. The file appears when it is whole; where the path is no plain file, such as a pipe, it is written as it
    /// comes.
    ///
    /// Requests and errors: as [`Resource::content`]; also `Denied` and `Unavailable` of the file, with its `path`.
    pub async fn to_file(self, path: impl AsRef<Path>) -> Result<Option<u64>> {
        let path: PathBuf = path.as_ref().to_owned();
        match self.stream().await? {
            Some(stream) => super::to_file::write(stream, path).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read(self) -> Result<Option<Content>> {
        let Self { resource, id, range } = self;
        match resource.chain() {
            None => resource.content_now(&id, range).await,
            Some(chain) => chain.run(&resource, Op::Content { id, range, streamed: false }).await?.content(),
        }
    }
}

impl IntoFuture for ReadContent {
    type Output = Result<Option<Content>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}

/// All bytes of a stream, without a copy where they come in one piece.
pub(super) async fn collect(mut stream: ContentStream) -> Result<Bytes> {
    let Some(first) = stream.try_next().await? else {
        return Ok(Bytes::new());
    };
    let Some(second) = stream.try_next().await? else {
        return Ok(first);
    };
    let mut all = BytesMut::with_capacity(first.len() + second.len());
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(next) = stream.try_next().await? {
        all.extend_from_slice(&next);
    }
    Ok(all.freeze())
}
