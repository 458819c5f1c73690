//! What a listing shows.

use s3db_core::store::{Condition, ListRequest};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, ensure, same};

pub(super) const CASES: &[Case] = &[
    case!(list_order, "keys are listed in ascending order of their UTF-8 bytes"),
    case!(
        list_order_flat,
        "keys without `/` are listed in ascending order of their UTF-8 bytes by every store"
    ),
    case!(list_prefix, "exactly the keys that start with the prefix are listed"),
    case!(list_delimiter, "keys are rolled up to the delimiter after the prefix, each common prefix once"),
    case!(list_other_delimiter, "any text can be the delimiter"),
    case!(list_start_after, "keys after a text are listed, whether that text is a key or not"),
    case!(list_after_write, "a listing shows every write and delete that has returned"),
];

async fn list_order(ctx: Ctx) -> Outcome {
    // The last two: UTF-16 would sort them the other way round.
    let names = [
        "!", "-", "A", "Z", "a", "a b", "a!", "a-b", "a.b", "a/b", "a0", "aa", "z", "é", "日本", "\u{FFFD}",
        "😀",
    ];
    ctx.put_all(&names.iter().rev().copied().collect::<Vec<_>>()).await?;
    let mut listed = ctx.list(ListRequest::default()).await?;
    if !ctx.store.capability().list_is_ordered {
        listed.sort();
    }
    same("listing", listed, names.iter().map(ToString::to_string).collect())?;
    Ok(Done::Passed)
}

async fn list_order_flat(ctx: Ctx) -> Outcome {
    let names = ["!", "-", "A", "Z", "a", "a b", "a-b", "aa", "z", "é", "\u{FFFD}", "😀"];
    ctx.put_all(&names.iter().rev().copied().collect::<Vec<_>>()).await?;
    let listed = ctx.list(ListRequest::default()).await?;
    same("listing", listed, names.iter().map(ToString::to_string).collect())?;
    Ok(Done::Passed)
}

async fn list_prefix(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "ab", "ab/c", "abc", "b", "B", "é", "éa"]).await?;
    for (prefix, expected) in [
        ("ab", vec!["ab", "ab/c", "abc"]),
        ("ab/", vec!["ab/c"]),
        ("abc", vec!["abc"]),
        ("abcd", vec![]),
        ("b", vec!["b"]),
        ("é", vec!["é", "éa"]),
    ] {
        same(&format!("prefix {prefix:?}"), ctx.list(ListRequest::prefix(prefix)).await?, texts(&expected))?;
    }
    Ok(Done::Passed)
}

async fn list_delimiter(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "a/1", "a/2/3", "b", "c/1", "c/2", "d"]).await?;
    for (prefix, entries, common) in [
        ("", vec!["a", "b", "d"], vec!["a/", "c/"]),
        ("a", vec!["a"], vec!["a/"]),
        ("a/", vec!["a/1"], vec!["a/2/"]),
        ("c/", vec!["c/1", "c/2"], vec![]),
        ("x/", vec![], vec![]),
    ] {
        let request = ListRequest { delimiter: Some("/".into()), ..ListRequest::prefix(prefix) };
        let (names, page) = ctx.page(request).await?;
        ensure!(page.continuation.is_none(), "the page of {prefix:?} says that it is not the last");
        let (listed, rolled) = names.split_at(page.entries.len().min(names.len()));
        same(&format!("entries under {prefix:?}"), listed.to_vec(), texts(&entries))?;
        same(&format!("common prefixes under {prefix:?}"), rolled.to_vec(), texts(&common))?;
    }
    Ok(Done::Passed)
}

async fn list_other_delimiter(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "a--1", "a--2", "b-1", "c--"]).await?;
    let request = ListRequest { delimiter: Some("--".into()), ..ListRequest::default() };
    let (names, page) = ctx.page(request).await?;
    same("entries and common prefixes", names, texts(&["a", "b-1", "a--", "c--"]))?;
    same("number of entries", page.entries.len(), 2)?;
    Ok(Done::Passed)
}

async fn list_start_after(ctx: Ctx) -> Outcome {
    ctx.put_all(&["a", "b", "c", "d"]).await?;
    for (start_after, expected) in [
        ("", vec!["a", "b", "c", "d"]),
        ("a", vec!["b", "c", "d"]),
        ("bb", vec!["c", "d"]),
        ("d", vec![]),
        ("z", vec![]),
        ("!", vec!["a", "b", "c", "d"]),
    ] {
        let request = ListRequest { start_after: Some(start_after.into()), ..ListRequest::default() };
        same(&format!("after {start_after:?}"), ctx.list(request).await?, texts(&expected))?;
    }
    let request = ListRequest { start_after: Some("bb".into()), ..ListRequest::prefix("c") };
    same("after a text before the prefix", ctx.list(request).await?, texts(&["c"]))?;
    let request = ListRequest { start_after: Some("c".into()), ..ListRequest::prefix("b") };
    same("after a text behind the prefix", ctx.list(request).await?, texts(&[]))?;
    Ok(Done::Passed)
}

async fn list_after_write(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().list_is_consistent {
        return Ok(Done::NotApplicable("the store declares that a listing may lag behind"));
    }
    let mut expected = Vec::new();
    for i in 0..20 {
        let name = format!("k{i:02}");
        ctx.put(&name, "").await?;
        expected.push(name);
        same("after a write", ctx.list(ListRequest::default()).await?, expected.clone())?;
        if i % 3 == 2 {
            let gone = expected.remove(i / 3);
            ctx.store.delete(&ctx.key(&gone), Condition::None).await?;
            same("after a delete", ctx.list(ListRequest::default()).await?, expected.clone())?;
        }
    }
    Ok(Done::Passed)
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
