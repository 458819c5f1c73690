//! Keys of every shape.

use s3db_core::ErrorKind;
use s3db_core::store::{Condition, KEY_BYTES_MAX, ListRequest, PutObject};

use crate::conformance::case::{Case, Ctx, Done, Outcome, case, ensure, refused, same};

pub(super) const CASES: &[Case] = &[
    case!(keys_with_odd_characters, "keys with blanks, punctuation and any script name one object each"),
    case!(keys_with_control_characters, "keys with control characters name one object each"),
    case!(keys_with_dot_segments, "`.` and `..` between slashes mean nothing"),
    case!(keys_with_double_slash, "`//` is kept"),
    case!(keys_with_trailing_slash, "a key that ends with `/` is an object beside the one without it"),
    case!(keys_below_keys, "an object's key can be the start of another's"),
    case!(keys_differ_by_case, "keys that differ in case, or in the form of an accent, are different"),
    case!(keys_of_full_length, "a key of the longest length is as good as any"),
    case!(keys_with_long_segment, "the stretch between two slashes may be as long as the store declares"),
    case!(keys_refused, "an empty key is `Config` and one over the limit `TooLarge`, for every method"),
];

/// Writes each name with a body of its own, reads, lists, copies and deletes them.
async fn check(ctx: &Ctx, names: &[&str]) -> Outcome {
    for name in names {
        ctx.put(name, &format!("body of {name}")).await?;
    }
    for name in names {
        same(&format!("body of {name:?}"), ctx.body(name).await?, Some(format!("body of {name}")))?;
        let alone = ctx.list(ListRequest::prefix(*name)).await?;
        ensure!(alone.iter().any(|listed| listed == name), "{name:?} is not listed under itself: {alone:?}");
        ctx.store.copy(&ctx.key(name), &ctx.key("the copy"), None, Condition::None).await?;
        same("body of the copy", ctx.body("the copy").await?, Some(format!("body of {name}")))?;
    }
    ctx.store.delete(&ctx.key("the copy"), Condition::None).await?;
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let texts = |names: &[&str]| sorted(names.iter().map(ToString::to_string).collect());
    same("listing", sorted(ctx.list(ListRequest::default()).await?), texts(names))?;
    // Pages of one make a continuation of every key.
    let one = ListRequest { max_keys: Some(1), ..ListRequest::default() };
    same("listing by one", sorted(ctx.list(one).await?), texts(names))?;
    let (single, many) = names.split_at(names.len() / 2);
    for name in single {
        ctx.store.delete(&ctx.key(name), Condition::None).await?;
    }
    same("listing after deletes", sorted(ctx.list(ListRequest::default()).await?), texts(many))?;
    let keys = many.iter().map(|name| ctx.key(name)).collect::<Vec<_>>();
    for (key, result) in keys.iter().zip(ctx.store.delete_many(&keys).await?) {
        ensure!(result.is_ok(), "delete of {key:?}: {result:?}");
    }
    same("listing after all deletes", ctx.list(ListRequest::default()).await?, vec![])?;
    Ok(Done::Passed)
}

async fn keys_with_odd_characters(ctx: Ctx) -> Outcome {
    let names = [
        " ",
        "a b",
        "a  b ",
        "a+b",
        "a%2Fb",
        "a%b",
        "%",
        "a=b&c=d",
        "?q",
        "#f",
        "<a>&\"'</a>",
        "\\",
        "a\\b",
        "a:b*c|d",
        "~",
        "@",
        "$",
        "{x}",
        "[y]",
        "^`",
        "(z)!",
        ",;",
        "con",
        "nul.txt",
        "dot.",
        ".hidden",
        "é",
        "ñandú",
        "日本語",
        "😀",
        "\u{202E}rtl",
        "id=a=b",
        "k-",
        "h-",
    ];
    check(&ctx, &names).await
}

async fn keys_with_control_characters(ctx: Ctx) -> Outcome {
    check(&ctx, &["a\nb", "a\r\nb", "a\tb", "a\u{1}b", "a\u{7F}b"]).await
}

async fn keys_with_dot_segments(ctx: Ctx) -> Outcome {
    check(&ctx, &["a/../b", "a/./b", "b", "a/b", "..", ".", "a/..", "...", "a/.../b"]).await
}

async fn keys_with_double_slash(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().keeps_double_slash {
        return Ok(Done::NotApplicable("the store declares that it does not keep `//`"));
    }
    check(&ctx, &["a//b", "a/b", "a///b", "/a", "//a"]).await
}

async fn keys_with_trailing_slash(ctx: Ctx) -> Outcome {
    check(&ctx, &["a/", "a", "a/b", "b/"]).await
}

async fn keys_below_keys(ctx: Ctx) -> Outcome {
    check(&ctx, &["a", "a/b", "a/b/c", "ab", "a/b/c/d/e/f"]).await
}

async fn keys_differ_by_case(ctx: Ctx) -> Outcome {
    check(&ctx, &["a", "A", "ab/c", "Ab/c", "AB/C", "é", "e\u{301}", "É"]).await
}

async fn keys_of_full_length(ctx: Ctx) -> Outcome {
    let segment = ctx.store.capability().key_segment_bytes_max.min(100);
    let room = KEY_BYTES_MAX - ctx.prefix.len();
    let fill = |last: char| {
        let mut name =
            (0..room).map(|i| if i % (segment + 1) == segment { '/' } else { 'x' }).collect::<String>();
        name.pop();
        name.push(last);
        name
    };
    check(&ctx, &[&fill('a'), &fill('b'), &fill('c')]).await
}

async fn keys_with_long_segment(ctx: Ctx) -> Outcome {
    let longest = ctx.store.capability().key_segment_bytes_max.min(KEY_BYTES_MAX - ctx.prefix.len());
    let fill = |last: &str| format!("{}{last}", "é".repeat((longest - 2) / 2));
    let upper = "X".repeat(longest.min(200));
    check(&ctx, &[&fill("aa"), &fill("ab"), &fill("b"), &upper]).await
}

async fn keys_refused(ctx: Ctx) -> Outcome {
    ctx.put("k", "").await?;
    let good = ctx.key("k");
    let long = "x".repeat(KEY_BYTES_MAX + 1);
    for (key, kind) in [("", ErrorKind::Config), (long.as_str(), ErrorKind::TooLarge)] {
        let store = &ctx.store;
        refused("put", store.put(key, PutObject::default(), Condition::None).await, kind)?;
        refused("get", store.get(key).await, kind)?;
        refused("head", store.head(key).await, kind)?;
        refused("copy from", store.copy(key, &good, None, Condition::None).await, kind)?;
        refused("copy to", store.copy(&good, key, None, Condition::None).await, kind)?;
        refused("delete", store.delete(key, Condition::None).await, kind)?;
        let mut results = store.delete_many(&[key.to_owned(), ctx.key("absent")]).await?;
        same("number of results", results.len(), 2)?;
        ensure!(
            results.pop().is_some_and(|result| result.is_ok()),
            "a bad key spoils the good one beside it"
        );
        refused("delete_many", results.pop().unwrap_or(Ok(())), kind)?;
    }
    Ok(Done::Passed)
}
