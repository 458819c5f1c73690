//! `s3db delete`.

use std::io::{self, IsTerminal as _};

use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::Output;

/// Arguments of `delete`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db delete users ann
  s3db delete users ann bob --force
  s3db query users -f '{\"active\": false}' --limit 0 --output ndjson | jq -r .id | xargs s3db delete users --force

Asks first. Without a terminal nobody can answer, so that --force is needed. Exit code 3 when a document does not exist.
Requests: 1 HEAD + 1 conditional DELETE a document, and those of the partitions.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    /// Ids of the documents
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Do not ask
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let asks = !args.force && !global.explain;
    let on_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    if asks && !on_terminal {
        return Err(Failure::usage(
            "nothing was deleted: there is no terminal to ask on",
            "add --force to delete without being asked",
        ));
    }
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = db.resource(&args.resource)?;
    if asks {
        let what = match args.ids.as_slice() {
            [id] => format!("{id} of {}", args.resource),
            ids => format!("{} documents of {}", ids.len(), args.resource),
        };
        if !out.confirm(&format!("Delete {what}?")) {
            out.note("nothing was deleted");
            return Err(Failure::Reported(Code::Failed));
        }
    }
    let mut deleted = Vec::new();
    let mut worst = Code::Ok;
    for id in &args.ids {
        match resource.delete(id).await {
            Ok(()) => {
                out.done(&format!("Deleted ID: {id}"));
                deleted.push(id);
            }
            Err(error) => {
                // One kind of failure keeps its code; a mixture is a plain failure.
                let code = Code::of(&error);
                worst = if worst == Code::Ok || worst == code { code } else { Code::Failed };
                out.item_failed(&[], &error);
            }
        }
    }
    if out.format_or(Format::Table).is_json() {
        out.json(&json!({ "deleted": deleted }))?;
    }
    if worst == Code::Ok { Ok(()) } else { Err(Failure::Reported(worst)) }
}
