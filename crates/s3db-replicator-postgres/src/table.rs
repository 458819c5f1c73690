//! What is known of a table.

use std::collections::HashMap;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};

use crate::connect::Connections;
use crate::failure::Failure;
use crate::name::TableName;

/// What columns that this target makes are marked with, as their comment.
pub(crate) const MARK: &str = "written by s3db";

/// A column of a table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Its type as a statement names it, such as `character varying(10)`.
    pub(crate) sql_type: String,
    /// Its type without its arguments, such as `varchar`.
    pub(crate) base: String,
    /// Most letters of a `varchar`.
    pub(crate) letters_max: Option<u32>,
    pub(crate) is_not_null: bool,
    /// PostgreSQL computes it: it cannot be written.
    pub(crate) is_generated: bool,
    /// This target made it, so it is kept as the document is.
    pub(crate) is_ours: bool,
}

impl Column {
    /// Whether it holds any text.
    pub(crate) fn is_plain_text(&self) -> bool {
        match self.base.as_str() {
            "text" | "citext" => true,
            "varchar" => self.letters_max.is_none(),
            _ => false,
        }
    }
}

/// A table that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    /// Whether there is one row of an id at most.
    pub(crate) has_unique_id: bool,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Those that can be written, by name.
    pub(crate) fn writable(&self) -> HashMap<&str, &Column> {
        let writable = self.columns.iter().filter(|column| !column.is_generated);
        writable.map(|column| (column.name.as_str(), column)).collect()
    }
}

const COLUMNS: &str = "\
    SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), t.typname::text, a.atttypmod, \
        a.attnotnull, (a.attgenerated <> '' OR a.attidentity = 'a'), \
        pg_catalog.col_description(a.attrelid, a.attnum) IS NOT DISTINCT FROM $3::text \
    FROM pg_catalog.pg_attribute a \
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'f') \
        AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY a.attnum";

const UNIQUE_ID: &str = "\
    SELECT count(*) FROM pg_catalog.pg_index i \
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] \
    WHERE n.nspname = $1::text AND c.relname = $2::text AND a.attname = 'id' AND i.indisunique \
        AND i.indimmediate AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL";

/// Looks a table up; `None` where there is none. 2 statements.
pub(crate) async fn find(
    connections: &Connections,
    transaction: &Transaction<'_>,
    name: &TableName,
) -> Result<Option<Table>, Failure> {
    type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);
    let mut parameters: Vec<Parameter<'_>> =
        vec![(&name.schema, Type::TEXT), (&name.table, Type::TEXT), (&MARK, Type::TEXT)];
    let rows = connections.answer(transaction.query_typed(COLUMNS, &parameters)).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let columns = rows.iter().map(column).collect::<Result<_, _>>()?;
    parameters.truncate(2);
    let rows = connections.answer(transaction.query_typed(UNIQUE_ID, &parameters)).await?;
    let has_unique_id = match rows.first() {
        Some(row) => row.try_get::<_, i64>(0)? > 0,
        None => false,
    };
    Ok(Some(Table { columns, has_unique_id }))
}

fn column(row: &Row) -> Result<Column, tokio_postgres::Error> {
    let base: String = row.try_get(2)?;
    let modifier: i32 = row.try_get(3)?;
    Ok(Column {
        name: row.try_get(0)?,
        sql_type: row.try_get(1)?,
        // The modifier of a varchar counts four bytes of a header.
        letters_max: if base == "varchar" { u32::try_from(modifier - 4).ok() } else { None },
        base,
        is_not_null: row.try_get(4)?,
        is_generated: row.try_get(5)?,
        is_ours: row.try_get(6)?,
    })
}
