//! Listings in pages.

use std::collections::BTreeSet;

use s3db_core::store::{Condition, DELETE_MANY_MAX, LIST_PAGE_MAX, ListRequest};

use crate::conformance::case::{Case, Ctx, Done, Failure, Outcome, case, ensure, same};

pub(super) const CASES: &[Case] = &[
    case!(
        pages_of_any_size,
        "pages of 1, 2, 3 and 1000 hold each key once, in order, and never more than asked for"
    ),
    case!(pages_with_delimiter, "pages of rolled up keys hold each key and each common prefix once"),
    case!(pages_after_start, "a continuation goes on from its page, whatever `start_after` says"),
    case!(pages_under_deletes, "a listing whose listed keys are deleted behind it goes on"),
    case!(pages_of_many, "more objects than fit a page come in several, none missing and none twice"),
    case!(pages_at_zero, "a page of no keys is a page of one, so that a listing always goes on"),
];

async fn pages_of_any_size(ctx: Ctx) -> Outcome {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    ctx.put_all(&names).await?;
    for size in [1, 2, 3, 1000] {
        let pages = pages(&ctx, ListRequest { max_keys: Some(size), ..ListRequest::default() }).await?;
        ensure!(pages.iter().all(|page| page.len() <= size), "a page of {size} holds more: {pages:?}");
        // A server may end a listing with an empty page.
        let full = pages.iter().filter(|page| !page.is_empty()).count();
        same(&format!("number of pages of {size}"), full, names.len().div_ceil(size))?;
        same(&format!("pages of {size}"), pages.concat(), names.map(String::from).to_vec())?;
    }
    Ok(Done::Passed)
}

async fn pages_with_delimiter(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a/1", "a/2", "b", "c/1", "c/2", "c/3", "d", "e/1"]).await?;
    for size in [1, 2, 3, 4, 1000] {
        let request =
            ListRequest { delimiter: Some("/".into()), max_keys: Some(size), ..ListRequest::default() };
        let pages = pages(&ctx, request).await?;
        ensure!(pages.iter().all(|page| page.len() <= size), "a page of {size} holds more: {pages:?}");
        let mut all = pages.concat();
        all.sort();
        same(&format!("pages of {size}"), all, ["a/", "b", "c/", "d", "e/"].map(String::from).to_vec())?;
    }
    Ok(Done::Passed)
}

async fn pages_after_start(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "b", "c", "d"]).await?;
    let request = ListRequest { start_after: Some("a".into()), max_keys: Some(2), ..ListRequest::default() };
    let all = pages(&ctx, request).await?.concat();
    same("pages after a start", all, ["b", "c", "d"].map(String::from).to_vec())?;
    Ok(Done::Passed)
}

async fn pages_under_deletes(ctx: Ctx) -> Outcome {
    let names = (0..10).map(|i| format!("k{i}")).collect::<Vec<_>>();
    for name in &names {
        ctx.put(name, "").await?;
    }
    let mut request = ListRequest { max_keys: Some(3), ..ListRequest::default() };
    let mut all = Vec::new();
    for _ in 0..10 {
        let (listed, page) = ctx.page(request.clone()).await?;
        for name in &listed {
            ctx.store.delete(&ctx.key(name), Condition::None).await?;
        }
        all.extend(listed);
        match page.continuation {
            Some(next) => request.continuation = Some(next),
            None => break,
        }
    }
    same("keys", all, names)?;
    Ok(Done::Passed)
}

async fn pages_of_many(ctx: Ctx) -> Outcome {
    let names = (0..ctx.objects).map(|i| format!("{i:06}")).collect::<Vec<_>>();
    for some in names.chunks(16) {
        futures::future::try_join_all(some.iter().map(|name| ctx.put(name, ""))).await?;
    }
    for max_keys in [None, Some(1000), Some(5000)] {
        let pages = pages(&ctx, ListRequest { max_keys, ..ListRequest::default() }).await?;
        let most = pages.iter().map(Vec::len).max().unwrap_or_default();
        ensure!(most <= LIST_PAGE_MAX, "a page holds {most} entries");
        let all = pages.concat();
        let distinct = all.iter().collect::<BTreeSet<_>>().len();
        same("keys, and distinct keys", (all.len(), distinct), (names.len(), names.len()))?;
        ensure!(all == names, "the keys are not in order");
    }
    for chunk in names.chunks(DELETE_MANY_MAX) {
        let keys = chunk.iter().map(|name| ctx.key(name)).collect::<Vec<_>>();
        for result in ctx.store.delete_many(&keys).await? {
            result?;
        }
    }
    same("keys left", ctx.list(ListRequest::default()).await?, vec![])?;
    Ok(Done::Passed)
}

async fn pages_at_zero(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "b"]).await?;
    let (names, page) = ctx.page(ListRequest { max_keys: Some(0), ..ListRequest::default() }).await?;
    same("page of zero", names, vec!["a".to_owned()])?;
    ensure!(page.continuation.is_some(), "the page says that it is the last");
    Ok(Done::Passed)
}

async fn pages(ctx: &Ctx, request: ListRequest) -> Result<Vec<Vec<String>>, Failure> {
    let mut request = request;
    let mut pages = Vec::new();
    while pages.len() < 10_000 {
        let (names, page) = ctx.page(request.clone()).await?;
        pages.push(names);
        match page.continuation {
            Some(next) => request.continuation = Some(next),
            None => return Ok(pages),
        }
    }
    Err(Failure::new("the listing does not end"))
}
