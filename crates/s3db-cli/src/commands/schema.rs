//! `s3db schema`.

use clap::ValueEnum;
use s3db::Database;
use s3db::catalog::{Catalog, ResourceDefinition};
use s3db::schema::{Schema, SchemaOptions, Strictness};
use serde_json::{Value, json};

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db schema users
  s3db schema users | jq .attributes > users.json && s3db create-resource people --schema @users.json

Requests: 1 GET.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Language of the definition
    #[arg(short, long, value_enum, default_value_t = Language::Json)]
    format: Language,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    Json,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    for warning in db.resource(&args.resource)?.warnings() {
        out.warn(&format!("{}: {warning}", args.resource));
    }
    let Language::Json = args.format;
    let definition = show(&db, &args.resource)?;
    out.json(&definition)
}

/// A resource's definition as this command prints it.
pub(super) fn show(db: &Database, name: &str) -> Outcome<Value> {
    let Some(definition) = definition(db, name)? else {
        // `resource` knows what to say of a name that does not exist.
        db.resource(name)?;
        return Ok(Value::Null);
    };
    Ok(json!({
        "name": definition.name,
        "version": definition.version,
        "attributes": definition.attributes,
        "behavior": definition.behavior,
        "timestamps": definition.timestamps,
        "paranoid": definition.paranoid,
        "partitions": definition.partitions,
        "createdBy": definition.created_by,
    }))
}

/// The current definition of a resource.
pub(crate) fn definition(db: &Database, name: &str) -> Outcome<Option<ResourceDefinition>> {
    let catalog = Catalog::from_json(db.catalog())?;
    catalog.definition(name).map_err(Failure::from)
}

/// The schema of a definition, as far as it is understood.
pub(crate) fn compiled(definition: &ResourceDefinition) -> Outcome<Schema> {
    let all_nested_objects_optional = definition.all_nested_objects_optional;
    let options = SchemaOptions { all_nested_objects_optional, strictness: Strictness::Open };
    Schema::compile(&definition.attributes, options).map_err(Failure::from)
}
