//! What a plugin leaves on the bucket.

use std::collections::BTreeSet;

use s3db_core::database::ChangeOptions;
use s3db_core::plugin::storage::SetOptions;
use s3db_core::plugin::{PluginState, Purge};
use serde_json::json;

use super::super::ctx::{Ctx, USERS, info, is_own, users};
use super::super::script;
use crate::conformance::case::{Done, Failure, Outcome, ensure, same};

pub(super) async fn instances_share_nothing(ctx: Ctx) -> Outcome {
    let (one, other) = ((ctx.factory)(Some("one")), (ctx.factory)(Some("other")));
    let (gone, stays) = (one.manifest(), other.manifest());
    let db = ctx.builder("db").plugin(one).plugin(other).connect().await?;
    let rows = users(&db).await?;
    script::run(&rows).await;
    let resources = info(&db, &stays).map(|info| info.resources).unwrap_or_default();
    let taken = info(&db, &gone).map(|info| info.resources).unwrap_or_default();
    let shared: Vec<&String> = taken.iter().filter(|name| resources.contains(name)).collect();
    ensure!(shared.is_empty(), "both have made {shared:?}");
    let slug = stays.slug()?;
    let own = |keys: BTreeSet<String>| {
        keys.into_iter().filter(|key| is_own(key, &slug, &resources)).collect::<BTreeSet<_>>()
    };
    let storage = db.plugin_storage(&slug)?;
    storage.set("kit", json!({}), SetOptions::default()).await?;
    // What it takes away itself, such as work that is done, is gone by then.
    let before = own(ctx.keys_at_rest("db").await?);
    db.uninstall_plugin(&gone.slug()?, Purge::Data).await?;
    let after = own(ctx.keys("db").await?);
    let lost: Vec<&String> = before.difference(&after).collect();
    ensure!(lost.is_empty(), "purging {} deleted objects of {slug}: {lost:?}", gone.slug()?);
    same("the other one", info(&db, &stays).map(|info| info.state), Some(PluginState::Running))?;
    script::run(&rows).await;
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn keys_stay_in_its_space(ctx: Ctx) -> Outcome {
    let db = ctx.builder("without").connect().await?;
    let rows = users(&db).await?;
    // Deletes are others while somebody follows changes, as the plugin may.
    let followed = db.changes(ChangeOptions::new());
    script::run(&rows).await;
    drop(followed);
    db.close().await;
    let without = ctx.keys("without").await?;

    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    let (db, rows) = ctx.with_plugin("with", plugin).await?;
    script::run(&rows).await;
    let resources = info(&db, &manifest).map(|info| info.resources).unwrap_or_default();
    db.close().await;
    let slug = manifest.slug()?;
    let keys = ctx.keys("with").await?;
    let strange: Vec<&String> =
        keys.iter().filter(|key| !without.contains(*key) && !is_own(key, &slug, &resources)).collect();
    ensure!(strange.is_empty(), "objects outside the plugin's space: {strange:?}");
    Ok(Done::Passed)
}

pub(super) async fn resources_are_marked(ctx: Ctx) -> Outcome {
    let db = ctx.builder("db").connect().await?;
    users(&db).await?;
    let there = db.resource_names();
    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    db.plugin(plugin).await?;
    let made = info(&db, &manifest).map(|info| info.resources).unwrap_or_default();
    for name in db.resource_names().iter().filter(|name| !there.contains(name)) {
        let resource = db.resource(name)?;
        same(&format!("who made {name}"), resource.created_by(), manifest.created_by.clone())?;
        ensure!(made.contains(name), "{name} was not made by the installer, and a purge would leave it");
    }
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn purge_leaves_no_object(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    let slug = manifest.slug()?;
    let (db, rows) = ctx.with_plugin("db", plugin).await?;
    script::run(&rows).await;
    rows.insert(json!({"id": "ann", "name": "Ann", "city": "Porto"})).await?;
    // Names that only begin alike, and storage beside the same resource.
    for other in [format!("{slug}x"), format!("{slug}--kit"), "kit-other".to_owned()] {
        let storage = db.plugin_storage(&other)?;
        storage.set("value", json!({}), SetOptions::default()).await?;
        storage.for_resource(USERS)?.set("value", json!({}), SetOptions::default()).await?;
    }
    let resources = info(&db, &manifest).map(|info| info.resources).unwrap_or_default();
    db.stop_plugins().await?;
    let before = ctx.keys("db").await?;
    db.uninstall_plugin(&slug, Purge::Data).await?;
    let after = ctx.keys("db").await?;
    let left: Vec<&String> = after.iter().filter(|key| is_own(key, &slug, &resources)).collect();
    ensure!(left.is_empty(), "objects that are left: {left:?}");
    let lost: Vec<&String> =
        before.difference(&after).filter(|key| !is_own(key, &slug, &resources)).collect();
    ensure!(lost.is_empty(), "objects of others that are gone: {lost:?}");
    let names = db.resource_names();
    let left: Vec<&String> = names.iter().filter(|name| resources.contains(name)).collect();
    ensure!(left.is_empty(), "resources that are left: {left:?}");
    for name in &names {
        let made_by = db.resource(name)?.created_by();
        ensure!(made_by != manifest.created_by, "{name} is left, and was made by {made_by}");
    }
    same("a document of the program", rows.get("ann").await?.id, "ann".to_owned())?;
    db.close().await;
    Ok(Done::Passed)
}

pub(super) async fn data_outlives_uninstall(ctx: Ctx) -> Outcome {
    let plugin = ctx.plugin();
    let manifest = plugin.manifest();
    let slug = manifest.slug()?;
    let (db, rows) = ctx.with_plugin("db", plugin).await?;
    script::run(&rows).await;
    rows.insert(json!({"id": "ann", "name": "Ann", "city": "Porto"})).await?;
    db.stop_plugins().await?;
    let before = ctx.keys("db").await?;
    db.uninstall_plugin(&slug, Purge::Keep).await?;
    let after = ctx.keys("db").await?;
    // Leases are given back, and may go.
    let lost: Vec<&String> = before.difference(&after).filter(|key| !key.contains("/locks/")).collect();
    ensure!(lost.is_empty(), "objects that are gone without a purge: {lost:?}");
    db.plugin(ctx.plugin()).await?;
    let back = info(&db, &manifest).ok_or_else(|| Failure::new("the plugin is not listed"))?;
    same("its state", back.state, PluginState::Running)?;
    same("a document of the program", rows.get("ann").await?.id, "ann".to_owned())?;
    db.close().await;
    Ok(Done::Passed)
}
