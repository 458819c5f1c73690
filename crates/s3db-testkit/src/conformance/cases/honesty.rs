//! What a store declares that it cannot do, it refuses.

use std::sync::Arc;

use s3db_core::ErrorKind;
use s3db_core::store::{Condition, Metadata, Replace, VersionsRequest};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, ensure, object, refused, same};

const ALL: &str = "the store declares that it can";

pub(super) const CASES: &[Case] = &[
    case!(
        refuses_conditional_put,
        "without `conditional_put`, a condition on put is `Unsupported` and nothing happens"
    ),
    case!(
        refuses_conditional_copy,
        "without `conditional_copy`, a condition on copy is `Unsupported` and nothing happens"
    ),
    case!(
        refuses_conditional_delete,
        "without `conditional_delete`, `IfMatch` on delete is `Unsupported` and nothing happens"
    ),
    case!(
        refuses_replacing_copy,
        "without `copy_replaces_metadata`, replacing is `Unsupported` and nothing happens"
    ),
    case!(
        refuses_versions,
        "without `object_versions`, listing and reading versions is `Unsupported`, and the error has a hint"
    ),
];

async fn refuses_conditional_put(ctx: Ctx) -> Outcome {
    if ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(ALL));
    }
    let etag = ctx.put("k", "1").await?;
    for (name, condition) in [("k", Condition::IfMatch(etag)), ("absent", Condition::IfAbsent)] {
        let put = ctx.store.put(&ctx.key(name), object("2"), condition).await;
        refused("put with a condition", put, ErrorKind::Unsupported)?;
    }
    same("body", ctx.body("k").await?.as_deref(), Some("1"))?;
    same("body", ctx.body("absent").await?, None)?;
    Ok(Done::Passed)
}

async fn refuses_conditional_copy(ctx: Ctx) -> Outcome {
    if ctx.store.capability().conditional_copy {
        return Ok(Done::NotApplicable(ALL));
    }
    ctx.put("from", "2").await?;
    let etag = ctx.put("k", "1").await?;
    for (name, condition) in [("k", Condition::IfMatch(etag)), ("absent", Condition::IfAbsent)] {
        let copy = ctx.store.copy(&ctx.key("from"), &ctx.key(name), None, condition).await;
        refused("copy with a condition", copy, ErrorKind::Unsupported)?;
    }
    same("body", ctx.body("k").await?.as_deref(), Some("1"))?;
    same("body", ctx.body("absent").await?, None)?;
    Ok(Done::Passed)
}

async fn refuses_conditional_delete(ctx: Ctx) -> Outcome {
    if ctx.store.capability().conditional_delete {
        return Ok(Done::NotApplicable(ALL));
    }
    let etag = ctx.put("k", "1").await?;
    let delete = ctx.store.delete(&ctx.key("k"), Condition::IfMatch(etag)).await;
    refused("delete with a condition", delete, ErrorKind::Unsupported)?;
    same("body", ctx.body("k").await?.as_deref(), Some("1"))?;
    Ok(Done::Passed)
}

async fn refuses_replacing_copy(ctx: Ctx) -> Outcome {
    if ctx.store.capability().copy_replaces_metadata {
        return Ok(Done::NotApplicable(ALL));
    }
    ctx.put("from", "1").await?;
    let replace = Replace { metadata: Arc::new(Metadata::from_iter([("a", "1")])), content_type: None };
    let copy = ctx.store.copy(&ctx.key("from"), &ctx.key("to"), Some(replace), Condition::None).await;
    refused("copy with new metadata", copy, ErrorKind::Unsupported)?;
    same("body", ctx.body("to").await?, None)?;
    Ok(Done::Passed)
}

async fn refuses_versions(ctx: Ctx) -> Outcome {
    if ctx.store.capability().object_versions {
        return Ok(Done::NotApplicable(ALL));
    }
    ctx.put("k", "1").await?;
    let listed = ctx.store.list_versions(VersionsRequest::prefix(ctx.key("k"))).await;
    let has_hint = listed.as_ref().is_err_and(|error| error.to_string().contains("version"));
    refused("listing versions", listed, ErrorKind::Unsupported)?;
    ensure!(has_hint, "the error does not speak of versions");
    refused("reading a version", ctx.store.get_version(&ctx.key("k"), "1").await, ErrorKind::Unsupported)?;
    Ok(Done::Passed)
}
