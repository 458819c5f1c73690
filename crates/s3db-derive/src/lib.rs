//! `#[derive(Document)]`: a Rust type as an attribute, or as the documents of a resource.
//!
//! Use it through the crate `s3db`, whose guide `docs/typed.md` lists all that can be said in `#[document(…)]`.

use darling::FromDeriveInput as _;
use proc_macro::TokenStream;

mod case;
mod container;
mod enumeration;
mod field;
mod partition;
mod refusal;
mod serde;
mod structure;

/// Makes a type usable in documents, and with `#[document(resource = "…")]` the type of the documents of a resource.
///
/// The type must also derive `Serialize` and `Deserialize`, whose `rename`, `rename_all`, `default` and `skip` are
/// understood.
#[proc_macro_derive(Document, attributes(document))]
pub fn document(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input)
        .map_err(darling::Error::from)
        .and_then(|input| container::Container::from_derive_input(&input))
        .and_then(|container| container.expand());
    match expanded {
        Ok(tokens) => tokens.into(),
        Err(error) => refusal::errors(error).into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_refused_is_refused_in_words_that_say_what_to_change() {
        trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
    }
}
