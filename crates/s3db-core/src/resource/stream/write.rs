//! Sinks and streams that write documents.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::{BoxFuture, FutureExt as _};
use futures::sink::Sink;
use futures::stream::{FuturesOrdered, Stream, StreamExt as _};
use serde_json::Value;

use crate::database::is_of_witness;
use crate::resource::{BatchError, Record, Resource};
use crate::{Error, ErrorKind, Result};

/// Failures that a sink keeps for its summary. More are counted.
const FAILURES_KEPT_MAX: usize = 1000;

/// Writes many documents, several at once, in bounded memory; from [`Resource::writer`].
///
/// Each document succeeds or fails by itself. What would refuse every other one too ends the writing: a used up budget,
/// a refusal of access.
#[derive(Debug, Clone)]
#[must_use = "it writes nothing by itself"]
pub struct Writer {
    resource: Resource,
    upserts: bool,
    concurrency: usize,
}

/// What became of one document.
#[derive(Debug)]
#[non_exhaustive]
pub struct Written {
    /// Place in the input, from 0.
    pub index: u64,
    /// Id, where the document had one or got one.
    pub id: Option<String>,
    /// The document as it is stored, or why it was not written.
    pub result: Result<Record>,
}

/// What a sink has done so far.
///
/// The first `written + failed` items are settled, in the order in which they were given. An item at or behind
/// [`settled`](Self::settled) was not written, or, if the sink was dropped before it was closed, may have been.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct WriteSummary {
    /// Items that were taken in.
    pub accepted: u64,
    /// Documents that were written.
    pub written: u64,
    /// Documents that were not.
    pub failed: u64,
    /// Why, of the first thousand.
    pub failures: Vec<BatchError>,
}

impl WriteSummary {
    /// Items of which it is known what became of them: where to go on in the input once the sink is closed.
    pub fn settled(&self) -> u64 {
        self.written + self.failed
    }
}

impl Resource {
    /// Starts a writing of many documents.
    pub fn writer(&self) -> Writer {
        let concurrency = self.db.options.parallelism.max(1);
        Writer { resource: self.clone(), upserts: false, concurrency }
    }

    /// Takes documents in and inserts them.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use futures::{SinkExt as _, StreamExt as _, stream};
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/sink").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    ///
    /// let mut sink = users.sink();
    /// let people = stream::iter(0..500).map(|n| Ok(json!({"id": format!("{n:03}"), "name": "Ann"})));
    /// people.forward(&mut sink).await?;
    /// assert_eq!(sink.summary().written, 500);
    /// # Ok(()) }) }
    /// ```
    pub fn sink(&self) -> DocumentSink {
        self.writer().sink()
    }
}

impl Writer {
    /// Updates documents that are there already, instead of refusing them: each is an
    /// [`upsert`](Resource::upsert).
    pub fn upsert(mut self) -> Self {
        self.upserts = true;
        self
    }

    /// Documents that are written at once; the database's
    /// [`parallelism`](crate::database::DatabaseOptions::parallelism) when not given. No more are held.
    pub fn concurrency(mut self, documents: usize) -> Self {
        self.concurrency = documents.max(1);
        self
    }

    /// Writes the documents of a stream, and tells of each what became of it, in their order.
    ///
    /// Takes no more from the stream than it writes at once. After an error that would refuse the others too, no more
    /// are begun; the stream ends when those that were begun are told.
    ///
    /// Requests: those of [`insert`](Resource::insert) or [`upsert`](Resource::upsert) for each.
    pub fn write<S>(self, values: S) -> impl Stream<Item = Written>
    where
        S: Stream<Item = Value>,
    {
        let work = Work::new(self);
        // Beside the work stands the input, until it has ended.
        let start = (work, Box::pin(values), false);
        futures::stream::unfold(start, |(mut work, mut values, mut ended)| async move {
            let written = std::future::poll_fn(|cx| {
                while !ended && !work.is_full() && work.stopped.is_none() {
                    match values.as_mut().poll_next(cx) {
                        Poll::Ready(Some(value)) => work.begin(value),
                        Poll::Ready(None) => ended = true,
                        Poll::Pending => break,
                    }
                }
                match work.poll_settled(cx) {
                    // The input has nothing yet, and wakes this when it has.
                    Poll::Ready(None) if !ended && work.stopped.is_none() => Poll::Pending,
                    settled => settled,
                }
            })
            .await;
            written.map(|written| (written, (work, values, ended)))
        })
    }

    /// A sink that writes the documents that it is given.
    pub fn sink(self) -> DocumentSink {
        DocumentSink { work: Work::new(self), summary: WriteSummary::default() }
    }
}

/// Writes that are under way, in the order of their documents.
struct Work {
    writer: Writer,
    in_flight: FuturesOrdered<BoxFuture<'static, Written>>,
    next: u64,
    /// Why nothing more is begun.
    stopped: Option<Error>,
}

impl Work {
    fn new(writer: Writer) -> Self {
        Self { writer, in_flight: FuturesOrdered::new(), next: 0, stopped: None }
    }

    fn is_full(&self) -> bool {
        self.in_flight.len() >= self.writer.concurrency
    }

    fn begin(&mut self, value: Value) {
        let index = self.next;
        self.next += 1;
        let (resource, upserts) = (self.writer.resource.clone(), self.writer.upserts);
        let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
        let write = async move {
            let result = if upserts { resource.upsert(value).await } else { resource.insert(value).await };
            let id = result.as_ref().ok().map(|record| record.id.clone()).or(id);
            Written { index, id, result }
        };
        self.in_flight.push_back(write.boxed());
    }

    /// Settles the next item without writing it.
    fn refuse(&mut self, error: Error) {
        let written = Written { index: self.next, id: None, result: Err(error) };
        self.next += 1;
        self.in_flight.push_back(std::future::ready(written).boxed());
    }

    fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<Option<Written>> {
        let settled = ready!(self.in_flight.poll_next_unpin(cx));
        if let Some(Written { result: Err(error), .. }) = &settled
            && self.stopped.is_none()
            && matches!(error.kind(), ErrorKind::Budget | ErrorKind::Denied)
            && error.context("hook").is_none()
            && !is_of_witness(error)
        {
            self.stopped = Some(error.clone());
        }
        Poll::Ready(settled)
    }
}

/// A sink of documents; from [`Resource::sink`] and [`Writer::sink`].
///
/// It is ready while fewer documents than the [concurrency](Writer::concurrency) are being written. A document that
/// fails does not make the sink fail: [`summary`](Self::summary) tells of it.
/// What would refuse every document does: the sink then takes no more, finishes what was begun, and gives that error.
/// Close it, or flush it, to know that all is written; dropped before, it writes nothing more.
pub struct DocumentSink {
    work: Work,
    summary: WriteSummary,
}

impl DocumentSink {
    /// What was done so far.
    pub fn summary(&self) -> &WriteSummary {
        &self.summary
    }

    /// What was done.
    pub fn into_summary(self) -> WriteSummary {
        self.summary
    }

    /// Takes an item in that cannot be written.
    pub(crate) fn refuse(&mut self, error: Error) -> Result<()> {
        self.refusal()?;
        self.work.refuse(error);
        self.summary.accepted += 1;
        Ok(())
    }

    fn settle(&mut self, written: Written) {
        match written.result {
            Ok(_) => self.summary.written += 1,
            Err(error) => {
                self.summary.failed += 1;
                if self.summary.failures.len() < FAILURES_KEPT_MAX {
                    let index = usize::try_from(written.index).unwrap_or(usize::MAX);
                    self.summary.failures.push(BatchError { index, id: written.id, error });
                }
            }
        }
    }

    /// Notes all that has settled; ready when nothing is under way.
    fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match ready!(self.work.poll_settled(cx)) {
                Some(written) => self.settle(written),
                None => return Poll::Ready(()),
            }
        }
    }

    fn refusal(&self) -> Result<()> {
        self.work.stopped.as_ref().map_or(Ok(()), |error| Err(error.clone()))
    }
}

impl Sink<Value> for DocumentSink {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let all = this.poll_all(cx);
        if this.work.stopped.is_some() {
            ready!(all);
            return Poll::Ready(this.refusal());
        }
        if this.work.is_full() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn start_send(self: Pin<&mut Self>, value: Value) -> Result<()> {
        let this = self.get_mut();
        this.refusal()?;
        this.work.begin(value);
        this.summary.accepted += 1;
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_all(cx));
        Poll::Ready(this.refusal())
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_flush(cx)
    }
}

impl fmt::Debug for DocumentSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentSink").field("summary", &self.summary).finish_non_exhaustive()
    }
}
