//! `s3db schema-diff`.

use crate::args::{Format, Global};
use crate::commands::declared;
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::Output;

/// Arguments of `schema-diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db schema-diff resources.json
  s3db schema-diff resources.json --json | jq -r '.[].member'

The file holds the resources by name, each in the form of `s3db schema`:
  {\"resources\": {\"users\": {\"attributes\": {\"name\": \"string\"}, \"partitions\": {…}}}}
What it does not say of a resource stays, and is no difference; nor are resources that it does not name.
Exit code: 1 when something differs; `s3db migrate` then applies it.
Requests: 1 GET.")]
pub(crate) struct Args {
    /// The file; `-` is standard input
    file: String,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let declared = declared::read(&db, &args.file)?;
    let rows = declared::rows(&declared);
    let differs = !rows.is_empty();
    let as_table = out.format_or(Format::Table) == Format::Table;
    out.rows(["Resource", "Member", "Stored", "Wanted"], rows, "nothing differs")?;
    out.flush()?;
    let named: Vec<&str> = declared.iter().map(|declared| declared.diff.resource.as_str()).collect();
    let others: Vec<String> =
        db.resource_names().into_iter().filter(|name| !named.contains(&name.as_str())).collect();
    if as_table && !others.is_empty() {
        out.note(&format!("not in the file: {}", others.join(", ")));
    }
    if differs { Err(Failure::Reported(Code::Failed)) } else { Ok(()) }
}
