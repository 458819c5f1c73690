//! What a line asks for.

use clap::Command;

use super::grammar;
use crate::exit::{Failure, Outcome};

/// Words of the shell that are no commands of the binary.
pub(super) const WORDS: [&str; 3] = ["exit", "quit", "use"];

/// A line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It is blank or a comment.
    Nothing,
    /// Name this resource in commands that name none, or no longer.
    Use(Option<String>),
    /// End the shell.
    Leave,
    /// Arguments of the binary.
    Command(Vec<String>),
}

/// Whether a line ends within quotes or after a backslash, so that it goes on in the next.
pub(super) fn is_open(text: &str) -> bool {
    shlex::split(text).is_none()
}

/// The words of a line, without the name of the binary, which may stand before them.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = shlex::split(&joined(text))?;
    if words.len() > 1 && words.first().is_some_and(|first| first == "s3db") {
        words.remove(0);
    }
    Some(words)
}

/// The text without the line ends that a backslash takes away.
fn joined(text: &str) -> String {
    let (mut out, mut quote) = (String::with_capacity(text.len()), None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None | Some('"'), '\\') => match letters.next() {
                Some('\n') => continue,
                escaped => {
                    out.push(letter);
                    out.extend(escaped);
                    continue;
                }
            },
            (Some(open), _) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            _ => {}
        }
        out.push(letter);
    }
    out
}

impl Line {
    pub(super) fn read(text: &str, used: Option<&str>, cli: &Command) -> Outcome<Self> {
        let Some(mut words) = words(text) else {
            return Err(Failure::usage(
                "a quote is not closed",
                "put the whole text into one pair of quotes",
            ));
        };
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => return Ok(Self::Nothing),
            ["exit" | "quit"] => return Ok(Self::Leave),
            ["use"] => return Ok(Self::Use(None)),
            ["use", resource] => return Ok(Self::Use(Some((*resource).to_owned()))),
            ["exit" | "quit" | "use", ..] => {
                return Err(Failure::usage(
                    "there are too many words",
                    "write `use RESOURCE`, `use`, or `exit`",
                ));
            }
            _ => {}
        }
        if let (Some(used), Some((end, command))) = (used, grammar::command_of(cli, &words))
            && grammar::takes_resource(command)
        {
            words.insert(end, used.to_owned());
        }
        Ok(Self::Command(words))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn read(text: &str, used: Option<&str>) -> Outcome<Line> {
        let mut cli = crate::args::Cli::command();
        cli.build();
        Line::read(text, used, &cli)
    }

    #[track_caller]
    fn check(text: &str, used: Option<&str>, expected: &[&str]) {
        let words = expected.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(read(text, used).unwrap(), Line::Command(words), "{text}");
    }

    #[test]
    fn a_line_is_what_a_posix_shell_would_give_the_binary() {
        check("get users ann", None, &["get", "users", "ann"]);
        check("s3db get users ann # the first", None, &["get", "users", "ann"]);
        check(
            r#"insert users -d '{"name": "O'\''Neil"}'"#,
            None,
            &["insert", "users", "-d", r#"{"name": "O'Neil"}"#],
        );
        check("get \\\n users \\\nann", None, &["get", "users", "ann"]);
        check("get users \"a\\\nnn\" 'b\\\n'", None, &["get", "users", "ann", "b\\\n"]);
        check("insert users -d '{\n}'", None, &["insert", "users", "-d", "{\n}"]);
        for nothing in ["", "  ", "# only a comment"] {
            assert_eq!(read(nothing, None).unwrap(), Line::Nothing);
        }
        assert!(is_open("get 'users") && is_open("get \\") && !is_open("get users"));
        assert!(read("get 'users", None).is_err());
    }

    #[test]
    fn the_resource_in_use_is_put_where_a_command_takes_one() {
        let used = Some("users");
        check("get ann", used, &["get", "users", "ann"]);
        check("--json get ann", used, &["--json", "get", "users", "ann"]);
        check("-c memory://a get ann", used, &["-c", "memory://a", "get", "users", "ann"]);
        check("--output json ls", used, &["--output", "json", "ls"]);
        check("query", used, &["query", "users"]);
        check("stats", used, &["stats", "users"]);
        check("content get ann --file a", used, &["content", "get", "users", "ann", "--file", "a"]);
        check("create-resource orders -s {}", used, &["create-resource", "orders", "-s", "{}"]);
        check("help get", used, &["help", "get"]);
        check("nonsense", used, &["nonsense"]);
    }

    #[test]
    fn words_of_the_shell_are_no_commands() {
        assert_eq!(read("use users", None).unwrap(), Line::Use(Some("users".to_owned())));
        assert_eq!(read("use", Some("users")).unwrap(), Line::Use(None));
        assert_eq!(read("exit", None).unwrap(), Line::Leave);
        assert_eq!(read(" quit ", None).unwrap(), Line::Leave);
        assert!(read("use users orders", None).is_err());
        assert!(read("exit now", None).is_err());
    }
}
