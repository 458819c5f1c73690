//! How failures are told.

use std::error::Error as _;
use std::fmt::Write as _;

use s3db::{Error, ErrorKind};
use serde_json::{Value, json};

use super::table::printable;
use super::{DIM, RED};
use crate::exit::Failure;

/// The report of a failure: text for people, or one JSON object. `None` when there is nothing to tell.
pub(super) fn failure(failure: &Failure, as_json: bool) -> Option<String> {
    match failure {
        Failure::Connection(error) | Failure::Database(error) if as_json => {
            Some(json!({ "error": error.to_json() }).to_string())
        }
        Failure::Connection(error) | Failure::Database(error) => Some(people(error, "")),
        Failure::Usage { message, hint } => Some(plain("usage", message, hint, as_json)),
        Failure::Io { what, error } => Some(plain("io", &format!("could not {what}: {error}"), "", as_json)),
        Failure::Reported(_) | Failure::BrokenPipe => None,
    }
}

/// An error for people: message and context, every failing field on a line, the causes, the hint on a line.
pub(super) fn people(error: &Error, which: &str) -> String {
    let mut text = format!("{RED}✗{RED:#} ");
    if !which.is_empty() {
        text += &format!("{}: ", printable(which));
    }
    text += &printable(error.message());
    if let Value::Object(members) = error.to_json() {
        let known = ["kind", "message", "hint", "fields"];
        for (name, value) in members.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = write!(text, " {DIM}{name}={}{DIM:#}", printable(&value));
        }
    }
    for field in error.fields() {
        let _ = write!(
            text,
            "\n  {}: {} {DIM}[{}]{DIM:#}",
            printable(&field.field),
            printable(&field.message),
            field.rule
        );
    }
    let mut cause = error.source();
    while let Some(source) = cause {
        cause = source.source();
        let reason = printable(&source.to_string());
        // Some errors carry their cause in their own message already.
        if !text.contains(&reason) {
            let _ = write!(text, "\n  {DIM}because: {reason}{DIM:#}");
        }
    }
    for hint in error.suggestion().into_iter().chain(own_hint(error)) {
        let _ = write!(text, "\n  hint: {}", printable(hint));
    }
    text
}

/// What this command can say beyond the library, which knows nothing of flags and variables.
fn own_hint(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Crypto if !error.suggestion().is_some_and(|hint| hint.contains("S3DB_PASSPHRASE")) => {
            Some(
                "the passphrase comes from S3DB_PASSPHRASE, or from the variable that --passphrase-env names",
            )
        }
        _ => None,
    }
}

fn plain(kind: &str, message: &str, hint: &str, as_json: bool) -> String {
    if as_json {
        let mut error = json!({ "kind": kind, "message": message });
        if !hint.is_empty() {
            error["hint"] = json!(hint);
        }
        return json!({ "error": error }).to_string();
    }
    let mut text = format!("{RED}✗{RED:#} {}", printable(message));
    if !hint.is_empty() {
        let _ = write!(text, "\n  hint: {}", printable(hint));
    }
    text
}
