//! Many records, in the form that was asked for.

use s3db::{Document, Record};

use super::{Output, Table, csv, table};
use crate::args::Format;
use crate::exit::Outcome;

/// Writes records one after the other. JSON goes out at once; a table and CSV need to know all fields first.
pub(crate) struct Records {
    format: Format,
    written: usize,
    kept: Vec<Document>,
}

impl Records {
    pub(crate) fn new(out: &Output) -> Self {
        Self { format: out.format_or(Format::Table), written: 0, kept: Vec::new() }
    }

    pub(crate) fn push(&mut self, record: Record, out: &mut Output) -> Outcome {
        match self.format {
            Format::Json => {
                let separator = if self.written == 0 { "[" } else { "," };
                out.line(&format!("{separator}{:#}", record.to_json()))?;
            }
            Format::Ndjson => out.line(&record.to_json().to_string())?,
            Format::Csv | Format::Table => self.kept.push(record.fields()),
        }
        self.written += 1;
        Ok(())
    }

    /// Writes what was kept, and returns how many records there were.
    pub(crate) fn finish(self, out: &mut Output) -> Outcome<usize> {
        match self.format {
            Format::Json if self.written == 0 => out.line("[]")?,
            Format::Json => out.line("]")?,
            Format::Ndjson => {}
            Format::Csv => csv::write(out.raw(), &self.kept)?,
            Format::Table if self.kept.is_empty() => out.note("no documents"),
            Format::Table => out.table(&of_documents(&self.kept))?,
        }
        Ok(self.written)
    }
}

/// A table of documents. Its columns are the union of their fields.
pub(crate) fn of_documents(documents: &[Document]) -> Table {
    let mut names: Vec<&String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for name in documents.iter().flat_map(Document::keys) {
        if seen.insert(name) {
            names.push(name);
        }
    }
    let mut table = Table::new(names.iter().map(|name| table::printable(name)));
    for document in documents {
        table.row(names.iter().map(|name| document.get(*name).map(table::text).unwrap_or_default()));
    }
    table
}
