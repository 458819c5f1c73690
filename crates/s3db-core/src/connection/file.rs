//! `file:` connection strings.

use std::path::PathBuf;

use super::{Connection, config, decode};
use crate::Result;

const FORMS: &str = "use file:///absolute/folder, file://./relative/folder or file://C:/folder";

/// Parses what follows `file:`.
pub(super) fn parse(rest: &str) -> Result<Connection> {
    if rest.contains('#') {
        return Err(config("the connection string holds a `#`").hint("write `%23` for a `#`"));
    }
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let location = location.replace('\\', "/");
    let path = match location.strip_prefix("//") {
        Some(after) => {
            after.strip_prefix("localhost/").map_or_else(|| folder(after), |path| format!("/{path}"))
        }
        // `file:/folder` is a URL too; `file:folder` would mean `/folder`, which nobody expects.
        None if location.starts_with('/') => location,
        None => return Err(config("`file:` is not followed by `//`").hint(FORMS)),
    };
    if path.split('/').next().is_some_and(|host| host.contains('@'))
        || path.starts_with("//") && path.contains('@')
    {
        return Err(config("`file://` takes no keys").hint(FORMS));
    }
    let path = decode("path", &path)?;
    if path.trim_matches('/').is_empty() {
        return Err(config("the file connection string has no path").hint(FORMS));
    }
    let mut connection = Connection::file(PathBuf::from(path));
    connection.take_parameters(Some(query))?;
    Ok(connection)
}

/// The path that follows `file://`, whose first part may be a host.
fn folder(after: &str) -> String {
    let host = after.split('/').next().unwrap_or_default();
    let is_drive = matches!(host.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
    match host {
        "" | "." | ".." => after.to_owned(),
        _ if is_drive => after.to_owned(),
        // A share on another machine.
        _ => format!("//{after}"),
    }
}
