//! Whole buckets as one JSON text, over any store.
//!
//! The text is `{"key_prefix": text, "objects": [{"key", "metadata", "body_base64", "content_type"}]}`. Keys are whole,
//! with the prefix; loading takes the prefix of the dump off and puts that of the destination on, so that a database
//! moves between prefixes, buckets and kinds of stores.

use std::io;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, FuturesUnordered};
use tokio::sync::mpsc;

use super::{Condition, ListRequest, Metadata, PutObject, Store};
use crate::encoding::text;
use crate::{Error, ErrorKind, Result};

pub(crate) mod format;
#[cfg(test)]
mod tests;

use format::{DumpObject, Writer};

/// Requests on their way at once.
const CONCURRENCY: usize = 16;

/// What [`dump`] wrote.
#[derive(Debug, Default)]
pub struct Dumped {
    /// Objects in the dump.
    pub objects: u64,
    /// Objects that could not be read, each with its `key`; they are not in the dump.
    pub unreadable: Vec<Error>,
}

/// What [`load`] does when there are objects at the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Destination {
    /// Refuses to begin.
    #[default]
    MustBeEmpty,
    /// Writes beside them, and over those with the same key.
    MayHoldObjects,
}

/// Writes all objects below a key prefix to `out`, in key order. An empty prefix means the whole bucket.
///
/// Requests: 1 LIST per thousand objects and 1 GET per object. An object that is deleted meanwhile is left out.
///
/// Errors: those of `list`; `Unavailable` when `out` takes no more.
pub async fn dump<W: io::Write + Send>(store: &Arc<dyn Store>, key_prefix: &str, out: W) -> Result<Dumped> {
    let key_prefix = key_prefix.trim_end_matches('/');
    let mut dumped = Dumped::default();
    let mut request = ListRequest::prefix(below(key_prefix, ""));
    let mut page = store.list(request.clone()).await?;
    // Only now: a store that does not answer must leave no half of a dump behind.
    let mut writer = Writer::begin(out, key_prefix)?;
    loop {
        let keys = page.entries.into_iter().map(|entry| entry.key);
        let mut objects = stream::iter(keys.map(|key| read(store.clone(), key))).buffered(CONCURRENCY);
        while let Some(object) = objects.next().await {
            match object {
                Ok(Some(object)) => {
                    writer.object(&object)?;
                    dumped.objects += 1;
                }
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Corrupt => dumped.unreadable.push(error),
                Err(error) => return Err(error),
            }
        }
        request.continuation = page.continuation;
        if request.continuation.is_none() {
            writer.end()?;
            return Ok(dumped);
        }
        page = store.list(request.clone()).await?;
    }
}

/// Reads a dump and puts its objects below a key prefix; returns their number.
///
/// Requests: 1 LIST and 1 PUT per object.
///
/// Errors: `AlreadyExists` when the destination holds objects and must not; `Corrupt` when `from` is not a dump or
/// holds a key outside its own prefix; those of `put`. Objects before the one that failed stay written.
pub async fn load<R: io::Read + Send + 'static>(
    store: &Arc<dyn Store>,
    key_prefix: &str,
    from: R,
    destination: Destination,
) -> Result<u64> {
    let key_prefix = key_prefix.trim_end_matches('/').to_owned();
    if destination == Destination::MustBeEmpty {
        refuse_full(store.as_ref(), &key_prefix).await?;
    }
    let (send, mut receive) = mpsc::channel(CONCURRENCY);
    let reading = tokio::task::spawn_blocking(move || {
        format::read(from, |dump_prefix, object| {
            let key = moved(&object.key, dump_prefix, &key_prefix)?;
            let sent = send.blocking_send(DumpObject { key, ..object });
            sent.map_err(|_| Error::new(ErrorKind::Unavailable, "the load was stopped"))
        })
    });
    let mut writes = FuturesUnordered::new();
    let mut loaded = 0;
    while let Some(object) = receive.recv().await {
        writes.push(write(store.clone(), object));
        if writes.len() == CONCURRENCY
            && let Some(written) = writes.next().await
        {
            written?;
        }
        loaded += 1;
    }
    while let Some(written) = writes.next().await {
        written?;
    }
    match reading.await {
        Ok(read) => read.map(|()| loaded),
        Err(error) => {
            Err(Error::new(ErrorKind::Unavailable, "the runtime ended under a load").caused_by(error))
        }
    }
}

async fn refuse_full(store: &dyn Store, key_prefix: &str) -> Result<()> {
    let request = ListRequest { max_keys: Some(1), ..ListRequest::prefix(below(key_prefix, "")) };
    match store.list(request).await?.entries.first() {
        None => Ok(()),
        Some(found) => Err(Error::new(ErrorKind::AlreadyExists, "the destination of the load holds objects")
            .with("key_prefix", key_prefix)
            .with("found", &found.key)
            .hint("load under a prefix that is empty, or allow objects to be written over")),
    }
}

async fn read(store: Arc<dyn Store>, key: Arc<str>) -> Result<Option<DumpObject>> {
    let found = store.get(&key).await.map_err(|error| error.with("key", &key))?;
    Ok(found.map(|object| DumpObject {
        key: key.as_ref().into(),
        metadata: object.head.metadata.as_ref().clone(),
        body: object.body.to_vec(),
        content_type: object.head.content_type.as_deref().map(str::to_owned),
        last_modified_ms: None,
    }))
}

async fn write(store: Arc<dyn Store>, object: DumpObject) -> Result<()> {
    let metadata = match store.capability().keeps_empty_metadata {
        true => object.metadata,
        false => without_empty_values(&object.metadata),
    };
    let put = PutObject {
        metadata: Arc::new(metadata),
        body: object.body.into(),
        content_type: object.content_type.map(Arc::from),
    };
    let written = store.put(&object.key, put, Condition::None).await;
    written.map(drop).map_err(|error| error.with("key", object.key))
}

/// The same texts, for a store that drops entries without a value.
fn without_empty_values(metadata: &Metadata) -> Metadata {
    let filled = |value| if str::is_empty(value) { text::EMPTY } else { value };
    metadata.iter().map(|(name, value)| (name, filled(value))).collect()
}

/// A key of a dump at its destination.
fn moved(key: &str, dump_prefix: &str, key_prefix: &str) -> Result<String> {
    let dump_prefix = dump_prefix.trim_end_matches('/');
    let rest = match dump_prefix {
        "" => Some(key),
        prefix => key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')),
    };
    rest.map(|rest| below(key_prefix, rest)).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "the dump holds a key outside its own prefix")
            .with("key", key)
            .with("key_prefix", dump_prefix)
            .hint("correct `key_prefix` in the dump")
    })
}

fn below(key_prefix: &str, rest: &str) -> String {
    if key_prefix.is_empty() { rest.to_owned() } else { format!("{key_prefix}/{rest}") }
}
