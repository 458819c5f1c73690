//! Connections: what they are made of, and how many there are.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use s3db_core::{Error, ErrorKind, Result};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::failure::{Failure, lost};
use crate::options::{PostgresOptions, Ssl, wrong};
use crate::tls;

/// What a connection is made of: a client's settings, and whom it trusts.
#[derive(Debug)]
pub(crate) struct Recipe {
    config: Config,
    ssl: Ssl,
    root_ca: Option<String>,
    options: PostgresOptions,
}

impl Recipe {
    /// Errors: `Config`; never with a part of the connection string, which may hold a password.
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self> {
        options.check()?;
        let mut said = Said::default();
        let mut config = match &options.connection_string {
            None => Config::new(),
            Some(text) => {
                let text = said.take_out_of(text)?;
                text.parse::<Config>().map_err(|_| {
                    Error::new(ErrorKind::Config, "the connection string of PostgreSQL cannot be read").hint(
                        "write postgres://user:password@host:port/database, with % for special characters; \
                         give what it cannot say by options of their own",
                    )
                })?
            }
        };
        let is_in_the_string = match config.get_ssl_mode() {
            SslMode::Disable => Ssl::Disable,
            SslMode::Require => Ssl::Require,
            _ => Ssl::Prefer,
        };
        let ssl = options.ssl.or(said.ssl).unwrap_or(is_in_the_string);
        let root_ca = options.root_ca.clone().or(said.root_ca);
        if root_ca.is_some() && ssl != Ssl::VerifyFull {
            return Err(wrong("root_ca", "ssl verify-full: otherwise no certificate is looked at"));
        }
        config.ssl_mode(match ssl {
            Ssl::Disable => SslMode::Disable,
            Ssl::Prefer => SslMode::Prefer,
            Ssl::Require | Ssl::VerifyFull => SslMode::Require,
        });
        Self::fill(&mut config, options);
        Ok(Self { config, ssl, root_ca, options: options.clone() })
    }

    fn fill(config: &mut Config, options: &PostgresOptions) {
        // A client's settings can only be added to: hosts and ports of the string would stay beside these.
        if options.host.is_some() || options.port.is_some() {
            let mut fresh = Config::new();
            match &options.host {
                Some(host) => {
                    fresh.host(host);
                }
                None => {
                    for host in config.get_hosts() {
                        match host {
                            tokio_postgres::config::Host::Tcp(host) => fresh.host(host),
                            #[cfg(unix)]
                            tokio_postgres::config::Host::Unix(path) => fresh.host_path(path),
                        };
                    }
                }
            }
            let ports = options.port.map_or_else(|| config.get_ports().to_vec(), |port| vec![port]);
            for port in ports {
                fresh.port(port);
            }
            if let Some(user) = config.get_user() {
                fresh.user(user);
            }
            if let Some(password) = config.get_password() {
                fresh.password(password);
            }
            if let Some(database) = config.get_dbname() {
                fresh.dbname(database);
            }
            if let Some(more) = config.get_options() {
                fresh.options(more);
            }
            if let Some(name) = config.get_application_name() {
                fresh.application_name(name);
            }
            fresh.ssl_mode(config.get_ssl_mode());
            fresh.channel_binding(config.get_channel_binding());
            fresh.target_session_attrs(config.get_target_session_attrs());
            *config = fresh;
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        if let Some(database) = &options.database {
            config.dbname(database);
        }
        if let Some(user) = &options.user {
            config.user(user);
        }
        if let Some(password) = &options.password {
            config.password(password);
        }
        if config.get_application_name().is_none() {
            config.application_name("s3db-replicator");
        }
        config.connect_timeout(options.connect_timeout);
        // A server that is cut off without a word is noticed.
        config.tcp_user_timeout(options.statement_timeout);
        config.keepalives_idle(Duration::from_secs(30));
        config.keepalives_interval(Duration::from_secs(10));
        config.keepalives_retries(3);
    }

    async fn pool(&self) -> Result<Pool> {
        let (ssl, root_ca) = (self.ssl, self.root_ca.clone());
        // It reads certificates from files.
        let connector =
            tokio::task::spawn_blocking(move || tls::connector(ssl, root_ca.as_deref())).await.map_err(
                |error| Error::new(ErrorKind::Unavailable, "TLS was not set up").caused_by(error),
            )??;
        let manager = Manager::from_config(
            self.config.clone(),
            connector,
            ManagerConfig { recycling_method: RecyclingMethod::Verified },
        );
        let timeout = Some(self.options.connect_timeout);
        Pool::builder(manager)
            .max_size(self.options.pool_size_max)
            .wait_timeout(timeout)
            .create_timeout(timeout)
            .recycle_timeout(timeout)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::new(ErrorKind::Config, "no pool of connections").caused_by(error))
    }
}

/// What a connection string says and the client does not know.
#[derive(Debug, Default)]
struct Said {
    ssl: Option<Ssl>,
    root_ca: Option<String>,
}

impl Said {
    /// The string without it.
    fn take_out_of(&mut self, text: &str) -> Result<String> {
        let Some((start, query)) = text.split_once('?').filter(|_| text.starts_with("postgres")) else {
            return Ok(text.to_owned());
        };
        let mut rest = Vec::new();
        for pair in query.split('&') {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => {
                    self.ssl = Some(Ssl::parse(mode).ok_or_else(|| {
                        wrong("connection_string", "sslmode disable, prefer, require or verify-full")
                    })?);
                }
                Some(("sslrootcert", path)) => self.root_ca = Some(path.replace("%2F", "/")),
                _ => rest.push(pair),
            }
        }
        Ok(if rest.is_empty() { start.to_owned() } else { format!("{start}?{}", rest.join("&")) })
    }
}

/// The connections of a target: none before the first use, and none after it was closed.
#[derive(Debug)]
pub(crate) struct Connections {
    recipe: Recipe,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    New,
    Open(Pool),
    Closed,
}

impl Connections {
    pub(crate) fn new(recipe: Recipe) -> Self {
        Self { recipe, state: Mutex::new(State::New) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allows connections again after a close.
    pub(crate) fn open(&self) {
        let mut state = self.state();
        if matches!(*state, State::Closed) {
            *state = State::New;
        }
    }

    pub(crate) fn close(&self) {
        if let State::Open(pool) = std::mem::replace(&mut *self.state(), State::Closed) {
            pool.close();
        }
    }

    async fn pool(&self) -> Result<Pool> {
        let closed = || Error::new(ErrorKind::Unavailable, "the PostgreSQL target is closed");
        match &*self.state() {
            State::Open(pool) => return Ok(pool.clone()),
            State::Closed => return Err(closed()),
            State::New => {}
        }
        let made = self.recipe.pool().await?;
        let mut state = self.state();
        match &*state {
            // Another call was faster.
            State::Open(pool) => Ok(pool.clone()),
            State::Closed => Err(closed()),
            State::New => {
                *state = State::Open(made.clone());
                Ok(made)
            }
        }
    }

    /// A connection, known to answer.
    pub(crate) async fn get(&self) -> Result<Object> {
        self.pool().await?.get().await.map_err(|error| match error {
            PoolError::Backend(error) => lost(&error),
            PoolError::Timeout(TimeoutType::Wait) => {
                Error::new(ErrorKind::Throttled, "all connections to PostgreSQL are in use")
                    .hint("raise `pool_size_max`")
            }
            PoolError::Timeout(_) => Error::new(ErrorKind::Unavailable, "PostgreSQL cannot be reached")
                .with("why", "it does not answer in time"),
            PoolError::Closed => Error::new(ErrorKind::Unavailable, "the PostgreSQL target is closed"),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Error::new(ErrorKind::Unavailable, "PostgreSQL cannot be reached")
            }
        })
    }

    /// The statements that a transaction begins with, so that it ends soon where its process is frozen or cut off.
    pub(crate) fn limits(&self) -> String {
        let PostgresOptions { statement_timeout, lock_timeout, idle_timeout, .. } = &self.recipe.options;
        format!(
            "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL TIME ZONE 'UTC'; \
             SET LOCAL DateStyle = 'ISO, YMD';",
            statement_timeout.as_millis(),
            lock_timeout.as_millis(),
            idle_timeout.as_millis(),
        )
    }

    /// Waits for an answer as long as the server may take for it, and some time more.
    pub(crate) async fn answer<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        let time_max = self.recipe.options.statement_timeout + Duration::from_secs(5);
        match tokio::time::timeout(time_max, statement).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::Lost(
                Error::new(ErrorKind::Unavailable, "PostgreSQL does not answer in time")
                    .hint("see whether it is overloaded, or raise `statement_timeout`"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
