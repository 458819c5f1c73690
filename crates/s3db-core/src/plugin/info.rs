//! What a database says of its plugins.

use super::{Command, Manifest};

/// How far a plugin has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PluginState {
    /// Its layers and hooks are in force, and it has not started yet.
    Installed,
    /// It runs.
    Running,
    /// It has stopped; its layers and hooks are still in force.
    Stopped,
}

/// A plugin of an open database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginInfo {
    /// The name that it goes by, with its namespace.
    pub slug: String,
    /// What it says of itself.
    pub manifest: Manifest,
    /// How far it has come.
    pub state: PluginState,
    /// Layers that it has put around the verbs.
    pub layers: usize,
    /// Hooks that it has registered.
    pub hooks: usize,
    /// Witnesses of changes that it has registered.
    pub witnesses: usize,
    /// Tasks that run now: background tasks, schedules and change sinks.
    pub tasks: usize,
    /// Full names of the resources that it has made.
    pub resources: Vec<String>,
    /// Commands that it offers.
    pub commands: Vec<Command>,
    /// How often something of it has failed in the background.
    pub failures: u64,
    /// The last of these failures.
    pub last_failure: Option<String>,
}

/// What was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Uninstalled {
    /// Slug of the plugin.
    pub slug: String,
    /// Objects that were deleted: 0 without a purge.
    pub deleted: u64,
}
