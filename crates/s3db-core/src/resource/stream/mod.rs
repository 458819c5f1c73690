//! Reading and writing many documents in bounded memory, as streams and sinks.
//!
//! The guide is `docs/streams.md`.

use std::future::Future;

use futures::channel::mpsc;
use futures::stream::{self, BoxStream, StreamExt as _};

mod read;
mod write;

pub use read::{Documents, Ids, Pages, Reader};
pub use write::{DocumentSink, WriteSummary, Writer, Written};

/// A stream of what a future sends. The future runs only while the stream is polled, waits while nobody takes what it
/// has sent, and is dropped with the stream.
fn generate<T, F, R>(produce: F) -> BoxStream<'static, T>
where
    T: Send + 'static,
    F: FnOnce(mpsc::Sender<T>) -> R,
    R: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(0);
    let producer = stream::once(produce(sender)).filter_map(|()| async { None });
    stream::select(receiver, producer).boxed()
}
