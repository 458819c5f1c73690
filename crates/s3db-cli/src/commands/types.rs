//! `s3db types`: code for the documents of a resource, from the live catalogue.

use std::io::ErrorKind;

use clap::ValueEnum;
use s3db::catalog::ResourceDefinition;
use s3db::schema::{FieldInfo, Schema};
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::{Output, printable};

mod names;
mod rust;
mod typescript;

/// Arguments of `types`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db types users > src/user.rs
  s3db types users --lang ts > src/user.ts
  s3db types users --check src/user.rs

Rust code needs the crates s3db and serde, and serde_json where a field may hold any JSON. The type that it declares has
the schema that is stored, so that `resource_of` opens the resource without a difference.
Exit code of --check: 1 when the file is not what would be printed, but for blanks; the difference is shown.
Requests: 1 GET.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Language of the code; by the name of the file of --check when left out, else Rust
    #[arg(short, long, value_enum, value_name = "LANG")]
    lang: Option<Lang>,

    /// Print nothing, and fail when this file is something else
    #[arg(long, value_name = "FILE")]
    check: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// A struct with serde and `#[derive(Document)]`
    Rust,
    /// An interface of TypeScript
    Ts,
}

/// What a resource says of one field.
enum Kind<'a> {
    /// A type in the notation of schemas, and what was understood of it.
    Leaf(&'a str, &'a FieldInfo),
    /// Fields of their own.
    Object(&'a Map<String, Value>, bool),
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let is_ts = args.check.as_deref().is_some_and(|file| file.ends_with(".ts"));
    let lang = args.lang.unwrap_or(if is_ts { Lang::Ts } else { Lang::Rust });
    let db = connect::open(global, Wanted::Existing, out).await?;
    db.resource(&args.resource)?;
    let Some(definition) = super::schema::definition(&db, &args.resource)? else {
        return Ok(());
    };
    let schema = super::schema::compiled(&definition)?;
    let code = match lang {
        Lang::Rust => rust::code(&definition, &schema)?,
        Lang::Ts => typescript::code(&definition, &schema)?,
    };
    match &args.check {
        None => out.raw().write_all(code.as_bytes()).map_err(Failure::output),
        Some(file) => check(&code, file, &args.resource, out),
    }
}

fn check(code: &str, file: &str, resource: &str, out: &mut Output) -> Outcome {
    let held = match std::fs::read_to_string(file) {
        Ok(held) => held,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::usage(
                format!("{file} is not there"),
                format!("write it: s3db types {resource} > {file}"),
            ));
        }
        Err(error) => return Err(Failure::Io { what: format!("read {file}"), error }),
    };
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words(&held) == words(code) {
        out.done(&format!("{file} is what {resource} is"));
        return Ok(());
    }
    let diff = TextDiff::from_lines(held.as_str(), code);
    let diff = diff.unified_diff().context_radius(2).header(file, resource).to_string();
    for line in diff.lines() {
        out.line(&printable(line))?;
    }
    out.flush()?;
    out.warn(&format!("{file} is not what {resource} is any more: s3db types {resource} > {file}"));
    Err(Failure::Reported(Code::Failed))
}

/// The fields of an object, but for the id, in the order of the schema.
fn fields<'a>(
    attributes: &'a Map<String, Value>,
    path: &str,
    schema: &'a Schema,
) -> Outcome<Vec<(&'a str, String, Kind<'a>)>> {
    let mut fields = Vec::new();
    for (name, attribute) in attributes.iter().filter(|(name, _)| !name.starts_with("$$")) {
        if path.is_empty() && name == "id" {
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let cannot = || {
            Failure::usage(
                format!("the field {} is defined in a way that no type says", printable(&path)),
                "write its type by hand; `s3db schema` shows the definition",
            )
        };
        let info = schema.field(&path).ok_or_else(cannot)?;
        let kind = match attribute {
            Value::String(notation) => Kind::Leaf(notation, info),
            Value::Object(members) if !members.get("type").is_some_and(Value::is_string) => {
                Kind::Object(members, info.optional)
            }
            _ => return Err(cannot()),
        };
        fields.push((name.as_str(), path, kind));
    }
    Ok(fields)
}

/// The first word of a type: `money` of `money:2`.
fn base(info: &FieldInfo) -> &str {
    match info.type_word.split_once(':') {
        Some(("geo", rest)) if rest.starts_with("point") => "geo:point",
        Some((base, _)) => base,
        None => &info.type_word,
    }
}

/// The type of the items of a list, where they are all of one.
fn items<'a>(info: &FieldInfo, schema: &'a Schema) -> Option<&'a str> {
    schema.field(&format!("{}[]", info.path)).filter(|item| !item.nullable && !item.optional).map(base)
}

/// What both languages make of a name.
fn title(definition: &ResourceDefinition) -> String {
    names::pascal(&names::singular(&definition.name))
}
