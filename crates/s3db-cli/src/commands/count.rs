//! `s3db count`.

use std::collections::HashMap;

use s3db::Resource;
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::input::field_value;
use crate::output::Output;

/// Documents that are looked at in one go.
const PAGE_DOCS: usize = 1000;

/// Arguments of `count`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db count users
  s3db count users --by profile.city
  s3db count users --partition byCity --value city=Porto
  s3db count users --json | jq .count

A partition is counted by its references, which after a crash can be one too many until `s3db fsck --repair`.

Requests: 1 LIST per 1,000 documents, or references of the partition; with --by also 1 GET a document.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Count the documents of each value of this field
    #[arg(short, long, value_name = "FIELD")]
    by: Option<String>,

    /// Partition to count
    #[arg(short, long, value_name = "NAME", conflicts_with = "by")]
    partition: Option<String>,

    /// Value of a field of the partition; repeat it for more fields
    #[arg(short, long = "value", value_name = "FIELD=VALUE", requires = "partition", value_parser = field_value)]
    values: Vec<(String, String)>,

    /// Exit with 1 when a document cannot be read
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let Some(field) = &args.by else {
        let resource = db.resource(&args.resource)?;
        let count = match &args.partition {
            Some(partition) => resource.partition_of_texts(partition, args.values)?.count().await?,
            None => resource.count().await?,
        };
        return match out.format_or(Format::Table) {
            Format::Table => out.line(&format!(
                "{}: {count} {}",
                args.resource,
                if count == 1 { "record" } else { "records" }
            )),
            _ => out.rows([], vec![json!({ "resource": args.resource, "count": count })], ""),
        };
    };
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let (counts, unreadable) = count_by(&resource, field, out).await?;
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let rows =
        counts.into_iter().map(|(value, count)| json!({ field.as_str(): value, "count": count })).collect();
    out.rows([field.as_str(), "Count"], rows, "no documents")?;
    if out.format_or(Format::Table) == Format::Table {
        out.flush()?;
        out.note(&format!("total: {total}"));
    }
    if args.strict && unreadable > 0 { Err(Failure::Reported(Code::Failed)) } else { Ok(()) }
}

/// Values and how often they come, most often first.
async fn count_by(resource: &Resource, field: &str, out: &mut Output) -> Outcome<(Vec<(Value, u64)>, usize)> {
    let mut counts: HashMap<String, (Value, u64)> = HashMap::new();
    let mut unreadable = 0;
    let mut cursor: Option<String> = None;
    loop {
        let page = resource.page(PAGE_DOCS, cursor.as_deref()).await?;
        for record in &page.records {
            let value = if field == "id" {
                Value::String(record.id.clone())
            } else {
                record.get(field).cloned().unwrap_or(Value::Null)
            };
            counts.entry(value.to_string()).or_insert((value, 0)).1 += 1;
        }
        unreadable += page.unreadable.len();
        out.unreadable(&page.unreadable);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut counts: Vec<(String, (Value, u64))> = counts.into_iter().collect();
    counts.sort_by(|(a_text, (_, a)), (b_text, (_, b))| b.cmp(a).then_with(|| a_text.cmp(b_text)));
    Ok((counts.into_iter().map(|(_, counted)| counted).collect(), unreadable))
}
