//! `s3db dump` and `s3db load`: every object of a database in one JSON file.
//!
//! ```json
//! {"key_prefix": "app", "objects": [
//!   {"key": "app/s3db.json", "metadata": {}, "body_base64": "e30=", "content_type": "application/json"}
//! ]}
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use s3db::store::{Condition, ListRequest, PutObject, Store};
use s3db::{Error, ErrorKind};
use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::output::Output;

mod read;
mod record;

use record::ObjectRecord;

/// Objects that are read or written at once.
const PARALLELISM: usize = 32;

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
    let objects = if args.file == "-" {
        let objects = write_dump(store.as_ref(), &root, out.raw()).await?;
        out.flush()?;
        objects
    } else {
        let failed = |error| file_failed("write", &args.file, error);
        let mut options = File::options();
        options.write(true).create(true).truncate(true).create_new(!args.force);
        let file = options.open(&args.file).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::usage(
                format!("{} exists already", args.file),
                "choose another name, or add --force to replace it",
            ),
            _ => failed(error),
        })?;
        let mut file = BufWriter::new(file);
        let objects =
            write_dump(store.as_ref(), &root, &mut file).await.map_err(|failure| match failure {
                Failure::Io { error, .. } => failed(error),
                other => other,
            })?;
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        objects
    };
    out.done(&format!("Dumped {objects} objects"));
    Ok(())
}

/// Writes the objects under `root` in the order of their keys, in bounded memory.
async fn write_dump(store: &dyn Store, root: &str, into: &mut dyn Write) -> Outcome<u64> {
    let prefix = serde_json::Value::from(root.trim_end_matches('/'));
    write!(into, "{{\"key_prefix\":{prefix},\"objects\":[").map_err(Failure::output)?;
    let mut request = ListRequest::prefix(root);
    let mut written = 0;
    loop {
        let page = store.list(request.clone()).await?;
        let gets = page
            .entries
            .iter()
            .map(|entry| async move { store.get(&entry.key).await.map(|object| (&entry.key, object)) });
        let mut objects = futures::stream::iter(gets).buffered(PARALLELISM);
        while let Some((key, object)) = objects.try_next().await? {
            // Deleted since it was listed.
            let Some(object) = object else { continue };
            let separator = if written == 0 { "\n" } else { ",\n" };
            let record = ObjectRecord::of(key, &object);
            let json = serde_json::to_string(&record).map_err(|error| Failure::output(error.into()))?;
            write!(into, "{separator}{json}").map_err(Failure::output)?;
            written += 1;
        }
        match page.continuation {
            Some(continuation) => request.continuation = Some(continuation),
            None => break,
        }
    }
    writeln!(into, "\n]}}").map_err(Failure::output)?;
    Ok(written)
}

pub(crate) async fn load(args: LoadArgs, global: &Global, out: &mut Output) -> Outcome {
    let (source, reader) = open(&args.file)?;
    let (store, root) = connect::store(global, Wanted::Created).await?;
    if !args.merge {
        refuse_if_not_empty(store.as_ref(), &root).await?;
    }
    let objects = read_dump(&store, &root, &source, reader).await?;
    out.done(&format!("Loaded {objects} objects"));
    if out.format_or(Format::Table).is_json() {
        out.json(&json!({ "objects": objects }))?;
    }
    Ok(())
}

async fn refuse_if_not_empty(store: &dyn Store, root: &str) -> Outcome {
    let request = ListRequest { max_keys: Some(1), ..ListRequest::prefix(root) };
    let page = store.list(request).await?;
    match page.entries.first() {
        None => Ok(()),
        Some(entry) => Err(Error::new(ErrorKind::AlreadyExists, "the destination is not empty, nothing was loaded")
            .with("key", &entry.key)
            .hint("load into another folder or prefix, or add --merge to put the objects between those that are there")
            .into()),
    }
}

/// Writes the objects of a dump as they are read, in bounded memory.
async fn read_dump(
    store: &Arc<dyn Store>,
    root: &str,
    source: &str,
    reader: Box<dyn Read + Send>,
) -> Outcome<u64> {
    // The parser is synchronous and runs on a thread of its own; the channel keeps it from running ahead.
    let (sender, receiver) = tokio::sync::mpsc::channel(PARALLELISM);
    let parser = tokio::task::spawn_blocking(move || read::dump(reader, &sender));
    let records = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|record| (record, receiver))
    });
    let puts = records.map(|record: ObjectRecord| {
        let key = format!("{root}{}", record.key);
        async move {
            let object = record.into_object().map_err(|error| error.with("key", &key))?;
            store.put(&key, object, Condition::None).await.map(drop)
        }
    });
    let written = puts
        .buffer_unordered(PARALLELISM)
        .try_fold(0_u64, |written, ()| async move { Ok(written + 1) })
        .await;
    let parsed = match parser.await {
        Ok(parsed) => parsed,
        Err(error) => return Err(file_failed("read", source, io::Error::other(error))),
    };
    // A failing store closes the channel, at which the parser ends too: the store's error is the cause.
    let written = written?;
    match parsed {
        Ok(()) => Ok(written),
        Err(error) if error.is_io() => Err(file_failed("read", source, error.into())),
        Err(error) => Err(Error::new(ErrorKind::Corrupt, format!("this is not a dump: {error}"))
            .with("file", source)
            .with("loaded", written)
            .hint("a dump is {\"key_prefix\": …, \"objects\": [{\"key\", \"metadata\", \"body_base64\", \"content_type\"}]}")
            .into()),
    }
}

fn open(file: &str) -> Outcome<(String, Box<dyn Read + Send>)> {
    if file == "-" {
        return Ok(("standard input".to_owned(), Box::new(io::stdin())));
    }
    let opened = File::open(file).map_err(|error| file_failed("read", file, error))?;
    Ok((file.to_owned(), Box::new(opened)))
}

fn file_failed(verb: &str, file: &str, error: io::Error) -> Failure {
    Failure::Io { what: format!("{verb} {file}"), error }
}

/// What `PutObject` and `ObjectRecord` share is checked where it is converted.
impl ObjectRecord {
    fn into_object(self) -> s3db::Result<PutObject> {
        let body = self.body()?;
        Ok(PutObject {
            metadata: Arc::new(self.metadata()),
            body,
            content_type: self.content_type.map(Into::into),
        })
    }
}
