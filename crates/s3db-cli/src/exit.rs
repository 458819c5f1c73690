//! How a command ends: its failures, and the exit code of each.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use s3db::{Error, ErrorKind};
use tokio::sync::Notify;

/// Whether the command that runs ends itself when it is asked to.
static ENDS_ITSELF: AtomicBool = AtomicBool::new(false);

/// Asks it to.
static ASKED_TO_END: Notify = Notify::const_new();

/// Whether Ctrl-C stops the command that runs, and not the process.
static STOPS_COMMAND: AtomicBool = AtomicBool::new(false);

/// Stops it.
static STOP_COMMAND: Notify = Notify::const_new();

/// Result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command did not do all that it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database could not be opened.
    Connection(Error),
    /// The database said no.
    Database(Error),
    /// The arguments make no sense; `hint` says what would.
    Usage { message: String, hint: String },
    /// A file, or standard input or output, failed.
    Io { what: String, error: io::Error },
    /// Some items failed, and each has been reported.
    Reported(Code),
    /// The reader of standard output went away: nobody is left to tell.
    BrokenPipe,
}

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Ok = 0,
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Connection = 4,
    /// After Ctrl-C: 128 + SIGINT, as a shell reports it.
    Interrupted = 130,
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

impl Code {
    /// The code of an error from an open database.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            // A bucket that does not exist is a wrong connection, not a missing document.
            ErrorKind::NotFound if error.context("bucket").is_some() => Self::Connection,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::Denied => Self::Connection,
            _ => Self::Failed,
        }
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// Wraps an I/O error of standard output.
    pub(crate) fn output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::Io { what: "write to standard output".to_owned(), error },
        }
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            // A stored catalogue that cannot be read was reached well enough.
            Self::Connection(error) if error.kind() == ErrorKind::Corrupt => Code::Failed,
            Self::Connection(_) => Code::Connection,
            Self::Database(error) => Code::of(error),
            Self::Usage { .. } => Code::Usage,
            Self::Io { .. } => Code::Failed,
            Self::Reported(code) => *code,
            Self::BrokenPipe => Code::Ok,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

/// Ends the process when the user presses Ctrl-C, also while the command waits for standard input. A command that waits
/// for [`asked_to_end`] ends itself; the second Ctrl-C ends the process all the same.
///
/// Every write of a store is whole or absent, so ending in the middle leaves no half-written object.
pub(crate) fn end_on_interrupt() {
    tokio::spawn(async {
        while tokio::signal::ctrl_c().await.is_ok() {
            if ENDS_ITSELF.swap(false, Ordering::Relaxed) {
                ASKED_TO_END.notify_one();
                continue;
            }
            // One that does not stop, because it waits for something that cannot be given up, ends with the process.
            if STOPS_COMMAND.swap(false, Ordering::Relaxed) {
                STOP_COMMAND.notify_one();
                continue;
            }
            // Nobody is left to tell where standard error is closed.
            let _ = writeln!(io::stderr(), "\ninterrupted; what was written so far is whole");
            std::process::exit(Code::Interrupted as i32);
        }
    });
}

/// Waits for the first Ctrl-C, which then does not end the process: the caller cleans up and ends.
pub(crate) async fn asked_to_end() {
    ENDS_ITSELF.store(true, Ordering::Relaxed);
    ASKED_TO_END.notified().await;
}

/// Forgets that a command was one that ends itself: the process goes on with others.
pub(crate) fn command_is_over() {
    ENDS_ITSELF.store(false, Ordering::Relaxed);
    // Ctrl-C that came too late for the command is none for the next.
    let _ = ASKED_TO_END.notified().now_or_never();
}

/// Runs a command that Ctrl-C stops, while the process goes on: `None` when it did.
pub(crate) async fn unless_interrupted<T>(command: impl Future<Output = T>) -> Option<T> {
    STOPS_COMMAND.store(true, Ordering::Relaxed);
    let ended = tokio::select! {
        ended = command => Some(ended),
        () = STOP_COMMAND.notified() => None,
    };
    STOPS_COMMAND.store(false, Ordering::Relaxed);
    let _ = STOP_COMMAND.notified().now_or_never();
    command_is_over();
    ended
}
