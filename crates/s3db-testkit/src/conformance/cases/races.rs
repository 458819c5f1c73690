//! Conditions are atomic: of many writers exactly one wins.

use std::future::Future;

use s3db_core::store::Condition;
use s3db_core::{Error, ErrorKind, Result};

use crate::conformance::case::{Case, Ctx, Done, Failure, Outcome, case, ensure, same};

pub(super) const CASES: &[Case] = &[
    case!(
        race_put_if_absent,
        "of many concurrent `IfAbsent` writes exactly one wins, and its object is the one there"
    ),
    case!(race_put_if_match, "of many concurrent `IfMatch` writes on one ETag exactly one wins"),
    case!(race_counter, "concurrent compare-and-swap increments lose nothing"),
    case!(race_copy_if_absent, "of many concurrent `IfAbsent` copies exactly one wins"),
    case!(race_delete_if_match, "of many concurrent `IfMatch` deletes exactly one wins"),
];

const NO_CONDITIONS: &str = "the store declares that it does not check this condition";

async fn race_put_if_absent(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    for round in 0..4 {
        let name = format!("k{round}");
        let key = ctx.key(&name);
        let winners = race(&ctx, |ctx, task| {
            let (key, object) = (key.clone(), crate::conformance::case::object(&task.to_string()));
            async move { ctx.store.put(&key, object, Condition::IfAbsent).await.map(drop) }
        })
        .await?;
        one_winner(&winners)?;
        same("body of the winner", ctx.body(&name).await?, winners.first().map(ToString::to_string))?;
    }
    Ok(Done::Passed)
}

async fn race_put_if_match(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    for round in 0..4 {
        let etag = ctx.put("k", &format!("round {round}")).await?;
        let winners = race(&ctx, |ctx, task| {
            let condition = Condition::IfMatch(etag.clone());
            async move { ctx.put_if("k", &format!("{round} {task}"), condition).await.map(drop) }
        })
        .await?;
        one_winner(&winners)?;
        let expected = winners.first().map(|task| format!("{round} {task}"));
        same("body of the winner", ctx.body("k").await?, expected)?;
    }
    Ok(Done::Passed)
}

async fn race_counter(ctx: Ctx) -> Outcome {
    const INCREMENTS: usize = 3;
    if !ctx.store.capability().conditional_put {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    ctx.put("k", "0 -").await?;
    let done = race(&ctx, |ctx, task| async move {
        for increment in 0..INCREMENTS {
            increase(&ctx, &format!("{task}.{increment}")).await?;
        }
        Ok(())
    })
    .await?;
    same("tasks that ended well", done.len(), ctx.tasks)?;
    let body = ctx.body("k").await?.unwrap_or_default();
    let count = body.split(' ').next().unwrap_or_default().to_owned();
    same("count", count, (ctx.tasks * INCREMENTS).to_string())?;
    Ok(Done::Passed)
}

/// Adds one to the counter. The body names the writer, so that no two writes have one ETag.
async fn increase(ctx: &Ctx, writer: &str) -> Result<()> {
    // Each refusal means that another writer went on, so that this bound is never reached on a right store.
    for _ in 0..100_000 {
        let Some(read) = ctx.store.get(&ctx.key("k")).await? else {
            break;
        };
        // Lets every other task read the same count, also on a store that never waits.
        tokio::task::yield_now().await;
        let text = String::from_utf8_lossy(&read.body).into_owned();
        let count = text.split(' ').next().and_then(|count| count.parse::<u64>().ok()).unwrap_or_default();
        let body = format!("{} {writer}", count + 1);
        match ctx.put_if("k", &body, Condition::IfMatch(read.head.etag)).await {
            Err(error) if error.kind() == ErrorKind::Conflict => tokio::task::yield_now().await,
            other => return other.map(drop),
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "the counter is gone, or nobody can ever increase it"))
}

async fn race_copy_if_absent(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_copy {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    ctx.put("from", "x").await?;
    let winners = race(&ctx, |ctx, _| async move {
        ctx.store.copy(&ctx.key("from"), &ctx.key("to"), None, Condition::IfAbsent).await.map(drop)
    })
    .await?;
    one_winner(&winners)?;
    Ok(Done::Passed)
}

async fn race_delete_if_match(ctx: Ctx) -> Outcome {
    if !ctx.store.capability().conditional_delete {
        return Ok(Done::NotApplicable(NO_CONDITIONS));
    }
    for round in 0..4 {
        let etag = ctx.put("k", &round.to_string()).await?;
        let winners = race(&ctx, |ctx, _| {
            let condition = Condition::IfMatch(etag.clone());
            async move { ctx.store.delete(&ctx.key("k"), condition).await }
        })
        .await?;
        one_winner(&winners)?;
        ensure!(ctx.body("k").await?.is_none(), "the object is there after its delete");
    }
    Ok(Done::Passed)
}

/// Runs one call in every task at once and tells which tasks succeeded. Any failure but a conflict fails the case.
async fn race<F>(ctx: &Ctx, call: impl Fn(Ctx, usize) -> F) -> std::result::Result<Vec<usize>, Failure>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let running = (0..ctx.tasks).map(|task| tokio::spawn(call(ctx.clone(), task))).collect::<Vec<_>>();
    let mut winners = Vec::new();
    for (task, joined) in futures::future::join_all(running).await.into_iter().enumerate() {
        match joined {
            Ok(Ok(())) => winners.push(task),
            Ok(Err(error)) if error.kind() == ErrorKind::Conflict => {}
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => return Err(Failure::new(format!("a task failed: {error}"))),
        }
    }
    Ok(winners)
}

fn one_winner(winners: &[usize]) -> std::result::Result<(), Failure> {
    same("number of winners", winners.len(), 1)
}
