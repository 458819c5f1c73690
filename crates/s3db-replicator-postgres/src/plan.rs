//! What makes a table as a resource asks: as statements, and as what they cannot mend.

use std::fmt;

use s3db_core::{Error, ErrorKind};

use crate::name::{TableName, literal, quoted};
use crate::options::{SchemaSync, Strategy};
use crate::table::{MARK, Table};
use crate::types::{SqlType, Wanted};

/// A difference between a table and its resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// `None` for the table itself.
    pub(crate) column: Option<String>,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Mismatch {
    fn new(column: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self { column: Some(column.to_owned()), expected: expected.to_string(), found: found.to_string() }
    }

    pub(crate) fn into_error(self, name: &TableName) -> Error {
        let mut error = Error::new(ErrorKind::Conflict, "the table is not as the resource asks")
            .with("table", &name.table);
        if let Some(column) = self.column {
            error = error.with("column", column);
        }
        error
            .with("expected", self.expected)
            .with("found", self.found)
            .hint("alter the table by hand, or allow it with `schema_sync`")
            .retryable(false)
    }
}

/// What is to be done to a table.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In their order.
    pub(crate) statements: Vec<String>,
    /// What they leave as it is.
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Compares a table with the columns that a resource asks for.
pub(crate) fn plan(name: &TableName, wanted: &[Wanted], found: Option<&Table>, sync: &SchemaSync) -> Plan {
    let Some(found) = found else {
        if sync.may_create_table() {
            return Plan { statements: create(name, wanted), mismatches: Vec::new() };
        }
        let missing = Mismatch { column: None, expected: "a table".to_owned(), found: "none".to_owned() };
        return Plan { statements: Vec::new(), mismatches: vec![missing] };
    };
    let plan = compare(name, wanted, found, sync);
    if sync.strategy == Strategy::DropCreate && sync.auto_create_table && !plan.mismatches.is_empty() {
        let mut statements = vec![format!("DROP TABLE {}", name.quoted())];
        statements.extend(create(name, wanted));
        return Plan { statements, mismatches: Vec::new() };
    }
    plan
}

fn compare(name: &TableName, wanted: &[Wanted], found: &Table, sync: &SchemaSync) -> Plan {
    let mut plan = Plan::default();
    if !found.has_unique_id {
        let what = if found.column("id").is_some() { "no unique index" } else { "none" };
        plan.mismatches.push(Mismatch::new("id", "a primary key or unique index of its own", what));
    }
    let may_add = sync.may_add_columns() && sync.strategy == Strategy::Alter;
    for wanted in wanted {
        match found.column(&wanted.name) {
            None if may_add => plan.statements.extend(add(name, &wanted.name, wanted.sql_type)),
            None => plan.mismatches.push(Mismatch::new(&wanted.name, wanted.sql_type, "none")),
            Some(column) if wanted.fits(column) => {
                if column.is_not_null && column.is_ours && !wanted.is_required && sync.may_widen() {
                    plan.statements.push(allow_null(name, &wanted.name));
                }
            }
            Some(column) if column.is_ours && sync.may_widen() && wanted.may_widen(column) => {
                plan.statements.push(retype(name, &wanted.name, wanted.sql_type));
            }
            Some(column) => {
                plan.mismatches.push(Mismatch::new(&wanted.name, wanted.sql_type, &column.sql_type));
            }
        }
    }
    // A field that the schema has no longer is in no new document.
    for column in found.columns.iter().filter(|column| column.is_ours && column.is_not_null) {
        let is_gone = column.name != "id" && !wanted.iter().any(|wanted| wanted.name == column.name);
        if is_gone && sync.may_widen() {
            plan.statements.push(allow_null(name, &column.name));
        }
    }
    plan
}

fn create(name: &TableName, wanted: &[Wanted]) -> Vec<String> {
    let mut columns = vec!["\"id\" text PRIMARY KEY".to_owned()];
    for wanted in wanted {
        let null = if wanted.is_required { " NOT NULL" } else { "" };
        columns.push(format!("{} {}{null}", quoted(&wanted.name), wanted.sql_type));
    }
    let mut statements = vec![format!("CREATE TABLE {} ({})", name.quoted(), columns.join(", "))];
    let names = std::iter::once("id").chain(wanted.iter().map(|wanted| wanted.name.as_str()));
    statements.extend(names.map(|column| mark(name, column)));
    statements
}

/// Adds a column that may be empty.
pub(crate) fn add(name: &TableName, column: &str, sql_type: SqlType) -> [String; 2] {
    [format!("ALTER TABLE {} ADD COLUMN {} {sql_type}", name.quoted(), quoted(column)), mark(name, column)]
}

fn mark(name: &TableName, column: &str) -> String {
    format!("COMMENT ON COLUMN {}.{} IS {}", name.quoted(), quoted(column), literal(MARK))
}

/// Lets a column be empty.
pub(crate) fn allow_null(name: &TableName, column: &str) -> String {
    format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", name.quoted(), quoted(column))
}

/// Changes the type of a column to one that holds all its values.
pub(crate) fn retype(name: &TableName, column: &str, sql_type: SqlType) -> String {
    format!("ALTER TABLE {} ALTER COLUMN {} TYPE {sql_type}", name.quoted(), quoted(column))
}

#[cfg(test)]
mod tests;
