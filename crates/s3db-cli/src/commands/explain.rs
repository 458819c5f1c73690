//! `s3db explain`.

use s3db::Resource;
use s3db::explain::Explanation;
use s3db::key::Keys;
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::input::{self, field_value};
use crate::output::{BOLD, Output, Table};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("call").args(["filter", "partition", "get", "insert", "update", "delete"]).multiple(true))]
#[command(after_help = "\
Examples:
  s3db explain users
  s3db explain users -f '{\"city\": \"Porto\"}'
  s3db explain users --partition byCity --value city=Porto --limit 10
  s3db explain users --insert '{\"name\": \"Ann\", \"city\": \"Porto\"}'
  s3db explain users --update ann '{\"city\": \"Lisbon\"}'
  s3db explain users --delete ann --json | jq .plan.requests

Shows how a resource is configured and where its documents and index entries lie, and, of the call that is given, every
request it would send, what for, and what that costs. Nothing is changed. The flag --explain of the other commands shows
the requests of a whole command, the read of the catalogue among them.

Requests: 1 GET, and what the plan needs to look at: the listings of a query, the reads of a write.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Explain a query: what documents must match, as JSON, or `@FILE`
    #[arg(short, long, value_name = "JSON", conflicts_with_all = ["get", "insert", "update", "delete"])]
    filter: Option<String>,

    /// Explain a query of this partition, in place of the best one
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["get", "insert", "update", "delete"])]
    partition: Option<String>,

    /// Value of a field of the partition; repeat it for more fields
    #[arg(short, long = "value", value_name = "FIELD=VALUE", requires = "partition", value_parser = field_value)]
    values: Vec<(String, String)>,

    /// Most documents of the query; 0 is all
    #[arg(short, long, value_name = "N", default_value_t = 0, conflicts_with_all = ["get", "insert", "update", "delete"])]
    limit: usize,

    /// Explain reading the document with this id
    #[arg(long, value_name = "ID", conflicts_with_all = ["insert", "update", "delete"])]
    get: Option<String>,

    /// Explain inserting this document
    #[arg(long, value_name = "JSON", conflicts_with_all = ["update", "delete"])]
    insert: Option<String>,

    /// Explain changing these fields of the document with this id
    #[arg(long, num_args = 2, value_names = ["ID", "JSON"], conflicts_with = "delete")]
    update: Option<Vec<String>>,

    /// Explain deleting the document with this id
    #[arg(long, value_name = "ID")]
    delete: Option<String>,
}

/// A call whose plan is asked for.
enum Call {
    Query(Value),
    Get(String),
    Insert(Value),
    Update(String, Value),
    Delete(String),
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    if global.explain {
        return Err(Failure::usage(
            "explain changes nothing, and is not explained itself",
            "leave --explain out; --receipt says what explaining has cost",
        ));
    }
    let call = call(&args)?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let mut shown = configuration(&db, &resource)?;
    let plan = match &call {
        Some(call) => Some(explain(&resource, &args, call).await?),
        None => None,
    };
    match out.format_or(Format::Table) {
        Format::Table => people(&shown, plan.as_ref(), out),
        Format::Csv => out.rows([], list(&shown, "partitions"), ""),
        Format::Json | Format::Ndjson => {
            if let Some(plan) = plan {
                shown["plan"] = json!(plan);
            }
            out.json(&shown)
        }
    }
}

fn call(args: &Args) -> Outcome<Option<Call>> {
    if let Some(document) = &args.insert {
        return Ok(Some(Call::Insert(input::json(document, "--insert")?)));
    }
    if let Some([id, changes]) = args.update.as_deref() {
        return Ok(Some(Call::Update(id.clone(), input::json(changes, "--update")?)));
    }
    let by_id = args.get.clone().map(Call::Get).or_else(|| args.delete.clone().map(Call::Delete));
    if by_id.is_some() {
        return Ok(by_id);
    }
    let filter = args.filter.as_deref().map(|filter| input::json(filter, "--filter")).transpose()?;
    let is_query = filter.is_some() || args.partition.is_some() || args.limit > 0;
    let filter = filter.map_or(Value::Null, super::query::with_dollars);
    Ok(is_query.then_some(Call::Query(filter)))
}

async fn explain(resource: &Resource, args: &Args, call: &Call) -> Outcome<Explanation> {
    let explained = match call {
        Call::Query(filter) => {
            let query = match &args.partition {
                Some(name) => resource.partition_of_texts(name, args.values.clone())?.query(filter.clone()),
                None => resource.query(filter.clone()),
            };
            let query = if args.limit > 0 { query.limit(args.limit) } else { query };
            query.explain().await
        }
        Call::Get(id) => resource.explain().get(id).await,
        Call::Insert(document) => resource.explain().insert(document.clone()).await,
        Call::Update(id, changes) => resource.explain().update(id, changes.clone()).await,
        Call::Delete(id) => resource.explain().delete(id).await,
    };
    explained.map_err(Failure::from)
}

/// What a program gets: the configuration, where documents lie, and the partitions.
fn configuration(db: &s3db::Database, resource: &Resource) -> Outcome<Value> {
    let keys = Keys::new(db.key_root());
    let name = resource.name();
    let mut partitions = Vec::new();
    for partition in resource.partitions()? {
        let fields: Vec<&str> = partition.fields.iter().map(|(path, _)| path.as_str()).collect();
        let values: String = fields.iter().map(|field| format!("{field}=<{field}>/")).collect();
        let prefix = keys.partitions(name, Some(&partition.name))?;
        partitions.push(json!({
            "partition": partition.name,
            "fields": fields,
            "state": super::partitions::state(&partition),
            "key": format!("{prefix}{values}id=<id>"),
        }));
    }
    let mut shown = json!({
        "resource": name,
        "key": format!("{}<id>", keys.documents(name)?),
        "partitions": partitions,
    });
    if let Some(definition) = super::schema::definition(db, name)? {
        shown["version"] = json!(definition.version);
        shown["behavior"] = json!(definition.behavior);
        shown["timestamps"] = json!(definition.timestamps);
        shown["paranoid"] = json!(definition.paranoid);
        shown["fields"] = json!(definition.attributes.len());
        shown["created_by"] = json!(definition.created_by);
    }
    Ok(shown)
}

fn list(shown: &Value, member: &str) -> Vec<Value> {
    shown[member].as_array().cloned().unwrap_or_default()
}

fn people(shown: &Value, plan: Option<&Explanation>, out: &mut Output) -> Outcome {
    let mut table = Table::new(["Setting", "Value"]).uncut();
    for name in ["resource", "version", "behavior", "timestamps", "paranoid", "fields", "created_by", "key"] {
        if !shown[name].is_null() {
            table.row([name.replace('_', " "), crate::output::text(&shown[name])]);
        }
    }
    out.table(&table)?;
    out.line("")?;
    let partitions = list(shown, "partitions");
    if partitions.is_empty() {
        out.line("No partitions: a query that names no id reads every document.")?;
    } else {
        let mut table = Table::new(["Partition", "State", "Key"]).uncut();
        for partition in &partitions {
            table.row(["partition", "state", "key"].map(|name| crate::output::text(&partition[name])));
        }
        out.table(&table)?;
    }
    let Some(plan) = plan else { return Ok(()) };
    out.line("")?;
    out.styled(&format!("{BOLD}Plan{BOLD:#}"))?;
    out.plan(plan)
}
