//! The plugins of an open database.

use std::sync::Arc;

use serde_json::Value;

use super::{Database, Inner};
use crate::plugin::{MetricReadings, Plugin, PluginInfo, Purge, Uninstalled};
use crate::{Document, Error, ErrorKind, Result};

impl Database {
    /// Installs and starts a plugin. It is the same as to give it to the [builder](super::DatabaseBuilder::plugin).
    ///
    /// Pass an `Arc` to keep a handle of your own.
    ///
    /// Errors: `Config` when a plugin of its name is installed, or one that it requires is not, naming the cargo feature;
    /// those of the plugin. The error names the `plugin` and the `stage`, and nothing of it is left.
    pub async fn plugin(&self, plugin: impl Plugin) -> Result<PluginInfo> {
        let mut added = Box::pin(self.add_plugins(vec![Arc::new(plugin)])).await?;
        added.pop().ok_or_else(|| Error::new(ErrorKind::Config, "no plugin was given"))
    }

    /// Installs several plugins, then starts them, each after those that it requires. One that fails undoes them all.
    ///
    /// Errors: as [`plugin`](Self::plugin).
    pub async fn add_plugins(&self, plugins: Vec<Arc<dyn Plugin>>) -> Result<Vec<PluginInfo>> {
        self.inner.plugins.add(self, plugins).await
    }

    /// The plugins, in the order of installing. Sends nothing.
    pub fn plugins(&self) -> Vec<PluginInfo> {
        self.inner.plugins.info()
    }

    /// Stops all plugins, the last one first: their tasks have ended then, and what they had in memory is durable. Their
    /// layers and hooks stay in force. [`close`](Self::close) does this; call it yourself to see what fails.
    ///
    /// Takes at most [`plugin_stop_max`](super::DatabaseOptions::plugin_stop_max) and a tenth of it more, for each plugin.
    ///
    /// Errors: the first failure of a plugin, after all have stopped; `Unavailable` names the tasks that were cut off.
    pub async fn stop_plugins(&self) -> Result<()> {
        self.inner.plugins.stop(self).await
    }

    /// Stops a plugin and takes out all that it has added: verbs behave as before it was installed. `name` is its slug,
    /// or its name where there is only one of it. With [`Purge::Data`] its storage, in the whole database, and the
    /// resources that it made are deleted too, and nothing else.
    ///
    /// Requests: those of the plugin; of a purge 1 LIST + 1 DELETE of many per 1,000 objects, 1 LIST per 1,000 resources,
    /// and a change of the catalogue for each resource.
    /// Errors: `NotFound`, listing the plugins; `Config` when another plugin requires it. An error of the plugin itself
    /// comes when it is out already.
    pub async fn uninstall_plugin(&self, name: &str, purge: Purge) -> Result<Uninstalled> {
        Box::pin(self.inner.plugins.remove(self, name, purge)).await
    }

    /// The numbers that plugins offer, with their values of the moment. Sends nothing.
    pub fn plugin_metrics(&self) -> Vec<MetricReadings> {
        self.inner.plugins.metrics()
    }

    /// Runs a command that a plugin offers: [`PluginInfo::commands`].
    ///
    /// Errors: `NotFound` for an unknown plugin or command, `Config` for an argument that is missing or unknown; those of
    /// the command.
    pub async fn run_plugin_command(
        &self,
        plugin: &str,
        command: &str,
        arguments: Document,
    ) -> Result<Value> {
        self.inner.plugins.command(plugin, command, arguments).await
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self { inner }
    }
}
