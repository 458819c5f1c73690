//! How a database is opened.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Callback, Database, DatabaseCall, DatabaseHooks, DatabasePoint, Event, EventFilter};
use crate::connection::{Connection, Scheme};
use crate::encoding::Passphrase;
use crate::env::{Env, SystemEnv};
use crate::plan::PartitionWrites;
use crate::plugin::Plugin;
use crate::price::Prices;
use crate::store::{Store, StoreLayer};
use crate::{Error, ErrorKind, Result};

/// Most memory of argon2, which is what its stored form can say.
const MEMORY_KIB_MAX: u32 = 2 << 20;

/// Settings of an open database. All have defaults that suit most programs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DatabaseOptions {
    /// Opens and seals `secret` fields. There is no default: without one, secrets cannot be read or written.
    pub passphrase: Option<Passphrase>,
    /// Appended to passwords before hashing.
    pub pepper: Option<Passphrase>,
    /// Cost of bcrypt, from 12 to 31.
    pub bcrypt_rounds: u32,
    /// Cost of argon2id, for `password:argon2id` fields.
    pub argon2: Argon2Options,
    /// Puts a stamp into each document, without which a store's ETag does not see changes of metadata and concurrent
    /// updates are unchecked. Off writes exactly what s3db.js writes.
    pub stamps: bool,
    /// Requests that one call may have in flight, for listings and batches.
    pub parallelism: usize,
    /// How often an update that lost a race is tried again. A writer on a busy machine can lose many races in a row to
    /// writers that have just come and did not have to wait.
    pub update_attempts_max: u32,
    /// When the index entries of partitions are written.
    pub partition_writes: PartitionWrites,
    /// Age from which a claim on a unique value may be taken over when its owner lacks the value. It must be longer than
    /// any request can be on its way: AWS refuses signatures that are older than 15 minutes. A write that takes longer than a
    /// quarter of what is beyond that, 2.5 minutes by default, fails with a retryable `Conflict` rather than rely on the
    /// claims and index entries that it has put before its document.
    pub claim_grace: Duration,
    /// Bytes of metadata that a document may use, names and values added up.
    pub metadata_bytes_max: usize,
    /// Keeps a [snapshot](crate::Resource::snapshot) of a document when an update brings it to a new version of its schema, and
    /// adds the partition `byVersion` to new resources.
    pub versioning: bool,
    /// Refuses definitions whose partitions name fields that the resource does not have. Opening a database never fails
    /// on those that are there already: they are a warning of their resource.
    pub strict_validation: bool,
    /// Starts with an empty catalogue where the stored one cannot be understood. Its bytes are backed up first.
    pub discard_unreadable_catalog: bool,
    /// Takes the lock of s3db.js around changes of the catalogue, so that a live s3db.js, whose writes have no
    /// condition, does not write over them, and looks afterwards whether one did. On for connections to S3, where
    /// s3db.js takes it too; off elsewhere, and to be turned on for a store of your own that s3db.js writes to.
    ///
    /// Costs 1 PUT, 1 HEAD and 1 DELETE for each change of the catalogue; nothing for documents.
    pub respect_s3db_js_lock: bool,
    /// What requests cost, for receipts, budgets and explanations. `None` takes the table that the
    /// [connection names](Prices::of), and [`FREE`](crate::price::FREE) for a store of your own.
    pub prices: Option<Prices>,
    /// Longest time that a plugin may take to stop; what has not ended by then is cut off and named in an error.
    pub plugin_stop_max: Duration,
}

/// Cost of argon2id. Passwords that are stored keep the cost that they were hashed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Options {
    /// Memory in KiB: a power of two from 8 KiB a lane to 2 GiB; 65,536 by default.
    pub memory_kib: u32,
    /// Passes over the memory; 3 by default.
    pub passes: u32,
    /// Lanes; 4 by default.
    pub lanes: u32,
}

impl Default for Argon2Options {
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3, lanes: 4 }
    }
}

impl Argon2Options {
    fn check(self) -> Result<()> {
        let Self { memory_kib, passes, lanes } = self;
        let memory_min = lanes.saturating_mul(8);
        let is_memory = memory_kib.is_power_of_two() && (memory_min..=MEMORY_KIB_MAX).contains(&memory_kib);
        if passes == 0 || lanes == 0 || !is_memory {
            return Err(Error::new(ErrorKind::Config, "argon2 cannot have this cost")
                .with("memory_kib", memory_kib)
                .with("passes", passes)
                .with("lanes", lanes)
                .hint(
                    "memory is a power of two from 8 KiB a lane to 2 GiB; passes and lanes are at least 1",
                ));
        }
        Ok(())
    }
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            passphrase: None,
            pepper: None,
            bcrypt_rounds: 12,
            argon2: Argon2Options::default(),
            stamps: true,
            parallelism: 32,
            update_attempts_max: 64,
            partition_writes: PartitionWrites::Safe,
            claim_grace: crate::exec::GRACE,
            metadata_bytes_max: 2047,
            versioning: false,
            strict_validation: true,
            discard_unreadable_catalog: false,
            respect_s3db_js_lock: false,
            prices: None,
            plugin_stop_max: Duration::from_secs(30),
        }
    }
}

/// Collects what [`Database::builder`] needs.
///
/// ```no_run
/// # async fn run() -> s3db_core::Result<()> {
/// use s3db_core::{Database, encoding::Passphrase};
///
/// let db = Database::builder("s3://my-bucket/app?region=eu-west-1")?
///     .passphrase(Passphrase::new(std::env::var("APP_PASSPHRASE").unwrap_or_default()))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
pub struct DatabaseBuilder {
    source: Source,
    env: Arc<dyn Env>,
    options: DatabaseOptions,
    layers: Vec<Arc<dyn StoreLayer>>,
    plugins: Vec<Arc<dyn Plugin>>,
    listeners: Vec<(EventFilter, Callback)>,
    hooks: Arc<DatabaseHooks>,
}

impl fmt::Debug for DatabaseBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseBuilder")
            .field("source", &self.source)
            .field("options", &self.options)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Source {
    Connection(Box<Connection>),
    Store { store: Arc<dyn Store>, prefix: String },
}

impl DatabaseBuilder {
    pub(super) fn from_connection(connection: Connection) -> Self {
        let on_s3 = matches!(connection.scheme, Scheme::S3 | Scheme::Http | Scheme::Https);
        let options = DatabaseOptions { respect_s3db_js_lock: on_s3, ..DatabaseOptions::default() };
        Self::new(Source::Connection(Box::new(connection)), options)
    }

    pub(super) fn from_store(store: Arc<dyn Store>, prefix: impl Into<String>) -> Self {
        let options = DatabaseOptions::default();
        Self::new(Source::Store { store, prefix: prefix.into() }, options)
    }

    fn new(source: Source, options: DatabaseOptions) -> Self {
        Self {
            source,
            env: Arc::new(SystemEnv),
            options,
            layers: Vec::new(),
            plugins: Vec::new(),
            listeners: Vec::new(),
            hooks: Arc::default(),
        }
    }

    /// Sets the passphrase of `secret` fields.
    #[must_use]
    pub fn passphrase(mut self, passphrase: Passphrase) -> Self {
        self.options.passphrase = Some(passphrase);
        self
    }

    /// Sets what is appended to passwords before hashing.
    #[must_use]
    pub fn pepper(mut self, pepper: Passphrase) -> Self {
        self.options.pepper = Some(pepper);
        self
    }

    /// Takes clock, randomness and sleep from `env`.
    #[must_use]
    pub fn env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }

    /// Puts a layer around the store; a later one goes around those before it.
    #[must_use]
    pub fn layer(mut self, layer: impl StoreLayer + 'static) -> Self {
        self.layers.push(Arc::new(layer));
        self
    }

    /// Installs and starts a plugin when the database is opened. Those that others require come first; otherwise the order
    /// is that of the calls.
    #[must_use]
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.push(Arc::new(plugin));
        self
    }

    /// Installs and starts several plugins, such as those that a
    /// [registry](crate::plugin::PluginRegistry::build_all) has made of a configuration.
    #[must_use]
    pub fn plugins(mut self, plugins: impl IntoIterator<Item = Arc<dyn Plugin>>) -> Self {
        self.plugins.extend(plugins);
        self
    }

    /// Calls `listener` with the events of a filter, as [`Database::on`] does, from before the catalogue is read, so that
    /// it hears of [`Event::CatalogHealed`](super::Event::CatalogHealed) and [`Event::Connected`](super::Event::Connected).
    #[must_use]
    pub fn on_event<F, R>(mut self, filter: EventFilter, listener: F) -> Self
    where
        F: Fn(Event) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.listeners.push((filter, super::events::callback(listener)));
        self
    }

    /// Runs `hook` around what is done with the database, as [`Database::hook`] does, from before it is opened.
    #[must_use]
    pub fn hook<F, R>(self, point: DatabasePoint, name: &str, hook: F) -> Self
    where
        F: Fn(DatabaseCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<DatabaseCall>> + Send + 'static,
    {
        self.hooks.add(point, name, None, hook).keep();
        self
    }

    /// Changes any option.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut DatabaseOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Opens the store, loads the catalogue, and installs and starts the plugins.
    ///
    /// Requests: 1 GET; where the catalogue had to be mended, 2 PUT and 1 LIST per 1,000 resources more.
    /// [`Database::events`] then begins with [`Event::CatalogHealed`](super::Event::CatalogHealed).
    /// Errors: `Config`, `Denied`, `NotFound` (bucket), `Unavailable`; `Corrupt` when the catalogue cannot be
    /// understood, which leaves it as it is. When a plugin fails to install or to start, the error names it as `plugin` and
    /// what it failed at as `stage`; those before it have been stopped and taken out again.
    pub async fn connect(self) -> Result<Database> {
        let Self { source, env, mut options, layers, plugins, listeners, hooks } = self;
        if options.parallelism == 0 || options.update_attempts_max == 0 {
            return Err(Error::new(ErrorKind::Config, "parallelism and update_attempts_max are at least 1"));
        }
        if !(12..=31).contains(&options.bcrypt_rounds) {
            return Err(Error::new(ErrorKind::Config, "bcrypt_rounds is from 12 to 31")
                .with("got", options.bcrypt_rounds));
        }
        options.argon2.check()?;
        let (store, prefix) = match source {
            Source::Connection(connection) => {
                let store = crate::store::open(&connection, &env).await?;
                options.prices.get_or_insert_with(|| Prices::of(&connection));
                (store, connection.prefix.clone())
            }
            Source::Store { store, prefix } => (store, prefix),
        };
        let database = Database::open(store, &prefix, env, options, layers, listeners, hooks).await?;
        if !plugins.is_empty() {
            Box::pin(database.add_plugins(plugins)).await?;
        }
        Ok(database)
    }
}
