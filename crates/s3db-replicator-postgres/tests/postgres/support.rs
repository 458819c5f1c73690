use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s3db_core::encoding::Passphrase;
use s3db_core::store::{MemoryStore, Store};
use s3db_core::{Database, Resource, ResourceConfig, Result};
use s3db_replicator::{Replicator, ReplicatorOptions, Routes};
use s3db_replicator_postgres::{PostgresOptions, PostgresTarget, SchemaSync, Ssl};
use serde_json::Value;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A schema of its own on the server of the tests; dropped at the end.
pub(crate) struct Server {
    pub(crate) connection: String,
    pub(crate) schema: String,
    client: Client,
}

/// The server; `None` after saying that the test is skipped.
pub(crate) async fn server() -> Option<Server> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let connection = variable("S3DB_TEST_POSTGRES")?;
    let (client, worker) = tokio_postgres::connect(&connection, NoTls).await.unwrap();
    tokio::spawn(worker);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let schema = format!("test \"{}\" {number}", std::process::id());
    let server = Server { connection, schema, client };
    server.run(&format!("DROP SCHEMA IF EXISTS {0} CASCADE; CREATE SCHEMA {0}", server.quoted())).await;
    server.run(&format!("SET search_path = {}", server.quoted())).await;
    Some(server)
}

pub(crate) fn variable(name: &str) -> Option<String> {
    match std::env::var(name) {
        Ok(value) => Some(value),
        Err(_) if std::env::var_os("CI").is_some() => panic!("{name} is not set: CI runs these tests"),
        Err(_) => {
            println!("skipped: {name} is not set; start the servers with `cargo xtask services start`");
            None
        }
    }
}

impl Server {
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.schema.replace('"', "\"\""))
    }

    /// Runs statements, in the schema.
    pub(crate) async fn run(&self, statements: &str) {
        self.client.batch_execute(statements).await.unwrap();
    }

    /// The rows of a query, as text: values by `|`, `∅` for null.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        let messages = self.client.simple_query(query).await.unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let values: Vec<_> = (0..row.len()).map(|place| row.get(place).unwrap_or("∅")).collect();
                Some(values.join("|"))
            }
            _ => None,
        });
        rows.collect()
    }

    /// Columns of a table as `name type`, with `!` where it must not be empty.
    pub(crate) async fn columns(&self, table: &str) -> Vec<String> {
        self.rows(&format!(
            "SELECT column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '') \
             || CASE is_nullable WHEN 'NO' THEN '!' ELSE '' END FROM information_schema.columns \
             WHERE table_schema = '{}' AND table_name = '{table}' ORDER BY ordinal_position",
            self.schema
        ))
        .await
    }

    /// A target that makes its tables.
    pub(crate) fn options(&self) -> PostgresOptions {
        self.bare_options().schema_sync(SchemaSync::new())
    }

    /// A target that takes tables as they are.
    pub(crate) fn bare_options(&self) -> PostgresOptions {
        PostgresOptions::new()
            .connection_string(&self.connection)
            .ssl(Ssl::Disable)
            .schema(&self.schema)
            .connect_timeout(Duration::from_secs(5))
    }

    pub(crate) async fn clean(self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.quoted())).await;
    }
}

/// A database whose changes go to PostgreSQL.
pub(crate) struct Source {
    pub(crate) db: Database,
    pub(crate) replicator: Replicator,
}

impl Source {
    pub(crate) async fn new(options: PostgresOptions) -> Self {
        Self::routed(options, Routes::all()).await
    }

    pub(crate) async fn routed(options: PostgresOptions, routes: Routes) -> Self {
        Self::on(Arc::new(MemoryStore::new()), options, routes).await.unwrap()
    }

    pub(crate) async fn on(store: Arc<dyn Store>, options: PostgresOptions, routes: Routes) -> Result<Self> {
        let target = PostgresTarget::new(options)?;
        let (first, longest) = (Duration::from_millis(5), Duration::from_millis(50));
        let options =
            ReplicatorOptions::default().target("postgres", target, routes).retries(2, first, longest);
        let replicator = Replicator::with(options);
        let db = Database::builder_on(store, "")
            .passphrase(Passphrase::new("open sesame"))
            .plugin(replicator.clone())
            .connect()
            .await?;
        Ok(Self { db, replicator })
    }

    pub(crate) async fn resource(&self, name: &str, attributes: Value) -> Resource {
        self.db.create_resource(ResourceConfig::new(name, attributes)).await.unwrap()
    }

    pub(crate) async fn flush(&self) {
        self.replicator.flush().await.unwrap();
    }

    /// Errors of the dead letters.
    pub(crate) async fn dead(&self) -> Vec<String> {
        let letters = self.replicator.dead_letters(None).await.unwrap();
        letters.into_iter().map(|letter| format!("{}: {}", letter.id, letter.error)).collect()
    }

    pub(crate) async fn close(self) {
        self.db.close().await;
    }
}
