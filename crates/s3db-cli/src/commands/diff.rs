//! `s3db diff`.

use s3db::resource::HistoryOptions;
use s3db::{Error, ErrorKind, Resource};
use serde_json::json;

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::Output;

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db diff users ann                      the last change
  s3db diff users ann VERSION              what is different since then
  s3db diff users ann VERSION VERSION
  s3db diff users ann --json | jq -r '.[].field'

`s3db history` lists the versions. Of secrets and passwords it is told that they differ.
Exit code 3 when there is no such version.
Requests: 2 GET, 1 LIST unless both versions are given, and 1 GET for the catalogue.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
    /// Version to begin with; the one before the newest when absent
    #[arg(value_name = "FROM")]
    from: Option<String>,
    /// Version to end with; the newest when absent
    #[arg(value_name = "TO")]
    to: Option<String>,
    /// Show secrets and passwords in the clear
    #[arg(long)]
    secrets: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let (from, to) = match (args.from, args.to) {
        (Some(from), Some(to)) => (from, to),
        (from, _) => ends(&resource, &args.id, from).await?,
    };
    let diff = if args.secrets {
        resource.diff_with_secrets(&args.id, &from, &to).await?
    } else {
        resource.diff(&args.id, &from, &to).await?
    };
    let rows = diff
        .changes
        .into_iter()
        .map(|change| json!({ "field": change.path, "before": change.before, "after": change.after }));
    out.rows(["Field", "Before", "After"], rows.collect(), "nothing differs")
}

/// The newest version, and the one that was given or was before it. Deletions have no fields to compare.
async fn ends(resource: &Resource, id: &str, from: Option<String>) -> Outcome<(String, String)> {
    let versions = resource.history_with(id, HistoryOptions::default().without_documents()).await?;
    let mut written =
        versions.into_iter().filter(|version| !version.is_deleted).map(|version| version.version_id);
    let to = written.next();
    match (from.or_else(|| written.next()), to) {
        (Some(from), Some(to)) => Ok((from, to)),
        _ => Err(Error::new(ErrorKind::NotFound, "there is no older version to compare with")
            .with("resource", resource.name())
            .with("id", id)
            .into()),
    }
}
