//! What the verbs of the program give and send.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::{BoxFuture, join_all};
use s3db_core::plugin::Purge;
use s3db_core::resource::ListOptions;
use s3db_core::{Database, Resource, Result};
use serde_json::json;

use super::super::ctx::{Ctx, settle, users};
use super::super::neighbours::Outage;
use super::super::script;
use crate::conformance::case::{Done, Failure, Outcome, ensure, same};

/// Writes of one task under load.
const WRITES: usize = 24;

pub(super) async fn verbs_are_unchanged(ctx: Ctx) -> Outcome {
    let db = ctx.builder("without").connect().await?;
    let without = script::run(&users(&db).await?).await;
    db.close().await;
    let (db, rows) = ctx.with_plugin("with", ctx.plugin()).await?;
    script::same(&without, &script::run(&rows).await)?;
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn uninstall_leaves_nothing(ctx: Ctx) -> Outcome {
    let db = ctx.builder("db").connect().await?;
    let rows = users(&db).await?;
    let (said, sent) = counted(&db, &rows).await;
    let plugin = ctx.plugin();
    let held = Arc::strong_count(&plugin);
    db.plugin(plugin.clone()).await?;
    script::run(&rows).await;
    db.uninstall_plugin(&plugin.manifest().slug()?, Purge::Keep).await?;
    settle().await;
    // While somebody follows changes, `delete_all` deletes document by document and leaves the reference of an insert that
    // was refused; without followers it takes all.
    rows.delete_all(true).await?;
    let (said_now, sent_now) = counted(&db, &rows).await;
    script::same(&said, &said_now)?;
    same("requests", sent_now, sent)?;
    same("handles of the plugin", Arc::strong_count(&plugin), held)?;
    db.close().await;
    Ok(Done::Passed)
}

async fn counted(db: &Database, rows: &Resource) -> (Vec<String>, String) {
    let before = db.requests();
    let said = script::run(rows).await;
    (said, (db.requests() - before).to_string())
}

pub(super) async fn own_storage_down_spares_reads(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let is_down = Arc::new(AtomicBool::new(false));
    let outage = Outage { slug: plugin.manifest().slug()?, is_down: is_down.clone() };
    let db = ctx.builder("db").layer(outage).plugin(plugin).connect().await?;
    let rows = users(&db).await?;
    rows.insert(json!({"id": "ann", "name": "Ann", "city": "Porto"})).await?;
    is_down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let ann = rows.get("ann").await?;
        same("what is read", ann.data.get("name").cloned(), Some(json!("Ann")))?;
        ensure!(rows.exists("ann").await?, "the document is not there any more");
        same("what is listed", rows.list(ListOptions::default()).await?.records.len(), 1)?;
        same("what is counted", rows.count().await?, 1)?;
        same("what is found", rows.query(json!({"city": "Porto"})).run().await?.records.len(), 1)?;
    }
    is_down.store(false, Ordering::SeqCst);
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn comes_and_goes_under_load(ctx: Ctx) -> Outcome {
    let db = ctx.builder("db").connect().await?;
    let rows = users(&db).await?;
    let slug = ctx.plugin().manifest().slug()?;
    let load = (0..ctx.tasks).map(|task| {
        let rows = rows.clone();
        async move {
            let id = format!("user-{task}");
            for n in 0..WRITES {
                rows.upsert(json!({"id": id, "name": "Ann", "city": "Porto", "n": n})).await?;
                let read = rows.get(&id).await?;
                ensure!(
                    read.data.get("n") == Some(&json!(n)),
                    "{id}: wrote {n}, read {:?}",
                    read.data.get("n")
                );
                tokio::task::yield_now().await;
            }
            Ok(())
        }
    });
    let come_and_go = async {
        for _ in 0..3 {
            db.plugin(ctx.plugin()).await?;
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            db.uninstall_plugin(&slug, Purge::Keep).await?;
        }
        Ok(())
    };
    let come_and_go: BoxFuture<'_, Result<()>> = Box::pin(come_and_go);
    let (written, gone) = futures::future::join(join_all(load), come_and_go).await;
    gone?;
    written.into_iter().collect::<std::result::Result<(), Failure>>()?;
    same("documents", rows.count().await?, ctx.tasks as u64)?;
    db.close().await;
    Ok(Done::Passed)
}
