//! `s3db shell`: the commands of this binary, one line each, from a terminal or a pipe.

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::{Command, CommandFactory as _, Parser as _};

use crate::args::{self, Cli, Global};
use crate::connect::{self, Wanted};
use crate::exit::{self, Code, Failure, Outcome};
use crate::output::Output;

mod complete;
mod grammar;
mod history;
mod line;
mod names;
mod terminal;

use line::Line;

/// Arguments of `shell`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db shell
  s3db shell -c 's3://my-bucket/app?region=eu-west-1'
  s3db shell --strict < commands.txt

A line is a command as it is given to s3db, with quotes as in a POSIX shell; one that ends within quotes goes on in the
next. Global options of `s3db shell` hold for every line. Beside the commands there are:

  use users    commands that take a resource take this one, whose name is left out
  use          …no longer
  exit, quit   leave; so does Ctrl-D

On a terminal Tab completes commands, options, resources, fields and files, Ctrl-R searches the lines of before, and
Ctrl-C stops a command. Lines are kept in $XDG_STATE_HOME/s3db/history, or the file that S3DB_HISTORY names; an empty one
keeps nothing. Never kept are lines with credentials of a connection, and lines with data for a resource that has fields
of the types secret or password, or is not known.

In a pipe the exit code is 0 when every line succeeded, that of those that failed, or 1 when these differ. --strict stops at
the first. Standard input holds the lines, so that no command can read it: use --data and --file.

Requests: those of the commands, each of which reads the catalogue. On a terminal 1 GET for a Tab that wants names, and
for a line with data.")]
pub(crate) struct Args {
    /// Stop at the first line that fails, with its exit code
    #[arg(long)]
    strict: bool,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let mut session = Session::new(global);
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return terminal::run(&mut session, args.strict, out).await;
    }
    crate::input::take_standard_input();
    piped(&mut session, args.strict, out).await
}

async fn piped(session: &mut Session<'_>, strict: bool, out: &mut Output) -> Outcome {
    let mut lines = io::stdin().lock().lines().enumerate();
    let (mut text, mut began) = (String::new(), 0);
    let mut worst = Code::Ok;
    loop {
        let next = tokio::task::block_in_place(|| lines.next());
        let is_last = next.is_none();
        if let Some((at, read)) = next {
            let read = read.map_err(|error| Failure::Io { what: "read standard input".to_owned(), error })?;
            if text.is_empty() {
                began = at + 1;
            } else {
                text.push('\n');
            }
            text.push_str(&read);
        }
        if !is_last && line::is_open(&text) {
            continue;
        }
        let ended = session.run(&std::mem::take(&mut text)).await;
        match ended {
            Ended::Leave => break,
            Ended::With(Code::Ok) => {}
            Ended::With(code) => {
                out.warn(&format!("line {began} failed"));
                // One kind of failure keeps its code; a mixture is a plain failure.
                worst = if worst == Code::Ok || worst == code { code } else { Code::Failed };
                if strict {
                    break;
                }
            }
        }
        if is_last {
            break;
        }
    }
    if worst == Code::Ok { Ok(()) } else { Err(Failure::Reported(worst)) }
}

/// How a line ended.
enum Ended {
    With(Code),
    /// No more lines are wanted.
    Leave,
}

/// What lasts from line to line.
struct Session<'a> {
    global: &'a Global,
    grammar: Command,
    /// The resource of commands that name none.
    used: Option<String>,
}

impl<'a> Session<'a> {
    fn new(global: &'a Global) -> Self {
        let mut grammar = Cli::command();
        grammar.build();
        Self { global, grammar, used: None }
    }

    async fn run(&mut self, text: &str) -> Ended {
        let ended = match Line::read(text, self.used.as_deref(), &self.grammar) {
            Ok(Line::Nothing) => Code::Ok,
            Ok(Line::Leave) => return Ended::Leave,
            Ok(Line::Use(None)) => {
                self.used = None;
                Code::Ok
            }
            Ok(Line::Use(Some(resource))) => self.take_up(resource).await,
            Ok(Line::Command(words)) => self.command(words).await,
            Err(failure) => Output::new(self.global).finish(Err(failure)),
        };
        exit::command_is_over();
        Ended::With(ended)
    }

    /// Remembers a resource, if there is one of this name.
    async fn take_up(&mut self, resource: String) -> Code {
        let global = self.bare_global();
        let mut out = Output::new(&global);
        let found = match connect::open(&global, Wanted::Existing, &mut out).await {
            Ok(db) => db.resource(&resource).map(drop).map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if found.is_ok() {
            self.used = Some(resource);
        }
        out.finish(found)
    }

    async fn command(&self, words: Vec<String>) -> Code {
        let words = std::iter::once(self.grammar.get_name().to_owned()).chain(words);
        let mut cli = match Cli::try_parse_from(words) {
            Ok(cli) => cli,
            Err(error) => {
                // A closed standard error must not stop the session.
                let _ = error.print();
                if let Some(resource) = self.used.as_ref().filter(|_| error.use_stderr()) {
                    Output::new(self.global).note(&format!("{resource} is in use; `use` alone ends that"));
                }
                return if error.use_stderr() { Code::Usage } else { Code::Ok };
            }
        };
        if matches!(cli.command, args::Command::Shell(_)) {
            let failure = Failure::usage("this is the shell already", "write the command alone");
            return Output::new(self.global).finish(Err(failure));
        }
        cli.global.inherit(self.global);
        crate::commands::whole(cli).await
    }

    /// The options of the session without what is said of single commands.
    fn bare_global(&self) -> Global {
        Global {
            explain: false,
            receipt: false,
            costs: crate::costs::Costs::default(),
            ..self.global.clone()
        }
    }
}
