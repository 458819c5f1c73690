//! Tables that follow the schemas of resources.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s3db_core::{Error, ErrorKind, Result};
use s3db_replicator::Routed;
use tokio_postgres::Transaction;

use crate::connect::Connections;
use crate::failure::Failure;
use crate::name::{TableName, literal, quoted};
use crate::options::{OnMismatch, PostgresOptions, SchemaSync};
use crate::plan::{Mismatch, Plan, add, plan};
use crate::table::{Table, find};
use crate::types::{SqlType, Wanted};
use crate::{log_table, plan as plans};

/// Which tables there are, and for which versions of which resources they were looked at.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) connections: Arc<Connections>,
    options: PostgresOptions,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The schema that tables are in.
    schema: Option<String>,
    has_log: bool,
    tables: HashMap<String, KnownTable>,
    warned: HashSet<(String, String)>,
}

#[derive(Debug, Clone)]
struct KnownTable {
    table: Arc<Table>,
    /// Versions by resource.
    versions: HashMap<String, String>,
    /// Columns that documents have had and no schema.
    met: HashSet<String>,
}

/// A table that a resource goes to.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: TableName,
    pub(crate) table: Arc<Table>,
    /// Columns that are written whether a document has them or not.
    pub(crate) kept: HashSet<String>,
}

impl Tables {
    pub(crate) fn new(connections: Arc<Connections>, options: PostgresOptions) -> Self {
        Self { connections, options, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sync(&self) -> Option<&SchemaSync> {
        self.options.schema_sync.as_ref()
    }

    /// What a field without a column does.
    pub(crate) fn on_missing(&self) -> OnMismatch {
        self.sync().map_or(OnMismatch::Warn, |sync| sync.on_mismatch)
    }

    /// Whether this is the first time that this is warned of.
    pub(crate) fn is_new_warning(&self, table: &str, column: &str) -> bool {
        self.known().warned.insert((table.to_owned(), column.to_owned()))
    }

    /// Forgets what is known of a table, because it has changed.
    pub(crate) fn forget(&self, name: &TableName) {
        self.known().tables.remove(&name.table);
    }

    /// Remembers columns that documents have had, so that those without them empty them.
    pub(crate) fn meet<'a>(&self, name: &TableName, columns: impl Iterator<Item = &'a str>) {
        if let Some(known) = self.known().tables.get_mut(&name.table) {
            known.met.extend(columns.map(str::to_owned));
        }
    }

    /// The schema that tables are in. 1 statement, once.
    pub(crate) async fn schema(&self) -> Result<String> {
        if let Some(schema) = self.known().schema.clone() {
            return Ok(schema);
        }
        let schema = self.find_schema().await.map_err(|failure| failure.into_error(""))?;
        self.known().schema = Some(schema.clone());
        Ok(schema)
    }

    async fn find_schema(&self) -> Result<String, Failure> {
        let client = self.connections.get().await?;
        let Some(schema) = &self.options.schema else {
            let current = client.query_typed("SELECT current_schema()::text", &[]);
            let rows = self.connections.answer(current).await?;
            let schema = match rows.first() {
                Some(row) => row.try_get::<_, Option<String>>(0)?,
                None => None,
            };
            return schema.ok_or_else(|| {
                Error::new(ErrorKind::Config, "the user of PostgreSQL has no schema to write to")
                    .hint("name one with `schema`")
                    .into()
            });
        };
        let is_there = format!("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {}", literal(schema));
        if self.connections.answer(client.query_typed(&is_there, &[])).await?.is_empty() {
            if !self.sync().is_some_and(SchemaSync::may_create_table) {
                return Err(Error::new(ErrorKind::Conflict, "the schema is not there")
                    .with("schema", schema)
                    .hint("make it, or let `schema_sync` make it")
                    .into());
            }
            let create = format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(schema));
            match self.connections.answer(client.batch_execute(&create)).await {
                // Two that make it at once: PostgreSQL lets one of them fail.
                Err(Failure::Refused(refusal)) if matches!(refusal.code.as_str(), "23505" | "42P06") => {}
                other => other?,
            }
        }
        Ok(schema.clone())
    }

    /// The log table, made as it must be; `None` where none is asked for.
    pub(crate) async fn log(&self) -> Result<Option<TableName>> {
        let Some(table) = &self.options.log_table else { return Ok(None) };
        let name = TableName::new(&self.schema().await?, table);
        if !self.known().has_log {
            let made = self.change(&name, async |transaction| {
                let found = find(&self.connections, transaction, &name).await?;
                let has_all = found.is_some_and(|found| found.column("change_id").is_some());
                // Where all is there, the right to make it is not needed.
                if !has_all {
                    self.run(transaction, &log_table::statements(&name)).await?;
                }
                Ok(())
            });
            made.await.map_err(|failure| failure.into_error(&name.table))?;
            self.known().has_log = true;
        }
        Ok(Some(name))
    }

    /// Forgets that the log table is there.
    pub(crate) fn forget_log(&self) {
        self.known().has_log = false;
    }

    /// The table of a resource, made as its schema of the moment asks where that is wanted. Nothing is sent while that schema
    /// is the one that was looked at last.
    ///
    /// Errors: `Conflict` where the table does not fit, which no retry mends; those of the server.
    pub(crate) async fn of(&self, routed: &Routed) -> Result<Place> {
        let name = TableName::new(&self.schema().await?, &routed.to);
        let (resource, version) = (routed.resource.name(), routed.resource.version());
        let wanted = Wanted::all(&routed.fields());
        let known = self.known().tables.get(&name.table).cloned();
        if let Some(known) = known
            && known.versions.get(resource) == Some(&version)
        {
            return Ok(place(name, &known, &wanted));
        }
        let looked = self.change(&name, async |transaction| self.look(transaction, &name, &wanted).await);
        let (table, mismatches) = looked.await.map_err(|failure| failure.into_error(&name.table))?;
        self.judge(&name, mismatches)?;
        let Some(table) = table else {
            return Err(Error::new(ErrorKind::Conflict, "the table is not there")
                .with("table", &name.table)
                .hint("make it, or let `schema_sync` make it"));
        };
        let mut known = self.known();
        let entry = known.tables.entry(name.table.clone()).or_insert_with(|| KnownTable {
            table: Arc::default(),
            versions: HashMap::new(),
            met: HashSet::new(),
        });
        entry.table = Arc::new(table);
        entry.versions.insert(resource.to_owned(), version);
        Ok(place(name, entry, &wanted))
    }

    async fn look(
        &self,
        transaction: &Transaction<'_>,
        name: &TableName,
        wanted: &[Wanted],
    ) -> Result<(Option<Table>, Vec<Mismatch>), Failure> {
        let found = find(&self.connections, transaction, name).await?;
        let Some(sync) = self.sync() else { return Ok((found, Vec::new())) };
        let Plan { statements, mismatches } = plan(name, wanted, found.as_ref(), sync);
        // What fails the plugin leaves the table as it is.
        let is_error = !mismatches.is_empty() && sync.on_mismatch == OnMismatch::Error;
        if statements.is_empty() || is_error {
            return Ok((found, mismatches));
        }
        if statements.iter().any(|statement| statement.starts_with("DROP TABLE")) {
            tracing::warn!(
                table = name.table,
                "the table does not fit its resource and is made anew, without its rows"
            );
        }
        self.run(transaction, &statements).await?;
        Ok((find(&self.connections, transaction, name).await?, mismatches))
    }

    fn judge(&self, name: &TableName, mismatches: Vec<Mismatch>) -> Result<()> {
        for mismatch in mismatches {
            match self.sync().map_or(OnMismatch::Ignore, |sync| sync.on_mismatch) {
                OnMismatch::Error => return Err(mismatch.into_error(name)),
                OnMismatch::Warn => {
                    let column = mismatch.column.clone().unwrap_or_default();
                    if self.is_new_warning(&name.table, &column) {
                        tracing::warn!(error = %mismatch.into_error(name), "a table differs from its resource");
                    }
                }
                OnMismatch::Ignore => {}
            }
        }
        Ok(())
    }

    /// Adds columns that documents have and the table has not; those that another process has added meanwhile are there.
    pub(crate) async fn add(&self, name: &TableName, columns: &[(String, SqlType)]) -> Result<()> {
        let added = self.change(name, async |transaction| {
            let Some(found) = find(&self.connections, transaction, name).await? else { return Ok(None) };
            let missing = columns.iter().filter(|(column, _)| found.column(column).is_none());
            let statements: Vec<_> =
                missing.flat_map(|(column, sql_type)| add(name, column, *sql_type)).collect();
            self.run(transaction, &statements).await?;
            find(&self.connections, transaction, name).await
        });
        let table = added.await.map_err(|failure| failure.into_error(&name.table))?;
        self.learn(name, table);
        Ok(())
    }

    /// Lets a column that this target made be empty, or hold any text, because a document of the source asks for it. Says
    /// whether that was done.
    pub(crate) async fn widen(&self, name: &TableName, column: &str, code: &str) -> Result<bool> {
        let statement = match code {
            "23502" => plans::allow_null(name, column),
            "22001" => plans::retype(name, column, SqlType::Text),
            _ => return Ok(false),
        };
        if !self.sync().is_some_and(SchemaSync::may_widen) || column == "id" {
            return Ok(false);
        }
        let widened = self.change(name, async |transaction| {
            let found = find(&self.connections, transaction, name).await?;
            let is_ours =
                found.as_ref().and_then(|found| found.column(column)).is_some_and(|column| column.is_ours);
            if !is_ours {
                return Ok(None);
            }
            self.run(transaction, std::slice::from_ref(&statement)).await?;
            find(&self.connections, transaction, name).await
        });
        let table = widened.await.map_err(|failure| failure.into_error(&name.table))?;
        let is_done = table.is_some();
        self.learn(name, table);
        Ok(is_done)
    }

    fn learn(&self, name: &TableName, table: Option<Table>) {
        if let Some(table) = table
            && let Some(known) = self.known().tables.get_mut(&name.table)
        {
            known.table = Arc::new(table);
        }
    }

    /// Runs `work` in a transaction that no other process changes the table in.
    async fn change<T>(
        &self,
        name: &TableName,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let connections = &self.connections;
        let mut client = connections.get().await?;
        let transaction = connections.answer(client.transaction()).await?;
        let begin = format!("{} SELECT pg_advisory_xact_lock({})", connections.limits(), name.lock(None));
        connections.answer(transaction.batch_execute(&begin)).await?;
        let done = work(&transaction).await?;
        connections.answer(transaction.commit()).await?;
        Ok(done)
    }

    async fn run(&self, transaction: &Transaction<'_>, statements: &[String]) -> Result<(), Failure> {
        if statements.is_empty() {
            return Ok(());
        }
        self.connections.answer(transaction.batch_execute(&statements.join("; "))).await
    }
}

fn place(name: TableName, known: &KnownTable, wanted: &[Wanted]) -> Place {
    let ours = known.table.columns.iter().filter(|column| column.is_ours).map(|column| column.name.clone());
    let kept = ours.chain(wanted.iter().map(|wanted| wanted.name.clone())).chain(known.met.iter().cloned());
    Place { name, kept: kept.collect(), table: known.table.clone() }
}
