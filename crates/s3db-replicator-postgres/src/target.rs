//! PostgreSQL as a target.

use std::sync::Arc;

use async_trait::async_trait;
use s3db_core::Result;
use s3db_replicator::{Batch, Drivers, Outcome, Routed, Target};

use crate::connect::{Connections, Recipe};
use crate::deliver;
use crate::options::PostgresOptions;
use crate::sync::Tables;

/// A PostgreSQL database that documents are copied to: a table for each resource, a row for each document.
///
/// Each batch is one transaction: it locks the documents, reads them from the source, and writes them. So any number of
/// processes may deliver at once, and the tables end as the source is. See `docs/plugins/replicator-postgres.md`.
///
/// ```
/// use s3db_replicator_postgres::{PostgresOptions, PostgresTarget, SchemaSync, Ssl};
///
/// # fn main() -> s3db_core::Result<()> {
/// let target = PostgresTarget::new(
///     PostgresOptions::new()
///         .connection_string("postgres://replicator:secret@db.example.com/shop")
///         .ssl(Ssl::VerifyFull)
///         .schema_sync(SchemaSync::new())
///         .log_table("changes"),
/// )?;
/// # let _ = target;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PostgresTarget {
    tables: Tables,
}

impl PostgresTarget {
    /// A target that connects when it is first used.
    ///
    /// Errors: `Config` naming an option that is out of range, or a connection string that cannot be read, which is not shown.
    pub fn new(options: PostgresOptions) -> Result<Self> {
        let connections = Arc::new(Connections::new(Recipe::new(&options)?));
        Ok(Self { tables: Tables::new(connections, options) })
    }
}

/// Teaches drivers `postgres`, with the options of [`PostgresOptions::from_json`].
pub fn register(drivers: &mut Drivers) {
    drivers.register("postgres", |config| {
        Ok(Arc::new(PostgresTarget::new(PostgresOptions::from_json(config)?)?))
    });
}

#[async_trait]
impl Target for PostgresTarget {
    fn driver(&self) -> &'static str {
        "postgres"
    }

    async fn open(&self, resources: &[Routed]) -> Result<()> {
        self.tables.connections.open();
        self.check().await?;
        self.tables.log().await?;
        if self.tables.sync().is_some() {
            for routed in resources {
                self.tables.of(routed).await?;
            }
        }
        Ok(())
    }

    async fn deliver(&self, batch: &Batch) -> Result<Vec<Outcome>> {
        deliver::deliver(&self.tables, batch).await
    }

    async fn check(&self) -> Result<()> {
        let connections = &self.tables.connections;
        let client = connections.get().await?;
        let answer = connections.answer(client.batch_execute("SELECT 1")).await;
        answer.map_err(|failure| failure.into_error(""))
    }

    async fn close(&self) {
        self.tables.connections.close();
    }
}
