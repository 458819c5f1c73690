//! Metadata comes back exactly, up to the limit and not over it.

use std::sync::Arc;

use s3db_core::ErrorKind;
use s3db_core::store::{Condition, Metadata, Replace};

use crate::conformance::case::{
    Case, Ctx, Done, Outcome, case, ensure, refused, same, sorted, with_metadata,
};

pub(super) const CASES: &[Case] = &[
    case!(
        metadata_exact,
        "metadata comes back exactly: every printable ASCII character, inner blanks, many entries"
    ),
    case!(metadata_none, "an object without metadata has none when it is read"),
    case!(
        metadata_empty_values,
        "empty values come back, or the whole entry is absent where the store says so"
    ),
    case!(
        metadata_at_limit,
        "metadata of exactly the limit is taken, in one long value and in many short ones"
    ),
    case!(metadata_over_limit, "metadata over the limit is refused with `TooLarge` and nothing is written"),
];

async fn metadata_exact(ctx: Ctx) -> Outcome {
    let printable = ('!'..='~').collect::<String>();
    let mut metadata = Metadata::from_iter([
        ("0", printable.as_str()),
        ("_v", "v1"),
        ("a-b_c.d", "inner  blanks \t and tab"),
        ("json", r#"{"a":[1,"x",null]}"#),
        ("comma", "a, b; c=\"d\""),
        ("percent", "%20%zz+"),
        ("utf8like", "=?UTF-8?B?w6k=?="),
    ]);
    for i in 0..40 {
        metadata.insert(format!("m{i}"), i.to_string());
    }
    ctx.store.put(&ctx.key("k"), with_metadata(metadata.clone()), Condition::None).await?;
    same("metadata of get", sorted(&ctx.get("k").await?.head.metadata), sorted(&metadata))?;
    let head = ctx.store.head(&ctx.key("k")).await?.map(|head| sorted(&head.metadata));
    same("metadata of head", head, Some(sorted(&metadata)))?;
    Ok(Done::Passed)
}

async fn metadata_none(ctx: Ctx) -> Outcome {
    ctx.put("k", "body").await?;
    same("metadata", sorted(&ctx.get("k").await?.head.metadata), vec![])?;
    Ok(Done::Passed)
}

async fn metadata_empty_values(ctx: Ctx) -> Outcome {
    let metadata = Metadata::from_iter([("empty", ""), ("full", "x"), ("other", "")]);
    ctx.store.put(&ctx.key("k"), with_metadata(metadata.clone()), Condition::None).await?;
    let read = ctx.get("k").await?.head.metadata;
    if ctx.store.capability().keeps_empty_metadata {
        same("metadata", sorted(&read), sorted(&metadata))?;
    } else {
        let full = read.iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>();
        same("entries with a value", full, vec![("full", "x")])?;
        let known = read.iter().all(|(name, _)| metadata.get(name).is_some());
        ensure!(known, "entries that nobody wrote: {read:?}");
    }
    Ok(Done::Passed)
}

async fn metadata_at_limit(ctx: Ctx) -> Outcome {
    let limit = ctx.store.capability().metadata_bytes_max.min(8192);
    let one = Metadata::from_iter([("a", "x".repeat(limit - 1))]);
    let mut many = Metadata::new();
    for i in 0..limit / 32 {
        many.insert(format!("n{i:07}"), format!("{i:024}"));
    }
    for (name, metadata) in [("one", one), ("many", many)] {
        ctx.store.put(&ctx.key(name), with_metadata(metadata.clone()), Condition::None).await?;
        same("metadata", sorted(&ctx.get(name).await?.head.metadata), sorted(&metadata))?;
    }
    Ok(Done::Passed)
}

async fn metadata_over_limit(ctx: Ctx) -> Outcome {
    let limit = ctx.store.capability().metadata_bytes_max;
    if limit > 1_048_576 {
        return Ok(Done::NotApplicable("the store declares no limit that can be tested"));
    }
    let over = Metadata::from_iter([("a", "x".repeat(limit))]);
    let put = ctx.store.put(&ctx.key("k"), with_metadata(over.clone()), Condition::None).await;
    refused("put of too much metadata", put, ErrorKind::TooLarge)?;
    ensure!(ctx.body("k").await?.is_none(), "the refused object was written");
    if ctx.store.capability().copy_replaces_metadata {
        ctx.put("from", "x").await?;
        let replace = Replace { metadata: Arc::new(over), content_type: None };
        let copy = ctx.store.copy(&ctx.key("from"), &ctx.key("k"), Some(replace), Condition::None).await;
        refused("copy with too much metadata", copy, ErrorKind::TooLarge)?;
        ensure!(ctx.body("k").await?.is_none(), "the refused copy was written");
    }
    Ok(Done::Passed)
}
