//! `s3db get`.

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::Output;

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db get users ann
  s3db get users ann --output table

Exit code 3 when there is no such document.
Requests: 1 GET, and 1 for the catalogue.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let record = resource.get(&args.id).await?;
    out.record(record)
}
