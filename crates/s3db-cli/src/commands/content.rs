//! `s3db content`: bytes of the user's own beside the fields of a document.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};

use s3db::resource::NewContent;
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
  s3db content set users ann --file ann.png --type image/png
  s3db content get users ann --file copy.png
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
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        file: String,
        /// Replace the file if it exists
        #[arg(long)]
        force: bool,
    },
    /// Give a document content, from standard input or a file
    Set {
        #[command(flatten)]
        document: Document,
        /// File to read; `-` is standard input
        #[arg(short, long, value_name = "FILE", default_value = "-")]
        file: String,
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
        Action::Get { document, file, force } => get(document, &file, force, global, out).await,
        Action::Set { document, file, content_type } => {
            let bytes = read(&file)?;
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

async fn get(document: Document, file: &str, force: bool, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let content = db.resource(&document.resource)?.content(&document.id).await?;
    let Some(content) = content else {
        return Err(Error::new(ErrorKind::NotFound, "the document has no content")
            .with("resource", document.resource)
            .with("id", document.id)
            .hint("s3db content set gives it some")
            .into());
    };
    // An explanation writes no file either.
    if file == "-" || global.explain {
        out.raw().write_all(&content.bytes).map_err(Failure::output)?;
        return out.flush();
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(true).create_new(!force);
    let mut opened = options.open(file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(
            format!("{file} exists already"),
            "choose another name, or add --force to replace it",
        ),
        _ => Failure::Io { what: format!("write {file}"), error },
    })?;
    let written = opened.write_all(&content.bytes).and_then(|()| opened.sync_all());
    written.map_err(|error| Failure::Io { what: format!("write {file}"), error })?;
    out.done(&format!("Wrote {} bytes to {file}", content.bytes.len()));
    Ok(())
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
