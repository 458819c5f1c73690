//! Which texts may stand in a segment of a key.

use crate::{Error, ErrorKind, Result};

/// The characters that no id and no name may hold: they separate segments, or would be taken for an escape.
const REFUSED: [char; 4] = ['/', '\\', '=', '%'];

/// Checks an id.
///
/// # Errors
/// `Validation` when it is empty or holds one of `/ \ = %`.
pub fn check_id(id: &str) -> Result<()> {
    if id.is_empty() {
        return Err(Error::new(ErrorKind::Validation, "the id is empty")
            .hint("leave the id out to have one generated"));
    }
    match refused(id) {
        None => Ok(()),
        Some(characters) => {
            Err(Error::new(ErrorKind::Validation, "the id holds characters that no key can hold")
                .with("id", shown(id))
                .with("characters", characters)
                .hint("ids may hold anything but `/`, `\\`, `=` and `%`; replace them, for example with `-`"))
        }
    }
}

/// Checks the name of a resource, partition, field or plugin; `what` says which it is.
///
/// # Errors
/// `Config` when it is blank or holds one of `/ \ = %`.
pub fn check_name(what: &'static str, name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::new(ErrorKind::Config, format!("the {what} name is blank")));
    }
    match refused(name) {
        None => Ok(()),
        Some(characters) => Err(Error::new(
            ErrorKind::Config,
            format!("the {what} name holds characters that no key can hold"),
        )
        .with(what, shown(name))
        .with("characters", characters)
        .hint("names may hold anything but `/`, `\\`, `=` and `%`")),
    }
}

/// Checks what plugins put behind their prefix: segments between `/`, which may hold anything else; `what` says what it
/// names.
///
/// # Errors
/// `Config` when a segment is empty, `.` or `..`, which s3db.js and web servers would resolve.
pub(crate) fn check_path(what: &'static str, path: &str) -> Result<()> {
    let bad = path.split('/').find(|segment| matches!(*segment, "" | "." | ".."));
    match bad {
        None => Ok(()),
        Some(segment) => {
            Err(Error::new(ErrorKind::Config, format!("the {what} is no path below its prefix"))
                .with(what, shown(path))
                .with("segment", format!("{segment:?}"))
                .hint("use segments between single `/`, without `.` and `..`"))
        }
    }
}

/// The refused characters in a text, each once, separated by blanks.
pub(super) fn refused(text: &str) -> Option<String> {
    let found = REFUSED.iter().filter(|c| text.contains(**c)).map(char::to_string).collect::<Vec<_>>();
    (!found.is_empty()).then(|| found.join(" "))
}

/// A text short enough for a message.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(80) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes)", text.get(..at).unwrap_or_default(), text.len()),
    }
}
