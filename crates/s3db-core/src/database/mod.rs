//! Databases: opening, resources, and their catalogue.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use futures::future::{BoxFuture, FutureExt as _};

use crate::catalog::Catalog;
use crate::connection::Connection;
use crate::encoding::KeyRing;
use crate::env::Env;
use crate::exec::Background;
use crate::key::Keys;
use crate::op::{Hooks, Layers, OpLayer, Registration, Stage};
use crate::plugin::Plugins;
use crate::plugin::storage::PluginStorage;
use crate::price::{FREE, Prices};
use crate::resource::{Resource, Shared, State};
use crate::store::layers::Observers;
use crate::store::{Meter, Requests, Store, StoreLayer};
use crate::{Error, ErrorKind, Result};

mod catalog;
mod changes;
mod compile;
mod create;
mod diff;
mod events;
mod hooks;
mod lock;
mod observe;
mod options;
mod orphans;
mod passwords;
mod plugins;
mod remove;
mod validators;
mod witness;

pub use changes::{Action, Change, ChangeOptions, Changes, WhenFull};
pub(crate) use create::evolve_registries;
pub use diff::{DefinitionChange, DefinitionDiff};
pub use events::{ChangedDefinition, Event, EventFilter, EventKind, Events, Listener, PluginNews};
pub use hooks::{DatabaseCall, DatabasePoint};
pub use options::{Argon2Options, DatabaseBuilder, DatabaseOptions};
pub use orphans::OrphanedPartition;
pub(crate) use orphans::{check as check_partitions, orphans};
pub use witness::{ChangeWitness, Ending, Ticket, WitnessOptions};

pub(crate) use catalog::Loaded;
pub(crate) use changes::ChangeBus;
use events::{Callback, EventSender};
use hooks::DatabaseHooks;
use validators::Validators;
pub(crate) use witness::{Witnessed, Witnesses, is_of_witness};

/// An open database. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

/// What the handles of one database share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) meter: Meter,
    observers: Arc<Observers>,
    pub(crate) keys: Keys,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) options: DatabaseOptions,
    pub(crate) prices: Prices,
    pub(crate) keyring: Option<Arc<KeyRing>>,
    pub(crate) events: EventSender,
    pub(crate) changes: ChangeBus,
    pub(crate) witnesses: Arc<Witnesses>,
    pub(crate) background: Background,
    pub(crate) layers: Arc<Layers>,
    pub(crate) validators: Validators,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) plugins: Plugins,
    database_hooks: Arc<DatabaseHooks>,
    catalog: RwLock<Arc<Loaded>>,
    /// One catalogue write at a time in this process; other processes are met by the conditional PUT.
    writing: tokio::sync::Mutex<()>,
    resources: Mutex<HashMap<String, Arc<Shared>>>,
    /// Derives the key of our own salt while the program gets to its first secret.
    warming: OnceLock<Warming>,
}

impl Database {
    /// Opens the database of a connection string, with default options.
    ///
    /// | form | store |
    /// |---|---|
    /// | `file://./path` | a directory, durable, safe for several processes |
    /// | `memory://bucket/prefix` | this process |
    /// | `s3://key:secret@bucket/prefix?region=…` | AWS S3; without key and secret the default credential chain |
    /// | `http(s)://key:secret@host:port/bucket/prefix` | anything that speaks S3 |
    ///
    /// Requests: 1 GET. Errors: see [`DatabaseBuilder::connect`].
    pub async fn connect(connection: &str) -> Result<Self> {
        Self::builder(connection)?.connect().await
    }

    /// Starts opening the database of a connection string.
    ///
    /// Errors: `Config` when the string is wrong; it says where, and never shows a credential.
    pub fn builder(connection: &str) -> Result<DatabaseBuilder> {
        Ok(DatabaseBuilder::from_connection(Connection::parse(connection)?))
    }

    /// Starts opening the database of a connection that has been parsed or put together already.
    pub fn builder_for(connection: Connection) -> DatabaseBuilder {
        DatabaseBuilder::from_connection(connection)
    }

    /// Starts opening the database under `prefix` of a store that the caller made.
    pub fn builder_on(store: Arc<dyn Store>, prefix: &str) -> DatabaseBuilder {
        DatabaseBuilder::from_store(store, prefix)
    }

    async fn open(
        store: Arc<dyn Store>,
        prefix: &str,
        env: Arc<dyn Env>,
        options: DatabaseOptions,
        layers: Vec<Arc<dyn StoreLayer>>,
        listeners: Vec<(EventFilter, Callback)>,
        hooks: Arc<DatabaseHooks>,
    ) -> Result<Self> {
        let keys = Keys::new(prefix);
        let observers = Arc::new(Observers::new(keys.root(), env.clone()));
        let (store, meter) = Meter::wrap_observed(store, observers.clone());
        let store = layers.iter().fold(store, |store, layer| layer.wrap(store));
        let keyring =
            options.passphrase.clone().map(|passphrase| Arc::new(KeyRing::new(passphrase, env.as_ref())));
        let inner = Inner {
            store,
            meter,
            observers,
            keys,
            env,
            prices: options.prices.unwrap_or(FREE),
            options,
            keyring,
            events: EventSender::default(),
            changes: ChangeBus::default(),
            witnesses: Arc::default(),
            background: Background::new(),
            layers: Arc::default(),
            validators: Validators::default(),
            hooks: Arc::default(),
            plugins: Plugins::default(),
            database_hooks: hooks,
            catalog: RwLock::new(Arc::new(Loaded { catalog: Catalog::blank(""), etag: None })),
            writing: tokio::sync::Mutex::default(),
            resources: Mutex::default(),
            warming: OnceLock::new(),
        };
        let database = Self { inner: Arc::new(inner) };
        for (filter, callback) in listeners {
            database.on_callback(filter, callback)?.keep();
        }
        let heard = database.inner.events.subscribe(EventFilter::notices());
        database.inner.database_hooks.run(DatabasePoint::BeforeConnect, DatabaseCall::default()).await?;
        database.inner.load_catalog().await?;
        database.inner.events.opened(heard);
        database.inner.database_hooks.run(DatabasePoint::AfterConnect, DatabaseCall::default()).await?;
        database.inner.events.emit(Event::Connected);
        Ok(database)
    }

    /// A resource by its name. Sends nothing.
    ///
    /// Errors: `NotFound`, listing the names there are.
    pub fn resource(&self, name: &str) -> Result<Resource> {
        if let Some(shared) = lock(&self.inner.resources).get(name) {
            return Ok(Resource::new(self.inner.clone(), shared.clone()));
        }
        let state = self.inner.compile(name)?;
        Ok(self.install(name, state))
    }

    /// Names of the resources, sorted.
    pub fn resource_names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.inner.loaded().catalog.resource_names().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// The catalogue as JSON, with everything that it holds.
    pub fn catalog(&self) -> serde_json::Value {
        self.inner.loaded().catalog.as_json().clone().into()
    }

    /// Loads the catalogue again, so that resources and versions of other processes are seen. Requests: 1 GET.
    ///
    /// [`Event::DefinitionsChanged`] tells what they have done.
    pub async fn refresh(&self) -> Result<()> {
        let before = self.inner.loaded();
        let after = self.inner.load_catalog().await?;
        let changes = events::differences(&before.catalog, &after.catalog);
        if !changes.is_empty() {
            self.inner.events.emit(Event::DefinitionsChanged { changes });
        }
        let names: Vec<String> = lock(&self.inner.resources).keys().cloned().collect();
        for name in names {
            match self.inner.compile(&name) {
                Ok(state) => drop(self.install(&name, state)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    drop(lock(&self.inner.resources).remove(&name))
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The key-value storage of a plugin, under its slug: see [`slug`](crate::plugin::storage::slug) for one with a
    /// namespace. Sends nothing.
    ///
    /// Errors: `Config` for a slug that no key can hold, or that is taken.
    pub fn plugin_storage(&self, slug: &str) -> Result<PluginStorage> {
        let inner = &self.inner;
        PluginStorage::new(
            inner.store.clone(),
            inner.env.clone(),
            inner.keys.clone(),
            slug,
            inner.metadata_bytes_max(),
            inner.options.parallelism,
        )
    }

    /// Follows the changes that this process commits through handles of this database.
    ///
    /// While somebody listens, deletes read what they delete, so that [`Change::before`] is known: 1 GET in place of
    /// 1 HEAD.
    pub fn changes(&self, options: ChangeOptions) -> Changes {
        self.inner.changes.subscribe(options)
    }

    /// Puts a layer around the verbs of every resource, for all handles of this database.
    pub fn layer(&self, stage: Stage, layer: Arc<dyn OpLayer>) -> Registration {
        self.inner.layers.add(stage, layer)
    }

    /// Waits until the index writes of the background have ended. Cancellation safe.
    pub async fn flush(&self) {
        self.inner.background.flush().await;
    }

    /// Index writes of the background that have not ended.
    pub fn pending_index_writes(&self) -> usize {
        self.inner.background.pending()
    }

    /// Stops the plugins, flushes, and lets go of this handle. Other clones stay usable, without what plugins do in the
    /// background. What a plugin fails at is an [event](Event::Plugin) and a log line;
    /// [`stop_plugins`](Self::stop_plugins) returns it.
    pub async fn close(self) {
        self.ask_before_end(DatabasePoint::BeforeClose).await;
        // Each failure has been told by then.
        let _ = Box::pin(self.stop_plugins()).await;
        self.flush().await;
        self.ask_before_end(DatabasePoint::AfterClose).await;
        self.inner.events.emit(Event::Closed);
    }

    /// Runs hooks that cannot stop what happens.
    async fn ask_before_end(&self, point: DatabasePoint) {
        if let Err(error) = self.inner.database_hooks.run(point, DatabaseCall::default()).await {
            tracing::error!(%error, "a hook failed while the database was closed");
            self.inner.events.emit(Event::HookFailed { point, error: error.to_string() });
        }
    }

    /// Requests sent since the database was opened.
    pub fn requests(&self) -> Requests {
        self.inner.meter.snapshot()
    }

    /// What requests cost here: the [option](DatabaseOptions::prices), or the table that the connection names.
    pub fn prices(&self) -> &Prices {
        &self.inner.prices
    }

    /// The store, for tools that work on objects.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// Where the keys of this database begin: empty, or ending with `/`.
    pub fn key_root(&self) -> &str {
        self.inner.keys.root()
    }

    pub(crate) fn env(&self) -> &Arc<dyn Env> {
        &self.inner.env
    }

    /// Puts a compiled definition in force, for handles that exist and for new ones.
    fn install(&self, name: &str, state: State) -> Resource {
        if state.mapper.has_sealed() {
            self.inner.warm_up();
        }
        let mut resources = lock(&self.inner.resources);
        let shared = match resources.get(name) {
            Some(shared) => {
                self.inner.put_in_force(shared, state);
                shared.clone()
            }
            None => {
                let shared = Arc::new(Shared::new(name, state));
                resources.insert(name.to_owned(), shared.clone());
                shared
            }
        };
        Resource::new(self.inner.clone(), shared)
    }
}

/// Ends when the key of our own salt is derived.
pub(crate) type Warming = futures::future::Shared<BoxFuture<'static, ()>>;

impl Inner {
    /// Bytes of metadata that a document may use: the smaller of the option and what the store takes.
    pub(crate) fn metadata_bytes_max(&self) -> usize {
        self.options.metadata_bytes_max.min(self.store.capability().metadata_bytes_max)
    }

    /// Starts deriving the key that seals secrets, once, on a blocking thread. Secrets that come first wait for it, all
    /// of them without holding a thread.
    pub(crate) fn warm_up(&self) -> Option<Warming> {
        let (Some(keyring), Ok(runtime)) = (&self.keyring, tokio::runtime::Handle::try_current()) else {
            return None;
        };
        let warming = self.warming.get_or_init(|| {
            let keyring = keyring.clone();
            runtime.spawn_blocking(move || keyring.prepare()).map(drop).boxed().shared()
        });
        Some(warming.clone())
    }

    /// Puts a definition in force for the handles of a resource, and tells of a version that is new to them.
    pub(crate) fn put_in_force(&self, shared: &Shared, state: State) {
        let (old_version, new_version) = (shared.current().version.clone(), state.version.clone());
        shared.replace(state);
        if old_version != new_version {
            let resource = shared.name.clone();
            self.events.emit(Event::VersionUpdated { resource, old_version, new_version });
        }
    }

    pub(crate) fn loaded(&self) -> Arc<Loaded> {
        self.catalog.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn unknown_resource(name: &str, names: &[&str]) -> Error {
    let hint = match names {
        [] => "the database has no resources yet; create one first".to_owned(),
        names => format!("the resources are {}", names.join(", ")),
    };
    Error::new(ErrorKind::NotFound, "resource not found").with("resource", name).hint(hint)
}
