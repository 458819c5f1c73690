//! What Tab offers. A pure function of the line and the names of the catalogue.

use std::rc::Rc;

use clap::{Arg, Command};

use super::names::Names;
use super::{grammar, line};

/// What could stand at the end of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// These words, from this byte on.
    Words(usize, Vec<String>),
    /// A file.
    Files,
}

/// What could stand at the end of `text`. `names` are asked for only where one is wanted.
pub(super) fn offer(
    text: &str,
    used: Option<&str>,
    cli: &Command,
    names: impl FnOnce() -> Option<Rc<Names>>,
) -> Offer {
    let begin = last_word(text);
    let (before, last) = text.split_at(begin);
    let Some(words) = line::words(before) else { return Offer::Words(begin, Vec::new()) };
    let whole = |words: Vec<String>| {
        let fitting = words.into_iter().filter(|word| word.starts_with(last)).map(|word| word + " ");
        Offer::Words(begin, fitting.collect())
    };
    let resources = |names: Option<Rc<Names>>| {
        names.map(|names| names.resources().map(str::to_owned).collect()).unwrap_or_default()
    };
    if words == ["use"] {
        return whole(resources(names()));
    }
    let Some((end, command)) = grammar::command_of(cli, &words) else {
        return match last.starts_with('-') {
            true => whole(options(cli)),
            false => whole(commands(cli).into_iter().chain(line::WORDS.map(str::to_owned)).collect()),
        };
    };
    if command.has_subcommands() {
        return whole(commands(command));
    }
    let rest = words.get(end..).unwrap_or_default();
    if let Some(option) = words.last().filter(|word| grammar::wants_next(command, word)) {
        return match grammar::option_of(command, option) {
            Some(arg) => value(arg, text, &whole, || wanted(command, rest, used, names)),
            None => whole(Vec::new()),
        };
    }
    if last.starts_with('-') {
        return whole(options(command));
    }
    let given = grammar::positionals(command, rest).len();
    let implied = usize::from(used.is_some() && grammar::takes_resource(command));
    match command.get_positionals().nth(given + implied) {
        Some(arg) if grammar::is_resource(arg) => whole(resources(names())),
        Some(arg) => value(arg, text, &whole, || None),
        None => fields(text, wanted(command, rest, used, names)),
    }
}

/// Names of the resource that a line is about.
struct Wanted {
    fields: Vec<String>,
    partitions: Vec<String>,
}

fn wanted(
    command: &Command,
    rest: &[String],
    used: Option<&str>,
    names: impl FnOnce() -> Option<Rc<Names>>,
) -> Option<Wanted> {
    let resource = grammar::resource_of(command, rest, used)?;
    let names = names()?;
    let resource = names.resource(resource)?;
    Some(Wanted { fields: resource.fields.clone(), partitions: resource.partitions.clone() })
}

/// What an argument can be.
fn value(
    arg: &Arg,
    text: &str,
    whole: &impl Fn(Vec<String>) -> Offer,
    wanted: impl FnOnce() -> Option<Wanted>,
) -> Offer {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        return whole(possible.iter().map(|value| value.get_name().to_owned()).collect());
    }
    let is_called = |part: &str| arg.get_value_names().into_iter().flatten().any(|name| name.contains(part));
    if is_called("FILE") || is_called("DIR") {
        return Offer::Files;
    }
    if arg.get_id().as_str().starts_with("partition") {
        return whole(wanted().map(|wanted| wanted.partitions).unwrap_or_default());
    }
    match is_called("FIELD") || is_called("JSON") {
        true => fields(text, wanted()),
        false => whole(Vec::new()),
    }
}

/// Names of fields for the last name of the line, which may stand in the middle of JSON.
fn fields(text: &str, wanted: Option<Wanted>) -> Offer {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
    let name = text.trim_end_matches(is_name).len();
    let part = text.get(name..).unwrap_or_default();
    let fields = wanted.map(|wanted| wanted.fields).unwrap_or_default();
    Offer::Words(name, fields.into_iter().filter(|field| field.starts_with(part)).collect())
}

fn commands(of: &Command) -> Vec<String> {
    let named = of.get_subcommands().flat_map(|command| {
        std::iter::once(command.get_name()).chain(command.get_visible_aliases()).map(str::to_owned)
    });
    // The shell is there already.
    named.filter(|name| name != "shell").collect()
}

fn options(of: &Command) -> Vec<String> {
    let visible = of.get_arguments().filter(|arg| !arg.is_hide_set());
    visible.filter_map(|arg| arg.get_long().map(|long| format!("--{long}"))).collect()
}

/// Where the last word of a line begins; it may be empty.
fn last_word(text: &str) -> usize {
    let (mut quote, mut escaped, mut begin) = (None, false, 0);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, letter) if letter.is_whitespace() => begin = at + letter.len_utf8(),
            (None, _) => {}
        }
    }
    begin
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::names::sample;
    use super::*;

    fn offered(text: &str, used: Option<&str>) -> Offer {
        let mut cli = crate::args::Cli::command();
        cli.build();
        offer(text, used, &cli, || Some(Rc::new(sample())))
    }

    /// What the line becomes with each of the words.
    #[track_caller]
    fn check(text: &str, used: Option<&str>, expected: &[&str]) {
        let Offer::Words(from, words) = offered(text, used) else { panic!("{text}: files") };
        let lines: Vec<String> = words.iter().map(|word| text[..from].to_owned() + word).collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn commands_are_offered() {
        check("q", None, &["query ", "quit "]);
        check("s3db mig", None, &["s3db migrate "]);
        check("content ", None, &["content get ", "content set ", "content delete ", "content help "]);
        check("us", None, &["use "]);
        check("sh", None, &[]);
        check("-c memory://a sche", None, &["-c memory://a schema ", "-c memory://a schema-diff "]);
    }

    #[test]
    fn resources_are_offered_where_a_command_takes_one() {
        check("get u", None, &["get users "]);
        check("use ", None, &["use cards ", "use keys ", "use logins ", "use users "]);
        check("query --limit 5 ca", None, &["query --limit 5 cards "]);
        check("content get u", None, &["content get users "]);
        check("get u", Some("users"), &[]);
        check("create-resource u", None, &[]);
    }

    #[test]
    fn options_and_their_values_are_offered() {
        check("query users --so", None, &["query users --sort "]);
        check("query users --outp", None, &["query users --output "]);
        check("list --output nd", None, &["list --output ndjson "]);
        check("query users -p ", None, &["query users -p byCity "]);
        check("--rec", None, &["--receipt "]);
        assert_eq!(offered("import users --rejected ", None), Offer::Files);
    }

    #[test]
    fn names_of_fields_are_offered_also_within_json() {
        check("query users --sort -na", None, &["query users --sort -name"]);
        check(
            "query --sort ad",
            Some("users"),
            &["query --sort address", "query --sort address.city", "query --sort address.zip"],
        );
        check("query users -f '{\"na", None, &["query users -f '{\"name"]);
        check("update users ann -d '{\"address.z", None, &["update users ann -d '{\"address.zip"]);
        check("query nothing -f '{\"na", None, &[]);
        check("count users --by address.c", None, &["count users --by address.city"]);
    }
}
