//! Coming, stopping and going.

use std::sync::Arc;

use s3db_core::plugin::{PluginInfo, PluginState, Purge};

use super::super::ctx::{Ctx, info, settle, users};
use super::super::neighbours::Broken;
use super::super::script;
use crate::conformance::case::{Done, Failure, Outcome, ensure, same};

pub(super) async fn manifest_is_sound(ctx: Ctx) -> Outcome {
    let (plugin, other) = (ctx.plugin(), ctx.plugin());
    let manifest = plugin.manifest();
    same("the manifest, asked twice", plugin.manifest(), manifest.clone())?;
    same("the manifest of another instance", other.manifest(), manifest.clone())?;
    let slug = manifest.slug()?;
    ensure!(!manifest.version.is_empty(), "{slug} has no version");
    ensure!(manifest.created_by != "user", "{slug} marks its resources as those of the user");
    let spaced = (ctx.factory)(Some("Kit EU")).manifest();
    same("the slug in the namespace `Kit EU`", spaced.slug()?, format!("{}--kit-eu", manifest.name))?;
    same("what needs others in a namespace", spaced.requires, manifest.requires)?;
    Ok(Done::Passed)
}

pub(super) async fn before_or_after_connect(ctx: Ctx) -> Outcome {
    let early = ctx.plugin();
    let manifest = early.manifest();
    let (db, rows) = ctx.with_plugin("before", early).await?;
    let before = (info(&db, &manifest).map(adds), script::run(&rows).await);
    db.close().await;

    let db = ctx.builder("after").connect().await?;
    let rows = users(&db).await?;
    let late = db.plugin(ctx.plugin()).await?;
    let after = (Some(adds(late)), script::run(&rows).await);
    db.close().await;
    same("what it adds after connect", after.0, before.0)?;
    script::same(&before.1, &after.1)?;
    Ok(Done::Passed)
}

/// What a plugin has added.
fn adds(info: PluginInfo) -> (String, usize, usize, Vec<String>, usize) {
    (info.slug, info.layers, info.hooks, info.resources, info.commands.len())
}

pub(super) async fn name_is_taken_once(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    let (db, rows) = ctx.with_plugin("db", plugin).await?;
    let second = db.plugin(ctx.plugin()).await;
    ensure!(second.is_err(), "the second one was installed");
    let first = info(&db, &manifest).map(|info| info.state);
    same("the first one", first, Some(PluginState::Running))?;
    script::run(&rows).await;
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn reinstall_does_not_stack(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    let (db, rows) = ctx.with_plugin("db", plugin.clone()).await?;
    let once = info(&db, &manifest).map(adds);
    let said = script::run(&rows).await;
    for _ in 0..2 {
        db.uninstall_plugin(&manifest.slug()?, Purge::Keep).await?;
        db.plugin(plugin.clone()).await?;
        same("what it adds again", info(&db, &manifest).map(adds), once.clone())?;
        script::same(&said, &script::run(&rows).await)?;
    }
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn stop_joins_its_tasks(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    let (db, rows) = ctx.with_plugin("db", plugin).await?;
    script::run(&rows).await;
    db.stop_plugins().await?;
    let stopped = info(&db, &manifest).ok_or_else(|| Failure::new("the plugin is not listed"))?;
    same("its state", stopped.state, PluginState::Stopped)?;
    same("tasks that run", stopped.tasks, 0)?;
    same("failures", stopped.last_failure, None)?;
    let sent = db.requests();
    settle().await;
    same("requests after stop", db.requests(), sent)?;
    db.stop_plugins().await?;
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn failed_neighbour_undoes_it(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let held = Arc::strong_count(&plugin);
    let opened = ctx.builder("db").plugin(plugin.clone()).plugin(Broken).connect().await;
    match opened {
        Err(error) if error.context("plugin") == Some("kit-broken") => {}
        Err(error) => return Err(Failure::new(format!("another one failed: {error:?}"))),
        Ok(_) => return Err(Failure::new("the database opened all the same")),
    }
    settle().await;
    same("handles of the plugin", Arc::strong_count(&plugin), held)?;
    let (db, rows) = ctx.with_plugin("db", ctx.plugin()).await?;
    script::run(&rows).await;
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn database_is_let_go(ctx: Ctx) -> Outcome {
    // Handles of the cases before are on their way out.
    settle().await;
    let held = Arc::strong_count(&ctx.store);
    {
        let (db, rows) = ctx.with_plugin("db", ctx.plugin()).await?;
        script::run(&rows).await;
        drop(rows);
        db.close().await;
    }
    settle().await;
    let left = Arc::strong_count(&ctx.store);
    ensure!(left <= held, "the store has {} handles more than before", left.saturating_sub(held));
    Ok(Done::Passed)
}
