//! Decodes many documents on all threads, in order.
//!
//! Chunks are handed to the runtime, some ahead of the caller. A chunk that no thread has begun when the caller needs it is
//! decoded by the caller: so a listing is never slower than on one thread, however long threads take to wake up.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::list::Scanned;
use super::{Resource, State};
use crate::store::Object;
use crate::{Error, ErrorKind, Result};

/// Documents that one task decodes: some hundred microseconds of work.
const CHUNK_DOCS: usize = 32;

/// Fewest documents that are worth a task.
const TASK_DOCS_MIN: usize = CHUNK_DOCS / 4;

/// Most chunks that wait for one listing.
const CHUNKS_MAX: usize = 8;

/// What the store gave for an id.
pub(super) type Fetched = Result<(String, Result<Option<Object>>)>;

/// Decodes what was fetched, in its order. Dropping the stream ends its tasks.
pub(super) fn decode_ahead<'a>(
    resource: &'a Resource,
    state: Arc<State>,
    fetched: impl Stream<Item = Fetched> + Send + 'a,
) -> BoxStream<'a, Result<Scanned>> {
    let ahead = chunks_ahead();
    let chunks = fetched.ready_chunks(if ahead > 1 { CHUNK_DOCS } else { 1 }).fuse();
    let start = (Box::pin(chunks), VecDeque::with_capacity(ahead));
    stream::unfold(start, move |(mut chunks, mut waiting)| {
        let state = state.clone();
        async move {
            while waiting.len() < ahead
                && let Some(chunk) = next_chunk(chunks.as_mut(), waiting.is_empty()).await
            {
                waiting.push_back(Chunk::new(resource, &state, chunk, ahead > 1));
            }
            let decoded = waiting.pop_front()?.decoded(resource, &state).await;
            Some((stream::iter(decoded), (chunks, waiting)))
        }
    })
    .flatten()
    // On the heap: the futures of callers hold it.
    .boxed()
}

/// How many chunks are under way at once: on a runtime of one thread there is nobody to share with.
fn chunks_ahead() -> usize {
    match Handle::try_current() {
        Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
            (runtime.metrics().num_workers() + 1).clamp(2, CHUNKS_MAX)
        }
        _ => 1,
    }
}

/// The next chunk; unless the caller has nothing else to do, only one that is there.
async fn next_chunk<S: Stream<Item = Vec<Fetched>>>(
    mut chunks: Pin<&mut S>,
    wait: bool,
) -> Option<Vec<Fetched>> {
    if wait {
        return chunks.next().await;
    }
    match futures::poll!(chunks.next()) {
        Poll::Ready(chunk) => chunk,
        Poll::Pending => None,
    }
}

/// Documents to decode. Whoever takes them out of `fetched` first decodes them: the task, or the caller.
struct Chunk {
    fetched: Arc<Mutex<Option<Vec<Fetched>>>>,
    task: JoinSet<Vec<Result<Scanned>>>,
}

impl Chunk {
    fn new(resource: &Resource, state: &Arc<State>, fetched: Vec<Fetched>, share: bool) -> Self {
        let mut task = JoinSet::new();
        let worth_it = share && fetched.len() > TASK_DOCS_MIN;
        let fetched = Arc::new(Mutex::new(Some(fetched)));
        if worth_it {
            let (resource, state, fetched) = (resource.clone(), state.clone(), fetched.clone());
            let decoding = async move {
                match take(&fetched) {
                    Some(fetched) => decode(&resource, &state, fetched).await,
                    None => Vec::new(),
                }
            };
            task.spawn(decoding.in_current_span());
        }
        Self { fetched, task }
    }

    async fn decoded(mut self, resource: &Resource, state: &Arc<State>) -> Vec<Result<Scanned>> {
        if let Some(fetched) = take(&self.fetched) {
            return decode(resource, state, fetched).await;
        }
        match self.task.join_next().await {
            Some(Ok(documents)) => documents,
            Some(Err(error)) => {
                vec![Err(Error::new(ErrorKind::Unavailable, "the work was cut off").caused_by(error))]
            }
            None => Vec::new(),
        }
    }
}

fn take(fetched: &Mutex<Option<Vec<Fetched>>>) -> Option<Vec<Fetched>> {
    fetched.lock().unwrap_or_else(PoisonError::into_inner).take()
}

async fn decode(resource: &Resource, state: &Arc<State>, fetched: Vec<Fetched>) -> Vec<Result<Scanned>> {
    let mut documents = Vec::with_capacity(fetched.len());
    for fetched in fetched {
        let scanned = match fetched {
            Ok((id, object)) => resource.scanned(state, id, object).await,
            Err(error) => Err(error),
        };
        documents.extend(scanned.transpose());
    }
    documents
}
