//! `s3db dump` and `s3db load`: every object of a database in one JSON file.

use std::error::Error as _;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};

use s3db::Error;
use s3db::store::dump::{self as buckets, Destination, Dumped};
use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::Output;

/// Arguments of `dump`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db dump backup.json
  s3db dump | gzip > backup.json.gz
  s3db dump -c 's3://my-bucket/app' | s3db load - -c file://./copy

The dump holds every object under the connection's prefix as it is stored: secrets stay sealed. Objects that are written
while it runs may be in it or not; each one in it is whole.
Requests: 1 LIST per 1,000 objects + 1 GET an object.")]
pub(crate) struct DumpArgs {
    /// File to write; `-` is standard output
    #[arg(default_value = "-")]
    file: String,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Arguments of `load`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db load backup.json -c file://./restored
  gunzip -c backup.json.gz | s3db load - -c 's3://my-bucket/restored'

The prefix of the dump is taken off its keys, and the connection's own put before them.
Requests: 1 LIST + 1 PUT an object.")]
pub(crate) struct LoadArgs {
    /// File to read; `-` is standard input
    file: String,

    /// Load into a database that is not empty; objects with the same key are replaced
    #[arg(long, visible_alias = "force")]
    merge: bool,
}

pub(crate) async fn dump(args: DumpArgs, global: &Global, out: &mut Output) -> Outcome {
    let (store, root) = connect::store(global, Wanted::Existing).await?;
    // An explanation writes no file either.
    let dumped = if args.file == "-" || global.explain {
        let dumped = buckets::dump(&store, &root, out.raw())
            .await
            .map_err(|error| write_failed(error, "standard output"))?;
        out.flush()?;
        dumped
    } else {
        let mut file = BufWriter::new(create(&args)?);
        let dumped =
            buckets::dump(&store, &root, &mut file).await.map_err(|error| write_failed(error, &args.file))?;
        let written = file.flush().and_then(|()| file.get_ref().sync_all());
        written.map_err(|error| file_failed("write", &args.file, error))?;
        dumped
    };
    report(&dumped, out)
}

fn create(args: &DumpArgs) -> Outcome<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).create_new(!args.force);
    options.open(&args.file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(
            format!("{} exists already", args.file),
            "choose another name, or add --force to replace it",
        ),
        _ => file_failed("write", &args.file, error),
    })
}

fn report(dumped: &Dumped, out: &mut Output) -> Outcome {
    for error in &dumped.unreadable {
        out.item_failed(&[], error);
    }
    out.done(&format!("Dumped {} objects", dumped.objects));
    if dumped.unreadable.is_empty() {
        return Ok(());
    }
    out.warn(&format!("{} objects could not be read and are not in the dump", dumped.unreadable.len()));
    Err(Failure::Reported(Code::Failed))
}

pub(crate) async fn load(args: LoadArgs, global: &Global, out: &mut Output) -> Outcome {
    let reader: Box<dyn Read + Send> = match args.file.as_str() {
        "-" => Box::new(crate::input::standard_input()?),
        file => Box::new(File::open(file).map_err(|error| file_failed("read", file, error))?),
    };
    let (store, root) = connect::store(global, Wanted::Created).await?;
    let destination = if args.merge { Destination::MayHoldObjects } else { Destination::MustBeEmpty };
    let objects =
        buckets::load(&store, &root, reader, destination).await.map_err(|error| match error.kind() {
            s3db::ErrorKind::AlreadyExists => error.hint(
                "load into another folder or prefix, or add --merge to write beside and over what is there",
            ),
            _ => error,
        })?;
    out.done(&format!("Loaded {objects} objects"));
    if out.format_or(Format::Table).is_json() {
        out.json(&json!({ "objects": objects }))?;
    }
    Ok(())
}

/// Tells a reader that went away, or a full disk, from a store that fails.
fn write_failed(error: Error, what: &str) -> Failure {
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind) {
        Some(io::ErrorKind::BrokenPipe) => Failure::BrokenPipe,
        Some(_) => Failure::Database(error.with("file", what)),
        None => Failure::Database(error),
    }
}

fn file_failed(verb: &str, file: &str, error: io::Error) -> Failure {
    Failure::Io { what: format!("{verb} {file}"), error }
}
