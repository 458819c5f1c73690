//! A file of documents, read on a thread of its own so that parsing and writing go on at once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::mpsc;

use super::{Columns, FileForm, lines, rows};
use crate::exit::{Failure, Outcome};
use crate::input::standard_input;

/// What stands at one place of a file.
#[derive(Debug)]
pub(crate) struct Item {
    /// Line at which it begins, from 1.
    pub(crate) line: u64,
    /// Bytes of the file up to its end.
    pub(crate) end: u64,
    /// The document, or why there is none.
    pub(crate) content: Result<Value, Bad>,
}

/// A line that holds no document.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) reason: String,
    /// The line, as far as it is text; long ones are cut.
    pub(crate) text: String,
}

/// Receives items; false when nobody wants more.
pub(super) type Take<'a> = &'a mut dyn FnMut(Item) -> bool;

/// An opened file, or standard input.
pub(crate) struct Source {
    name: String,
    form: FileForm,
    reader: Box<dyn Read + Send>,
    /// Bytes of the file; unknown for standard input and pipes.
    pub(crate) bytes: Option<u64>,
}

/// The thread that reads, and what comes from it.
pub(crate) struct Reading {
    pub(crate) items: mpsc::Receiver<Item>,
    thread: JoinHandle<io::Result<()>>,
    name: String,
}

impl Source {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(file: &str, form: FileForm) -> Outcome<Self> {
        if file == "-" {
            let name = "standard input".to_owned();
            return Ok(Self { name, form, reader: Box::new(standard_input()?), bytes: None });
        }
        let failed = |error| Failure::Io { what: format!("read {file}"), error };
        let opened = File::open(file).map_err(failed)?;
        let metadata = opened.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!("{file} is a folder"), "give a file of documents"));
        }
        let bytes = metadata.is_file().then_some(metadata.len());
        Ok(Self { name: file.to_owned(), form, reader: Box::new(opened), bytes })
    }

    /// Starts reading, never more than `ahead` documents before they are wanted. Lines up to `after` are passed over.
    pub(crate) fn read(self, columns: Columns, after: u64, ahead: usize) -> Reading {
        let (sender, items) = mpsc::channel(ahead.max(1));
        let Self { name, form, reader, .. } = self;
        // A thread and no task: one that waits for standard input could not be ended with the runtime.
        let thread = std::thread::spawn(move || {
            let reader = BufReader::with_capacity(256 << 10, reader);
            let mut take = |item: Item| item.line <= after || sender.blocking_send(item).is_ok();
            match form {
                FileForm::Jsonl => lines::read(reader, &mut take),
                FileForm::Csv => rows::read(reader, &columns, &mut take),
            }
        });
        Reading { items, thread, name }
    }
}

impl Reading {
    /// Waits for the end of the file, after the last item.
    pub(crate) fn finish(self) -> Outcome {
        let Self { items, thread, name } = self;
        drop(items);
        let read = thread.join().unwrap_or_else(|_| Err(io::Error::other("the reader ended early")));
        read.map_err(|error| Failure::Io { what: format!("read {name}"), error })
    }
}
