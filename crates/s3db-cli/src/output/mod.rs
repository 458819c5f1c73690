//! What the user sees: data on standard output, all else on standard error.

use std::io::{self, BufWriter, IsTerminal as _, Write};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use s3db::database::{Event, Events};
use s3db::explain::Explanation;
use s3db::resource::Unreadable;
use s3db::{Error, Record};
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::exit::{Code, Failure, Outcome};

mod csv;
mod log;
mod progress;
mod records;
mod report;
mod table;

pub(crate) use progress::{Meter, bar};
pub(crate) use records::{Records, of_documents};
pub(crate) use table::{Table, printable, text};

/// Good news.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Bad news.
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
/// What deserves a look.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Headings and names.
pub(crate) const BOLD: Style = AnsiColor::Cyan.on_default().bold();
/// What may be skipped.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Standard output and standard error, and how to write on them.
pub(crate) struct Output {
    /// Bare, for a stream that strips colours would take control characters out of data too.
    out: Box<dyn Write + Send>,
    out_colored: bool,
    err: Box<dyn Write + Send>,
    format: Option<Format>,
    quiet: bool,
    /// Whether nothing is done, so that no data is shown and nothing is said to be done.
    explains: bool,
    /// Columns of the terminal; `None` where there is none to fit.
    columns: Option<u16>,
    events: Option<Events>,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let choice = if global.no_color { ColorChoice::Never } else { ColorChoice::Auto };
        let colored = |stream: ColorChoice| stream != ColorChoice::Never && !global.no_color;
        let out_colored = colored(AutoStream::choice(&io::stdout()));
        let err = AutoStream::new(io::stderr(), choice);
        log::start();
        Self {
            out: if global.explain { Box::new(io::sink()) } else { Box::new(BufWriter::new(io::stdout())) },
            out_colored,
            err: Box::new(err),
            format: global.format(),
            quiet: global.quiet,
            explains: global.explain,
            columns: io::stdout().is_terminal().then(table::terminal_columns).flatten(),
            events: None,
        }
    }

    /// Tells the user what these bring, when the command ends.
    pub(crate) fn events(&mut self, events: Events) {
        self.events = Some(events);
    }

    /// The form that was asked for, or this one.
    pub(crate) fn format_or(&self, default: Format) -> Format {
        self.format.unwrap_or(default)
    }

    /// Writes a line of data.
    pub(crate) fn line(&mut self, text: &str) -> Outcome {
        writeln!(self.out, "{text}").map_err(Failure::output)
    }

    /// Writes a line of text with styles, which the terminal may not want. Data in it must be [`printable`].
    pub(crate) fn styled(&mut self, text: &str) -> Outcome {
        if self.out_colored { self.line(text) } else { self.line(&strip_str(text).to_string()) }
    }

    /// Standard output itself, for bytes that are neither lines nor JSON.
    pub(crate) fn raw(&mut self) -> &mut (dyn Write + Send) {
        &mut self.out
    }

    /// Hands everything written so far to the reader.
    pub(crate) fn flush(&mut self) -> Outcome {
        self.out.flush().map_err(Failure::output)
    }

    /// Writes a value: over several lines for people, on one line for `ndjson`.
    pub(crate) fn json(&mut self, value: &Value) -> Outcome {
        match self.format {
            Some(Format::Ndjson) => self.line(&value.to_string()),
            _ => self.line(&format!("{value:#}")),
        }
    }

    /// Writes one record: JSON unless asked otherwise.
    pub(crate) fn record(&mut self, record: Record) -> Outcome {
        match self.format_or(Format::Json) {
            Format::Json | Format::Ndjson => self.json(&record.to_json()),
            Format::Csv => csv::write(&mut self.out, &[record.fields()]),
            Format::Table => {
                let mut table = Table::new(["Field", "Value"]);
                for (name, value) in record.fields() {
                    table.row([name, table::text(&value)]);
                }
                self.table(&table)
            }
        }
    }

    /// Writes a table for people, as wide as the terminal.
    pub(crate) fn table(&mut self, table: &Table) -> Outcome {
        let (text, left_out) = table.render(self.columns);
        self.styled(&text)?;
        if !left_out.is_empty() {
            self.flush()?;
            self.note(&format!("columns that did not fit: {} (try --output json)", left_out.join(", ")));
        }
        Ok(())
    }

    /// Writes rows as the table, CSV or JSON objects of these columns.
    pub(crate) fn rows<const N: usize>(
        &mut self,
        titles: [&str; N],
        rows: Vec<Value>,
        empty: &str,
    ) -> Outcome {
        match self.format_or(Format::Table) {
            Format::Json => self.line(&format!("{:#}", Value::Array(rows))),
            Format::Ndjson => rows.iter().try_for_each(|row| self.line(&row.to_string())),
            Format::Csv => {
                let rows: Vec<_> = rows.into_iter().filter_map(|row| row.as_object().cloned()).collect();
                csv::write(&mut self.out, &rows)
            }
            Format::Table if rows.is_empty() => {
                self.note(empty);
                Ok(())
            }
            Format::Table => {
                let mut table = Table::new(titles);
                for row in rows {
                    let cells = row.as_object().into_iter().flat_map(|row| row.values().map(table::text));
                    table.row(cells);
                }
                self.table(&table)
            }
        }
    }

    /// Prints what the command would send: the one thing that goes to standard output where nothing is done.
    pub(crate) fn explanation(&mut self, explanation: &Explanation) -> Outcome {
        self.out = Box::new(BufWriter::new(io::stdout()));
        match self.format {
            Some(Format::Json | Format::Ndjson) => self.json(&json!(explanation)),
            _ => self.plan(explanation),
        }
    }

    /// Writes what a call would send, beside other data.
    pub(crate) fn plan(&mut self, explanation: &Explanation) -> Outcome {
        write!(self.out, "{}", printable_lines(&explanation.to_string())).map_err(Failure::output)
    }

    /// Says what the command has cost.
    pub(crate) fn receipt(&mut self, text: &str, as_json: &Value) {
        if self.format.is_some_and(Format::is_json) {
            self.tell(&as_json.to_string());
        } else {
            self.tell(&format!("{DIM}{text}{DIM:#}"));
        }
    }

    /// Says that something was done.
    pub(crate) fn done(&mut self, text: &str) {
        if !self.quiet && !self.explains {
            self.tell(&format!("{GREEN}✓{GREEN:#} {text}"));
        }
    }

    /// Says something worth knowing.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.tell(&format!("{DIM}{text}{DIM:#}"));
        }
    }

    /// Says what may surprise.
    pub(crate) fn warn(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        if self.format.is_some_and(Format::is_json) {
            self.tell(&json!({ "warning": text }).to_string());
        } else {
            self.tell(&format!("{YELLOW}!{YELLOW:#} {}", table::printable(text)));
        }
    }

    /// Asks a question on the terminal; only a clear yes counts.
    pub(crate) fn confirm(&mut self, question: &str) -> bool {
        // Where the question cannot be shown, nobody has agreed to it.
        let asked = write!(self.err, "{question} [y/N] ").and_then(|()| self.err.flush());
        let mut answer = String::new();
        let answered = asked.and_then(|()| io::stdin().read_line(&mut answer));
        answered.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Reports an item that failed, beside others; `which` says which it was.
    pub(crate) fn item_failed(&mut self, which: &[(&str, Value)], error: &Error) {
        if self.format.is_some_and(Format::is_json) {
            let mut object = error.to_json();
            if let Value::Object(object) = &mut object {
                for (name, value) in which {
                    object.insert((*name).to_owned(), value.clone());
                }
            }
            self.tell(&json!({ "error": object }).to_string());
            return;
        }
        let which: Vec<String> =
            which.iter().map(|(name, value)| format!("{name} {}", table::text(value))).collect();
        self.tell(&report::people(error, &which.join(", ")));
    }

    /// Reports documents that could not be read.
    pub(crate) fn unreadable(&mut self, unreadable: &[Unreadable]) {
        for Unreadable { id, error, .. } in unreadable {
            self.item_failed(&[("id", json!(id))], error);
        }
        if !unreadable.is_empty() {
            self.warn(&format!("{} documents could not be read; the others are listed", unreadable.len()));
        }
    }

    /// Writes what is left, reports a failure, and says how to exit.
    pub(crate) fn finish(mut self, outcome: Outcome) -> Code {
        while let Some(event) = self.events.as_mut().and_then(Events::try_next) {
            self.event(&event);
        }
        let outcome = outcome.and_then(|()| self.flush());
        let Err(failure) = outcome else { return Code::Ok };
        // What was printed before the failure is still of use; a failing flush says nothing new.
        let _ = self.out.flush();
        let code = failure.code();
        if let Some(text) = report::failure(&failure, self.format.is_some_and(Format::is_json)) {
            self.tell(&text);
        }
        code
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Truncated { id, fields, .. } => {
                self.warn(&format!("{id}: fields were cut to fit the metadata: {}", fields.join(", ")));
            }
            Event::ExceedsLimit { id, size_bytes, limit_bytes, .. } => {
                self.warn(&format!("{id}: {size_bytes} bytes do not fit the {limit_bytes} of the metadata; all went to the body"));
            }
            Event::CatalogHealed { mended, backup, missing } => {
                self.warn(&format!(
                    "the catalogue was damaged and has been mended ({}); the damaged one is kept as {backup}",
                    mended.join("; ")
                ));
                missing.iter().for_each(|line| self.warn(line));
            }
            // The others are logged, or the resource says so.
            _ => {}
        }
    }

    fn tell(&mut self, text: &str) {
        // A closed standard error must not stop the work.
        let _ = writeln!(self.err, "{text}");
    }
}

/// A number of bytes for people, in units of a thousand.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => format!("{:.1} {unit}", bytes as f64 / *size as f64),
        None => format!("{bytes} B"),
    }
}

/// Keys may hold characters that would steer the terminal.
fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line) + "\n").collect()
}
