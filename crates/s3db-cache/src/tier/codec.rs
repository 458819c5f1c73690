//! Entries as bytes: JSON under gzip, whose check finds what was damaged.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use s3db_core::op::Answer;
use s3db_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// What takes longer than a moment to compress is done on threads that may block.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// Most bytes that an entry unfolds to: a damaged one must not fill the memory.
const UNPACKED_BYTES_MAX: u64 = 512 << 20;

/// An entry of a tier.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry<A> {
    /// The state of the documents that it was read in.
    pub(super) generation: String,
    /// When the read began, in milliseconds since 1970.
    pub(super) read_at_ms: i64,
    pub(super) answer: A,
}

/// An answer, compressed.
pub(crate) type Packed = Vec<u8>;

/// Compresses an answer. `size` is what it takes in memory, about.
pub(crate) async fn pack(answer: std::sync::Arc<crate::store::Found>, size: usize) -> Result<Packed> {
    aside(size, move || encode(&answer.0)).await
}

/// The answer again.
pub(crate) async fn unpack(packed: std::sync::Arc<Packed>) -> Result<Answer> {
    aside(packed.len().saturating_mul(4), move || decode(&packed)).await
}

/// Runs `work` here, or on a thread that may block where it is about many bytes.
pub(super) async fn aside<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if size <= INLINE_BYTES_MAX {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(ErrorKind::Unavailable, "the work was cut off").caused_by(error))?
}

pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>> {
    let failed = |error: std::io::Error| damaged("an answer could not be kept").caused_by(error);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let json = serde_json::to_vec(value);
    let json = json.map_err(|error| damaged("an answer could not be kept").caused_by(error))?;
    encoder.write_all(&json).map_err(failed)?;
    encoder.finish().map_err(failed)
}

pub(super) fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T> {
    let mut json = Vec::new();
    let read = GzDecoder::new(bytes).take(UNPACKED_BYTES_MAX).read_to_end(&mut json);
    read.map_err(|error| damaged("an entry of the cache is damaged").caused_by(error))?;
    let parsed = serde_json::from_slice(&json);
    parsed.map_err(|_| damaged("an entry of the cache is damaged"))
}

fn damaged(message: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}
