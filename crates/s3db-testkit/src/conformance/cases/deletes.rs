//! Deletes, one by one and many at once.

use s3db_core::ErrorKind;
use s3db_core::store::{Condition, DELETE_MANY_MAX, ListRequest};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, ensure, refused, same};

pub(super) const CASES: &[Case] = &[
    case!(delete_removes, "a deleted object is gone for `get`, `head` and `list`, and no other is"),
    case!(delete_absent, "deleting an absent key succeeds"),
    case!(
        delete_if_match,
        "`IfMatch` deletes the object with that ETag, and refuses any other with `Conflict`"
    ),
    case!(delete_if_match_absent, "`IfMatch` on an absent key is a `Conflict`"),
    case!(delete_if_absent, "`IfAbsent` on a delete is `Unsupported`"),
    case!(delete_many, "many are deleted at once; absent keys count as deleted; one result a key"),
    case!(delete_many_none, "deleting no keys is no error"),
    case!(delete_many_limit, "more keys than the limit are refused with `Config`, and nothing is deleted"),
];

async fn delete_removes(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "a/b", "ab"]).await?;
    ctx.store.delete(&ctx.key("a"), Condition::None).await?;
    ensure!(ctx.store.get(&ctx.key("a")).await?.is_none(), "get finds the deleted object");
    ensure!(ctx.store.head(&ctx.key("a")).await?.is_none(), "head finds the deleted object");
    let mut left = ctx.list(ListRequest::default()).await?;
    left.sort();
    same("objects left", left, vec!["a/b".into(), "ab".into()])?;
    Ok(Done::Passed)
}

async fn delete_absent(ctx: Ctx) -> Outcome {
    ctx.store.delete(&ctx.key("absent"), Condition::None).await?;
    ctx.put("k", "").await?;
    ctx.store.delete(&ctx.key("k"), Condition::None).await?;
    ctx.store.delete(&ctx.key("k"), Condition::None).await?;
    Ok(Done::Passed)
}

async fn delete_if_match(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_delete {
        return Ok(Done::NotApplicable("the store declares that it checks no condition on delete"));
    }
    let stale = ctx.put("k", "1").await?;
    let right = ctx.put("k", "2").await?;
    let delete = ctx.store.delete(&ctx.key("k"), Condition::IfMatch(stale)).await;
    refused("delete with a stale ETag", delete, ErrorKind::Conflict)?;
    same("body", ctx.body("k").await?.as_deref(), Some("2"))?;
    ctx.store.delete(&ctx.key("k"), Condition::IfMatch(right)).await?;
    same("body", ctx.body("k").await?, None)?;
    Ok(Done::Passed)
}

async fn delete_if_match_absent(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_delete {
        return Ok(Done::NotApplicable("the store declares that it checks no condition on delete"));
    }
    let etag = ctx.put("other", "1").await?;
    let delete = ctx.store.delete(&ctx.key("absent"), Condition::IfMatch(etag)).await;
    refused("delete with an ETag of an absent key", delete, ErrorKind::Conflict)?;
    Ok(Done::Passed)
}

async fn delete_if_absent(ctx: Ctx) -> Outcome {
    ctx.put("k", "1").await?;
    let delete = ctx.store.delete(&ctx.key("k"), Condition::IfAbsent).await;
    refused("delete of an absent object", delete, ErrorKind::Unsupported)?;
    same("body", ctx.body("k").await?.as_deref(), Some("1"))?;
    Ok(Done::Passed)
}

async fn delete_many(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "b", "c", "a/b"]).await?;
    let keys = ["a", "absent", "c"].map(|name| ctx.key(name));
    let results = ctx.store.delete_many(&keys).await?;
    same("number of results", results.len(), keys.len())?;
    for (key, result) in keys.iter().zip(results) {
        ensure!(result.is_ok(), "delete of {key:?}: {result:?}");
    }
    let mut left = ctx.list(ListRequest::default()).await?;
    left.sort();
    same("objects left", left, vec!["a/b".into(), "b".into()])?;
    Ok(Done::Passed)
}

async fn delete_many_none(ctx: Ctx) -> Outcome {
    same("number of results", ctx.store.delete_many(&[]).await?.len(), 0)?;
    Ok(Done::Passed)
}

async fn delete_many_limit(ctx: Ctx) -> Outcome {
    ctx.put("0", "kept").await?;
    let keys = (0..=DELETE_MANY_MAX).map(|i| ctx.key(&i.to_string())).collect::<Vec<_>>();
    refused("delete of too many keys", ctx.store.delete_many(&keys).await, ErrorKind::Config)?;
    same("body", ctx.body("0").await?.as_deref(), Some("kept"))?;
    let allowed = keys.get(..DELETE_MANY_MAX).unwrap_or(&keys);
    same("number of results", ctx.store.delete_many(allowed).await?.len(), DELETE_MANY_MAX)?;
    same("body", ctx.body("0").await?, None)?;
    Ok(Done::Passed)
}
