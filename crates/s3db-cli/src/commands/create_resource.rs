//! `s3db create-resource`.

use s3db::ResourceConfig;

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::input;
use crate::output::Output;

/// Arguments of `create-resource`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db create-resource users --schema '{\"name\": \"string|min:2\", \"email\": \"email\", \"age\": \"number|optional\"}'
  s3db create-resource notes --schema @notes.json --behavior body-only --timestamps
  s3db create-resource orders --schema '{\"region\": \"string\", \"total\": \"money\"}' \\
       --partitions '{\"byRegion\": {\"fields\": {\"region\": \"string\"}}}'

Behaviors say what happens to a document over the 2,047 bytes of S3 metadata:
  body-overflow    what does not fit goes to the body (default)
  body-only        everything goes to the body
  user-managed     a warning, and everything goes to the body
  truncate-data    fields are cut until it fits
  enforce-limits   an error

The same definition again changes nothing; another one for the same name is its next version.
Requests: 1 GET, and 2 more to write the definition.")]
pub(crate) struct Args {
    /// Name of the resource
    name: String,

    /// Schema: field names and their rules, as JSON, or `@FILE`
    #[arg(short, long, value_name = "JSON")]
    schema: String,

    /// Partitions, as JSON, or `@FILE`
    #[arg(short, long, value_name = "JSON")]
    partitions: Option<String>,

    /// What happens to documents that do not fit the metadata
    #[arg(short, long, value_name = "NAME", default_value = "body-overflow")]
    behavior: String,

    /// Keep createdAt and updatedAt
    #[arg(long)]
    timestamps: bool,

    /// Refuse to delete all documents at once (the default)
    #[arg(long, overrides_with = "no_paranoid")]
    paranoid: bool,

    /// Allow to delete all documents at once
    #[arg(long)]
    no_paranoid: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let schema = input::json(&args.schema, "--schema")?;
    let behavior = args.behavior.parse().map_err(|error: s3db::Error| {
        let hint = error.suggestion().unwrap_or("see s3db create-resource --help");
        Failure::usage(format!("--behavior {}: {}", args.behavior, error.message()), hint)
    })?;
    let mut config = ResourceConfig::new(&args.name, schema)
        .behavior(behavior)
        .timestamps(args.timestamps)
        .paranoid(args.paranoid || !args.no_paranoid);
    if let Some(partitions) = &args.partitions {
        config = config.partitions(input::json(partitions, "--partitions")?);
    }
    let db = connect::open(global, Wanted::Created, out).await?;
    let before = db.resource(&args.name).ok().map(|resource| resource.version());
    let resource = db.create_resource(config).await?;
    match (before, resource.version()) {
        (None, _) => out.done(&format!("Created resource: {}", args.name)),
        (Some(before), now) if before == now => {
            out.done(&format!("Resource {} is at version {now}", args.name))
        }
        (Some(before), now) => {
            out.done(&format!("Resource {} went from version {before} to {now}", args.name))
        }
    }
    let definition = super::schema::show(&db, &args.name)?;
    out.json(&definition)
}
