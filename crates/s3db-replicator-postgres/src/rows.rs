//! Documents as rows: their values in the form that a column reads, and the statements that write many at once.
//!
//! All rows of a statement are one JSON text, which PostgreSQL takes apart: one round trip for any number of documents.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use s3db_core::Document;
use serde_json::{Map, Number, Value};

use crate::failure::Refusal;
use crate::name::{TableName, name_of, quoted};
use crate::table::{Column, Table};

/// A document as a row: values by the names of columns.
pub(crate) type RowValues = Map<String, Value>;

/// A document with its columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fitted {
    pub(crate) row: RowValues,
    /// Fields that have a value and no column.
    pub(crate) left_out: Vec<(String, Value)>,
}

/// Fits a document into a table.
///
/// Errors: the column that cannot hold a value, where that is known here.
pub(crate) fn fit(document: Document, id: &str, table: &Table) -> Result<Fitted, Box<Refusal>> {
    let columns = table.writable();
    let mut fitted = Fitted { row: RowValues::new(), left_out: Vec::new() };
    fitted.row.insert("id".to_owned(), id.into());
    for (field, value) in document {
        if field == "id" {
            continue;
        }
        let name = name_of(&field);
        match columns.get(name.as_str()) {
            Some(column) => {
                let value = adapt(value, column).map_err(|code| refusal(code, column))?;
                fitted.row.insert(name, value);
            }
            None if value.is_null() || table.column(&name).is_some() => {}
            None => fitted.left_out.push((name, value)),
        }
    }
    Ok(fitted)
}

fn refusal(code: &str, column: &Column) -> Box<Refusal> {
    Box::new(Refusal {
        code: code.to_owned(),
        table: None,
        column: Some(column.name.clone()),
        constraint: None,
        message: None,
    })
}

/// A value in the form that its column reads.
///
/// Errors: the code that PostgreSQL would give.
fn adapt(value: Value, column: &Column) -> Result<Value, &'static str> {
    Ok(match (column.base.as_str(), value) {
        // JavaScript's `3` may come as `3.0`, which is no integer for PostgreSQL.
        ("int2" | "int4" | "int8", Value::Number(number)) => whole(number).into(),
        ("bytea", Value::String(text)) => {
            let bytes = STANDARD.decode(&text).or_else(|_| STANDARD_NO_PAD.decode(&text));
            format!("\\x{}", hex::encode(bytes.map_err(|_| "22P02")?)).into()
        }
        ("timestamptz" | "timestamp" | "date", Value::Number(ms)) => {
            let ms = ms.as_i64().or_else(|| ms.as_f64().map(|ms| ms as i64)).ok_or("22008")?;
            jiff::Timestamp::from_millisecond(ms).map_err(|_| "22008")?.to_string().into()
        }
        // PostgreSQL reads words such as `now` and `infinity` here, and would write another time on each delivery.
        ("timestamptz" | "timestamp" | "date" | "time" | "timetz", Value::String(text))
            if !text.trim_start_matches(['+', '-']).starts_with(|first: char| first.is_ascii_digit()) =>
        {
            return Err("22007");
        }
        (_, value) => value,
    })
}

fn whole(number: Number) -> Number {
    match number.as_f64() {
        Some(value) if number.is_f64() && value.fract() == 0.0 && value.abs() < 9.2e18 => {
            (value as i64).into()
        }
        _ => number,
    }
}

/// What a statement does with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Delete,
    Upsert,
    InsertOnly,
    UpdateOnly,
}

/// The statement that writes rows, as an array of JSON in `$1`, to these columns; what a row has not is null.
pub(crate) fn statement(kind: Kind, name: &TableName, columns: &[&Column]) -> String {
    let table = name.quoted();
    let rows = rows(columns);
    let names: Vec<_> = columns.iter().map(|column| quoted(&column.name)).collect();
    let others: Vec<_> = names.iter().filter(|name| *name != "\"id\"").collect();
    let insert = || {
        let from: Vec<_> = names.iter().map(|name| format!("r.{name}")).collect();
        format!("INSERT INTO {table} ({}) SELECT {} FROM {rows}", names.join(", "), from.join(", "))
    };
    match kind {
        Kind::Delete => format!("DELETE FROM {table} USING {rows} WHERE {table}.\"id\" = r.\"id\""),
        Kind::InsertOnly => format!("{} ON CONFLICT (\"id\") DO NOTHING", insert()),
        Kind::Upsert if others.is_empty() => format!("{} ON CONFLICT (\"id\") DO NOTHING", insert()),
        Kind::Upsert => {
            let set: Vec<_> = others.iter().map(|name| format!("{name} = EXCLUDED.{name}")).collect();
            format!("{} ON CONFLICT (\"id\") DO UPDATE SET {}", insert(), set.join(", "))
        }
        Kind::UpdateOnly => {
            let set: Vec<_> = others.iter().map(|name| format!("{name} = r.{name}")).collect();
            let set = if set.is_empty() { "\"id\" = r.\"id\"".to_owned() } else { set.join(", ") };
            format!("UPDATE {table} SET {set} FROM {rows} WHERE {table}.\"id\" = r.\"id\"")
        }
    }
}

fn rows(columns: &[&Column]) -> String {
    let columns: Vec<_> =
        columns.iter().map(|column| format!("{} {}", quoted(&column.name), column.sql_type)).collect();
    format!("json_to_recordset(($1::text)::json) AS r({})", columns.join(", "))
}

/// The statement that reads one value as its column would.
pub(crate) fn probe(column: &Column) -> String {
    format!("SELECT r.{} FROM {}", quoted(&column.name), rows(&[column]))
}

#[cfg(test)]
mod tests;
