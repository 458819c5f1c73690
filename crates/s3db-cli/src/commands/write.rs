//! `s3db update`, `patch`, `replace` and `upsert`.

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::input::Input;
use crate::output::Output;

/// One document, and what to write on it.
#[derive(Debug, clap::Args)]
struct Target {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
    #[command(flatten)]
    input: Input,
}

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db update users ann -d '{\"age\": 31}'
  s3db update users ann -d '{\"profile.city\": \"Porto\"}'         one leaf; its siblings stay
  s3db update users ann -d '{\"$unset\": [\"profile.bio\"]}'       removes a field

Objects merge at every depth; null and arrays replace. Two updates at once never undo each other.
Requests: 1 GET + 1 conditional PUT, and those of partitions whose value changes.")]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    target: Target,
}

/// Arguments of `patch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  s3db patch users ann -d '{\"profile.city\": \"Porto\"}'

See `s3db update --help`: both merge.")]
pub(crate) struct PatchArgs {
    #[command(flatten)]
    target: Target,
}

/// Arguments of `replace`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  s3db replace users ann -d '{\"name\": \"Ann\", \"email\": \"ann@example.com\"}'

Fields that the new document does not have are gone. Creates the document where there is none.
Requests: 1 PUT; with timestamps or partitions 1 GET + 1 conditional PUT and those of the partitions.")]
pub(crate) struct ReplaceArgs {
    #[command(flatten)]
    target: Target,
}

/// Arguments of `upsert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  s3db upsert users -d '{\"id\": \"ann\", \"name\": \"Ann\", \"email\": \"ann@example.com\"}'

Requests: 1 GET + 1 conditional PUT, and those of the partitions.")]
pub(crate) struct UpsertArgs {
    /// Name of the resource
    resource: String,
    #[command(flatten)]
    input: Input,
}

pub(crate) async fn update(UpdateArgs { target }: UpdateArgs, global: &Global, out: &mut Output) -> Outcome {
    merge(target, global, out).await
}

pub(crate) async fn patch(PatchArgs { target }: PatchArgs, global: &Global, out: &mut Output) -> Outcome {
    merge(target, global, out).await
}

async fn merge(target: Target, global: &Global, out: &mut Output) -> Outcome {
    let changes = target.input.document()?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &target.resource, global, out)?;
    let record = resource.update(&target.id, changes).await?;
    out.done(&format!("Updated ID: {}", record.id));
    out.record(record)
}

pub(crate) async fn replace(
    ReplaceArgs { target }: ReplaceArgs,
    global: &Global,
    out: &mut Output,
) -> Outcome {
    let document = target.input.document()?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &target.resource, global, out)?;
    let record = resource.replace(&target.id, document).await?;
    out.done(&format!("Replaced ID: {}", record.id));
    out.record(record)
}

pub(crate) async fn upsert(args: UpsertArgs, global: &Global, out: &mut Output) -> Outcome {
    let document = args.input.document()?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let record = resource.upsert(document).await?;
    out.done(&format!("Wrote ID: {}", record.id));
    out.record(record)
}
