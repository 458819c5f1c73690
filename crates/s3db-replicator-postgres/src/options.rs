//! How a target is reached, and what it may do to tables.

use std::fmt;
use std::time::Duration;

use s3db_core::{Error, ErrorKind, Result};

/// Whether a connection is encrypted, and whether the server must prove who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ssl {
    /// In the clear.
    Disable,
    /// Encrypted where the server can; whoever it is.
    Prefer,
    /// Encrypted, whoever the server is: keeps off those who listen, not those who sit in between.
    Require,
    /// Encrypted, with a certificate for this host that a trusted authority has signed: the one of
    /// [`PostgresOptions::root_ca`], or those of the system.
    VerifyFull,
}

/// What is done where a table is not as the resource asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Columns are added, and those that this target made are widened. Nothing is taken away.
    #[default]
    Alter,
    /// The table is dropped and made anew, without its rows: replay the resource afterwards.
    DropCreate,
    /// Nothing is changed.
    ValidateOnly,
}

/// What a difference that may not be mended does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnMismatch {
    /// It is an error: at the start of the plugin, or of the documents of this table.
    #[default]
    Error,
    /// It is warned of once.
    Warn,
    /// Nothing.
    Ignore,
}

/// How tables follow the schemas of resources; off unless it is given.
///
/// ```
/// use s3db_replicator_postgres::{OnMismatch, SchemaSync, Strategy};
///
/// let sync = SchemaSync::new().strategy(Strategy::ValidateOnly).on_mismatch(OnMismatch::Warn);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaSync {
    /// What is done where a table is not as the resource asks; columns are added by default.
    pub strategy: Strategy,
    /// What a difference that may not be mended does; an error by default.
    pub on_mismatch: OnMismatch,
    /// Whether a table that is not there is made; true by default.
    pub auto_create_table: bool,
    /// Whether columns that are not there are added; true by default.
    pub auto_create_columns: bool,
}

impl Default for SchemaSync {
    fn default() -> Self {
        Self {
            strategy: Strategy::Alter,
            on_mismatch: OnMismatch::Error,
            auto_create_table: true,
            auto_create_columns: true,
        }
    }
}

impl SchemaSync {
    /// Makes tables and adds columns; anything else is an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is done where a table is not as the resource asks.
    #[must_use]
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Sets what a difference that may not be mended does.
    #[must_use]
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.on_mismatch = on_mismatch;
        self
    }

    /// Sets whether a table that is not there is made.
    #[must_use]
    pub fn auto_create_table(mut self, create: bool) -> Self {
        self.auto_create_table = create;
        self
    }

    /// Sets whether columns that are not there are added.
    #[must_use]
    pub fn auto_create_columns(mut self, create: bool) -> Self {
        self.auto_create_columns = create;
        self
    }

    pub(crate) fn may_create_table(&self) -> bool {
        self.auto_create_table && self.strategy != Strategy::ValidateOnly
    }

    pub(crate) fn may_add_columns(&self) -> bool {
        self.auto_create_columns && self.strategy != Strategy::ValidateOnly
    }

    pub(crate) fn may_widen(&self) -> bool {
        self.strategy == Strategy::Alter
    }
}

/// Settings of a [`PostgresTarget`](crate::PostgresTarget).
///
/// ```
/// use s3db_replicator_postgres::{PostgresOptions, SchemaSync, Ssl};
///
/// let options = PostgresOptions::new()
///     .host("db.example.com")
///     .database("shop")
///     .user("replicator")
///     .password("from-the-environment")
///     .ssl(Ssl::VerifyFull)
///     .schema("copies")
///     .schema_sync(SchemaSync::new())
///     .log_table("changes");
/// assert!(!format!("{options:?}").contains("from-the-environment"));
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    pub(crate) connection_string: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) database: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) ssl: Option<Ssl>,
    pub(crate) root_ca: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) pool_size_max: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) log_table: Option<String>,
    pub(crate) schema_sync: Option<SchemaSync>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connection_string: None,
            host: None,
            port: None,
            database: None,
            user: None,
            password: None,
            ssl: None,
            root_ca: None,
            schema: None,
            pool_size_max: 4,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(20),
            lock_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            log_table: None,
            schema_sync: None,
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty => $field:ident;)*) => {
        impl PostgresOptions {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: impl Into<$type>) -> Self {
                self.$field = Some($name.into());
                self
            })*
        }
    };
}

setters! {
    /// Sets where the server is as `postgres://user:password@host:port/database?sslmode=…`, or as `host=… user=…`. The other
    /// settings go before what it says.
    connection_string: String => connection_string;
    /// Sets the host; `localhost` by default.
    host: String => host;
    /// Sets the port; 5432 by default.
    port: u16 => port;
    /// Sets the database; the one of the user's name by default.
    database: String => database;
    /// Sets the user; the one that runs the program by default.
    user: String => user;
    /// Sets the password. It is shown nowhere.
    password: String => password;
    /// Sets whether connections are encrypted; by default as the connection string says, else [`Ssl::Prefer`].
    ssl: Ssl => ssl;
    /// Sets whom [`Ssl::VerifyFull`] trusts: certificates in PEM, or the path of a file of them.
    root_ca: String => root_ca;
    /// Sets the schema that tables are in; by default the first of the user's search path.
    schema: String => schema;
    /// Keeps a row for each change in this table.
    log_table: String => log_table;
    /// Lets tables follow the schemas of resources.
    schema_sync: SchemaSync => schema_sync;
}

impl PostgresOptions {
    /// A server on this machine, unless told otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many connections there may be; 4 by default.
    #[must_use]
    pub fn pool_size_max(mut self, connections: usize) -> Self {
        self.pool_size_max = connections;
        self
    }

    /// Sets how long connecting may take, and how long one waits for a connection; 10 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a statement may take; 20 seconds by default.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Sets how long one waits for a document, row or table that another transaction holds; 10 seconds by default.
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Sets how long documents stay locked by a process that has frozen, or cannot read its source; 60 seconds by default.
    #[must_use]
    pub fn idle_in_transaction_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// What does not go together, or is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let timeouts = [
            ("connect_timeout", self.connect_timeout),
            ("statement_timeout", self.statement_timeout),
            ("lock_timeout", self.lock_timeout),
            ("idle_in_transaction_timeout", self.idle_timeout),
        ];
        for (name, timeout) in timeouts {
            // PostgreSQL takes 0 for "no limit", and holds milliseconds in 32 bits.
            if timeout.as_millis() == 0 || timeout.as_millis() > i32::MAX as u128 {
                return Err(wrong(name, "between 1 ms and 24 days"));
            }
        }
        if !(1..=1000).contains(&self.pool_size_max) {
            return Err(wrong("pool_size_max", "a number from 1 to 1000"));
        }
        for (name, text) in [("schema", &self.schema), ("log_table", &self.log_table)] {
            if text.as_deref().is_some_and(|text| text.is_empty() || text.len() > 63 || text.contains('\0')) {
                return Err(wrong(name, "a name of 1 to 63 bytes"));
            }
        }
        Ok(())
    }
}

/// The error of an option.
pub(crate) fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the PostgreSQL target is wrong")
        .with("option", option)
        .with("wanted", wanted)
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |is_some: bool| is_some.then_some("[redacted]");
        f.debug_struct("PostgresOptions")
            .field("connection_string", &hidden(self.connection_string.is_some()))
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("user", &self.user)
            .field("password", &hidden(self.password.is_some()))
            .field("ssl", &self.ssl)
            .field("has_root_ca", &self.root_ca.is_some())
            .field("schema", &self.schema)
            .field("pool_size_max", &self.pool_size_max)
            .field("connect_timeout", &self.connect_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("idle_in_transaction_timeout", &self.idle_timeout)
            .field("log_table", &self.log_table)
            .field("schema_sync", &self.schema_sync)
            .finish()
    }
}
