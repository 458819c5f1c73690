//! Old versions of objects.

use std::sync::Arc;

use bytes::Bytes;
use s3db_core::store::{
    Condition, Metadata, NULL_VERSION, PutObject, Replace, VersionEntry, VersionsRequest,
};

use crate::conformance::case::{Case, Ctx, Done, Failure, Outcome, case, ensure, object, same};

const NONE: &str = "the store has no old versions";
const OFF: &str = "the bucket keeps no versions";

pub(super) const CASES: &[Case] = &[
    case!(versions_newest_first, "every write and every delete is a version, the newest first"),
    case!(versions_whole, "an old version is read with its metadata, body, content type and ETag"),
    case!(versions_of_copies, "a copy is a version of its destination"),
    case!(versions_of_delete_many, "what `delete_many` deletes can be read as an old version"),
    case!(versions_of_refused_writes, "a write whose condition does not hold leaves no version"),
    case!(versions_in_pages, "pages of any size hold every version once, in the same order"),
    case!(
        versions_of_neighbours,
        "the versions of one key are together and keys are in order, in pages of any size"
    ),
    case!(versions_absent, "an id that no version of the key has, and that of a deletion, read as absent"),
];

/// Whether there is anything to check, found out by a write.
async fn keeps(ctx: &Ctx) -> std::result::Result<Option<Done>, Failure> {
    if !ctx.store.capability().object_versions {
        return Ok(Some(Done::NotApplicable(NONE)));
    }
    let written = ctx.store.put(&ctx.key("probe"), object("1"), Condition::None).await?;
    let is_kept = written.version_id.is_some_and(|id| &*id != NULL_VERSION);
    Ok(if is_kept { None } else { Some(Done::NotApplicable(OFF)) })
}

async fn versions(ctx: &Ctx, name: &str) -> std::result::Result<Vec<VersionEntry>, Failure> {
    Ok(ctx.store.list_versions(VersionsRequest::prefix(ctx.key(name))).await?.entries)
}

/// The body of a version as text.
async fn body(ctx: &Ctx, name: &str, id: &str) -> std::result::Result<Option<String>, Failure> {
    let found = ctx.store.get_version(&ctx.key(name), id).await?;
    Ok(found.map(|object| String::from_utf8_lossy(&object.body).into_owned()))
}

async fn versions_newest_first(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    let mut ids = Vec::new();
    for text in ["1", "2"] {
        let written = ctx.store.put(&ctx.key("k"), object(text), Condition::None).await?;
        ids.extend(written.version_id.map(|id| id.to_string()));
    }
    ctx.store.delete(&ctx.key("k"), Condition::None).await?;
    let last = ctx.store.put(&ctx.key("k"), object("3"), Condition::IfAbsent).await?;
    let entries = versions(&ctx, "k").await?;
    same(
        "deletions",
        entries.iter().map(|entry| entry.is_deleted).collect(),
        vec![false, true, false, false],
    )?;
    same("latest", entries.iter().map(|entry| entry.is_latest).collect(), vec![true, false, false, false])?;
    let listed = entries.iter().map(|entry| entry.version_id.to_string()).collect::<Vec<_>>();
    ids.extend(last.version_id.map(|id| id.to_string()));
    let written = entries.iter().filter(|entry| !entry.is_deleted);
    let written = written.map(|entry| entry.version_id.to_string()).rev().collect::<Vec<_>>();
    same("ids of the writes", written, ids)?;
    same("latest ETag", entries.first().and_then(|entry| entry.etag.clone()), Some(last.etag))?;
    let in_time = entries.windows(2).all(|pair| match pair {
        [newer, older] => newer.last_modified_ms >= older.last_modified_ms,
        _ => true,
    });
    ensure!(in_time, "the times of the versions are not in order");
    for (at, text) in [(0, "3"), (2, "2"), (3, "1")] {
        let id = listed.get(at).map(String::as_str).unwrap_or_default();
        same("body", body(&ctx, "k", id).await?.as_deref(), Some(text))?;
    }
    ctx.store.delete(&ctx.key("k"), Condition::None).await?;
    let first = versions(&ctx, "k").await?.into_iter().next();
    ensure!(
        first.is_some_and(|entry| entry.is_deleted && entry.is_latest && entry.etag.is_none()),
        "the delete is not the latest version"
    );
    Ok(Done::Passed)
}

async fn versions_whole(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    let old = PutObject {
        metadata: Arc::new(Metadata::from_iter([("name", "Ann é"), ("_v", "v1")])),
        body: Bytes::from_static(b"old"),
        content_type: Some("text/plain".into()),
    };
    let written = ctx.store.put(&ctx.key("k"), old.clone(), Condition::None).await?;
    ctx.put("k", "new").await?;
    let id = written.version_id.clone().unwrap_or_else(|| NULL_VERSION.into());
    let found = ctx.store.get_version(&ctx.key("k"), &id).await?;
    let found = found.ok_or_else(|| Failure::new("the old version is absent"))?;
    same("body", &found.body, &old.body)?;
    same("metadata", found.head.metadata.get("name"), Some("Ann é"))?;
    same("metadata", found.head.metadata.get("_v"), Some("v1"))?;
    same("content type", found.head.content_type.as_deref(), Some("text/plain"))?;
    same("ETag", found.head.etag, written.etag)?;
    same("bytes", found.head.content_length, 3)?;
    same("version", found.head.version_id, written.version_id)?;
    same("current body", ctx.body("k").await?.as_deref(), Some("new"))?;
    Ok(Done::Passed)
}

async fn versions_of_copies(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    ctx.put("from", "1").await?;
    ctx.put("to", "0").await?;
    let replace = Replace { metadata: Arc::new(Metadata::from_iter([("a", "1")])), content_type: None };
    ctx.store.copy(&ctx.key("from"), &ctx.key("to"), Some(replace), Condition::None).await?;
    let entries = versions(&ctx, "to").await?;
    let ids = entries.iter().map(|entry| entry.version_id.clone()).collect::<Vec<_>>();
    let [new, old] = ids.as_slice() else {
        return Err(Failure::new(format!("expected two versions, got {}", ids.len())));
    };
    same("new body", body(&ctx, "to", new).await?.as_deref(), Some("1"))?;
    same("old body", body(&ctx, "to", old).await?.as_deref(), Some("0"))?;
    Ok(Done::Passed)
}

async fn versions_of_delete_many(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    ctx.put("a", "1").await?;
    for result in ctx.store.delete_many(&[ctx.key("a")]).await? {
        result?;
    }
    same("body", ctx.body("a").await?, None)?;
    let entries = versions(&ctx, "a").await?;
    same("deletions", entries.iter().map(|entry| entry.is_deleted).collect(), vec![true, false])?;
    let id = entries.last().map(|entry| entry.version_id.clone()).unwrap_or_else(|| NULL_VERSION.into());
    same("old body", body(&ctx, "a", &id).await?.as_deref(), Some("1"))?;
    Ok(Done::Passed)
}

async fn versions_of_refused_writes(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable("the store checks no conditions"));
    }
    ctx.put("k", "1").await?;
    ensure!(ctx.put_if("k", "2", Condition::IfAbsent).await.is_err(), "the write was not refused");
    same("versions", versions(&ctx, "k").await?.len(), 1)?;
    Ok(Done::Passed)
}

async fn versions_in_pages(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    for text in ["1", "2", "3"] {
        ctx.put("a", text).await?;
        ctx.put("b", text).await?;
    }
    ctx.store.delete(&ctx.key("a"), Condition::None).await?;
    let whole = versions(&ctx, "").await?;
    let keys = whole.iter().map(|entry| entry.key.strip_prefix(&*ctx.prefix).unwrap_or_default());
    same("keys", keys.collect(), vec!["a", "a", "a", "a", "b", "b", "b", "probe"])?;
    same_in_pages(&ctx, "", &whole).await?;
    Ok(Done::Passed)
}

/// Fails the case unless pages of any size hold what one page does.
async fn same_in_pages(ctx: &Ctx, name: &str, whole: &[VersionEntry]) -> std::result::Result<(), Failure> {
    for max_keys in 1..=4 {
        let mut request =
            VersionsRequest { max_keys: Some(max_keys), ..VersionsRequest::prefix(ctx.key(name)) };
        let mut seen = Vec::new();
        for _ in 0..=whole.len() {
            let page = ctx.store.list_versions(request.clone()).await?;
            ensure!(page.entries.len() <= max_keys, "a page of {max_keys} holds {}", page.entries.len());
            seen.extend(page.entries);
            request.continuation = page.continuation;
            if request.continuation.is_none() {
                break;
            }
        }
        same("versions in pages", seen.as_slice(), whole)?;
    }
    Ok(())
}

async fn versions_of_neighbours(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    for text in ["1", "2"] {
        for name in ["id=ann b", "id=ann", "id=ann-1", "id=an", "id=anna"] {
            ctx.put(name, text).await?;
        }
    }
    let entries = versions(&ctx, "id=ann").await?;
    let names = entries.iter().map(|entry| entry.key.strip_prefix(&*ctx.prefix).unwrap_or_default());
    let expected = ["id=ann", "id=ann b", "id=ann-1", "id=anna"].into_iter().flat_map(|name| [name, name]);
    same("keys", names.collect::<Vec<_>>(), expected.collect())?;
    same_in_pages(&ctx, "id=ann", &entries).await?;
    Ok(Done::Passed)
}

async fn versions_absent(ctx: Ctx) -> Outcome {
    if let Some(done) = keeps(&ctx).await? {
        return Ok(done);
    }
    ctx.put("k", "1").await?;
    let other = ctx.store.put(&ctx.key("other"), object("2"), Condition::None).await?.version_id;
    ctx.store.delete(&ctx.key("k"), Condition::None).await?;
    let deletion = versions(&ctx, "k").await?.into_iter().next();
    let deletion = deletion.filter(|entry| entry.is_deleted).map(|entry| entry.version_id);
    ensure!(deletion.is_some(), "the delete is no version");
    for id in [other, deletion].into_iter().flatten() {
        same("body", body(&ctx, "k", &id).await?, None)?;
    }
    same("versions of a key that was never written", versions(&ctx, "never").await?.len(), 0)?;
    Ok(Done::Passed)
}
