//! Conditions on `put`.

use s3db_core::ErrorKind;
use s3db_core::store::{Condition, ETag};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, refused, same};

const NO_CONDITIONS: &str = "the store declares that it checks no condition on put";

pub(super) const CASES: &[Case] = &[
    case!(
        put_if_absent,
        "`IfAbsent` writes an absent key, and refuses a present one with `Conflict`, changing nothing"
    ),
    case!(
        put_if_match,
        "`IfMatch` writes over the object with that ETag, and refuses any other with `Conflict`"
    ),
    case!(put_if_match_absent, "`IfMatch` on an absent key is a `Conflict`, and creates nothing"),
    case!(put_if_absent_after_delete, "`IfAbsent` writes a key whose object was deleted"),
];

async fn put_if_absent(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    ctx.put_if("k", "first", Condition::IfAbsent).await?;
    refused(
        "put on a present key",
        ctx.put_if("k", "second", Condition::IfAbsent).await,
        ErrorKind::Conflict,
    )?;
    same("body", ctx.body("k").await?.as_deref(), Some("first"))?;
    ctx.put_if("k/below", "other key", Condition::IfAbsent).await?;
    Ok(Done::Passed)
}

async fn put_if_match(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    let first = ctx.put("k", "1").await?;
    let second = ctx.put_if("k", "2", Condition::IfMatch(first.clone())).await?;
    refused(
        "put with a stale ETag",
        ctx.put_if("k", "3", Condition::IfMatch(first)).await,
        ErrorKind::Conflict,
    )?;
    same("body", ctx.body("k").await?.as_deref(), Some("2"))?;
    ctx.put_if("k", "3", Condition::IfMatch(second)).await?;
    same("body", ctx.body("k").await?.as_deref(), Some("3"))?;
    Ok(Done::Passed)
}

async fn put_if_match_absent(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    let etag = ETag::new("d41d8cd98f00b204e9800998ecf8427e");
    let put = ctx.put_if("k", "", Condition::IfMatch(etag)).await;
    refused("put with an ETag on an absent key", put, ErrorKind::Conflict)?;
    same("body", ctx.body("k").await?, None)?;
    Ok(Done::Passed)
}

async fn put_if_absent_after_delete(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    ctx.put("k", "1").await?;
    ctx.store.delete(&ctx.key("k"), Condition::None).await?;
    ctx.put_if("k", "2", Condition::IfAbsent).await?;
    same("body", ctx.body("k").await?.as_deref(), Some("2"))?;
    Ok(Done::Passed)
}
