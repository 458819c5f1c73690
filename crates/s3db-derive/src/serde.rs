//! What `#[serde(…)]` says of names and absence.

use darling::{Error, Result};
use syn::{Attribute, LitStr, Token, parenthesized};

use crate::case::Case;

/// The words of serde that change what a document holds.
#[derive(Debug, Default)]
pub(crate) struct Serde {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Case,
    /// Whether a value may be missing when read.
    pub(crate) default: bool,
    /// Whether it may be missing when written.
    pub(crate) skip_if: bool,
    pub(crate) skip: bool,
    pub(crate) flatten: bool,
    pub(crate) transparent: bool,
    pub(crate) untagged: bool,
    /// Functions that write the value in a form of their own.
    pub(crate) with: Option<String>,
}

impl Serde {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut found = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            found.add(attribute)?;
        }
        Ok(found)
    }

    fn add(&mut self, attribute: &Attribute) -> Result<()> {
        let mut wrong = None;
        attribute
            .parse_nested_meta(|meta| {
                let Some(word) = meta.path.get_ident().map(ToString::to_string) else { return Ok(()) };
                let text = if meta.input.peek(Token![=]) {
                    let value: syn::Expr = meta.value()?.parse()?;
                    match value {
                        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
                        _ => None,
                    }
                } else if meta.input.peek(syn::token::Paren) {
                    let content;
                    parenthesized!(content in meta.input);
                    in_parentheses(&content)?
                } else {
                    None
                };
                match (word.as_str(), text) {
                    ("rename", name) => self.rename = name,
                    ("rename_all", Some(rule)) => match Case::parse(&rule) {
                        Ok(case) => self.rename_all = case,
                        Err(error) => wrong = Some(error.with_span(&meta.path)),
                    },
                    ("default", _) => self.default = true,
                    ("skip_serializing_if", _) => self.skip_if = true,
                    ("skip" | "skip_serializing", _) => self.skip = true,
                    ("flatten", _) => self.flatten = true,
                    ("transparent", _) => self.transparent = true,
                    ("untagged", _) => self.untagged = true,
                    ("with" | "serialize_with" | "deserialize_with" | "into" | "try_from" | "from", with) => {
                        self.with = with.or_else(|| Some(word.clone()));
                    }
                    _ => {}
                }
                Ok(())
            })
            .map_err(Error::from)?;
        wrong.map_or(Ok(()), Err)
    }
}

/// `serialize = "…"` of `rename(serialize = "…", deserialize = "…")`; all else is skipped.
fn in_parentheses(content: syn::parse::ParseStream<'_>) -> syn::Result<Option<String>> {
    let mut text = None;
    while !content.is_empty() {
        let word: syn::Ident = content.parse()?;
        if content.peek(Token![=]) {
            content.parse::<Token![=]>()?;
            let value: LitStr = content.parse()?;
            if word == "serialize" {
                text = Some(value.value());
            }
        }
        if content.peek(Token![,]) {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(text)
}
