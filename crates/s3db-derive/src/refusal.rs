//! Errors in our own words: those of the parser speak of itself.

use darling::Error;
use proc_macro2::TokenStream;

/// One compile error for each thing that is wrong, where it stands.
pub(crate) fn errors(error: Error) -> TokenStream {
    let errors = error.flatten().into_iter().map(|error| {
        let span = error.span();
        let text = syn::Error::from(error).to_string();
        syn::Error::new(span, words(&text)).into_compile_error()
    });
    errors.collect()
}

fn words(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("Unknown field: ") {
        let (name, meant) = rest.split_once(". Did you mean ").unwrap_or((rest, ""));
        return match meant {
            "" => format!("`#[document(…)]` knows no {name} here"),
            meant => format!("`#[document(…)]` knows no {name} here; did you mean {meant}"),
        };
    }
    if let Some(name) = text.strip_prefix("Missing field ") {
        return format!("{name} is missing");
    }
    if let Some(what) = text.strip_prefix("Unexpected type ") {
        return format!(
            "the value of this option is of another kind than {what}: a text stands in quotes, a number does not"
        );
    }
    if text.starts_with("Unsupported shape ") {
        return "a document is a struct that has fields, or an enum".to_owned();
    }
    text.to_owned()
}
