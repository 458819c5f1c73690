//! Plugins: packages of behaviour that attach to a database, own what they put there, and leave without a trace.
//!
//! A [`Plugin`] says who it is by a [`Manifest`], puts layers, hooks, witnesses, sinks, tasks and schedules into an [`Installer`], and
//! is started and stopped with the database. It works through a [`Context`]: the database, a key space of its own, the
//! clock. [Writing a plugin](https://github.com/s3db/s3db/blob/main/docs/plugins/write-your-own.md) shows one whole.
//!
//! | Step | When | The plugin |
//! |---|---|---|
//! | [`install`](Plugin::install) | the database opens, or [`Database::plugin`] is called | registers; makes its resources |
//! | | it returned `Ok` | its layers and hooks are in force |
//! | [`start`](Plugin::start) | right after; for the plugins of a builder, once all are installed | loads state |
//! | | it returned `Ok` | its tasks, schedules and sinks run |
//! | [`stop`](Plugin::stop) | [`Database::close`], `stop_plugins`, `uninstall_plugin` | after its tasks have ended: flushes what is left |
//! | [`uninstall`](Plugin::uninstall) | `uninstall_plugin`, or something failed while opening | undoes what is outside the installer |
//!
//! [`Database::plugin`]: crate::Database::plugin
//! [`Database::close`]: crate::Database::close

mod context;
mod host;
mod info;
mod installer;
mod leadership;
mod manifest;
mod order;
mod registry;
mod schedule;
mod sink;
pub mod storage;
mod surface;
mod tasks;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::Result;

pub use context::Context;
pub(crate) use host::Plugins;
pub use info::{PluginInfo, PluginState, Uninstalled};
pub use installer::Installer;
pub use leadership::{KnownLeader, Leader, Leadership};
pub use manifest::{Manifest, Requirement};
pub use registry::PluginRegistry;
pub use schedule::Interval;
pub use sink::{ChangeBatch, ChangeSink};
pub use surface::{Argument, Command, Metric, MetricKind, MetricReadings, Reading};
pub use tasks::Shutdown;

pub use crate::database::{ChangeWitness, Ending, Ticket, WitnessOptions};

/// What the names of resources that belong to plugins begin with.
pub const RESOURCE_PREFIX: &str = "plg_";

/// A package of behaviour.
///
/// Only [`install`](Self::install) must be written: most plugins give everything to the installer, which then owns it.
///
/// ```
/// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use async_trait::async_trait;
/// use s3db_core::op::HookPoint;
/// use s3db_core::plugin::{Installer, Manifest, Plugin, Purge};
/// use s3db_core::{Database, ResourceConfig, Result};
/// use serde_json::json;
///
/// #[derive(Debug)]
/// struct Shout;
///
/// #[async_trait]
/// impl Plugin for Shout {
///     fn manifest(&self) -> Manifest {
///         Manifest::new("shout", env!("CARGO_PKG_VERSION"))
///     }
///
///     async fn install(&self, installer: &mut Installer) -> Result<()> {
///         installer.hook(HookPoint::BeforeInsert, "shout", Some("posts"), |mut call| async move {
///             if let Some(post) = &mut call.document {
///                 let loud = post["title"].as_str().unwrap_or_default().to_uppercase();
///                 post.insert("title".into(), loud.into());
///             }
///             Ok(call)
///         });
///         Ok(())
///     }
/// }
///
/// let db = Database::builder("memory://shop/plugin")?.plugin(Shout).connect().await?;
/// let posts = db.create_resource(ResourceConfig::new("posts", json!({"title": "string"}))).await?;
/// assert_eq!(posts.insert(json!({"title": "hello"})).await?.data["title"], "HELLO");
///
/// db.uninstall_plugin("shout", Purge::Keep).await?;
/// assert_eq!(posts.insert(json!({"title": "hello"})).await?.data["title"], "hello");
/// # Ok(()) }) }
/// ```
///
/// A plugin keeps the [`Context`] if it likes, and no [`Database`](crate::Database) and no [`Resource`](crate::Resource):
/// these keep the database open for ever. `s3db_testkit::plugins::check` proves a plugin against these rules.
#[async_trait]
pub trait Plugin: Debug + Send + Sync + 'static {
    /// Who the plugin is. Always the same answer.
    fn manifest(&self) -> Manifest;

    /// Says what the plugin adds. Nothing of it is in force before this returns `Ok`; after an error all is forgotten.
    ///
    /// Errors: what keeps the plugin from being used, such as a wrong option. They make `connect` fail.
    async fn install(&self, installer: &mut Installer) -> Result<()>;

    /// Begins to work; its tasks, schedules and sinks start when this has returned `Ok`.
    ///
    /// Errors: they make `connect` fail, and [`uninstall`](Self::uninstall) comes next.
    async fn start(&self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Makes durable what is left in memory. Its tasks, schedules and sinks have ended by then. Layers and hooks stay in
    /// force until the plugin is taken out. Must end within
    /// [`plugin_stop_max`](crate::database::DatabaseOptions::plugin_stop_max).
    async fn stop(&self, context: &Context) -> Result<()> {
        let _ = context;
        Ok(())
    }

    /// Undoes what the installer does not know of, such as folders on a disk. Layers and hooks are still in force; resources
    /// and plugin storage are deleted afterwards where the caller asks for that.
    async fn uninstall(&self, context: &Context, purge: Purge) -> Result<()> {
        let _ = (context, purge);
        Ok(())
    }
}

/// What becomes of the data of a plugin that is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purge {
    /// It stays, for the next time.
    Keep,
    /// Its storage and the resources that it made are deleted.
    Data,
}

/// A plugin that the program keeps a handle of.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Plugin + ?Sized> Plugin for Arc<P> {
    fn manifest(&self) -> Manifest {
        (**self).manifest()
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        (**self).install(installer).await
    }

    async fn start(&self, context: &Context) -> Result<()> {
        (**self).start(context).await
    }

    async fn stop(&self, context: &Context) -> Result<()> {
        (**self).stop(context).await
    }

    async fn uninstall(&self, context: &Context, purge: Purge) -> Result<()> {
        (**self).uninstall(context, purge).await
    }
}
