//! How much memory an answer takes, about.

use s3db_core::op::Answer;
use s3db_core::resource::Row;
use s3db_core::{Document, Record};
use serde_json::Value;

/// What an allocation costs beside its content.
const ALLOCATION: usize = 16;

/// What the map takes for an entry.
pub(crate) const ENTRY: usize = 160;

/// Bytes of an answer in memory, with what the map needs for it.
pub(crate) fn of(answer: &Answer) -> usize {
    let content = match answer {
        Answer::Record(found) | Answer::Found(Some(found)) => record(found),
        Answer::Records(batch) => batch.ok.iter().map(record).sum(),
        Answer::Listing(listing) => listing.records.iter().map(record).sum(),
        Answer::Page(page) => page.records.iter().map(record).sum(),
        Answer::Ids(ids) => ids.iter().map(|id| ALLOCATION + std::mem::size_of::<String>() + id.len()).sum(),
        Answer::Selection(selection) => {
            let row = |row: &Row| std::mem::size_of::<Row>() + ALLOCATION + row.id.len() + object(&row.data);
            selection.rows.iter().map(row).sum()
        }
        _ => 0,
    };
    ENTRY + std::mem::size_of::<Answer>() + content
}

fn record(record: &Record) -> usize {
    let meta = &record.meta;
    let texts =
        record.id.len() + meta.version.len() + meta.content_type.as_ref().map_or(0, |text| text.len());
    std::mem::size_of::<Record>() + texts + 4 * ALLOCATION + object(&record.data)
}

fn object(object: &Document) -> usize {
    let member = |(name, value): (&String, &Value)| {
        // The map holds each member in a list, and its place in an index.
        name.len() + 2 * ALLOCATION + std::mem::size_of::<(String, Value)>() + content(value)
    };
    object.iter().map(member).sum()
}

fn content(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => ALLOCATION + text.len(),
        Value::Array(items) => {
            let item = |item: &Value| std::mem::size_of::<Value>() + content(item);
            ALLOCATION + items.iter().map(item).sum::<usize>()
        }
        Value::Object(members) => object(members),
    }
}
