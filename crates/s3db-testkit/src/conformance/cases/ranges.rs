//! Bodies that are read as streams, whole or in part.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use s3db_core::ErrorKind;
use s3db_core::store::{BodyStream, ByteRange, Condition, ETag, Metadata, PutObject, Reading};

use crate::conformance::case::{Case, Ctx, Done, Failure, Outcome, case, ensure, refused, same, sorted};

/// Length of bodies that no buffer on the way holds whole.
const LARGE_BYTES: usize = 16 << 20;

pub(super) const CASES: &[Case] = &[
    case!(range_is_exact, "a range gives exactly its bytes, and the head of the whole object"),
    case!(range_without_bytes, "a range that holds no byte of the object is `Validation`"),
    case!(range_of_absent, "a range of an absent object is nothing"),
    case!(range_if_match, "a range of another version than the one asked for is `Conflict`"),
    case!(stream_is_whole, "a stream gives all bytes of a large object, in order"),
    case!(
        stream_is_of_one_version,
        "a stream of an object that is replaced meanwhile gives bytes of the old one alone, or an error"
    ),
];

impl Ctx {
    async fn read(&self, name: &str, range: impl Into<ByteRange>) -> Result<Reading, Failure> {
        let found = self.store.read_range(&self.key(name), range.into(), None).await?;
        found.ok_or_else(|| Failure::new(format!("{name:?} is absent after it was written")))
    }

    async fn put_bytes(&self, name: &str, body: Bytes) -> Result<ETag, Failure> {
        let object = PutObject {
            metadata: Arc::new(Metadata::from_iter([("a", "1")])),
            body,
            content_type: Some("text/plain".into()),
        };
        Ok(self.store.put(&self.key(name), object, Condition::None).await?.etag)
    }
}

async fn all(body: BodyStream) -> Result<Bytes, s3db_core::Error> {
    let add = async |mut all: BytesMut, bytes: Bytes| {
        all.extend_from_slice(&bytes);
        Ok(all)
    };
    Ok(body.try_fold(BytesMut::new(), add).await?.freeze())
}

/// Bytes that tell where they are.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect()
}

async fn range_is_exact(ctx: Ctx) -> Outcome {
    let body = Bytes::from_static(b"0123456789");
    let etag = ctx.put_bytes("k", body.clone()).await?;
    for (range, expected) in [
        (ByteRange::ALL, 0..10),
        ((3..).into(), 3..10),
        ((..4).into(), 0..4),
        ((3..6).into(), 3..6),
        ((9..10).into(), 9..10),
        ((8..99).into(), 8..10),
    ] {
        let reading = ctx.read("k", range).await?;
        let what = format!("{range:?}");
        same(&what, reading.range.clone(), expected.start as u64..expected.end as u64)?;
        same(&what, reading.head.content_length, 10)?;
        same(&what, reading.head.etag.clone(), etag.clone())?;
        same(&what, reading.head.content_type.as_deref(), Some("text/plain"))?;
        same(&what, sorted(&reading.head.metadata), vec![("a".to_owned(), "1".to_owned())])?;
        same(&what, all(reading.body).await?, body.slice(expected))?;
    }
    Ok(Done::Passed)
}

async fn range_without_bytes(ctx: Ctx) -> Outcome {
    ctx.put("k", "0123456789").await?;
    ctx.put("empty", "").await?;
    for (name, range) in [
        ("k", ByteRange::from(10..)),
        ("k", (20..30).into()),
        ("k", (5..5).into()),
        ("k", ByteRange { start: 7, end: Some(3) }),
        ("empty", (0..1).into()),
    ] {
        let read = ctx.store.read_range(&ctx.key(name), range, None).await;
        refused(&format!("{range:?} of {name}"), read, ErrorKind::Validation)?;
    }
    let empty = ctx.read("empty", ..).await?;
    same("range of an empty object", empty.range.clone(), 0..0)?;
    same("body of an empty object", all(empty.body).await?, Bytes::new())?;
    Ok(Done::Passed)
}

async fn range_of_absent(ctx: Ctx) -> Outcome {
    let etag = ctx.put("other", "x").await?;
    for (range, if_match) in [(ByteRange::ALL, None), ((1..5).into(), None), (ByteRange::ALL, Some(&etag))] {
        let found = ctx.store.read_range(&ctx.key("absent"), range, if_match).await?;
        ensure!(found.is_none(), "an absent object was read: {found:?}");
    }
    Ok(Done::Passed)
}

async fn range_if_match(ctx: Ctx) -> Outcome {
    let old = ctx.put("k", "old one").await?;
    let reading = ctx.store.read_range(&ctx.key("k"), (4..).into(), Some(&old)).await?;
    let reading = reading.ok_or_else(|| Failure::new("the object is absent after it was written"))?;
    same("body", all(reading.body).await?, Bytes::from_static(b"one"))?;
    let new = ctx.put("k", "new one").await?;
    for range in [ByteRange::ALL, (4..).into()] {
        let read = ctx.store.read_range(&ctx.key("k"), range, Some(&old)).await;
        refused("read with a stale ETag", read, ErrorKind::Conflict)?;
        ensure!(
            ctx.store.read_range(&ctx.key("k"), range, Some(&new)).await?.is_some(),
            "the new version is absent"
        );
    }
    Ok(Done::Passed)
}

async fn stream_is_whole(ctx: Ctx) -> Outcome {
    let body = pattern(LARGE_BYTES + 17);
    ctx.put_bytes("k", body.clone()).await?;
    ensure!(all(ctx.read("k", ..).await?.body).await? == body, "the stream gave other bytes");
    let part = all(ctx.read("k", 1_000_003..9_000_001).await?.body).await?;
    ensure!(part == body.slice(1_000_003..9_000_001), "the stream of a range gave other bytes");
    Ok(Done::Passed)
}

async fn stream_is_of_one_version(ctx: Ctx) -> Outcome {
    ctx.put_bytes("k", vec![b'o'; LARGE_BYTES].into()).await?;
    let mut body = ctx.read("k", ..).await?.body;
    let mut read = 0;
    if let Some(first) = body.try_next().await? {
        read += first.len();
    }
    ctx.put_bytes("k", vec![b'n'; LARGE_BYTES].into()).await?;
    loop {
        match body.try_next().await {
            Ok(Some(bytes)) => {
                ensure!(bytes.iter().all(|byte| *byte == b'o'), "bytes of the new version after {read}");
                read += bytes.len();
            }
            Ok(None) => {
                same("bytes of the old version", read, LARGE_BYTES)?;
                break;
            }
            // Only the reader can know whether it wants the new one.
            Err(_) => break,
        }
    }
    Ok(Done::Passed)
}
