//! `s3db import`.

use std::cell::Cell;
use std::path::PathBuf;

use clap::ValueEnum;
use futures::stream::{self, StreamExt as _};
use s3db::budget::Budget;
use s3db::connection::Connection;
use s3db::schema::{Mode, Schema};
use s3db::{Document, Error, ErrorKind, Resource};
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{self, Code, Failure, Outcome};
use crate::output::{Meter, Output};
use crate::transfer::{Bad, Columns, FileForm, Item, Place, Rejects, Saved, Source, beside, number};

/// Lines between two notes of the place.
const SAVE_EVERY_LINES: u64 = 1000;

/// Rejected lines that are told one by one; all are in the file.
const TOLD_MAX: u64 = 10;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db import users users.jsonl
  s3db import users users.csv --dry-run
  zcat users.jsonl.gz | s3db import users -
  s3db import users users.jsonl --resume
  jq -c .document users.jsonl.rejected.jsonl | s3db import users - --existing replace

A line that is no document, breaks the schema, or has an id or unique value that is taken, goes to FILE.rejected.jsonl
with its number and the reason; the rest is written, and the exit code is 1. A document that is stored already just as
the line has it counts as done, so that an import can be repeated.

When the store fails, a budget is used up, or on Ctrl-C, the import stops and leaves FILE.progress.json; --resume goes on
there. Lines that a killed process had not noted yet, a thousand at most, are written again: give documents an id, or
those are there twice.

The header of CSV names the fields; `address.city` is a field of a nested object. An empty cell is no field. Cells of
numbers, lists and objects are JSON. Fields of which a schema says nothing are texts.

Requests: 1 PUT a document, and 1 for each of its partitions and unique values; with --dry-run 1 HEAD or GET for each.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// File of documents; `-` is standard input
    file: String,

    /// Form of the file; by its name when left out, and JSON lines where that says nothing
    #[arg(short, long, value_enum, value_name = "FORM")]
    format: Option<FileForm>,

    /// What happens to a line whose id is taken by another document
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Existing::Reject)]
    existing: Existing,

    /// Documents that are written at once
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    concurrency: u16,

    /// Go on where an interrupted import of this file has stopped
    #[arg(long)]
    resume: bool,

    /// Check every line, also against the ids and unique values that are taken, and write nothing
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,

    /// Where rejected lines go [default: FILE.rejected.jsonl]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,

    /// Stop rather than spend more: a number of requests, or dollars such as $0.50
    #[arg(long, value_name = "LIMIT", value_parser = budget)]
    budget: Option<Budget>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Existing {
    /// The line is rejected
    Reject,
    /// The stored document stays, and the line counts as done
    Skip,
    /// The stored document is replaced
    Replace,
}

/// What became of a line.
enum Fate {
    Inserted,
    /// The document was there.
    There,
    Rejected(Value),
    /// It was not begun, because the import stops.
    NotBegun,
    /// The import cannot go on.
    Fatal(Box<Error>),
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let form = FileForm::of(args.format, global, &args.file);
    let source = Source::open(&args.file, form)?;
    let connection = connect::connection(global)?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let mut resource = connect::resource(&db, &args.resource, global, out)?;
    if let Some(budget) = args.budget {
        resource = resource.budget(budget);
    }
    let Some(definition) = super::schema::definition(&db, &args.resource)? else {
        return Ok(());
    };
    let schema = super::schema::compiled(&definition)?;
    let columns = Columns::of(&schema, definition.timestamps);
    let mut import = Import::new(&args, global, &connection)?;
    let bytes = source.bytes;
    let mut reading = source.read(columns, import.done_to, usize::from(args.concurrency) * 2);
    let writer = Writer {
        resource,
        schema,
        args: &args,
        stopped: Cell::new(false),
        timestamps: definition.timestamps,
    };
    let mut meter =
        Meter::new(global, if args.dry_run { "checked" } else { "imported" }, bytes, import.lines());
    let ended = import.lines_of(&mut reading.items, &writer, &mut meter, out).await;
    meter.finish();
    let failure = ended?;
    if failure.is_none() {
        reading.finish()?;
    }
    import.conclude(failure, out)
}

/// Writes single documents.
struct Writer<'a> {
    resource: Resource,
    schema: Schema,
    args: &'a Args,
    stopped: Cell<bool>,
    timestamps: bool,
}

impl Writer<'_> {
    async fn write(&self, item: Item, is_done: bool) -> (u64, u64, Fate) {
        let Item { line, end, content } = item;
        let fate = match content {
            _ if self.stopped.get() => Fate::NotBegun,
            // An earlier run wrote it, after the line at which it stopped.
            _ if is_done => Fate::There,
            Err(Bad { reason, text }) => {
                let error = Error::new(ErrorKind::Validation, reason);
                Fate::Rejected(json!({ "line": line, "error": error.to_json(), "text": text }))
            }
            Ok(document) => self.document(line, document).await,
        };
        if matches!(fate, Fate::Fatal(_)) {
            self.stopped.set(true);
        }
        (line, end, fate)
    }

    async fn document(&self, line: u64, document: Value) -> Fate {
        let error = match self.insert(document.clone()).await {
            Ok(()) => return Fate::Inserted,
            Err(error) => error,
        };
        let error = if error.kind() == ErrorKind::AlreadyExists {
            match self.taken(&document, error).await {
                Ok(()) => return Fate::There,
                Err(error) => error,
            }
        } else {
            error
        };
        if is_of_the_document(&error) {
            Fate::Rejected(json!({ "line": line, "error": error.to_json(), "document": document }))
        } else {
            Fate::Fatal(Box::new(error))
        }
    }

    async fn insert(&self, document: Value) -> s3db::Result<()> {
        if !self.args.dry_run {
            return self.resource.insert(document).await.map(drop);
        }
        let explained = self.resource.explain().insert(document).await?;
        explained.refused.into_iter().next().map_or(Ok(()), Err)
    }

    /// Deals with a document whose id is taken.
    async fn taken(&self, document: &Value, error: Error) -> s3db::Result<()> {
        let Some(id) = document.get("id").and_then(id_text) else { return Err(error) };
        match self.args.existing {
            Existing::Skip => Ok(()),
            Existing::Replace if self.args.dry_run => {
                let explained = self.resource.explain().replace(&id, document.clone()).await?;
                explained.refused.into_iter().next().map_or(Ok(()), Err)
            }
            Existing::Replace => self.resource.replace(&id, document.clone()).await.map(drop),
            Existing::Reject => {
                match self.resource.get_or_none(&id).await? {
                    Some(stored) if self.is_same(document, &stored.data) => Ok(()),
                    _ => Err(error
                        .hint("--existing skip leaves the stored document, --existing replace replaces it")),
                }
            }
        }
    }

    /// Whether the stored document is what a line would have made.
    fn is_same(&self, document: &Value, stored: &Document) -> bool {
        let Value::Object(document) = document else { return false };
        let mut document = document.clone();
        document.shift_remove("id");
        let Ok(document) = self.schema.validate(document, Mode::Insert) else { return false };
        let made = |name: &str| self.timestamps && matches!(name, "createdAt" | "updatedAt");
        let is_there = |value: &Value| !value.is_null();
        let given = document.iter().filter(|(name, value)| is_there(value) && !made(name));
        let kept = stored.iter().filter(|(name, value)| is_there(value) && !made(name));
        given.clone().count() == kept.count()
            && given.clone().all(|(name, value)| stored.get(name) == Some(value))
    }
}

fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Whether an error concerns this document alone, so that the next may succeed.
fn is_of_the_document(error: &Error) -> bool {
    use ErrorKind::{AlreadyExists, Config, Conflict, TooLarge, Unique, Unsupported, Validation};
    let kinds = [AlreadyExists, Config, Conflict, TooLarge, Unique, Unsupported, Validation];
    kinds.contains(&error.kind())
}

/// How far the import has come.
struct Import<'a> {
    args: &'a Args,
    place: Option<Place>,
    rejects: Option<Rejects>,
    resource: &'a str,
    connection: String,
    /// Everything up to this line is done.
    done_to: u64,
    /// Lines after that which an earlier run has written.
    done_after: Vec<u64>,
    inserted: u64,
    there: u64,
    rejected: u64,
    saved_at: u64,
}

/// Why an import stops before its end.
enum Stop {
    Asked,
    Failed(Box<Error>),
}

impl<'a> Import<'a> {
    fn new(args: &'a Args, global: &Global, connection: &Connection) -> Outcome<Self> {
        let is_file = args.file != "-";
        if args.resume && !is_file {
            return Err(Failure::usage(
                "standard input cannot be resumed",
                "import a file, or leave out --resume",
            ));
        }
        let writes = !args.dry_run && !global.explain;
        let place = (is_file && writes).then(|| Place::at(beside(&args.file, ".progress.json")));
        let base = if is_file { args.file.as_str() } else { args.resource.as_str() };
        let mut import = Self {
            args,
            place,
            rejects: None,
            resource: &args.resource,
            connection: connection.to_string(),
            done_to: 0,
            done_after: Vec::new(),
            inserted: 0,
            there: 0,
            rejected: 0,
            saved_at: 0,
        };
        let saved = match &import.place {
            Some(place) if args.resume => place.load()?,
            _ => None,
        };
        let kept = saved.map(|saved| import.take_up(&saved)).transpose()?.unwrap_or(0);
        if writes {
            let path = args.rejected.clone().unwrap_or_else(|| beside(base, ".rejected.jsonl"));
            import.rejects = Some(Rejects::at(path, kept)?);
        }
        Ok(import)
    }

    /// Goes on where an earlier run was, and returns how long its file of rejected lines was.
    fn take_up(&mut self, saved: &Saved) -> Outcome<u64> {
        if let Some(place) = &self.place {
            place.must_agree(saved, "resource", self.resource)?;
            place.must_agree(saved, "connection", &self.connection)?;
        }
        self.done_to = number(saved, "line");
        self.inserted = number(saved, "inserted");
        self.there = number(saved, "there");
        self.rejected = number(saved, "rejected");
        let after = saved.get("done_after").and_then(Value::as_array);
        self.done_after = after.into_iter().flatten().filter_map(Value::as_u64).collect();
        // They were counted when they were written.
        self.there = self.there.saturating_sub(self.done_after.len() as u64);
        self.saved_at = self.done_to;
        Ok(number(saved, "rejected_bytes"))
    }

    fn lines(&self) -> u64 {
        self.inserted + self.there + self.rejected
    }

    /// Writes what comes, in the order of the file as far as the notes are concerned.
    async fn lines_of(
        &mut self,
        items: &mut tokio::sync::mpsc::Receiver<Item>,
        writer: &Writer<'_>,
        meter: &mut Meter,
        out: &mut Output,
    ) -> Outcome<Option<Stop>> {
        let done_after = std::mem::take(&mut self.done_after);
        let items = stream::poll_fn(|context| match writer.stopped.get() {
            true => std::task::Poll::Ready(None),
            false => items.poll_recv(context),
        });
        let begun = items.map(|item| {
            let is_done = done_after.contains(&item.line);
            writer.write(item, is_done)
        });
        let mut fates = std::pin::pin!(begun.buffered(usize::from(self.args.concurrency)));
        let mut asked = std::pin::pin!(exit::asked_to_end());
        let mut stop = None;
        loop {
            let fate = tokio::select! {
                biased;
                () = &mut asked, if !writer.stopped.get() => {
                    writer.stopped.set(true);
                    stop = Some(Stop::Asked);
                    continue;
                }
                fate = fates.next() => fate,
            };
            let Some((line, end, fate)) = fate else { break };
            match fate {
                Fate::Fatal(error) => stop = Some(stop.unwrap_or(Stop::Failed(error))),
                // What was begun after the line that failed is finished, noted, and not done again.
                Fate::Inserted | Fate::There if writer.stopped.get() && stop.is_some() => {
                    self.count(&fate);
                    self.done_after.push(line);
                }
                Fate::NotBegun | Fate::Rejected(_) if stop.is_some() => {}
                fate => {
                    self.count(&fate);
                    if let Fate::Rejected(rejected) = fate {
                        self.reject(line, &rejected, out)?;
                    }
                    self.done_to = line;
                }
            }
            meter.tell(self.lines(), end, out);
            if stop.is_none() && self.done_to >= self.saved_at + SAVE_EVERY_LINES {
                self.save()?;
            }
        }
        if stop.is_some() {
            self.save()?;
        }
        Ok(stop)
    }

    fn count(&mut self, fate: &Fate) {
        match fate {
            Fate::Inserted => self.inserted += 1,
            Fate::There => self.there += 1,
            Fate::Rejected(_) => self.rejected += 1,
            Fate::NotBegun | Fate::Fatal(_) => {}
        }
    }

    fn reject(&mut self, line: u64, rejected: &Value, out: &mut Output) -> Outcome {
        if self.rejected <= TOLD_MAX {
            out.warn(&format!("line {line}: {}", reason(rejected)));
        }
        self.rejects.as_mut().map_or(Ok(()), |rejects| rejects.push(rejected))
    }

    fn save(&mut self) -> Outcome {
        self.saved_at = self.done_to;
        let rejected_bytes = self.rejects.as_mut().map_or(Ok(0), Rejects::flush)?;
        let Some(place) = &self.place else { return Ok(()) };
        let saved = json!({
            "resource": self.resource,
            "connection": self.connection,
            "line": self.done_to,
            "done_after": self.done_after,
            "inserted": self.inserted,
            "there": self.there,
            "rejected": self.rejected,
            "rejected_bytes": rejected_bytes,
        });
        place.save(saved.as_object().unwrap_or(&Saved::new()))
    }

    fn conclude(mut self, stop: Option<Stop>, out: &mut Output) -> Outcome {
        if let Some(rejects) = &mut self.rejects {
            rejects.flush()?;
        }
        if stop.is_none()
            && let Some(place) = &self.place
        {
            place.remove()?;
        }
        let rejected_file = self.rejects.as_ref().map(|rejects| rejects.path().display().to_string());
        let rejected_file = rejected_file.filter(|_| self.rejected > 0);
        if out.format_or(Format::Table).is_json() {
            out.json(&json!({
                "inserted": self.inserted,
                "there": self.there,
                "rejected": self.rejected,
                "rejected_file": rejected_file,
                "complete": stop.is_none(),
                "dry_run": self.args.dry_run,
            }))?;
        }
        let verb = if self.args.dry_run { "Would import" } else { "Imported" };
        let there = if self.there > 0 { format!("; {} were there", self.there) } else { String::new() };
        let told = format!("{verb} {} documents{there}", self.inserted);
        if self.rejected > 0 {
            let file = rejected_file.map(|file| format!(": see {file}")).unwrap_or_default();
            out.warn(&format!("{} lines were rejected{file}", self.rejected));
        }
        match stop {
            None => out.done(&told),
            Some(_) => self.stopped(&told, out),
        }
        match stop {
            Some(Stop::Failed(error)) => Err(Failure::Database(*error)),
            Some(Stop::Asked) => Err(Failure::Reported(Code::Interrupted)),
            None if self.rejected > 0 => Err(Failure::Reported(Code::Failed)),
            None => Ok(()),
        }
    }

    /// Says exactly what is done and what is not.
    fn stopped(&self, told: &str, out: &mut Output) {
        let more = match self.done_after.as_slice() {
            [] => String::new(),
            lines => {
                let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
                format!(", and lines {}", lines.join(", "))
            }
        };
        out.warn(&format!(
            "{told}. Stopped: everything up to line {}{more} is done, and nothing else",
            self.done_to
        ));
        if let Some(place) = &self.place {
            out.note(&format!("--resume goes on there, by {}", place.path().display()));
        }
    }
}

/// A rejected line in few words.
fn reason(rejected: &Value) -> String {
    let text = |path: &str| rejected.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut reason = text("/error/message");
    for field in rejected.pointer("/error/fields").and_then(Value::as_array).into_iter().flatten().take(3) {
        let part = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default();
        reason += &format!("; {}: {}", part("field"), part("message"));
    }
    for name in ["id", "field"] {
        if let Some(value) = rejected.pointer(&format!("/error/{name}")).and_then(Value::as_str) {
            reason += &format!(" {name}={value}");
        }
    }
    reason
}

fn budget(text: &str) -> Result<Budget, String> {
    let wrong = || "write a number of requests, such as 5000, or dollars, such as $0.50".to_owned();
    match text.strip_prefix('$') {
        None => text.parse().map(Budget::requests).map_err(|_| wrong()),
        Some(dollars) => match dollars.parse::<f64>() {
            Ok(dollars) if dollars.is_finite() && dollars >= 0.0 => Ok(Budget::dollars(dollars)),
            _ => Err(wrong()),
        },
    }
}
