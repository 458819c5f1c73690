//! Which lines are kept, and where.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};

use super::grammar;

/// Whether a line may be kept. `is_sensitive` says whether documents of a resource may hold secrets, also where that
/// is not known; it is asked only where the line holds data.
pub(super) fn may_be_kept(
    words: &[String],
    used: Option<&str>,
    cli: &Command,
    is_sensitive: impl FnOnce(&str) -> bool,
) -> bool {
    let (end, command) = grammar::command_of(cli, words).unwrap_or((0, cli));
    let values = grammar::values(command, words);
    let to_a_connection =
        |(arg, value): &(&Arg, &str)| arg.get_id() == "connection" && may_hold_credentials(value);
    let is_url = |word: &String| word.contains("://") && may_hold_credentials(word);
    if values.iter().any(to_a_connection) || words.iter().any(is_url) {
        return false;
    }
    let has_data = words.iter().skip(end).any(|word| holds_data(word));
    if !has_data && !values.iter().any(|(arg, value)| is_data(arg, value)) {
        return true;
    }
    if end == 0 {
        // A misspelt command, of whatever.
        return false;
    }
    if !grammar::takes_resource(command) {
        return true;
    }
    let resource = grammar::resource_of(command, words.get(end..).unwrap_or_default(), used);
    resource.is_some_and(|resource| !is_sensitive(resource))
}

/// Whether a word has what only documents and conditions have.
fn holds_data(word: &str) -> bool {
    word.contains(['{', '[', '"', '=', ':'])
}

/// Whether an option takes data, which may be anything while it is mistyped.
fn is_data(option: &Arg, value: &str) -> bool {
    let mut names = option.get_value_names().into_iter().flatten();
    !value.starts_with('@') && names.any(|name| name == "JSON" || name.contains('='))
}

/// Credentials of a connection stand before `@` or behind `?`.
fn may_hold_credentials(connection: &str) -> bool {
    connection.contains(['@', '?'])
}

/// The file of the lines: `None` where there is no place for it, or none is wanted.
pub(super) fn path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(chosen) = variable("S3DB_HISTORY") {
        return (!chosen.is_empty()).then(|| PathBuf::from(chosen));
    }
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || Some(folder("HOME")?.join(".local/state"));
    let state = folder("XDG_STATE_HOME").or_else(home).or_else(|| folder("LOCALAPPDATA"))?;
    Some(state.join("s3db").join("history"))
}

/// Makes the folder of the file, for this user alone.
pub(super) fn make_folder(file: &Path) -> io::Result<()> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::names::sample;
    use super::*;

    #[track_caller]
    fn check(line: &str, used: Option<&str>, kept: bool) {
        let mut cli = crate::args::Cli::command();
        cli.build();
        let words = super::super::line::words(line).unwrap();
        let names = sample();
        let is_sensitive = |name: &str| names.resource(name).is_none_or(|resource| resource.is_sensitive);
        assert_eq!(may_be_kept(&words, used, &cli, is_sensitive), kept, "{line}");
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_kept() {
        check("get cards 1", None, true);
        check("query cards --limit 5", None, true);
        check(r#"insert users -d '{"name": "Ann"}'"#, None, true);
        check(r#"insert cards -d '{"owner": {"number": "4111"}}'"#, None, false);
        check(r#"insert -d '{"owner": {"number": "4111"}}'"#, Some("cards"), false);
        check(r#"insert -d '{"name": "Ann"}'"#, Some("users"), true);
        check("insert cards -d @card.json", None, true);
        check("insert cards --data=4111", None, false);
        check("insert cards -d4111", None, false);
        check("insert logins -d 4111", None, false);
        check("query keys --partition byKey --value all=4111", None, false);
        check(r#"insert unknown -d '{"a": 1}'"#, None, false);
        check(r#"isnert users -d '{"a": 1}'"#, None, false);
        check(r#"create-resource orders -s '{"total": "number"}'"#, None, true);
        check("isnert users", None, true);
        check("update users ann --add points=5", None, true);
        check("update cards 1 --add points=5", None, false);
    }

    #[test]
    fn credentials_of_a_connection_are_not_kept() {
        check("list -c memory://shop", None, true);
        check("list -c s3://bucket/prefix", None, true);
        check("list -c s3://KEY:SECRET@bucket/prefix", None, false);
        check("-c http://KEY:SECRET@localhost:9000/bucket list", None, false);
        check("list --connection=s3://KEY:SECRET@bucket", None, false);
        check("list -cs3://KEY:SECRET@bucket", None, false);
        check("list -c s3:/KEY:SECRET@bucket", None, false);
        check("list -c 's3://bucket?sessionToken=SECRET'", None, false);
        check("lsit -c s3://KEY:SECRET@bucket", None, false);
    }

    #[test]
    fn the_file_lies_in_the_state_folder_of_the_user() {
        let at = |variables: &[(&str, &str)]| {
            path(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        assert_eq!(at(&[("HOME", "/ann")]), Some("/ann/.local/state/s3db/history".into()));
        let both = [("HOME", "/ann"), ("XDG_STATE_HOME", "/state")];
        assert_eq!(at(&both), Some("/state/s3db/history".into()));
        assert_eq!(at(&[("XDG_STATE_HOME", "relative")]), None);
        assert_eq!(at(&[("HOME", "/ann"), ("S3DB_HISTORY", "")]), None);
        assert_eq!(at(&[("S3DB_HISTORY", "lines")]), Some("lines".into()));
        assert_eq!(at(&[]), None);
    }
}
