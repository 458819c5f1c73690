//! What is wrong with a definition, said so that it can be mended.

use std::fmt;

use crate::{Error, ErrorKind};

/// One thing in a schema that s3db does not understand.
///
/// With [`Strictness::Create`](super::Strictness::Create) these are errors; with
/// [`Strictness::Open`](super::Strictness::Open) the rule is left out, or the attribute accepts anything.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaWarning {
    /// Dotted path of the attribute, with `[]` for the items of an array.
    pub field: String,
    /// The type or rule word, when one is to blame.
    pub rule: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to try.
    pub hint: String,
}

impl fmt::Display for SchemaWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.message)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

/// Collects every problem of one schema.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<SchemaWarning>);

impl Problems {
    pub(super) fn add(
        &mut self,
        field: &str,
        rule: Option<&str>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = SchemaWarning {
            field: field.to_owned(),
            rule: rule.map(str::to_owned),
            message: message.into(),
            hint: hint.into(),
        };
        // A rule may be read more than once.
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_warnings(self) -> Vec<SchemaWarning> {
        self.0
    }

    /// All problems as one error.
    pub(super) fn into_error(self) -> Error {
        let mut message = match self.0.len() {
            1 => "the schema has a problem".to_owned(),
            n => format!("the schema has {n} problems"),
        };
        for (i, problem) in self.0.iter().enumerate() {
            message.push_str(if i == 0 { ": " } else { "; " });
            message.push_str(&problem.to_string());
        }
        let error = Error::new(ErrorKind::Config, message);
        match self.0.first() {
            Some(only) if self.0.len() == 1 && !only.hint.is_empty() => error.hint(only.hint.clone()),
            _ => error.hint(
                "mend every attribute that the message names; docs/schema.md lists all types and rules",
            ),
        }
    }
}

/// The known word that is nearest to `word`, as a hint; else `fallback`.
pub(super) fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>, fallback: &str) -> String {
    let lower = word.to_lowercase();
    let near = known
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance);
    match near {
        Some((distance, candidate)) if distance <= 1 + word.len() / 4 => {
            format!("did you mean `{candidate}`?")
        }
        _ => fallback.to_owned(),
    }
}
