//! What one transaction writes.

use std::collections::HashMap;
use std::sync::Arc;

use s3db_core::{Document, Error, ErrorKind, Result};
use s3db_replicator::{Delivery, Write};
use serde_json::Value;
use tokio_postgres::Transaction;
use tokio_postgres::types::Type;

use crate::failure::Failure;
use crate::log_table;
use crate::name::TableName;
use crate::options::{OnMismatch, SchemaSync};
use crate::rows::{Fitted, Kind, RowValues, fit, statement};
use crate::sync::{Place, Tables};
use crate::types::{SqlType, of_values};

/// Columns to add to a table.
pub(crate) type Columns = Vec<(String, SqlType)>;

/// The rows of one statement.
#[derive(Debug)]
struct Group {
    place: Arc<Place>,
    kind: Kind,
    rows: Vec<RowValues>,
}

/// What a transaction writes.
#[derive(Debug, Default)]
pub(crate) struct Work {
    groups: Vec<Group>,
    log: Vec<Value>,
    /// Values of columns that are not there.
    lacking: HashMap<TableName, HashMap<String, Vec<Value>>>,
}

impl Work {
    /// Takes a document in; an error where that cannot be.
    pub(crate) fn take(
        &mut self,
        tables: &Tables,
        delivery: &Delivery,
        place: &Arc<Place>,
        write: Write,
    ) -> Option<Error> {
        let (kind, document) = match write {
            Write::Upsert(document) => (Kind::Upsert, document),
            Write::InsertOnly(document) => (Kind::InsertOnly, document),
            Write::UpdateOnly(document) => (Kind::UpdateOnly, document),
            Write::Delete => (Kind::Delete, Document::new()),
            _ => return None,
        };
        let Fitted { row, left_out } = match fit(document, &delivery.id, &place.table) {
            Ok(fitted) => fitted,
            Err(refusal) => {
                tables.forget(&place.name);
                let column = refusal.column.as_deref().and_then(|column| place.table.column(column));
                let expected = column.map(|column| column.sql_type.clone());
                let error = refusal.into_error(&place.name.table, expected.as_deref());
                return Some(error.with("id", &delivery.id));
            }
        };
        if !left_out.is_empty() {
            if tables.sync().is_some_and(SchemaSync::may_add_columns) {
                let lacking = self.lacking.entry(place.name.clone()).or_default();
                for (column, value) in left_out {
                    lacking.entry(column).or_default().push(value);
                }
            } else if let Some(error) = leave_out(tables, delivery, place, &left_out) {
                return Some(error);
            }
        }
        let same = |group: &&mut Group| group.kind == kind && Arc::ptr_eq(&group.place, place);
        match self.groups.iter_mut().find(same) {
            Some(group) => group.rows.push(row),
            None => self.groups.push(Group { place: place.clone(), kind, rows: vec![row] }),
        }
        None
    }

    /// The columns that are to be added first; empty when all are there.
    pub(crate) fn lacks(&mut self) -> HashMap<TableName, Columns> {
        let types = |columns: HashMap<String, Vec<Value>>| {
            columns.into_iter().filter_map(|(column, values)| Some((column, of_values(&values)?))).collect()
        };
        self.lacking.drain().map(|(name, columns)| (name, types(columns))).collect()
    }

    /// Takes a change of a document into the log.
    pub(crate) fn log(&mut self, delivery: &Delivery) {
        self.log.extend(delivery.changes.iter().filter_map(|change| log_table::row(delivery, change)));
    }

    /// Sends all of it: 1 statement for each table and kind, and 1 for the log.
    pub(crate) async fn write(
        &self,
        tables: &Tables,
        transaction: &Transaction<'_>,
        log: Option<&TableName>,
    ) -> Result<(), Failure> {
        for group in &self.groups {
            let Group { place, kind, rows } = group;
            let columns: Vec<_> = place
                .table
                .columns
                .iter()
                .filter(|column| !column.is_generated)
                .filter(|column| match kind {
                    Kind::Delete => column.name == "id",
                    _ => {
                        column.name == "id"
                            || place.kept.contains(&column.name)
                            || rows.iter().any(|row| row.contains_key(&column.name))
                    }
                })
                .collect();
            tables.meet(&place.name, rows.iter().flat_map(|row| row.keys().map(String::as_str)));
            self.send(tables, transaction, &statement(*kind, &place.name, &columns), rows_text(rows)).await?;
        }
        if let Some(log) = log
            && !self.log.is_empty()
        {
            let rows = Value::from(self.log.clone()).to_string();
            let sent = self.send(tables, transaction, &log_table::insert(log), rows).await;
            sent.map_err(|failure| failure.of_table(&log.table))?;
        }
        Ok(())
    }

    async fn send(
        &self,
        tables: &Tables,
        transaction: &Transaction<'_>,
        sql: &str,
        rows: String,
    ) -> Result<(), Failure> {
        tables.connections.answer(transaction.execute_typed(sql, &[(&rows, Type::TEXT)])).await?;
        Ok(())
    }

    /// The rows with where they go, to look for the one at fault.
    pub(crate) fn into_rows(self) -> Vec<(Arc<Place>, RowValues)> {
        let rows = self
            .groups
            .into_iter()
            .flat_map(|Group { place, rows, .. }| rows.into_iter().map(move |row| (place.clone(), row)));
        rows.collect()
    }
}

fn rows_text(rows: &[RowValues]) -> String {
    let rows: Vec<_> = rows.iter().cloned().map(Value::Object).collect();
    Value::from(rows).to_string()
}

/// Fields without a column are left out, or are an error of their document.
fn leave_out(
    tables: &Tables,
    delivery: &Delivery,
    place: &Place,
    left_out: &[(String, Value)],
) -> Option<Error> {
    for (column, _) in left_out {
        match tables.on_missing() {
            OnMismatch::Error => {
                return Some(
                    Error::new(ErrorKind::Conflict, "the table has no column for a field")
                        .with("table", &place.name.table)
                        .with("column", column)
                        .with("id", &delivery.id)
                        .hint("add the column, leave the field out of the route, or allow it with `auto_create_columns`"),
                );
            }
            OnMismatch::Warn if tables.is_new_warning(&place.name.table, column) => {
                tracing::warn!(table = place.name.table, column, "a field has no column and is left out");
            }
            _ => {}
        }
    }
    None
}
