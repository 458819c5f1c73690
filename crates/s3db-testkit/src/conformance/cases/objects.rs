//! What was written is read.

use std::sync::Arc;

use bytes::Bytes;
use s3db_core::store::{Condition, ListRequest, Metadata, PutObject};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, ensure, same, sorted};

pub(super) const CASES: &[Case] = &[
    case!(body_round_trip, "bodies come back byte for byte: text, every byte value, none, and one megabyte"),
    case!(absent_objects, "`get` and `head` of an absent key give `None`"),
    case!(overwrite_replaces_all, "a second write replaces body, metadata and content type"),
    case!(content_types, "a content type comes back as it was given"),
    case!(
        etags_agree,
        "the ETag of a write is the one of `get`, `head` and `list`, and changes with the body"
    ),
    case!(heads_agree, "`head`, `get` and `list` tell the same length and last change"),
    case!(never_half_written, "a reader sees the body and the metadata of one write, never of two"),
];

async fn body_round_trip(ctx: Ctx) -> Outcome {
    let binary = (0..=255_u8).collect::<Vec<_>>();
    let large = (0..1_048_576_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>();
    for (name, body) in
        [("text", b"hello".to_vec()), ("binary", binary), ("empty", Vec::new()), ("large", large)]
    {
        let body = Bytes::from(body);
        let object = PutObject { body: body.clone(), ..PutObject::default() };
        ctx.store.put(&ctx.key(name), object, Condition::None).await?;
        let read = ctx.get(name).await?;
        ensure!(
            read.body == body,
            "the {name} body of {} bytes came back with {} bytes",
            body.len(),
            read.body.len()
        );
        same("content length", read.head.content_length, body.len() as u64)?;
    }
    Ok(Done::Passed)
}

async fn absent_objects(ctx: Ctx) -> Outcome {
    ctx.put("present", "x").await?;
    for name in ["absent", "present/below", "presen"] {
        ensure!(ctx.store.get(&ctx.key(name)).await?.is_none(), "get of the absent {name:?} found an object");
        ensure!(
            ctx.store.head(&ctx.key(name)).await?.is_none(),
            "head of the absent {name:?} found an object"
        );
    }
    Ok(Done::Passed)
}

async fn overwrite_replaces_all(ctx: Ctx) -> Outcome {
    let first = PutObject {
        metadata: Arc::new(Metadata::from_iter([("a", "1"), ("b", "2")])),
        body: Bytes::from_static(b"a longer body"),
        content_type: Some("text/plain".into()),
    };
    let second = PutObject {
        metadata: Arc::new(Metadata::from_iter([("b", "3")])),
        body: Bytes::from_static(b"short"),
        content_type: Some("application/json".into()),
    };
    ctx.store.put(&ctx.key("k"), first, Condition::None).await?;
    ctx.store.put(&ctx.key("k"), second.clone(), Condition::None).await?;
    let read = ctx.get("k").await?;
    same("body", &read.body, &second.body)?;
    same("metadata", sorted(&read.head.metadata), sorted(&second.metadata))?;
    same("content type", &read.head.content_type, &second.content_type)?;
    Ok(Done::Passed)
}

async fn content_types(ctx: Ctx) -> Outcome {
    for content_type in ["application/json", "text/plain; charset=utf-8", "image/svg+xml"] {
        let object = PutObject { content_type: Some(content_type.into()), ..PutObject::default() };
        ctx.store.put(&ctx.key("k"), object, Condition::None).await?;
        let read = ctx.get("k").await?.head.content_type;
        same("content type of get", read.as_deref(), Some(content_type))?;
        let head = ctx.store.head(&ctx.key("k")).await?.and_then(|head| head.content_type);
        same("content type of head", head.as_deref(), Some(content_type))?;
    }
    Ok(Done::Passed)
}

async fn etags_agree(ctx: Ctx) -> Outcome {
    let first = ctx.put("k", "1").await?;
    let second = ctx.put("k", "2").await?;
    ensure!(first != second, "two bodies have one ETag: {first}");
    same("etag of get", ctx.get("k").await?.head.etag, second.clone())?;
    same("etag of head", ctx.store.head(&ctx.key("k")).await?.map(|head| head.etag), Some(second.clone()))?;
    let (_, page) = ctx.page(ListRequest::default()).await?;
    same("etag of list", page.entries.first().map(|entry| entry.etag.clone()), Some(second))?;
    Ok(Done::Passed)
}

async fn heads_agree(ctx: Ctx) -> Outcome {
    ctx.put("k", "twelve bytes").await?;
    let get = ctx.get("k").await?.head;
    let Some(head) = ctx.store.head(&ctx.key("k")).await? else {
        return Err(absent_head());
    };
    let (_, page) = ctx.page(ListRequest::default()).await?;
    let listed = page.entries.first().map(|entry| (entry.content_length, entry.last_modified_ms));
    let (listed_length, listed_ms) = listed.unwrap_or_default();
    same("content length of head and list", (head.content_length, listed_length), (12, 12))?;
    // HTTP headers tell the last change in seconds, listings in milliseconds.
    let apart = |a: i64, b: i64| a.abs_diff(b) < 1000;
    ensure!(
        apart(get.last_modified_ms, head.last_modified_ms) && apart(head.last_modified_ms, listed_ms),
        "last change: get {}, head {}, list {listed_ms}",
        get.last_modified_ms,
        head.last_modified_ms,
    );
    Ok(Done::Passed)
}

fn absent_head() -> crate::conformance::case::Failure {
    crate::conformance::case::Failure::new("head does not find what was written")
}

async fn never_half_written(ctx: Ctx) -> Outcome {
    let version = |n: usize| {
        let text = n.to_string();
        let body = text.repeat(65_536 / text.len());
        let metadata = Arc::new(Metadata::from_iter([("n", text)]));
        PutObject { metadata, body: body.into(), content_type: None }
    };
    ctx.store.put(&ctx.key("k"), version(0), Condition::None).await?;
    let writer = {
        let ctx = ctx.clone();
        tokio::spawn(async move {
            for n in 1..40 {
                ctx.store.put(&ctx.key("k"), version(n), Condition::None).await?;
            }
            Ok::<_, s3db_core::Error>(())
        })
    };
    loop {
        let last_round = writer.is_finished();
        let read = ctx.get("k").await?;
        let n = read.head.metadata.get("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
        ensure!(n < 40 && read.body == version(n).body, "the body is not the one of write {n}");
        if last_round {
            break;
        }
        tokio::task::yield_now().await;
    }
    match writer.await {
        Ok(written) => written?,
        Err(error) => {
            return Err(crate::conformance::case::Failure::new(format!("the writer failed: {error}")));
        }
    }
    Ok(Done::Passed)
}
