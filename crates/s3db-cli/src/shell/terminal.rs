//! The shell on a terminal: a line editor with history and completion.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use clap::Command;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::{self, Offer};
use super::names::Names;
use super::{Ended, Session, history, line};
use crate::args::Global;
use crate::exit::{self, Code, Failure, Outcome};
use crate::output::Output;

/// Lines that are kept.
const HISTORY_LINES_MAX: usize = 1000;

pub(super) async fn run(session: &mut Session<'_>, strict: bool, out: &mut Output) -> Outcome {
    let mut lines = Lines::new(session, out)?;
    if let Ok(connection) = crate::connect::connection(session.global) {
        out.note(&format!("s3db {}, {connection}", env!("CARGO_PKG_VERSION")));
        out.note("`help` lists the commands, `exit` leaves, `s3db shell --help` says more");
    }
    loop {
        let prompt = session.used.as_ref().map_or_else(|| "s3db> ".to_owned(), |used| format!("{used}> "));
        lines.now_about(session.used.clone());
        let text = match tokio::task::block_in_place(|| lines.editor.readline(&prompt)) {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        lines.keep(&text, session, out);
        let ended = exit::unless_interrupted(session.run(&text)).await;
        match ended {
            Some(Ended::Leave) => return Ok(()),
            Some(Ended::With(code)) if strict && code != Code::Ok => return Err(Failure::Reported(code)),
            Some(Ended::With(_)) => {}
            None => out.warn("interrupted; what was written so far is whole"),
        }
    }
}

fn failed(error: ReadlineError) -> Failure {
    let error = match error {
        ReadlineError::Io(error) => error,
        error => std::io::Error::other(error.to_string()),
    };
    Failure::Io { what: "read a line from the terminal".to_owned(), error }
}

/// The line editor, and the file of what was written in it.
struct Lines {
    editor: Editor<Tab, FileHistory>,
    file: Option<PathBuf>,
}

impl Lines {
    fn new(session: &Session<'_>, out: &mut Output) -> Outcome<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .auto_add_history(false)
            .max_history_size(HISTORY_LINES_MAX)
            .map_err(failed)?
            .build();
        let mut editor = Editor::with_config(config).map_err(failed)?;
        editor.set_helper(Some(Tab {
            grammar: session.grammar.clone(),
            global: session.bare_global(),
            used: None,
            names: RefCell::default(),
            files: FilenameCompleter::new(),
        }));
        let mut file = history::path(|name| std::env::var_os(name));
        if let Some(path) = &file {
            match history::make_folder(path) {
                // There is none yet, or it is another's: lines are kept all the same while the shell runs.
                Ok(()) => drop(editor.load_history(path)),
                Err(error) => {
                    out.warn(&format!("lines are not kept: {}: {error}", path.display()));
                    file = None;
                }
            }
        }
        Ok(Self { editor, file })
    }

    /// Before a line is read: the resource in use, and names anew, which the line before may have changed.
    fn now_about(&mut self, used: Option<String>) {
        if let Some(tab) = self.editor.helper_mut() {
            tab.used = used;
            tab.names.take();
        }
    }

    /// Keeps a line, unless it may hold a secret.
    fn keep(&mut self, text: &str, session: &Session<'_>, out: &mut Output) {
        let Some(words) = line::words(text).filter(|words| !words.is_empty()) else { return };
        let tab = self.editor.helper();
        let is_sensitive = |resource: &str| {
            let names = tab.and_then(Tab::names);
            names.is_none_or(|names| names.resource(resource).is_none_or(|resource| resource.is_sensitive))
        };
        let is_kept = tokio::task::block_in_place(|| {
            history::may_be_kept(&words, session.used.as_deref(), &session.grammar, is_sensitive)
        });
        if !is_kept {
            out.note("this line may hold a secret, and is not kept");
            return;
        }
        let added = self.editor.add_history_entry(text);
        if let (Ok(true), Some(file)) = (added, &self.file)
            && let Err(error) = self.editor.append_history(file)
        {
            out.warn(&format!("lines are not kept any more: {}: {error}", file.display()));
            self.file = None;
        }
    }
}

/// What the line editor asks while a line is written.
struct Tab {
    grammar: Command,
    global: Global,
    used: Option<String>,
    /// Those of the catalogue, once they were asked for.
    names: RefCell<Option<Option<Rc<Names>>>>,
    files: FilenameCompleter,
}

impl Tab {
    /// The names of the catalogue, which are read once a line, where they can be.
    fn names(&self) -> Option<Rc<Names>> {
        let read = || tokio::runtime::Handle::current().block_on(Names::load(&self.global)).map(Rc::new);
        self.names.borrow_mut().get_or_insert_with(read).clone()
    }
}

impl Completer for Tab {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let text = line.get(..at).unwrap_or(line);
        let offer = complete::offer(text, self.used.as_deref(), &self.grammar, || self.names());
        match offer {
            Offer::Files => self.files.complete_path(line, at),
            Offer::Words(from, words) => {
                let pair = |word: String| Pair { display: word.trim_end().to_owned(), replacement: word };
                Ok((from, words.into_iter().map(pair).collect()))
            }
        }
    }
}

impl Validator for Tab {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match line::is_open(context.input()) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Hinter for Tab {
    type Hint = String;
}

impl Highlighter for Tab {}
impl Helper for Tab {}
