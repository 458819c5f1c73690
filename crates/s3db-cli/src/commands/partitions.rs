//! `s3db partitions`.

use s3db::Resource;
use s3db::database::OrphanedPartition;
use s3db::resource::PartitionInfo;
use serde_json::{Map, Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::input;
use crate::output::Output;

/// Arguments of `partitions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db partitions users
  s3db partitions users --add '{\"byCity\": {\"fields\": {\"city\": \"string\"}}}' && s3db reindex users
  s3db partitions users --remove-orphaned --dry-run

States: complete (queries use it), incomplete (documents from before it are missing: s3db reindex), orphaned (it names
fields that the resource does not have).
Fields are in the order of the key.
Requests: 1 GET; a change of the definition 1 GET and 1 conditional PUT more.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Add partitions: as JSON, or `@FILE`
    #[arg(long, value_name = "JSON", conflicts_with_all = ["remove_orphaned", "dry_run"])]
    add: Option<String>,

    /// Take orphaned partitions out of the definition
    #[arg(long)]
    remove_orphaned: bool,

    /// Only say what --remove-orphaned would remove
    #[arg(long, requires = "remove_orphaned")]
    dry_run: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = db.resource(&args.resource)?;
    if args.remove_orphaned {
        let orphaned = resource.remove_orphaned_partitions(args.dry_run).await?;
        return removed(&orphaned, args.dry_run, out);
    }
    if let Some(partitions) = &args.add {
        let Value::Object(partitions) = input::json(partitions, "--add")? else {
            return Err(Failure::usage(
                "--add is not a JSON object",
                "for example {\"byCity\": {\"fields\": {\"city\": \"string\"}}}",
            ));
        };
        add(&resource, partitions, out).await?;
    }
    list(&resource, out)
}

async fn add(resource: &Resource, partitions: Map<String, Value>, out: &mut Output) -> Outcome {
    for (name, partition) in partitions {
        resource.add_partition(&name, partition).await?;
    }
    if resource.partitions()?.iter().any(|partition| !partition.is_complete) {
        out.note(&format!("documents from before are indexed by: s3db reindex {}", resource.name()));
    }
    Ok(())
}

/// Whether queries use it.
pub(super) fn state(partition: &PartitionInfo) -> &'static str {
    match (partition.missing_fields.is_empty(), partition.is_complete) {
        (false, _) => "orphaned",
        (true, true) => "complete",
        (true, false) => "incomplete",
    }
}

fn list(resource: &Resource, out: &mut Output) -> Outcome {
    let rows = resource.partitions()?.into_iter().map(|partition| {
        let state = state(&partition);
        let fields: Map<String, Value> =
            partition.fields.into_iter().map(|(path, rule)| (path, Value::from(rule))).collect();
        json!({
            "partition": partition.name,
            "fields": fields,
            "state": state,
            "missing": partition.missing_fields.join(", "),
        })
    });
    let rows: Vec<Value> = rows.collect();
    out.rows(["Partition", "Fields", "State", "Missing fields"], rows, "the resource has no partitions")
}

fn removed(orphaned: &[OrphanedPartition], dry_run: bool, out: &mut Output) -> Outcome {
    let rows = orphaned
        .iter()
        .map(|orphan| json!({ "partition": orphan.name, "missing": orphan.missing_fields.join(", ") }));
    out.rows(["Partition", "Missing fields"], rows.collect(), "no partition is orphaned")?;
    if out.format_or(Format::Table) == Format::Table {
        out.flush()?;
    }
    match (orphaned.len(), dry_run) {
        (0, _) => {}
        (count, true) => out.note(&format!("{count} would be removed; nothing was changed")),
        (count, false) => out.done(&format!("Removed {count} from the definition")),
    }
    Ok(())
}
