//! Where a line stands in the command line that clap knows.

use clap::{Arg, Command};

/// The command that words name, and how many words that took. The command line must be built.
pub(super) fn command_of<'a>(cli: &'a Command, words: &[String]) -> Option<(usize, &'a Command)> {
    let (mut command, mut end) = (cli, 0);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        if word.starts_with('-') {
            at += usize::from(wants_next(command, word));
            continue;
        }
        let Some(inner) = command.find_subcommand(word) else { break };
        (command, end) = (inner, at);
        if !command.has_subcommands() {
            break;
        }
    }
    (end > 0).then_some((end, command))
}

/// The option of a word: `--limit`, `--limit=5`, `-l`.
pub(super) fn option_of<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    if let Some(long) = word.strip_prefix("--") {
        let long = long.split('=').next()?;
        return command.get_arguments().find(|arg| arg.get_long() == Some(long));
    }
    let short = word.strip_prefix('-')?.chars().next()?;
    command.get_arguments().find(|arg| arg.get_short() == Some(short))
}

/// Whether the word after this one is the value of an option.
pub(super) fn wants_next(command: &Command, word: &str) -> bool {
    let holds_value = if word.starts_with("--") { word.contains('=') } else { word.len() > 2 };
    !holds_value && option_of(command, word).is_some_and(|arg| arg.get_action().takes_values())
}

/// Whether the first thing that a command takes is the name of a resource.
pub(super) fn takes_resource(command: &Command) -> bool {
    command.get_positionals().next().is_some_and(is_resource)
}

pub(super) fn is_resource(arg: &Arg) -> bool {
    arg.get_id() == "resource"
}

/// The resource that a line names, or the one in use.
pub(super) fn resource_of<'a>(
    command: &Command,
    rest: &'a [String],
    used: Option<&'a str>,
) -> Option<&'a str> {
    if !takes_resource(command) {
        return None;
    }
    used.or_else(|| positionals(command, rest).first().copied())
}

/// The words behind a command that are neither options nor values of these.
pub(super) fn positionals<'a>(command: &Command, rest: &'a [String]) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = rest.get(at) {
        at += 1;
        if word.starts_with('-') && word.len() > 1 {
            at += usize::from(wants_next(command, word));
        } else {
            found.push(word.as_str());
        }
    }
    found
}

/// The options of a line that have a value.
pub(super) fn values<'a>(command: &'a Command, words: &'a [String]) -> Vec<(&'a Arg, &'a str)> {
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(arg) = option_of(command, word).filter(|arg| arg.get_action().takes_values()) else {
            continue;
        };
        let value = match word.split_once('=') {
            _ if wants_next(command, word) => words.get(at + 1).map(String::as_str),
            Some((option, value)) if option.starts_with("--") => Some(value),
            _ => word.get(2..),
        };
        found.extend(value.map(|value| (arg, value)));
    }
    found
}
