//! What a plugin works with.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::storage::PluginStorage;
use super::tasks::{Shutdown, Tasks, lock};
use super::{Manifest, RESOURCE_PREFIX};
use crate::database::{Event, Inner, PluginNews};
use crate::env::Env;
use crate::{Database, Document, Error, ErrorKind, Resource, Result};

/// What a plugin works with: its names, its key space, the database, the clock. Cheap to clone, and safe to keep: it does not
/// keep the database open.
#[derive(Clone)]
pub struct Context(Arc<Shared>);

struct Shared {
    db: Weak<Inner>,
    env: Arc<dyn Env>,
    manifest: Manifest,
    slug: String,
    storage: PluginStorage,
    tasks: Tasks,
    failures: AtomicU64,
    last_failure: Mutex<Option<String>>,
}

impl Context {
    pub(super) fn new(db: &Database, manifest: Manifest) -> Result<Self> {
        let slug = manifest.slug()?;
        let storage = db.plugin_storage(&slug)?;
        Ok(Self(Arc::new(Shared {
            db: Arc::downgrade(db.inner()),
            env: db.env().clone(),
            manifest,
            slug,
            storage,
            tasks: Tasks::new(),
            failures: AtomicU64::new(0),
            last_failure: Mutex::default(),
        })))
    }

    /// The name that this instance goes by, with its namespace.
    pub fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What the plugin has said of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// The key-value storage of this instance.
    pub fn storage(&self) -> &PluginStorage {
        &self.0.storage
    }

    /// Clock, randomness and sleep. A plugin has no others, so that a seed replays it.
    pub fn env(&self) -> &Arc<dyn Env> {
        &self.0.env
    }

    /// The database. Use it and let it go: who keeps it keeps the database open.
    ///
    /// Errors: `Unavailable` once every handle of the program is gone.
    pub fn database(&self) -> Result<Database> {
        let inner = self.0.db.upgrade().ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "the database is closed")
                .with("plugin", self.slug())
                .retryable(false)
                .outcome_unknown(false)
        })?;
        Ok(Database::of(inner))
    }

    /// A resource that the plugin has made, by the name that it was [installed](super::Installer::resource) under.
    ///
    /// Errors: `NotFound`; as [`database`](Self::database).
    pub fn resource(&self, name: &str) -> Result<Resource> {
        self.database()?.resource(&self.0.manifest.resource_name(name))
    }

    /// Whether a resource belongs to a plugin, by its name alone; [`Resource::is_internal`] knows more.
    pub fn is_internal_name(name: &str) -> bool {
        name.starts_with(RESOURCE_PREFIX)
    }

    /// What another plugin [provides](super::Installer::provide), by the plugin's name or slug.
    ///
    /// Errors: `NotFound` when no such plugin provides a value of this type.
    pub fn service<T: Any + Send + Sync>(&self, plugin: &str) -> Result<Arc<T>> {
        let found = self.database()?.inner().plugins.service(plugin);
        found.into_iter().find_map(|service| service.downcast::<T>().ok()).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "no plugin of this name provides what is asked for")
                .with("plugin", plugin)
                .with("service", std::any::type_name::<T>())
        })
    }

    /// Tells when the plugin is to stop.
    pub fn shutdown(&self) -> Shutdown {
        self.0.tasks.shutdown()
    }

    /// Starts a task that ends with the plugin: `task` watches [`shutdown`](Self::shutdown), and is cut off when it does not
    /// end in time. An error or a panic of it is [reported](Self::report).
    ///
    /// Errors: `Config` outside a tokio runtime, once the plugin stops, and above 256 tasks.
    pub fn spawn<F>(&self, name: &str, task: F) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (context, what) = (self.clone(), name.to_owned());
        let failed = move |error: Error| context.report(&what, &error);
        self.0.tasks.spawn(name, task, failed).map_err(|error| error.with("plugin", self.slug()))
    }

    /// Makes a failure visible that no caller gets: counts it, and tells those who listen to events and logs.
    pub fn report(&self, what: &str, error: &Error) {
        self.0.failures.fetch_add(1, Ordering::Relaxed);
        *lock(&self.0.last_failure) = Some(format!("{what}: {error}"));
        tracing::warn!(plugin = self.slug(), what, %error, "a plugin failed in the background");
        self.tell(PluginNews::Failed { what: what.to_owned(), error: error.to_string() });
    }

    /// Tells those who listen to the events of the database that something has happened.
    pub fn announce(&self, what: &str, detail: Document) {
        self.tell(PluginNews::Told { what: what.to_owned(), detail });
    }

    pub(super) fn tell(&self, news: PluginNews) {
        if let Some(db) = self.0.db.upgrade() {
            db.events.emit(Event::Plugin { plugin: self.slug().to_owned(), news });
        }
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(super) fn failures(&self) -> (u64, Option<String>) {
        (self.0.failures.load(Ordering::Relaxed), lock(&self.0.last_failure).clone())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("slug", &self.0.slug).finish_non_exhaustive()
    }
}
