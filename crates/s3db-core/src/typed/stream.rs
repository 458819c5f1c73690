//! Streams and sinks of values of a Rust type.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::sink::Sink;
use futures::stream::{Stream, StreamExt as _};
use serde_json::Value;

use super::{Stored, Typed, TypedDocument, TypedPage};
use crate::resource::{DocumentSink, Documents, Ids, Reader, WriteSummary};
use crate::{Error, Result};

impl<T: TypedDocument> Typed<T> {
    /// As [`Resource::stream`](crate::Resource::stream). A document that does not fit the type is an error among the
    /// others.
    pub fn stream(&self) -> TypedDocuments<T> {
        self.read(self.raw.reader())
    }

    /// The documents of a [`Reader`], which comes from the [dynamic](Self::dynamic) resource or a view of it.
    pub fn read(&self, reader: Reader) -> TypedDocuments<T> {
        TypedDocuments { documents: reader.documents(), resource: self.clone() }
    }

    /// As [`Resource::ids_stream`](crate::Resource::ids_stream).
    pub fn ids_stream(&self) -> Ids {
        self.raw.ids_stream()
    }

    /// As [`Resource::pages`](crate::Resource::pages).
    pub fn pages(&self) -> impl Stream<Item = Result<TypedPage<T>>> + Send + Unpin {
        let resource = self.clone();
        self.raw.pages().map(move |page| Ok(resource.typed_page(page?)))
    }

    /// As [`Resource::sink`](crate::Resource::sink). A value that its own checks refuse is a failure in the summary.
    pub fn sink(&self) -> TypedSink<T> {
        TypedSink { sink: self.raw.sink(), resource: self.clone() }
    }
}

/// A stream of values; from [`Typed::stream`] and [`Typed::read`].
#[must_use = "streams do nothing unless polled"]
pub struct TypedDocuments<T> {
    documents: Documents,
    resource: Typed<T>,
}

impl<T> TypedDocuments<T> {
    /// As [`Documents::resume_token`].
    pub fn resume_token(&self) -> Option<String> {
        self.documents.resume_token()
    }
}

impl<T: TypedDocument> Stream for TypedDocuments<T> {
    type Item = Result<Stored<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.documents.poll_next_unpin(cx).map(|record| record.map(|record| this.resource.stored(record?)))
    }
}

/// A sink of values; from [`Typed::sink`].
pub struct TypedSink<T> {
    sink: DocumentSink,
    resource: Typed<T>,
}

impl<T> TypedSink<T> {
    /// As [`DocumentSink::summary`].
    pub fn summary(&self) -> &WriteSummary {
        self.sink.summary()
    }
}

impl<T: TypedDocument> Sink<T> for TypedSink<T> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.sink).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, value: T) -> Result<()> {
        let this = &mut *self;
        match this.resource.checked(&value) {
            Ok(document) => Pin::new(&mut this.sink).start_send(Value::Object(document)),
            Err(error) => this.sink.refuse(error),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.sink).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.sink).poll_close(cx)
    }
}

impl<T> fmt::Debug for TypedDocuments<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.documents.fmt(f)
    }
}

impl<T> fmt::Debug for TypedSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sink.fmt(f)
    }
}
