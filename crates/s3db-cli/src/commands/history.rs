//! `s3db history`.

use s3db::Resource;
use s3db::encoding::iso_from_ms;
use s3db::resource::{DocumentVersion, HistoryOptions, changed_fields};
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::Output;

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db history users ann
  s3db history users ann --limit 0 --json | jq -r '.[] | select(.deleted) | .time'
  s3db history users ann --documents --output ndjson | jq -c .document

The newest version first, with the fields in which it differs from the one before it. The bucket must keep versions of its
objects: on AWS `aws s3api put-bucket-versioning`.
Exit code 3 when nothing is kept of such a document.
Requests: 1 LIST, 1 GET a version, and 1 for the catalogue.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
    /// Most versions; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Show the documents too, in JSON and CSV; secrets and passwords as "[redacted]"
    #[arg(long)]
    documents: bool,
    /// Show secrets and passwords in the clear
    #[arg(long, requires = "documents")]
    secrets: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let shown = if args.limit == 0 { usize::MAX } else { args.limit };
    // One more, to know what the last one has changed.
    let options = HistoryOptions::default().limit(shown.saturating_add(1));
    let versions = resource.history_with(&args.id, options).await?;
    let mut rows = Vec::new();
    for (at, version) in versions.iter().enumerate().take(shown) {
        let older = versions.get(at + 1);
        if let Some(error) = &version.unreadable {
            out.item_failed(&[("version", json!(version.version_id))], error);
        }
        rows.push(row(&resource, version, older, &args, out));
    }
    out.rows(["Time", "Version", "State", "Changed"], rows, "no versions")?;
    out.flush()?;
    if versions.len() > shown {
        out.note(&format!("the newest {shown} versions; --limit 0 shows all"));
    }
    Ok(())
}

fn row(
    resource: &Resource,
    version: &DocumentVersion,
    older: Option<&DocumentVersion>,
    args: &Args,
    out: &Output,
) -> Value {
    let state = match version {
        DocumentVersion { is_deleted: true, .. } => "deleted",
        DocumentVersion { unreadable: Some(_), .. } => "unreadable",
        DocumentVersion { is_latest: true, .. } => "current",
        _ => "old",
    };
    let changed = changes(version, older);
    let is_table = out.format_or(Format::Table) == Format::Table;
    let mut row = json!({
        "time": iso_from_ms(version.at_ms),
        "version": version.version_id,
        "state": state,
        "changed": match (changed, is_table) {
            (Some(names), true) => json!(names.join(", ")),
            (Some(names), false) => json!(names),
            (None, true) => json!(""),
            (None, false) => Value::Null,
        },
    });
    if let Some(row) = row.as_object_mut()
        && !is_table
    {
        row.insert("latest".into(), version.is_latest.into());
        row.insert("deleted".into(), version.is_deleted.into());
        if args.documents {
            row.insert("document".into(), document(resource, version, args.secrets));
        }
    }
    row
}

/// The fields in which a version differs from the one before it; `None` where that is not known.
fn changes(version: &DocumentVersion, older: Option<&DocumentVersion>) -> Option<Vec<String>> {
    let record = version.record.as_ref()?;
    match older {
        Some(DocumentVersion { record: Some(before), .. }) => {
            Some(changed_fields(&before.data, &record.data))
        }
        Some(DocumentVersion { is_deleted: true, .. }) | None => Some(record.data.keys().cloned().collect()),
        Some(_) => None,
    }
}

fn document(resource: &Resource, version: &DocumentVersion, reveals: bool) -> Value {
    let Some(mut record) = version.record.clone() else {
        return Value::Null;
    };
    if !reveals {
        resource.redact_record(&mut record);
    }
    Value::Object(record.fields())
}
