//! Rows of CSV.

use std::io::{self, BufRead};

use super::Columns;
use super::lines::bad;
use super::source::{Bad, Item, Take};

/// Reads one document a row. The header names the fields; a dotted name is a field of a nested object.
pub(super) fn read(reader: impl BufRead, columns: &Columns, take: Take<'_>) -> io::Result<()> {
    let mut reader = csv::ReaderBuilder::new().from_reader(reader);
    let header = reader.headers().map_err(io::Error::from)?.clone();
    let mut row = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        let content = match reader.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => Ok(columns.document(&header, &row)),
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => return Err(error.into()),
            Err(error) => Err(reason(&error, &row)),
        };
        let line = row.position().map_or(line, csv::Position::line);
        let end = reader.position().byte();
        if !take(Item { line, end, content }) {
            return Ok(());
        }
    }
}

fn reason(error: &csv::Error, row: &csv::StringRecord) -> Bad {
    let text = row.iter().collect::<Vec<_>>().join(",");
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            bad(format!("the row has {len} cells, and the header {expected_len}"), text.as_bytes())
        }
        csv::ErrorKind::Utf8 { .. } => bad("the row is not UTF-8 text".to_owned(), b""),
        _ => bad(error.to_string(), text.as_bytes()),
    }
}
