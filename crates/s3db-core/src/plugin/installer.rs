//! What a plugin adds to a database.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use serde_json::Value;

use super::sink::{self, ChangeSink};
use super::surface::{Gauge, Runnable};
use super::tasks::Shutdown;
use super::{ChangeWitness, Command, Context, Interval, Manifest, Metric, RESOURCE_PREFIX, Reading};
use super::{WitnessOptions, schedule};
use crate::database::{ChangeOptions, Changes};
use crate::op::{Answer, HookCall, HookPoint, Next, Op, OpLayer, Registration, Stage};
use crate::store::RequestObserver;
use crate::{Database, Document, Error, ErrorKind, Resource, ResourceConfig, Result};

/// Collects what a plugin adds. Only a database makes one, so that it can learn new things without breaking a plugin.
///
/// Nothing is in force before [`Plugin::install`](super::Plugin::install) has returned, but for resources, which are made at
/// once.
pub struct Installer {
    context: Context,
    pub(super) parts: Parts,
}

type Starter = Box<dyn FnOnce(&Context) -> Result<()> + Send + Sync>;
type Attach = Box<dyn FnOnce(&Database) -> Registration + Send + Sync>;

/// What a plugin has added.
#[derive(Default)]
pub(super) struct Parts {
    /// Puts layers and hooks in force.
    pub(super) attach: Vec<Attach>,
    pub(super) layers: usize,
    pub(super) hooks: usize,
    pub(super) witness_count: usize,
    pub(super) witnesses: Vec<(String, WitnessOptions, Arc<dyn ChangeWitness>)>,
    /// Starts tasks, schedules and sinks.
    pub(super) starters: Vec<Starter>,
    pub(super) commands: Vec<Runnable>,
    pub(super) metrics: Vec<Gauge>,
    pub(super) services: Vec<Arc<dyn Any + Send + Sync>>,
    pub(super) resources: Vec<String>,
}

impl Installer {
    pub(super) fn new(context: Context) -> Self {
        Self { context, parts: Parts::default() }
    }

    /// What the plugin works with, now and later.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Puts a layer around the verbs of every resource, those of later ones too.
    pub fn layer(&mut self, stage: Stage, layer: Arc<dyn OpLayer>) {
        self.parts.layers += 1;
        self.parts.attach.push(Box::new(move |db| db.layer(stage, layer)));
    }

    /// Puts a layer around the verbs of one resource, which need not exist yet.
    pub fn layer_on(&mut self, resource: &str, stage: Stage, layer: Arc<dyn OpLayer>) {
        self.layer(stage, Arc::new(OnlyOn { resource: resource.to_owned(), layer }));
    }

    /// Runs `hook` before or after a verb: of one resource, which need not exist yet, or of every one. `name` stands in
    /// errors. Hooks of plugins come before those of the resource, in the order of installing.
    pub fn hook<F, R>(&mut self, point: HookPoint, name: &str, resource: Option<&str>, hook: F)
    where
        F: Fn(HookCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HookCall>> + Send + 'static,
    {
        let (name, resource) = (name.to_owned(), resource.map(str::to_owned));
        self.parts.hooks += 1;
        self.parts
            .attach
            .push(Box::new(move |db| db.inner().hooks.add(point, &name, resource.as_deref(), hook)));
    }

    /// Has `observer` be told of each request of the database, as [`Database::observe_requests`], from the moment it is
    /// installed until it is taken out.
    pub fn requests(&mut self, observer: Arc<dyn RequestObserver>) {
        self.parts.attach.push(Box::new(move |db| db.observe_requests(observer)));
    }

    /// Makes a resource of the plugin's own, `plg_NAME` or `plg_NAMESPACE_NAME`, marked with who made it. One that is there
    /// already is brought to this definition. A purge deletes it.
    ///
    /// Requests and errors: as [`Database::create_resource`]; `Config` when a resource of the program has the name.
    pub async fn resource(&mut self, config: ResourceConfig) -> Result<Resource> {
        let name = self.context.manifest().resource_name(config.name());
        self.make(config.named(name)).await
    }

    /// Makes a resource under exactly the name of its definition; else as [`resource`](Self::resource).
    pub async fn resource_named(&mut self, config: ResourceConfig) -> Result<Resource> {
        self.make(config).await
    }

    async fn make(&mut self, config: ResourceConfig) -> Result<Resource> {
        let manifest: &Manifest = self.context.manifest();
        let db = self.context.database()?;
        let name = config.name().to_owned();
        // s3db.js notes its own plugins' resources as those of the user, and only the name tells.
        if let Ok(existing) = db.resource(&name)
            && existing.created_by() != manifest.created_by
            && !name.starts_with(RESOURCE_PREFIX)
        {
            return Err(Error::new(
                ErrorKind::Config,
                "a resource of this name is there, and not of this plugin",
            )
            .with("resource", &name)
            .with("created_by", existing.created_by())
            .hint("give the plugin's resource another name"));
        }
        let resource = Box::pin(db.create_resource(config.created_by(&manifest.created_by))).await?;
        if !self.parts.resources.contains(&name) {
            self.parts.resources.push(name);
        }
        Ok(resource)
    }

    /// Has `sink` receive the changes that this process commits from now on, in a task of its own.
    ///
    /// While somebody follows changes, deletes read what they delete: 1 GET in place of 1 HEAD.
    pub fn changes(&mut self, name: &str, options: ChangeOptions, sink: Arc<dyn ChangeSink>) -> Result<()> {
        let changes: Changes = self.context.database()?.changes(options);
        let name = name.to_owned();
        self.parts.starters.push(Box::new(move |context| {
            context.spawn(&name, sink::run(context.clone(), name.clone(), changes, sink))
        }));
        Ok(())
    }

    /// Has `witness` see changes before they are committed, and learn how each ended. `name` stands in errors.
    ///
    /// Like a layer it is in force until the plugin is taken out, before its start and after its stop as well.
    /// While it is, deletes read what they delete: 1 GET in place of 1 HEAD.
    pub fn witness(&mut self, name: &str, options: WitnessOptions, witness: Arc<dyn ChangeWitness>) {
        self.parts.witness_count += 1;
        self.parts.witnesses.push((name.to_owned(), options, witness));
    }

    /// Runs a task from the start of the plugin to its end. It watches the [`Shutdown`], brings what it has begun to an end,
    /// and returns; one that does not is cut off. An error or a panic is [reported](Context::report).
    pub fn task<F, R>(&mut self, name: &str, task: F)
    where
        F: FnOnce(Context, Shutdown) -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        let name = name.to_owned();
        self.parts
            .starters
            .push(Box::new(move |context| context.spawn(&name, task(context.clone(), context.shutdown()))));
    }

    /// Does `work` again and again from the start of the plugin to its end, one time after the other. A time that fails is
    /// [reported](Context::report).
    ///
    /// Errors: `Config` for an interval of nothing.
    pub fn every<F, R>(&mut self, interval: Interval, name: &str, work: F) -> Result<()>
    where
        F: Fn(Context) -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        interval.check().map_err(|error| error.with("schedule", name))?;
        let name = name.to_owned();
        self.parts.starters.push(Box::new(move |context| {
            context.spawn(&name, schedule::run(context.clone(), name.clone(), interval, work))
        }));
        Ok(())
    }

    /// Offers a command, for [`Database::run_plugin_command`].
    pub fn command<F, R>(&mut self, command: Command, run: F)
    where
        F: Fn(Context, Document) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value>> + Send + 'static,
    {
        let handler = Arc::new(move |context, arguments| run(context, arguments).boxed());
        self.parts.commands.push(Runnable { command, handler });
    }

    /// Offers a number, for [`Database::plugin_metrics`]. `read` is quick and takes no lock for long.
    pub fn metric(&mut self, metric: Metric, read: impl Fn() -> Vec<Reading> + Send + Sync + 'static) {
        self.parts.metrics.push(Gauge { metric, read: Box::new(read) });
    }

    /// Gives something to other plugins, which ask for it by its type: [`Context::service`].
    pub fn provide<T: Any + Send + Sync>(&mut self, service: Arc<T>) {
        self.parts.services.push(service);
    }
}

impl fmt::Debug for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installer").field("context", &self.context).finish_non_exhaustive()
    }
}

/// A layer for one resource.
#[derive(Debug)]
struct OnlyOn {
    resource: String,
    layer: Arc<dyn OpLayer>,
}

#[async_trait]
impl OpLayer for OnlyOn {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        if next.resource_name() == self.resource {
            self.layer.call(op, next).await
        } else {
            next.run(op).await
        }
    }
}
