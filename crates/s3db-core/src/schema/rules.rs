//! Reads the rules of one attribute as the types that they need.

use std::sync::Arc;

use serde_json::Value;

use super::messages;
use super::notation::{Node, Raw};
use super::problem::{Problems, did_you_mean};
use super::types::number;
use super::words::{Family, format_word, rule_word, words_for};
use crate::key::check_name;

/// The rules of one attribute. A value that cannot be read is a problem, and the rule is left out.
#[derive(Debug)]
pub(super) struct Rules<'a, 'p> {
    path: &'a str,
    node: &'a Node,
    family: Family,
    problems: &'p mut Problems,
}

/// What the rule `unique` says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Uniqueness {
    No,
    /// No two documents share its value.
    Alone,
    /// No two documents share the values of all fields of this name.
    Shared(String),
}

impl Uniqueness {
    fn of(flag: bool) -> Self {
        if flag { Self::Alone } else { Self::No }
    }
}

impl<'a, 'p> Rules<'a, 'p> {
    pub(super) fn new(path: &'a str, node: &'a Node, family: Family, problems: &'p mut Problems) -> Self {
        Self { path, node, family, problems }
    }

    pub(super) fn problem(&mut self, rule: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.add(self.path, Some(rule), message, hint);
    }

    /// Reports every rule word that is not known, or does not belong to the type.
    pub(super) fn check_words(&mut self) {
        for (name, _) in &self.node.rules {
            let belongs = match (rule_word(name), format_word(name)) {
                (Some(row), _) => row.on.is_empty() || row.on.contains(&self.family),
                (None, Some(_)) => self.family == Family::Text,
                (None, None) => {
                    let hint = did_you_mean(
                        name,
                        words_for(self.family),
                        "docs/schema.md lists the rules of each type",
                    );
                    self.problem(name, format!("unknown rule `{name}`"), hint);
                    continue;
                }
            };
            if !belongs {
                let word = &self.node.word;
                let mut known: Vec<&str> =
                    words_for(self.family).filter(|word| !word.starts_with("__")).collect();
                known.sort_unstable();
                self.problem(
                    name,
                    format!("rule `{name}` does not apply to the type `{word}`"),
                    format!("rules of this type: {}", known.join(", ")),
                );
            }
        }
    }

    /// `optional`, `no-trim`, `trim:false`.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        self.read(name, "true or false", |raw| match raw {
            Raw::Flag(flag) | Raw::Json(Value::Bool(flag)) => Some(*flag),
            Raw::Text(text) => text.trim().parse().ok(),
            _ => None,
        })
    }

    /// `unique`, `unique:name`. Refused where it cannot be kept: the key of a claim must give no secret away, and the
    /// items of a list are no field.
    pub(super) fn uniqueness(&mut self, secret: bool) -> Uniqueness {
        let uniqueness = self.read("unique", "true, false or a name", |raw| match raw {
            Raw::Flag(flag) | Raw::Json(Value::Bool(flag)) => Some(Uniqueness::of(*flag)),
            Raw::Text(text) | Raw::Json(Value::String(text)) => match text.trim() {
                "true" => Some(Uniqueness::Alone),
                "false" => Some(Uniqueness::No),
                name if check_name("unique", name).is_ok() => Some(Uniqueness::Shared(name.to_owned())),
                _ => None,
            },
            _ => None,
        });
        let uniqueness = uniqueness.unwrap_or(Uniqueness::No);
        let why = match (secret, self.path.contains("[]")) {
            _ if uniqueness == Uniqueness::No => return uniqueness,
            (false, false) => return uniqueness,
            (true, _) => "a secret or password cannot be `unique`: who guesses a value could confirm it",
            (false, true) => "an item of a list cannot be `unique`",
        };
        self.problem("unique", why, "leave the rule out");
        Uniqueness::No
    }

    /// A number.
    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        self.read(name, "a number", Raw::number)
    }

    /// A whole number, not negative.
    pub(super) fn count(&mut self, name: &str) -> Option<usize> {
        self.read(name, "a whole number, not negative", |raw| whole(raw.number()?))
    }

    /// A text; numbers and booleans are taken as they are written.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "a text", |raw| match raw {
            Raw::Text(text) | Raw::Json(Value::String(text)) => Some(text.clone()),
            Raw::Json(Value::Number(number)) => Some(number::number_text(number)),
            Raw::Json(Value::Bool(flag)) => Some(flag.to_string()),
            _ => None,
        })
    }

    /// `custom:name`: a validator that the program registers.
    pub(super) fn custom(&mut self) -> Option<Arc<str>> {
        let name = self.read("custom", "the name of a validator", |raw| match raw {
            Raw::Text(text) | Raw::Json(Value::String(text)) => Some(text.trim().to_owned()),
            _ => None,
        })?;
        if name.is_empty() {
            self.problem("custom", "rule `custom` names no validator", "write `custom:name`");
            return None;
        }
        Some(name.into())
    }

    /// Any value; in a pipe text a number or boolean when it looks like one.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        self.read(name, "a value", |raw| match raw {
            Raw::Json(value) => Some(value.clone()),
            Raw::Text(text) => Some(match text.trim() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "" => Value::from(""),
                trimmed => {
                    number::from_text(trimmed).and_then(number::to_json).unwrap_or_else(|| trimmed.into())
                }
            }),
            _ => None,
        })
    }

    /// A list: of JSON values, or of texts separated by commas.
    pub(super) fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        self.read(name, "a list of values, such as `a,b,c`", Raw::list)
    }

    /// `true` refuses unknown keys, `remove` drops them, `false` keeps them; objects with `props` drop them by default.
    pub(super) fn strict(&mut self) -> Option<bool> {
        let read = self.read("strict", "true, false or \"remove\"", |raw| match raw {
            Raw::Flag(flag) | Raw::Json(Value::Bool(flag)) => Some(flag.then_some(true)),
            Raw::Text(text) | Raw::Json(Value::String(text)) => match text.trim() {
                "remove" => Some(Some(false)),
                "true" => Some(Some(true)),
                "false" => Some(None),
                _ => None,
            },
            _ => None,
        });
        match self.node.rule("strict") {
            None => Some(false),
            Some(_) => read.flatten(),
        }
    }

    /// The number after a type word, such as 1536 in `embedding:1536`.
    pub(super) fn argument(&mut self, argument: Option<&str>) -> Option<usize> {
        let text = argument?;
        let read = number::from_text(text).and_then(whole).filter(|_| !text.trim().is_empty());
        if read.is_none() {
            let word = self.node.word.clone();
            self.problem(
                &word,
                format!("`{text}` after the type is not a whole number"),
                "such as `embedding:1536`",
            );
        }
        read
    }

    /// The number of decimals after a type word; the codec keeps at most 15.
    pub(super) fn decimals(&mut self, argument: Option<&str>) {
        if self.argument(argument).is_some_and(|decimals| decimals > 15) {
            let word = self.node.word.clone();
            self.problem(&word, "a number has at most 15 exact decimals", "such as `money:2`");
        }
    }

    /// Messages of the attribute's own.
    pub(super) fn messages(&mut self) -> Vec<(Box<str>, Box<str>)> {
        let read = self.read("messages", "an object {code: text}", |raw| match raw {
            Raw::Json(Value::Object(map)) => map
                .iter()
                .map(|(code, text)| Some((Box::from(code.as_str()), Box::from(text.as_str()?))))
                .collect::<Option<Vec<_>>>(),
            _ => None,
        });
        let messages = read.unwrap_or_default();
        for (code, _) in messages.iter().filter(|(code, _)| !messages::is_code(code)) {
            let hint = did_you_mean(code, messages::codes(), "docs/schema.md lists the codes");
            self.problem("messages", format!("unknown code `{code}` in `messages`"), hint);
        }
        messages
    }

    fn read<T>(&mut self, name: &str, wanted: &str, read: impl Fn(&Raw) -> Option<T>) -> Option<T> {
        let raw = self.node.rule(name)?;
        // JSON null takes a rule back.
        if matches!(raw, Raw::Json(Value::Null)) {
            return None;
        }
        let value = read(raw);
        if value.is_none() {
            let given = raw.to_json().map(|value| format!(", not `{value}`")).unwrap_or_default();
            self.problem(name, format!("rule `{name}` needs {wanted}{given}"), "write `rule:value`");
        }
        value
    }
}

/// The count in a double.
fn whole(number: f64) -> Option<usize> {
    (number.fract() == 0.0 && (0.0..=4_294_967_295.0).contains(&number)).then_some(number as usize)
}

impl Raw {
    fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Text(text) if !text.trim().is_empty() => number::from_text(text),
            Self::Json(Value::String(text)) if !text.trim().is_empty() => number::from_text(text),
            Self::Json(Value::Number(number)) => number.as_f64(),
            _ => None,
        };
        number.filter(|number| number.is_finite())
    }

    pub(super) fn list(&self) -> Option<Vec<Value>> {
        match self {
            Self::Json(Value::Array(items)) => Some(items.clone()),
            Self::Text(text) | Self::Json(Value::String(text)) => {
                Some(text.split(',').map(|item| Value::from(item.trim())).collect())
            }
            _ => None,
        }
    }

    /// The rule as a JSON value, for introspection; `None` for definitions, which are fields of their own.
    pub(super) fn to_json(&self) -> Option<Value> {
        match self {
            Self::Flag(flag) => Some((*flag).into()),
            Self::Text(text) => Some(text.as_str().into()),
            Self::Json(value) => Some(value.clone()),
            Self::Nodes(_) => None,
        }
    }
}
