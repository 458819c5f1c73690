//! `#[document(partition(name = "byCity", on = "address.city"))]`.

use darling::{Error, FromMeta, Result};
use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

/// A partition over one or more fields.
#[derive(Debug, FromMeta)]
pub(crate) struct Partition {
    name: String,
    /// Fields, each perhaps with a rule: `country, createdAt: date|maxlength:10`.
    on: LitStr,
}

impl Partition {
    pub(crate) fn new(name: String, field: &str, span: proc_macro2::Span) -> Self {
        Self { name, on: LitStr::new(field, span) }
    }

    /// The name and the fields with their rules.
    pub(crate) fn expand(&self, known: &[&str]) -> Result<TokenStream> {
        let mut fields = Vec::new();
        for part in self.on.value().split(',') {
            let (path, rule) = part.split_once(':').unwrap_or((part, "string"));
            let (path, rule) = (path.trim(), rule.trim());
            let top = path.split('.').next().unwrap_or_default();
            if !known.contains(&top) {
                return Err(Error::custom(format!(
                    "the partition `{}` is on `{path}`, but there is no field `{top}`; the fields are {}",
                    self.name,
                    known.join(", ")
                ))
                .with_span(&self.on));
            }
            fields.push(quote!((#path, #rule)));
        }
        let name = &self.name;
        Ok(quote!((#name, &[#(#fields),*])))
    }
}
