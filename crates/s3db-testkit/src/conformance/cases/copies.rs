//! Copies within the store.

use std::sync::Arc;

use bytes::Bytes;
use s3db_core::ErrorKind;
use s3db_core::store::{Condition, Metadata, PutObject, Replace};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, ensure, refused, same, sorted};

pub(super) const CASES: &[Case] = &[
    case!(
        copy_keeps,
        "a copy without replacement has body, metadata and content type of its source, which stays"
    ),
    case!(
        copy_replaces,
        "a copy with replacement has the new metadata and content type, and the body of its source"
    ),
    case!(copy_onto_itself, "a copy onto its own source replaces the metadata"),
    case!(copy_of_absent, "a copy of an absent object is `NotFound`"),
    case!(copy_if_absent, "`IfAbsent` on a copy is checked on its destination"),
    case!(copy_if_match, "`IfMatch` on a copy is checked on its destination"),
];

fn source() -> PutObject {
    PutObject {
        metadata: Arc::new(Metadata::from_iter([("a", "1"), ("b", "2")])),
        body: Bytes::from_static(b"the body"),
        content_type: Some("text/plain".into()),
    }
}

fn replacement() -> Replace {
    Replace {
        metadata: Arc::new(Metadata::from_iter([("b", "3"), ("c", "4")])),
        content_type: Some("application/json".into()),
    }
}

async fn copy_keeps(ctx: Ctx) -> Outcome {
    ctx.store.put(&ctx.key("from"), source(), Condition::None).await?;
    let copied = ctx.store.copy(&ctx.key("from"), &ctx.key("to"), None, Condition::None).await?;
    for name in ["from", "to"] {
        let read = ctx.get(name).await?;
        same("body", read.body, source().body)?;
        same("metadata", sorted(&read.head.metadata), sorted(&source().metadata))?;
        same("content type", read.head.content_type, source().content_type)?;
    }
    same("etag of the copy", ctx.get("to").await?.head.etag, copied.etag)?;
    Ok(Done::Passed)
}

async fn copy_replaces(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().copy_replaces_metadata {
        return Ok(Done::NotApplicable("the store declares that a copy cannot replace metadata"));
    }
    ctx.store.put(&ctx.key("from"), source(), Condition::None).await?;
    ctx.store.put(&ctx.key("to"), PutObject::default(), Condition::None).await?;
    ctx.store.copy(&ctx.key("from"), &ctx.key("to"), Some(replacement()), Condition::None).await?;
    let read = ctx.get("to").await?;
    same("body", read.body, source().body)?;
    same("metadata", sorted(&read.head.metadata), sorted(&replacement().metadata))?;
    same("content type", read.head.content_type, replacement().content_type)?;
    same(
        "metadata of the source",
        sorted(&ctx.get("from").await?.head.metadata),
        sorted(&source().metadata),
    )?;
    Ok(Done::Passed)
}

async fn copy_onto_itself(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().copy_replaces_metadata {
        return Ok(Done::NotApplicable("the store declares that a copy cannot replace metadata"));
    }
    ctx.store.put(&ctx.key("k"), source(), Condition::None).await?;
    ctx.store.copy(&ctx.key("k"), &ctx.key("k"), Some(replacement()), Condition::None).await?;
    let read = ctx.get("k").await?;
    same("body", read.body, source().body)?;
    same("metadata", sorted(&read.head.metadata), sorted(&replacement().metadata))?;
    Ok(Done::Passed)
}

async fn copy_of_absent(ctx: Ctx) -> Outcome {
    let copy = ctx.store.copy(&ctx.key("absent"), &ctx.key("to"), None, Condition::None).await;
    refused("copy of an absent object", copy, ErrorKind::NotFound)?;
    ensure!(ctx.body("to").await?.is_none(), "the destination was written");
    Ok(Done::Passed)
}

async fn copy_if_absent(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_copy {
        return Ok(Done::NotApplicable("the store declares that it checks no condition on copy"));
    }
    let copy = async || ctx.store.copy(&ctx.key("from"), &ctx.key("to"), None, Condition::IfAbsent).await;
    ctx.put("from", "1").await?;
    copy().await?;
    ctx.put("from", "2").await?;
    refused("copy onto a present key", copy().await, ErrorKind::Conflict)?;
    same("body", ctx.body("to").await?.as_deref(), Some("1"))?;
    Ok(Done::Passed)
}

async fn copy_if_match(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_copy {
        return Ok(Done::NotApplicable("the store declares that it checks no condition on copy"));
    }
    let copy =
        async |etag| ctx.store.copy(&ctx.key("from"), &ctx.key("to"), None, Condition::IfMatch(etag)).await;
    let stale = ctx.put("from", "new").await?;
    refused("copy with an ETag onto an absent key", copy(stale.clone()).await, ErrorKind::Conflict)?;
    let right = ctx.put("to", "old").await?;
    refused("copy with a stale ETag", copy(stale).await, ErrorKind::Conflict)?;
    same("body", ctx.body("to").await?.as_deref(), Some("old"))?;
    copy(right).await?;
    same("body", ctx.body("to").await?.as_deref(), Some("new"))?;
    Ok(Done::Passed)
}
