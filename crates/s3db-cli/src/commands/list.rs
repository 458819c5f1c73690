//! `s3db list`.

use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::Output;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db list
  s3db list --json | jq -r '.[].resource'
  s3db list -c 's3://my-bucket/app?region=eu-west-1'

Requests: 1 GET.")]
pub(crate) struct Args {}

pub(crate) async fn run(Args {}: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let people = out.format_or(Format::Table) == Format::Table;
    let flag = |on: bool| if people { json!(if on { "✓" } else { "✗" }) } else { json!(on) };
    let mut rows = Vec::new();
    for name in db.resource_names() {
        let Some(definition) = super::schema::definition(&db, &name)? else { continue };
        let partitions: Vec<&String> = definition.partitions.keys().collect();
        rows.push(json!({
            "resource": name,
            "version": definition.version,
            "behavior": definition.behavior,
            "timestamps": flag(definition.timestamps),
            "paranoid": flag(definition.paranoid),
            "partitions": if people { json!(partitions.len()) } else { json!(partitions) },
            "fields": definition.attributes.len(),
        }));
    }
    let titles = ["Resource", "Version", "Behavior", "Timestamps", "Paranoid", "Partitions", "Fields"];
    out.rows(titles, rows, "No resources found")
}
