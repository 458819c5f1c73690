//! How serde writes names under `rename_all`.

use darling::{Error, Result};

/// A rule of `rename_all`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Case {
    #[default]
    Kept,
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: &[(&str, Case)] = &[
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let known = CASES.iter().find(|(known, _)| *known == name).map(|(_, case)| *case);
        known.ok_or_else(|| Error::custom(format!("serde knows no rename_all = \"{name}\"")))
    }

    /// The name of a field, whose words are parted by `_`.
    pub(crate) fn field(self, name: &str) -> String {
        match self {
            Self::Kept | Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => pascal(name),
            Self::Camel => uncapitalised(&pascal(name)),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// The name of a variant, whose words begin with a capital.
    pub(crate) fn variant(self, name: &str) -> String {
        match self {
            Self::Kept | Self::Pascal => name.to_owned(),
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Camel => uncapitalised(name),
            Self::Snake => snake(name),
            Self::ScreamingSnake => snake(name).to_ascii_uppercase(),
            Self::Kebab => snake(name).replace('_', "-"),
            Self::ScreamingKebab => snake(name).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

/// `first_name` as `FirstName`.
pub(crate) fn pascal(name: &str) -> String {
    name.split('_').map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn uncapitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if at > 0 && letter.is_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_serde_writes() {
        for (rule, field, variant) in [
            ("lowercase", "first_name", "inprogress"),
            ("UPPERCASE", "FIRST_NAME", "INPROGRESS"),
            ("PascalCase", "FirstName", "InProgress"),
            ("camelCase", "firstName", "inProgress"),
            ("snake_case", "first_name", "in_progress"),
            ("SCREAMING_SNAKE_CASE", "FIRST_NAME", "IN_PROGRESS"),
            ("kebab-case", "first-name", "in-progress"),
            ("SCREAMING-KEBAB-CASE", "FIRST-NAME", "IN-PROGRESS"),
        ] {
            let case = Case::parse(rule).unwrap();
            assert_eq!(
                (case.field("first_name").as_str(), case.variant("InProgress").as_str()),
                (field, variant)
            );
        }
        assert!(Case::parse("Snake").is_err());
    }
}
