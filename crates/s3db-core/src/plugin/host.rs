//! The plugins of one database, and how they come and go.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::Value;

use super::installer::{Installer, Parts};
use super::order::order;
use super::tasks::{bounded, lock, panicked};
use super::{
    Context, Manifest, MetricReadings, Plugin, PluginInfo, PluginState, Purge, Uninstalled, WitnessOptions,
};
use crate::database::PluginNews;
use crate::op::Registration;
use crate::plugin::storage::Scope;
use crate::{Database, Document, Error, ErrorKind, Result};

tokio::task_local! {
    /// Set while a plugin installs, starts, stops or uninstalls.
    static IN_LIFECYCLE: ();
}

/// The plugins of a database, in the order of installing.
#[derive(Debug, Default)]
pub(crate) struct Plugins {
    entries: Mutex<Vec<Arc<Entry>>>,
    /// One plugin comes or goes at a time.
    turn: tokio::sync::Mutex<()>,
}

struct Entry {
    plugin: Arc<dyn Plugin>,
    context: Context,
    parts: Mutex<Parts>,
    /// Layers and hooks that are in force.
    registrations: Mutex<Vec<Registration>>,
    state: Mutex<PluginState>,
}

impl Plugins {
    /// Installs all, then starts all, each after those that it requires. A failure undoes everything.
    pub(crate) async fn add(&self, db: &Database, plugins: Vec<Arc<dyn Plugin>>) -> Result<Vec<PluginInfo>> {
        let _turn = self.turn().await?;
        let manifests: Vec<Manifest> = plugins.iter().map(|plugin| plugin.manifest()).collect();
        let mut slugs = self.all().iter().map(|entry| entry.slug().to_owned()).collect::<Vec<_>>();
        for manifest in &manifests {
            let slug = manifest.slug()?;
            if slugs.contains(&slug) {
                return Err(Error::new(ErrorKind::Config, "a plugin of this name is installed")
                    .with("plugin", slug)
                    .hint("give one of them another namespace"));
            }
            slugs.push(slug);
        }
        let present: Vec<String> =
            self.all().iter().map(|entry| entry.context.manifest().name.clone()).collect();
        let order = order(&manifests, &present)?;
        let mut fresh = Fresh { plugins: self, entries: Vec::new() };
        for at in &order {
            let (Some(plugin), Some(manifest)) = (plugins.get(*at), manifests.get(*at)) else { continue };
            match Entry::install(db, plugin.clone(), manifest.clone()).await {
                Ok(entry) => fresh.push(entry),
                Err(error) => return Err(fresh.undo(db, error).await),
            }
        }
        for entry in fresh.entries.clone() {
            if let Err(error) = entry.start().await {
                return Err(fresh.undo(db, error).await);
            }
        }
        Ok(std::mem::take(&mut fresh.entries).iter().map(|entry| entry.info()).collect())
    }

    /// Stops all, the last one first. Returns the first failure, after all have stopped.
    pub(crate) async fn stop(&self, db: &Database) -> Result<()> {
        let _turn = self.turn().await?;
        let mut first = Ok(());
        for entry in self.all().iter().rev() {
            first = first.and(entry.stop(db).await);
        }
        first
    }

    /// Stops one and takes out all that it has added.
    pub(crate) async fn remove(&self, db: &Database, name: &str, purge: Purge) -> Result<Uninstalled> {
        let _turn = self.turn().await?;
        let entry = self.find(name)?;
        let manifest = entry.context.manifest();
        let others = self.all();
        let others = || others.iter().filter(|other| other.slug() != entry.slug());
        let needs = |other: &&Arc<Entry>| {
            other.context.manifest().requires.iter().any(|requirement| requirement.plugin == manifest.name)
        };
        let has_stand_in = others().any(|other| other.context.manifest().name == manifest.name);
        if let Some(other) = others().find(needs).filter(|_| !has_stand_in) {
            return Err(Error::new(ErrorKind::Config, "another plugin needs this one")
                .with("plugin", entry.slug())
                .with("needed_by", other.slug())
                .hint("uninstall that one first"));
        }
        let stopped = entry.stop(db).await;
        let undone = entry.uninstall(purge).await;
        entry.detach();
        lock(&self.entries).retain(|other| !Arc::ptr_eq(other, &entry));
        entry.context.tell(PluginNews::Uninstalled);
        let mut deleted = 0;
        if purge == Purge::Data {
            deleted = entry.purge(db).await?;
            entry.context.tell(PluginNews::Purged { deleted });
        }
        stopped.and(undone)?;
        Ok(Uninstalled { slug: entry.slug().to_owned(), deleted })
    }

    pub(crate) fn info(&self) -> Vec<PluginInfo> {
        self.all().iter().map(|entry| entry.info()).collect()
    }

    pub(crate) fn metrics(&self) -> Vec<MetricReadings> {
        let mut all = Vec::new();
        for entry in self.all() {
            for gauge in &lock(&entry.parts).metrics {
                let (plugin, metric) = (entry.slug().to_owned(), gauge.metric.clone());
                all.push(MetricReadings { plugin, metric, readings: (gauge.read)() });
            }
        }
        all
    }

    pub(crate) async fn command(&self, plugin: &str, command: &str, arguments: Document) -> Result<Value> {
        let entry = self.find(plugin)?;
        let (found, names) = {
            let parts = lock(&entry.parts);
            let found = parts.commands.iter().find(|runnable| runnable.command.name == command).cloned();
            let names = parts.commands.iter().map(|runnable| runnable.command.name.clone());
            (found, names.collect::<Vec<_>>())
        };
        let runnable = found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the plugin has no such command")
                .with("plugin", entry.slug())
                .with("command", command)
                .hint(format!("its commands are: {}", names.join(", ")))
        })?;
        runnable.command.check(&arguments)?;
        (runnable.handler)(entry.context.clone(), arguments)
            .await
            .map_err(|error| error.with("plugin", entry.slug()))
    }

    /// What plugins of a name or slug provide.
    pub(super) fn service(&self, plugin: &str) -> Vec<Arc<dyn Any + Send + Sync>> {
        let all = self.all();
        let named =
            all.iter().filter(|entry| entry.slug() == plugin || entry.context.manifest().name == plugin);
        named.flat_map(|entry| lock(&entry.parts).services.clone()).collect()
    }

    fn all(&self) -> Vec<Arc<Entry>> {
        lock(&self.entries).clone()
    }

    /// A plugin by its slug, or by its name where there is only one of it.
    fn find(&self, name: &str) -> Result<Arc<Entry>> {
        let all = self.all();
        if let Some(entry) = all.iter().find(|entry| entry.slug() == name) {
            return Ok(entry.clone());
        }
        let named: Vec<_> = all.iter().filter(|entry| entry.context.manifest().name == name).collect();
        match named.as_slice() {
            [entry] => Ok((*entry).clone()),
            _ => {
                let slugs: Vec<&str> = all.iter().map(|entry| entry.slug()).collect();
                let hint = match slugs.as_slice() {
                    [] => "no plugin is installed".to_owned(),
                    slugs => format!("the plugins are: {}", slugs.join(", ")),
                };
                let what =
                    if named.is_empty() { "plugin not found" } else { "several plugins have this name" };
                Err(Error::new(ErrorKind::NotFound, what).with("plugin", name).hint(hint))
            }
        }
    }

    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>> {
        if IN_LIFECYCLE.try_with(|()| ()).is_ok() {
            return Err(Error::new(
                ErrorKind::Config,
                "a plugin installs, stops or takes out plugins while it is installed, started or stopped itself",
            )
            .hint("name what it needs in its manifest"));
        }
        Ok(self.turn.lock().await)
    }
}

/// Plugins that are being added. What is left of them when this is dropped, as when the call is, is taken out.
struct Fresh<'a> {
    plugins: &'a Plugins,
    entries: Vec<Arc<Entry>>,
}

impl Fresh<'_> {
    fn push(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        // From here on others find what it provides.
        lock(&self.plugins.entries).push(entry.clone());
        entry.context.tell(PluginNews::Installed);
        self.entries.push(entry);
    }

    /// Takes all out again, the last one first, and gives back the reason.
    async fn undo(&mut self, db: &Database, reason: Error) -> Error {
        for entry in self.entries.clone().iter().rev() {
            // What fails here has been reported; the reason is what counts.
            let _ = entry.stop(db).await;
            let _ = entry.uninstall(Purge::Keep).await;
        }
        reason
    }
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        for entry in &self.entries {
            entry.context.tasks().abort();
            *lock(&entry.state) = PluginState::Stopped;
            entry.detach();
            lock(&self.plugins.entries).retain(|other| !Arc::ptr_eq(other, entry));
        }
    }
}

impl Entry {
    async fn install(db: &Database, plugin: Arc<dyn Plugin>, manifest: Manifest) -> Result<Self> {
        let slug = manifest.slug()?;
        let at = |error: Error| error.with("plugin", &slug).with("stage", "install");
        let context = Context::new(db, manifest).map_err(at)?;
        let mut installer = Installer::new(context.clone());
        guarded(plugin.install(&mut installer)).await.map_err(at)?;
        let mut parts = installer.parts;
        let mut registrations: Vec<_> =
            std::mem::take(&mut parts.attach).into_iter().map(|attach| attach(db)).collect();
        for (name, options, witness) in std::mem::take(&mut parts.witnesses) {
            // What it writes down itself would be witnessed without end.
            let options = parts.resources.iter().fold(options, WitnessOptions::except_resource);
            let name = format!("{slug}/{name}");
            registrations.push(db.inner().witnesses.add(name, options, witness));
        }
        Ok(Self {
            plugin,
            context,
            parts: Mutex::new(parts),
            registrations: Mutex::new(registrations),
            state: Mutex::new(PluginState::Installed),
        })
    }

    async fn start(&self) -> Result<()> {
        let at = |error: Error| error.with("plugin", self.slug()).with("stage", "start");
        guarded(self.plugin.start(&self.context)).await.map_err(at)?;
        *lock(&self.state) = PluginState::Running;
        let starters = std::mem::take(&mut lock(&self.parts).starters);
        for starter in starters {
            starter(&self.context).map_err(at)?;
        }
        self.context.tell(PluginNews::Started);
        Ok(())
    }

    /// Ends the tasks, then has the plugin stop if it runs.
    async fn stop(&self, db: &Database) -> Result<()> {
        let was = std::mem::replace(&mut *lock(&self.state), PluginState::Stopped);
        if was == PluginState::Stopped {
            return Ok(());
        }
        let (env, limit) = (self.context.env(), db.inner().options.plugin_stop_max);
        let began = env.monotonic();
        let mut outcome = Ok(());
        let cut_off = self.context.tasks().join(env.as_ref(), limit).await;
        if !cut_off.is_empty() {
            outcome = Err(self.too_slow(limit).with("tasks", cut_off.join(", ")));
        }
        if was == PluginState::Running {
            // However long the tasks took, it has a moment to put things in order.
            let left = limit.saturating_sub(env.monotonic().saturating_sub(began)).max(limit / 10);
            let stop = guarded(self.plugin.stop(&self.context));
            let stopped = bounded(env.as_ref(), left, stop).await;
            outcome = outcome.and(stopped.unwrap_or_else(|| Err(self.too_slow(limit))));
        }
        if let Err(error) = &outcome {
            self.context.report("stop", error);
        }
        self.context.tell(PluginNews::Stopped);
        outcome.map_err(|error| error.with("plugin", self.slug()).with("stage", "stop"))
    }

    fn too_slow(&self, limit: Duration) -> Error {
        Error::new(ErrorKind::Unavailable, "the plugin did not stop in time")
            .with("plugin", self.slug())
            .with("stop_ms_max", limit.as_millis())
            .hint("raise plugin_stop_max, or let its tasks watch their shutdown")
            .retryable(false)
            .outcome_unknown(false)
    }

    async fn uninstall(&self, purge: Purge) -> Result<()> {
        let undone = guarded(self.plugin.uninstall(&self.context, purge)).await;
        if let Err(error) = &undone {
            self.context.report("uninstall", error);
        }
        undone.map_err(|error| error.with("plugin", self.slug()).with("stage", "uninstall"))
    }

    /// Takes layers and hooks out. Calls that are on their way still go through them.
    fn detach(&self) {
        let registrations = std::mem::take(&mut *lock(&self.registrations));
        registrations.into_iter().for_each(Registration::remove);
        let mut parts = lock(&self.parts);
        // What a plugin has given may hold on to the plugin.
        *parts = Parts { resources: std::mem::take(&mut parts.resources), ..Parts::default() };
    }

    /// Deletes what the plugin has on the bucket. Returns the number of objects.
    async fn purge(&self, db: &Database) -> Result<u64> {
        let at = |error: Error| error.with("plugin", self.slug()).with("stage", "purge");
        let mut deleted = self.context.storage().delete_all(Scope::Everywhere).await.map_err(at)?;
        let resources = lock(&self.parts).resources.clone();
        for name in resources {
            deleted += db.remove_resource(&name).await.map_err(at)?;
        }
        Ok(deleted)
    }

    fn slug(&self) -> &str {
        self.context.slug()
    }

    fn info(&self) -> PluginInfo {
        let parts = lock(&self.parts);
        let (failures, last_failure) = self.context.failures();
        PluginInfo {
            slug: self.slug().to_owned(),
            manifest: self.context.manifest().clone(),
            state: *lock(&self.state),
            layers: parts.layers,
            hooks: parts.hooks,
            witnesses: parts.witness_count,
            tasks: self.context.tasks().count(),
            resources: parts.resources.clone(),
            commands: parts.commands.iter().map(|runnable| runnable.command.clone()).collect(),
            failures,
            last_failure,
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        if *state == PluginState::Running {
            tracing::error!(
                plugin = self.context.slug(),
                "the database was dropped with a plugin running; call `close`"
            );
        }
        // Tasks hold the context that holds them.
        self.context.tasks().abort();
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("plugin", &self.plugin)
            .field("slug", &self.slug())
            .finish_non_exhaustive()
    }
}

/// Runs code of a plugin: a panic becomes an error.
async fn guarded(step: impl Future<Output = Result<()>>) -> Result<()> {
    let step = IN_LIFECYCLE.scope((), AssertUnwindSafe(step).catch_unwind());
    Box::pin(step).await.unwrap_or_else(|_| Err(panicked()))
}
