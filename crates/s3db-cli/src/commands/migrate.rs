//! `s3db migrate`.

use s3db::Database;
use s3db::database::DefinitionDiff;
use s3db::resource::ReindexOptions;
use s3db::store::Requests;
use serde_json::{Value, json};

use crate::args::Global;
use crate::commands::declared::{self, Declared};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::{self, Output};

/// Arguments of `migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db migrate resources.json --dry-run
  s3db migrate resources.json

The file is that of `s3db schema-diff`. Resources are created or get a new version, and documents that are there already
are indexed in new partitions. The same file again changes nothing, and goes on where a run was interrupted. Nothing is
deleted: resources that the file does not name stay, and documents are not rewritten.
The requests are printed first, about as many as will be sent.
Exit code: 1 when documents could not be indexed.
Requests: 1 GET, 1 LIST per 1,000 documents of resources to index, and those that are printed.")]
pub(crate) struct Args {
    /// The file; `-` is standard input
    file: String,

    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What is to be done for one resource.
struct Work {
    declared: Declared,
    /// Partitions in which stored documents are to be indexed.
    to_index: Vec<String>,
    requests: Requests,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let wanted = if args.dry_run { Wanted::Existing } else { Wanted::Created };
    let db = connect::open(global, wanted, out).await?;
    let mut work = Vec::new();
    for declared in declared::read(&db, &args.file)? {
        work.push(plan(&db, declared).await?);
    }
    work.retain(|work| !work.declared.diff.is_empty() || !work.to_index.is_empty());
    let rows = work.iter().map(|work| row(&db, work)).collect();
    let titles = ["Resource", "Version", "Changes", "To index", "Requests", "Dollars"];
    out.rows(titles, rows, "nothing to do")?;
    out.flush()?;
    if args.dry_run {
        if !work.is_empty() {
            out.note("nothing was changed");
        }
        return Ok(());
    }
    let mut failed = 0;
    for work in work {
        failed += apply(&db, work, global, out).await?;
    }
    if failed > 0 {
        out.warn(&format!("{failed} documents could not be indexed"));
        return Err(Failure::Reported(Code::Failed));
    }
    Ok(())
}

async fn plan(db: &Database, declared: Declared) -> Outcome<Work> {
    let diff = &declared.diff;
    let mut requests = Requests::NONE;
    if !diff.is_empty() {
        requests = Requests { get: 1, put: 1, ..Requests::NONE };
    }
    let mut to_index = Vec::new();
    if diff.stored_version.is_some() {
        let resource = db.resource(&diff.resource)?;
        to_index = new_partitions(diff);
        let wanted_gone = |name: &str| {
            diff.changes.iter().any(|c| c.wanted.is_none() && c.member == format!("partitions.{name}"))
        };
        for partition in resource.partitions()? {
            let is_orphaned = !partition.missing_fields.is_empty();
            let name = partition.name;
            if !partition.is_complete && !is_orphaned && !wanted_gone(&name) && !to_index.contains(&name) {
                to_index.push(name);
            }
        }
        if !to_index.is_empty() {
            let documents = resource.count().await?;
            let pages = documents.div_ceil(1000).max(1);
            requests += Requests {
                list: 2 * pages,
                get: documents + 3,
                put: documents * to_index.len() as u64 + pages,
                delete: 1,
                ..Requests::NONE
            };
        }
    }
    Ok(Work { declared, to_index, requests })
}

/// Partitions that come, or get other fields.
fn new_partitions(diff: &DefinitionDiff) -> Vec<String> {
    let wanted = diff.changes.iter().filter(|change| change.wanted.is_some());
    wanted.filter_map(|change| change.member.strip_prefix("partitions.")).map(str::to_owned).collect()
}

fn row(db: &Database, work: &Work) -> Value {
    let diff = &work.declared.diff;
    let version = match &diff.stored_version {
        None => format!("new, {}", diff.wanted_version),
        Some(stored) if *stored == diff.wanted_version => stored.clone(),
        Some(stored) => format!("{stored} to {}", diff.wanted_version),
    };
    let members = diff.changes.iter().map(|change| change.member.as_str());
    let members: Vec<&str> = if diff.stored_version.is_some() { members.collect() } else { Vec::new() };
    json!({
        "resource": diff.resource,
        "version": version,
        "changes": members.join(", "),
        "index": work.to_index.join(", "),
        "requests": work.requests.to_string(),
        "dollars": db.prices().dollars(work.requests),
    })
}

/// Returns the number of documents that could not be indexed.
async fn apply(db: &Database, work: Work, global: &Global, out: &mut Output) -> Outcome<u64> {
    let Work { declared: Declared { config, diff }, to_index, .. } = work;
    let resource = if diff.is_empty() {
        db.resource(&diff.resource)?
    } else {
        let resource = db.create_resource(config).await?;
        match &diff.stored_version {
            None => out.done(&format!("Created resource: {}", diff.resource)),
            Some(before) => {
                let now = resource.version();
                out.done(&format!("Resource {} went from {before} to {now}", diff.resource));
            }
        }
        resource
    };
    if to_index.is_empty() {
        return Ok(0);
    }
    let bar = output::bar(global, "documents");
    let options = ReindexOptions { partitions: Some(to_index), restart: false };
    let reindexed = resource
        .reindex(options, &mut |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        })
        .await;
    bar.finish_and_clear();
    let reindexed = reindexed?;
    for failure in &reindexed.failures {
        let partition = failure.partition.as_deref().unwrap_or("all");
        let which =
            [("resource", json!(diff.resource)), ("id", json!(failure.id)), ("partition", json!(partition))];
        out.item_failed(&which, &failure.error);
    }
    out.done(&format!(
        "Indexed {} documents of {}, {} references were missing",
        reindexed.documents, diff.resource, reindexed.written
    ));
    Ok(reindexed.failed)
}
