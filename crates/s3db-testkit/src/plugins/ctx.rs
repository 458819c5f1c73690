//! What a case gets, and what cases have in common.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use s3db_core::database::DatabaseBuilder;
use s3db_core::env::{Env as _, SystemEnv};
use s3db_core::plugin::{Manifest, Plugin, PluginInfo};
use s3db_core::store::{ListRequest, Store};
use s3db_core::{Database, Resource, ResourceConfig, Result};
use serde_json::json;

use super::Factory;

/// The resource that the program of a case has.
pub(super) const USERS: &str = "kit_users";

/// Looks at keys that wait for the plugin to come to rest.
const LOOKS_MAX: usize = 100;

/// As many alike, one after another, are rest.
const LOOKS_ALIKE: usize = 3;

/// Time between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The store, and how plugins are made.
#[derive(Clone)]
pub(super) struct Ctx {
    pub(super) store: Arc<dyn Store>,
    pub(super) prefix: String,
    pub(super) factory: Factory,
    pub(super) companions: Vec<Factory>,
    pub(super) tasks: usize,
    pub(super) stop_time_max: Duration,
}

impl Ctx {
    /// An instance without a namespace.
    pub(super) fn plugin(&self) -> Arc<dyn Plugin> {
        (self.factory)(None)
    }

    /// A database of this case, to be opened; what the plugin requires is installed in it.
    pub(super) fn builder(&self, name: &str) -> DatabaseBuilder {
        let max = self.stop_time_max;
        Database::builder_on(self.store.clone(), &self.root(name))
            .options(|options| options.plugin_stop_max = max)
            .plugins(self.companions.iter().map(|companion| companion(None)))
    }

    /// Where the keys of such a database begin, without the last `/`.
    pub(super) fn root(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A database with the plugin, its resource, and what it says of the plugin.
    pub(super) async fn with_plugin(
        &self,
        name: &str,
        plugin: Arc<dyn Plugin>,
    ) -> Result<(Database, Resource)> {
        let db = self.builder(name).plugin(plugin).connect().await?;
        let users = users(&db).await?;
        Ok((db, users))
    }

    /// The keys once nobody writes or deletes any for a while, or after many looks.
    pub(super) async fn keys_at_rest(&self, name: &str) -> Result<BTreeSet<String>> {
        let mut last = self.keys(name).await?;
        let mut same = 0;
        for _ in 0..LOOKS_MAX {
            SystemEnv.sleep(BETWEEN_LOOKS).await;
            let now = self.keys(name).await?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
            if same == LOOKS_ALIKE {
                break;
            }
        }
        Ok(last)
    }

    /// All keys of such a database, without where they begin.
    pub(super) async fn keys(&self, name: &str) -> Result<BTreeSet<String>> {
        let root = format!("{}/", self.root(name));
        let mut request = ListRequest::prefix(root.as_str());
        let mut keys = BTreeSet::new();
        loop {
            let page = self.store.list(request.clone()).await?;
            keys.extend(
                page.entries.iter().filter_map(|entry| entry.key.strip_prefix(&root).map(str::to_owned)),
            );
            request.continuation = page.continuation;
            if request.continuation.is_none() {
                return Ok(keys);
            }
        }
    }
}

/// The resource of the program, made if it is not there.
pub(super) async fn users(db: &Database) -> Result<Resource> {
    let config =
        ResourceConfig::new(USERS, json!({"name": "string", "city": "string", "n": "number|optional"}))
            .paranoid(false)
            .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
    db.create_resource(config).await
}

/// What a database says of the plugin of this slug.
pub(super) fn info(db: &Database, manifest: &Manifest) -> Option<PluginInfo> {
    let slug = manifest.slug().ok()?;
    db.plugins().into_iter().find(|info| info.slug == slug)
}

/// Whether a key is in the space of the plugin: its storage, that beside a resource, or a resource that it made.
pub(super) fn is_own(key: &str, slug: &str, resources: &[String]) -> bool {
    let below = |folder: &str| key.starts_with(&format!("{folder}/"));
    let storage = format!("plugin={slug}");
    below(&storage)
        || key.split_once('/').is_some_and(|(first, rest)| {
            first.starts_with("resource=") && rest.starts_with(&format!("{storage}/"))
        })
        || resources.iter().any(|name| below(&format!("resource={name}")))
        // Claims on unique values stand beside the resources.
        || resources.iter().any(|name| key.contains(&format!("/resource={name}/")))
}

/// Lets what runs beside the case have many turns.
pub(super) async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}
