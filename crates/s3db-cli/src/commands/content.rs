//! `s3db content`: bytes of the user's own beside the fields of a document.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use futures::TryStreamExt as _;
use s3db::resource::NewContent;
use s3db::store::ByteRange;
use s3db::{Error, ErrorKind};
use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::output::Output;

/// Arguments of `content`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db content set users ann ann.png --type image/png
  s3db content get users ann --out copy.png
  s3db content get users ann --range 0-1023 | xxd
  s3db content get users ann | sha256sum
  s3db content delete users ann

The fields of the document stay as they are; while it has content they must fit the metadata of its object.
Exit code 3 when there is no such document, or it has no content to get.
Requests: get 1 GET; set and delete 1 GET + 1 conditional PUT; and 1 for the catalogue.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write the content to standard output, or to a file
    Get {
        #[command(flatten)]
        document: Document,
        /// File to write; `-` is standard output
        #[arg(short, long, value_name = "FILE", default_value = "-", alias = "file", short_alias = 'f')]
        out: String,
        /// Bytes to read, from 0, both ends included: `0-99`, or `100-` for all that follow
        #[arg(long, value_name = "A-B", value_parser = range_of)]
        range: Option<ByteRange>,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Give a document content, from standard input or a file
    Set {
        #[command(flatten)]
        document: Document,
        /// File to read; `-` is standard input
        #[arg(value_name = "FILE", default_value = "-")]
        file: String,
        /// The same
        #[arg(id = "named", short, long = "file", value_name = "FILE", conflicts_with = "file", hide = true)]
        named: Option<String>,
        /// Type of the content
        #[arg(long = "type", value_name = "TYPE", default_value = "application/octet-stream")]
        content_type: String,
    },
    /// Take the content of a document away
    Delete {
        #[command(flatten)]
        document: Document,
    },
}

#[derive(Debug, clap::Args)]
struct Document {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    match args.action {
        Action::Get { document, out: file, range, force } => {
            get(document, &file, range, force, global, out).await
        }
        Action::Set { document, file, named, content_type } => {
            let bytes = read(named.as_deref().unwrap_or(&file))?;
            let content = NewContent::new(bytes).content_type(content_type);
            let db = connect::open(global, Wanted::Existing, out).await?;
            let record = db.resource(&document.resource)?.set_content(&document.id, content).await?;
            out.done(&format!("Set content of ID: {}", document.id));
            told(record.meta.content_length, out)
        }
        Action::Delete { document } => {
            let db = connect::open(global, Wanted::Existing, out).await?;
            db.resource(&document.resource)?.delete_content(&document.id).await?;
            out.done(&format!("Deleted content of ID: {}", document.id));
            told(0, out)
        }
    }
}

/// What a write left, for programs.
fn told(bytes: u64, out: &mut Output) -> Outcome {
    if out.format_or(Format::Table).is_json() { out.json(&json!({ "contentLength": bytes })) } else { Ok(()) }
}

async fn get(
    document: Document,
    file: &str,
    range: Option<ByteRange>,
    force: bool,
    global: &Global,
    out: &mut Output,
) -> Outcome {
    // An explanation writes no file.
    let is_file = file != "-" && !global.explain;
    if is_file && !force && Path::new(file).exists() {
        return Err(Failure::usage(
            format!("{file} exists already"),
            "choose another name, or add --force to replace it",
        ));
    }
    let db = connect::open(global, Wanted::Existing, out).await?;
    let content = db.resource(&document.resource)?.content(&document.id).range(range.unwrap_or_default());
    if is_file {
        let written = content.to_file(file).await?.ok_or_else(|| no_content(document))?;
        out.done(&format!("Wrote {written} bytes to {file}"));
        return Ok(());
    }
    let mut stream = content.stream().await?.ok_or_else(|| no_content(document))?;
    while let Some(bytes) = stream.try_next().await? {
        out.raw().write_all(&bytes).map_err(Failure::output)?;
    }
    out.flush()
}

fn no_content(document: Document) -> Error {
    Error::new(ErrorKind::NotFound, "the document has no content")
        .with("resource", document.resource)
        .with("id", document.id)
        .hint("s3db content set gives it some")
}

/// `0-99` or `100-`, as in the header `Range` of HTTP.
fn range_of(text: &str) -> Result<ByteRange, String> {
    let numbers = text.split_once('-').and_then(|(first, last)| {
        let last = (!last.is_empty()).then(|| last.parse::<u64>()).transpose().ok()?;
        Some((first.parse::<u64>().ok()?, last))
    });
    match numbers {
        Some((first, None)) => Ok((first..).into()),
        Some((first, Some(last))) if first <= last => Ok((first..=last).into()),
        _ => Err("two numbers such as 0-99, the first not above the second, or one such as 100-".to_owned()),
    }
}

fn read(file: &str) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == "-" {
        if io::stdin().is_terminal() {
            return Err(Failure::usage(
                "there is no content",
                "name a file with --file FILE, or pipe it into standard input",
            ));
        }
        let read = crate::input::standard_input()?.lock().read_to_end(&mut bytes);
        read.map_err(|error| Failure::Io { what: "read standard input".to_owned(), error })?;
        return Ok(bytes);
    }
    let read = File::open(file).and_then(|mut opened| opened.read_to_end(&mut bytes));
    read.map_err(|error| Failure::Io { what: format!("read {file}"), error })?;
    Ok(bytes)
}
