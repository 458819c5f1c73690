//! `s3db reindex`.

use s3db::resource::ReindexOptions;
use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::{self, Output};

/// Arguments of `reindex`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db reindex users
  s3db reindex users --partition byCity --partition byCountry

A run that was interrupted goes on where it was. Other programs may go on writing, once they have opened the database
again after the partition was added.
Exit code: 1 when documents could not be indexed.
Requests: 2 LIST per 1,000 documents + 1 GET a document + 1 PUT a reference.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Partition to index; all when left out
    #[arg(short, long = "partition", value_name = "NAME")]
    partitions: Vec<String>,

    /// Begin with the first document, also after an interrupted run
    #[arg(long)]
    restart: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = db.resource(&args.resource)?;
    let options = ReindexOptions {
        partitions: (!args.partitions.is_empty()).then_some(args.partitions),
        restart: args.restart,
    };
    let bar = output::bar(global, "documents");
    let reindexed = resource
        .reindex(options, &mut |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        })
        .await;
    bar.finish_and_clear();
    let reindexed = reindexed?;
    if out.format_or(Format::Table) != Format::Table {
        out.json(&json!({
            "documents": reindexed.documents,
            "written": reindexed.written,
            "failed": reindexed.failed,
            "complete": reindexed.complete,
            "resumed": reindexed.resumed,
        }))?;
        out.flush()?;
    }
    for failure in &reindexed.failures {
        let partition = failure.partition.as_deref().unwrap_or("all");
        out.item_failed(&[("id", json!(failure.id)), ("partition", json!(partition))], &failure.error);
    }
    if reindexed.resumed {
        out.note("an interrupted run was taken up");
    }
    out.done(&format!(
        "Looked at {} documents and wrote {} references",
        reindexed.documents, reindexed.written
    ));
    if reindexed.failed > 0 {
        out.warn(&format!("{} documents could not be indexed", reindexed.failed));
        return Err(Failure::Reported(Code::Failed));
    }
    Ok(())
}
