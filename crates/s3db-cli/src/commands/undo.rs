//! `s3db undo`.

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::Output;

/// Arguments of `undo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db undo users ann                     takes the last change back, or a delete
  s3db undo users ann --to VERSION        as it was in that version
  s3db undo users ann --explain           which requests that takes

It is a write as any other: under the schema of today, with index entries and unique values, and only if nobody writes
meanwhile. What is undone stays in the history; undoing once more brings it back. `s3db history` lists the versions.
Exit code 3 when there is no version to go back to.
Requests: 1 LIST + 2 GET + 1 conditional PUT, and those of the partitions; and 1 GET for the catalogue.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
    /// Version to go back to; the one before the current one when absent
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let record = match &args.to {
        Some(version) => resource.restore_version(&args.id, version).await?,
        None => resource.undo(&args.id).await?,
    };
    out.done(&match &args.to {
        Some(version) => format!("Restored ID: {} as of version {version}", record.id),
        None => format!("Undid the last change of ID: {}", record.id),
    });
    out.record(record)
}
