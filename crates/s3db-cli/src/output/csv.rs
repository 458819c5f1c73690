//! CSV as RFC 4180 has it.

use std::io::Write;

use s3db::Document;

use crate::exit::{Failure, Outcome};
use crate::transfer::cell;

/// Writes documents under a header that is the union of their fields, in the order in which they first appear.
///
/// A text stands as it is, null and a missing field are empty, and anything else is JSON.
pub(super) fn write(out: &mut dyn Write, documents: &[Document]) -> Outcome {
    let header = header(documents);
    if header.is_empty() {
        return Ok(());
    }
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let mut write = || {
        writer.write_record(&header)?;
        for document in documents {
            writer.write_record(header.iter().map(|name| cell(document.get(*name))))?;
        }
        writer.flush().map_err(csv::Error::from)
    };
    write().map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::output(error),
        other => Failure::output(std::io::Error::other(format!("{other:?}"))),
    })
}

fn header(documents: &[Document]) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    let names = documents.iter().flat_map(Document::keys).map(String::as_str);
    names.filter(|name| seen.insert(*name)).collect()
}
