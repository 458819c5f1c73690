//! Documents and other JSON from flags, files and standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Stdin};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::Value;

use crate::exit::{Failure, Outcome};

/// Whether standard input holds something else than what commands read.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Lets no command read standard input any more: it holds the commands.
pub(crate) fn take_standard_input() {
    IS_TAKEN.store(true, Ordering::Relaxed);
}

/// Standard input, where a command may read it.
pub(crate) fn standard_input() -> Outcome<Stdin> {
    match IS_TAKEN.load(Ordering::Relaxed) {
        false => Ok(io::stdin()),
        true => Err(Failure::usage(
            "standard input holds the commands of the shell",
            "give data with --data or --file, or as a file",
        )),
    }
}

/// Where documents come from.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// The JSON itself; `@FILE` reads a file, `-` standard input
    #[arg(short, long, value_name = "JSON", conflicts_with = "file")]
    pub(crate) data: Option<String>,

    /// A file of JSON; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<String>,
}

/// What an [`Input`] held.
pub(crate) enum Documents {
    /// One JSON object.
    One(Value),
    /// A JSON array.
    List(Vec<Value>),
    /// Values one after the other, read as they are asked for.
    Stream(Stream),
}

/// Values that follow each other, most often one a line.
pub(crate) struct Stream {
    source: String,
    first: std::vec::IntoIter<Value>,
    rest: Values,
    read: usize,
}

type Values = serde_json::StreamDeserializer<'static, serde_json::de::IoRead<Box<dyn BufRead>>, Value>;

impl Iterator for Stream {
    type Item = Outcome<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = match self.first.next() {
            Some(value) => Ok(value),
            None => self.rest.next()?.map_err(|error| not_json(&self.source, self.read, error)),
        };
        self.read += 1;
        Some(value)
    }
}

impl Input {
    /// Whether a flag says where documents come from; without one it is standard input.
    pub(crate) fn is_given(&self) -> bool {
        self.data.is_some() || self.file.is_some()
    }

    /// Reads one JSON object, array, or stream of objects.
    pub(crate) fn documents(&self) -> Outcome<Documents> {
        let (source, reader) = self.open()?;
        let mut values: Values = serde_json::Deserializer::from_reader(reader).into_iter();
        let mut next = |read| match values.next() {
            Some(value) => value.map(Some).map_err(|error| not_json(&source, read, error)),
            None => Ok(None),
        };
        let Some(first) = next(0)? else {
            return Err(Failure::usage(
                format!("{source} is empty"),
                "give a JSON object, an array of them, or one a line",
            ));
        };
        if let Value::Array(items) = first {
            return match next(1)? {
                None => Ok(Documents::List(items)),
                Some(_) => Err(Failure::usage(
                    format!("{source} holds more than one array"),
                    "give one array, or one object a line",
                )),
            };
        }
        match next(1)? {
            None => Ok(Documents::One(first)),
            Some(second) => {
                let first = vec![first, second].into_iter();
                Ok(Documents::Stream(Stream { source, first, rest: values, read: 0 }))
            }
        }
    }

    /// Reads one JSON value, and refuses more.
    pub(crate) fn document(&self) -> Outcome<Value> {
        match self.documents()? {
            Documents::One(value) => Ok(value),
            Documents::List(_) | Documents::Stream(_) => Err(Failure::usage(
                "this command takes one JSON object",
                "give an object such as '{\"name\": \"Ann\"}'",
            )),
        }
    }

    fn open(&self) -> Outcome<(String, Box<dyn BufRead>)> {
        match (&self.data, &self.file) {
            (Some(data), _) => text_or_file(data, "--data"),
            (None, Some(file)) if file == "-" => from_standard_input(),
            (None, Some(file)) => open_file(file),
            (None, None) if io::stdin().is_terminal() => Err(Failure::usage(
                "there is no document",
                "give it with --data '{…}' or --file FILE, or pipe it into standard input",
            )),
            (None, None) => from_standard_input(),
        }
    }
}

/// JSON of a flag: the text itself, `@FILE`, or `-` for standard input.
pub(crate) fn json(text: &str, flag: &str) -> Outcome<Value> {
    let (source, mut reader) = text_or_file(text, flag)?;
    let mut json = Vec::new();
    reader.read_to_end(&mut json).map_err(|error| Failure::Io { what: format!("read {source}"), error })?;
    serde_json::from_slice(&json).map_err(|error| not_json(&source, 0, error))
}

fn text_or_file(text: &str, flag: &str) -> Outcome<(String, Box<dyn BufRead>)> {
    match text.strip_prefix('@') {
        Some(file) => open_file(file),
        None if text == "-" => from_standard_input(),
        None => Ok((flag.to_owned(), Box::new(io::Cursor::new(text.to_owned().into_bytes())))),
    }
}

fn from_standard_input() -> Outcome<(String, Box<dyn BufRead>)> {
    Ok(("standard input".to_owned(), Box::new(BufReader::new(standard_input()?))))
}

fn open_file(file: &str) -> Outcome<(String, Box<dyn BufRead>)> {
    match File::open(file) {
        Ok(opened) => Ok((file.to_owned(), Box::new(BufReader::new(opened)))),
        Err(error) => Err(Failure::Io { what: format!("read {file}"), error }),
    }
}

/// The parser's message names a place and what was expected there, and repeats none of the input.
fn not_json(source: &str, read: usize, error: serde_json::Error) -> Failure {
    if error.is_io() {
        return Failure::Io { what: format!("read {source}"), error: error.into() };
    }
    let after = if read == 0 { String::new() } else { format!(" after {read} documents") };
    Failure::usage(
        format!("{source} is not JSON{after}: {error}"),
        "names and texts stand in double quotes; in a shell, put single quotes around the whole",
    )
}

/// `FIELD=VALUE`.
pub(crate) fn field_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => Err("write FIELD=VALUE".to_owned()),
    }
}
