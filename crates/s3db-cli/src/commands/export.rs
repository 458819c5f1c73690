//! `s3db export`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::PathBuf;

use s3db::resource::Page;
use s3db::{Record, Resource};
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::input;
use crate::output::{Meter, Output};
use crate::transfer::{Columns, FileForm, Place, Saved, beside, cell, number};

/// Documents that are read, and held, at once.
const PAGE_DOCS: usize = 1000;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db export users users.jsonl
  s3db export users users.csv --filter '{\"age\": {\"gt\": 25}}'
  s3db export users | gzip > users.jsonl.gz
  s3db export users users.jsonl --resume

Documents come in the order of their ids, without the system fields (_v, _etag, …), so that `s3db import` reads them.
JSON lines hold them exactly. CSV has a column for each field of the schema; nested objects and lists are JSON, and an
empty text cannot be told from none.

The file appears when it is complete; until then it is FILE.part. An interrupted export leaves that and
FILE.progress.json, and --resume goes on there. Documents that cannot be read are reported, and the exit code is then 1.
Secrets are written open, where there is a passphrase.

Requests: 1 LIST per 1,000 documents + 1 GET a document; with a filter as `s3db query`.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// File to write; `-` is standard output
    #[arg(default_value = "-")]
    file: String,

    /// Form of the file; by its name when left out, and JSON lines where that says nothing
    #[arg(short = 'F', long, value_enum, value_name = "FORM")]
    format: Option<FileForm>,

    /// What documents must match, as JSON, or `@FILE`
    #[arg(short, long, value_name = "JSON")]
    filter: Option<String>,

    /// Go on where an interrupted export to this file has stopped
    #[arg(long)]
    resume: bool,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let form = FileForm::of(args.format, global, &args.file);
    let filter = args.filter.as_deref().map(|filter| input::json(filter, "--filter")).transpose()?;
    let filter = filter.map(super::query::with_dollars);
    let mut target = Target::new(&args, global, filter.as_ref())?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let Some(definition) = super::schema::definition(&db, &args.resource)? else {
        return Ok(());
    };
    let columns = Columns::of(&super::schema::compiled(&definition)?, definition.timestamps);
    let total = if filter.is_none() && target.is_file() { Some(resource.count().await?) } else { None };
    let mut export = Export {
        form,
        columns,
        unknown: BTreeSet::new(),
        documents: target.documents,
        unreadable: target.unreadable,
    };
    let mut meter = Meter::new(global, "exported", total, export.documents);
    let mut cursor = target.cursor.take();
    if cursor.is_none() {
        let header = export.header()?;
        target.write(&header, out)?;
    }
    loop {
        let page = page(&resource, filter.as_ref(), cursor.as_deref()).await?;
        out.unreadable(&page.unreadable);
        export.unreadable += page.unreadable.len() as u64;
        let text = export.page(&page.records)?;
        target.write(&text, out)?;
        meter.tell(export.documents, export.documents, out);
        cursor = page.next_cursor;
        let Some(next) = &cursor else { break };
        target.save(next, &export)?;
    }
    meter.finish();
    target.finish(out)?;
    export.conclude(&args, out)
}

async fn page(resource: &Resource, filter: Option<&Value>, cursor: Option<&str>) -> Outcome<Page> {
    let Some(filter) = filter else { return Ok(resource.page(PAGE_DOCS, cursor).await?) };
    let mut query = resource.query(filter.clone()).limit(PAGE_DOCS);
    if let Some(cursor) = cursor {
        query = query.cursor(cursor);
    }
    Ok(query.run().await?)
}

/// Documents as text, and how many there were.
struct Export {
    form: FileForm,
    columns: Columns,
    /// Fields that have no column.
    unknown: BTreeSet<String>,
    documents: u64,
    unreadable: u64,
}

impl Export {
    fn header(&self) -> Outcome<Vec<u8>> {
        match self.form {
            FileForm::Jsonl => Ok(Vec::new()),
            FileForm::Csv => rows([self.columns.names().to_vec()]),
        }
    }

    fn page(&mut self, records: &[Record]) -> Outcome<Vec<u8>> {
        self.documents += records.len() as u64;
        if self.form == FileForm::Jsonl {
            let mut text = Vec::new();
            for record in records {
                text.extend(Value::Object(record.fields()).to_string().as_bytes());
                text.push(b'\n');
            }
            return Ok(text);
        }
        for name in records.iter().flat_map(|record| record.data.keys()) {
            if !self.columns.names().contains(name) {
                self.unknown.insert(name.clone());
            }
        }
        rows(records.iter().map(|record| {
            let fields = record.fields();
            self.columns.names().iter().map(|name| cell(fields.get(name))).collect::<Vec<_>>()
        }))
    }

    fn conclude(self, args: &Args, out: &mut Output) -> Outcome {
        if !self.unknown.is_empty() {
            let unknown: Vec<String> = self.unknown.into_iter().collect();
            out.warn(&format!(
                "fields that the schema does not have are not in the CSV: {} (JSON lines hold them)",
                unknown.join(", ")
            ));
        }
        out.done(&format!("Exported {} documents of {}", self.documents, args.resource));
        if args.file != "-" && out.format_or(Format::Table).is_json() {
            out.json(&json!({ "documents": self.documents, "unreadable": self.unreadable }))?;
        }
        if self.unreadable == 0 { Ok(()) } else { Err(Failure::Reported(Code::Failed)) }
    }
}

fn rows(rows: impl IntoIterator<Item = Vec<String>>) -> Outcome<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let failed = |error: String| Failure::output(io::Error::other(error));
    for row in rows {
        writer.write_record(&row).map_err(|error| failed(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| failed(error.to_string()))
}

/// Where the text goes.
struct Target {
    /// `None` for standard output.
    file: Option<Part>,
    /// Where an earlier run has stopped.
    cursor: Option<String>,
    documents: u64,
    unreadable: u64,
}

/// A file that is not complete yet.
struct Part {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
    place: Place,
    of: Saved,
    bytes: u64,
}

impl Target {
    fn new(args: &Args, global: &Global, filter: Option<&Value>) -> Outcome<Self> {
        let nowhere = Self { file: None, cursor: None, documents: 0, unreadable: 0 };
        if args.file == "-" {
            return match args.resume {
                false => Ok(nowhere),
                true => Err(Failure::usage("standard output cannot be resumed", "export to a file")),
            };
        }
        if !args.force && PathBuf::from(&args.file).exists() {
            return Err(Failure::usage(
                format!("{} exists already", args.file),
                "choose another name, or add --force to replace it",
            ));
        }
        // An explanation writes no file.
        if global.explain {
            return Ok(nowhere);
        }
        let place = Place::at(beside(&args.file, ".progress.json"));
        let form =
            if FileForm::of(args.format, global, &args.file) == FileForm::Csv { "csv" } else { "jsonl" };
        let filter = filter.map(Value::to_string).unwrap_or_default();
        let connection = connect::connection(global)?.to_string();
        let of =
            json!({ "resource": args.resource, "connection": connection, "form": form, "filter": filter });
        let of = of.as_object().cloned().unwrap_or_default();
        let saved = if args.resume { place.load()? } else { None };
        if let Some(saved) = &saved {
            for (name, wanted) in &of {
                place.must_agree(saved, name, wanted.as_str().unwrap_or_default())?;
            }
        }
        let saved = saved.unwrap_or_default();
        let bytes = number(&saved, "bytes");
        let path = beside(&args.file, ".part");
        let open = || {
            let mut file = File::options().write(true).create(true).truncate(bytes == 0).open(&path)?;
            if file.metadata()?.len() < bytes {
                return Err(io::Error::other("it is shorter than it was; begin again without --resume"));
            }
            file.set_len(bytes)?;
            file.seek(io::SeekFrom::Start(bytes))?;
            Ok(BufWriter::new(file))
        };
        let file = open().map_err(|error| failed(&path, error))?;
        let cursor = saved.get("cursor").and_then(Value::as_str).map(str::to_owned);
        let part = Part { name: args.file.clone(), path, file, place, of, bytes };
        let (documents, unreadable) = (number(&saved, "documents"), number(&saved, "unreadable"));
        Ok(Self { file: Some(part), cursor, documents, unreadable })
    }

    fn is_file(&self) -> bool {
        self.file.is_some()
    }

    fn write(&mut self, text: &[u8], out: &mut Output) -> Outcome {
        match &mut self.file {
            None => out.raw().write_all(text).map_err(Failure::output),
            Some(part) => {
                part.bytes += text.len() as u64;
                part.file.write_all(text).map_err(|error| failed(&part.path, error))
            }
        }
    }

    /// Notes that everything up to a cursor is in the file.
    fn save(&mut self, cursor: &str, export: &Export) -> Outcome {
        let Some(part) = &mut self.file else { return Ok(()) };
        part.file.flush().map_err(|error| failed(&part.path, error))?;
        let mut saved = part.of.clone();
        saved.insert("cursor".to_owned(), json!(cursor));
        saved.insert("bytes".to_owned(), json!(part.bytes));
        saved.insert("documents".to_owned(), json!(export.documents));
        saved.insert("unreadable".to_owned(), json!(export.unreadable));
        part.place.save(&saved)
    }

    /// Gives the file its name.
    fn finish(self, out: &mut Output) -> Outcome {
        let Some(mut part) = self.file else { return out.flush() };
        let mut finish = || {
            part.file.flush()?;
            part.file.get_ref().sync_all()?;
            std::fs::rename(&part.path, &part.name)
        };
        finish().map_err(|error| failed(&part.path, error))?;
        part.place.remove()
    }
}

fn failed(path: &std::path::Path, error: io::Error) -> Failure {
    Failure::Io { what: format!("write {}", path.display()), error }
}
