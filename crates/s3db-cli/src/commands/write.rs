//! `s3db update`, `patch`, `replace` and `upsert`.

use s3db::query::Filter;
use s3db::resource::merge_into;
use s3db::store::ETag;
use s3db::{Document, Error, ErrorKind};
use serde_json::{Number, Value};

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
  s3db update counters visits --add n=1                          counts, whoever else counts too
  s3db update users ann -d '{\"age\": 31}' --if-match ETAG        only if nobody changed it since

Objects merge at every depth; null and arrays replace. Two updates at once never undo each other.
Requests: 1 GET + 1 conditional PUT, and those of partitions whose value changes.")]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    target: Target,

    /// Adds a number to a field, from what is stored at that moment; repeat for more fields. An absent field counts as 0
    #[arg(long, value_name = "FIELD=NUMBER", value_parser = addition, allow_hyphen_values = true)]
    add: Vec<(String, Number)>,

    /// Writes only if the document has this ETag, as `get` shows it under `_etag`
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
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

pub(crate) async fn update(args: UpdateArgs, global: &Global, out: &mut Output) -> Outcome {
    let UpdateArgs { target, add, if_match } = args;
    // Without data there is something to do only if something is added.
    let changes = match target.input.is_given() || add.is_empty() {
        true => target.input.document()?,
        false => Value::Object(Document::new()),
    };
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &target.resource, global, out)?;
    let edit = |document: &mut Document| {
        let mut changes = changes.as_object().cloned().unwrap_or_default();
        for (field, number) in &add {
            let sum = sum(field, Filter::lookup(document, field), number)?;
            changes.insert(field.clone(), sum);
        }
        merge_into(document, changes)
    };
    let record = match if_match {
        None => resource.update_with(&target.id, edit).await?,
        Some(etag) => resource.if_match(&ETag::new(&etag)).update_with(&target.id, edit).await?,
    };
    out.done(&format!("Updated ID: {}", record.id));
    out.record(record)
}

/// `field=number`.
fn addition(text: &str) -> Result<(String, Number), String> {
    let (field, number) = text.split_once('=').ok_or("write FIELD=NUMBER, such as visits=1")?;
    let number = number.parse::<Number>().map_err(|_| format!("`{number}` is not a number"))?;
    if field.is_empty() {
        return Err("the field has no name".to_owned());
    }
    Ok((field.to_owned(), number))
}

/// What is stored and `number`: exact for whole numbers.
fn sum(field: &str, stored: Option<&Value>, number: &Number) -> s3db::Result<Value> {
    let stored = match stored {
        None | Some(Value::Null) => Number::from(0),
        Some(Value::Number(stored)) => stored.clone(),
        Some(other) => {
            let error = Error::new(ErrorKind::Validation, "only a number can be added to");
            return Err(error.with("field", field).with("actual", other));
        }
    };
    let whole = stored.as_i64().zip(number.as_i64()).and_then(|(a, b)| a.checked_add(b));
    let sum = whole.map(Number::from).or_else(|| Number::from_f64(stored.as_f64()? + number.as_f64()?));
    sum.map(Value::Number)
        .ok_or_else(|| Error::new(ErrorKind::Validation, "the sum is too large").with("field", field))
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
