//! What a plugin offers to people and to dashboards, as data: commands and metrics.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use super::Context;
use crate::{Document, Error, ErrorKind, Result};

/// A command of a plugin, for tools such as the binary.
///
/// ```
/// use s3db_core::plugin::{Argument, Command};
///
/// let command = Command::new("stats", "Shows hits and misses").argument(Argument::optional("resource", "Only of this one"));
/// assert_eq!(command.arguments.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// Name, in lower case with hyphens.
    pub name: String,
    /// One line that says what it does.
    pub about: String,
    /// What it can be given.
    pub arguments: Vec<Argument>,
}

/// Something that a command can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argument {
    /// Name, in lower case with hyphens.
    pub name: String,
    /// One line that says what it is.
    pub about: String,
    /// Whether the command does not run without it.
    pub is_required: bool,
}

impl Argument {
    /// An argument that must be given.
    pub fn required(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into(), is_required: true }
    }

    /// An argument that may be given.
    pub fn optional(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into(), is_required: false }
    }
}

impl Command {
    /// A command without arguments.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into(), arguments: Vec::new() }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: Argument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Errors: `Config` naming an argument that is missing, or that the command does not have.
    pub(super) fn check(&self, given: &Document) -> Result<()> {
        let wrong = |what: &str, name: &str| {
            let names: Vec<&str> = self.arguments.iter().map(|argument| argument.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Error::new(ErrorKind::Config, format!("the command {what}"))
                .with("command", &self.name)
                .with("argument", name)
                .hint(format!("its arguments are: {known}"))
        };
        for argument in self.arguments.iter().filter(|argument| argument.is_required) {
            if !given.contains_key(&argument.name) {
                return Err(wrong("needs an argument", &argument.name));
            }
        }
        match given.keys().find(|name| !self.arguments.iter().any(|argument| argument.name == **name)) {
            Some(name) => Err(wrong("has no such argument", name)),
            None => Ok(()),
        }
    }
}

/// What a number of a plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Name as Prometheus has it, with the unit last: `s3db_cache_bytes`.
    pub name: String,
    /// One line that says what it counts.
    pub help: String,
    /// Whether it only grows.
    pub kind: MetricKind,
}

/// Whether a number only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows, from 0 at the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Metric {
    /// A number that only grows.
    pub fn counter(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self { name: name.into(), help: help.into(), kind: MetricKind::Counter }
    }

    /// A number that goes up and down.
    pub fn gauge(name: impl Into<String>, help: impl Into<String>) -> Self {
        Self { name: name.into(), help: help.into(), kind: MetricKind::Gauge }
    }
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reading {
    /// What tells it from others of the same metric, such as `resource=users`.
    pub labels: Vec<(String, String)>,
    /// The number.
    pub value: f64,
}

impl Reading {
    /// A number without labels.
    pub fn new(value: f64) -> Self {
        Self { labels: Vec::new(), value }
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }
}

/// A metric of a plugin and its values of the moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricReadings {
    /// Slug of the plugin.
    pub plugin: String,
    /// What it is.
    pub metric: Metric,
    /// Its values.
    pub readings: Vec<Reading>,
}

type Handler = dyn Fn(Context, Document) -> BoxFuture<'static, Result<Value>> + Send + Sync;

/// A command with what runs it.
#[derive(Clone)]
pub(super) struct Runnable {
    pub(super) command: Command,
    pub(super) handler: Arc<Handler>,
}

/// A metric with what reads it.
pub(super) struct Gauge {
    pub(super) metric: Metric,
    pub(super) read: Box<dyn Fn() -> Vec<Reading> + Send + Sync>,
}
