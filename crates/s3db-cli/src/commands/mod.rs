//! The commands, one file each.

use crate::args::{Cli, Command};
use crate::exit::{Code, Outcome};
use crate::output::Output;

pub(crate) mod analyze;
pub(crate) mod content;
pub(crate) mod count;
pub(crate) mod create_resource;
mod declared;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod dump;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fsck;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod insert;
pub(crate) mod list;
pub(crate) mod manual;
pub(crate) mod migrate;
pub(crate) mod partitions;
pub(crate) mod query;
pub(crate) mod reindex;
mod sample;
pub(crate) mod schema;
pub(crate) mod schema_diff;
pub(crate) mod stats;
pub(crate) mod types;
pub(crate) mod undo;
pub(crate) mod write;

/// Runs a command line, and tells all that there is to tell of it.
pub(crate) async fn whole(cli: Cli) -> Code {
    let mut out = Output::new(&cli.global);
    let costs = cli.global.costs.clone();
    let outcome = run(cli, &mut out).await;
    let told = costs.tell(&mut out);
    out.finish(outcome.and(told))
}

/// Runs the command of a command line.
pub(crate) async fn run(cli: Cli, out: &mut Output) -> Outcome {
    let global = &cli.global;
    if matches!(
        cli.command,
        Command::Get(_)
            | Command::History(_)
            | Command::Diff(_)
            | Command::Query(_)
            | Command::Count(_)
            | Command::Dump(_)
            | Command::Export(_)
            | Command::Stats(_)
            | Command::Analyze(_)
    ) {
        global.costs.skip_documents();
    }
    match cli.command {
        Command::Demo(args) => demo::run(args, global, out).await,
        Command::List(args) => list::run(args, global, out).await,
        Command::CreateResource(args) => create_resource::run(args, global, out).await,
        Command::Schema(args) => schema::run(args, global, out).await,
        Command::SchemaDiff(args) => schema_diff::run(args, global, out).await,
        Command::Migrate(args) => migrate::run(args, global, out).await,
        Command::Types(args) => types::run(args, global, out).await,
        Command::Insert(args) => insert::run(args, global, out).await,
        Command::Get(args) => get::run(args, global, out).await,
        Command::Update(args) => write::update(args, global, out).await,
        Command::Patch(args) => write::patch(args, global, out).await,
        Command::Replace(args) => write::replace(args, global, out).await,
        Command::Upsert(args) => write::upsert(args, global, out).await,
        Command::Content(args) => content::run(args, global, out).await,
        Command::Delete(args) => delete::run(args, global, out).await,
        Command::History(args) => history::run(args, global, out).await,
        Command::Diff(args) => diff::run(args, global, out).await,
        Command::Undo(args) => undo::run(args, global, out).await,
        Command::Query(args) => query::run(args, global, out).await,
        Command::Count(args) => count::run(args, global, out).await,
        Command::Explain(args) => explain::run(args, global, out).await,
        Command::Stats(args) => stats::run(args, global, out).await,
        Command::Analyze(args) => analyze::run(args, global, out).await,
        Command::Doctor(args) => doctor::run(args, global, out).await,
        Command::Partitions(args) => partitions::run(args, global, out).await,
        Command::Reindex(args) => reindex::run(args, global, out).await,
        Command::Import(args) => import::run(args, global, out).await,
        Command::Export(args) => export::run(args, global, out).await,
        Command::Dump(args) => dump::dump(args, global, out).await,
        Command::Fsck(args) => fsck::run(args, global, out).await,
        Command::Load(args) => dump::load(args, global, out).await,
        Command::Completions(args) => manual::completions(&args, out),
        Command::Man(args) => manual::man(&args, out),
        // It runs others.
        Command::Shell(args) => Box::pin(crate::shell::run(args, global, out)).await,
    }
}
