//! What `#[document(…)]` says of a field.

use darling::util::{Flag, Override};
use darling::{Error, FromField, Result};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, GenericArgument, Ident, LitInt, LitStr, PathArguments, Type, Visibility};

use crate::case::{Case, pascal};
use crate::partition::Partition;
use crate::serde::Serde;

/// A field with its attributes.
#[derive(Debug, FromField)]
#[darling(attributes(document), forward_attrs(serde))]
pub(crate) struct Field {
    pub(crate) ident: Option<Ident>,
    pub(crate) vis: Visibility,
    pub(crate) ty: Type,
    attrs: Vec<Attribute>,

    /// Holds the id of the document.
    id: Flag,
    /// No two documents have the same value; those of one name have not the same values together.
    unique: Option<Override<LitStr>>,
    /// A partition by this field alone.
    partition: Flag,
    /// The type in the notation of schemas, in the place of that of the Rust type.
    #[darling(rename = "type")]
    word: Option<LitStr>,
    /// Rules in the notation of schemas.
    rules: Option<LitStr>,
    min: Option<Expr>,
    max: Option<Expr>,
    length: Option<LitInt>,
    pattern: Option<LitStr>,
    email: Flag,
    url: Flag,
    trim: Flag,
    lowercase: Flag,
    embedding: Flag,
    password: Flag,
    /// Another name for the function that names the field.
    path: Option<Ident>,
}

impl Field {
    pub(crate) fn serde(&self) -> Result<Serde> {
        Serde::of(&self.attrs)
    }

    /// The name in the document.
    pub(crate) fn name(&self, serde: &Serde, case: Case) -> Result<String> {
        let name = match (&serde.rename, &self.ident) {
            (Some(name), _) => name.clone(),
            (None, Some(ident)) => case.field(ident.to_string().trim_start_matches("r#")),
            (None, None) => String::new(),
        };
        let wrong = name.contains('.') || name.starts_with('$');
        if wrong || matches!(name.as_str(), "__proto__" | "constructor" | "prototype") {
            let message =
                format!("no document can have a field `{name}`; rename it: `#[serde(rename = \"…\")]`");
            return Err(Error::custom(message).with_span(&self.ident));
        }
        Ok(name)
    }

    pub(crate) fn is_id(&self, name: &str) -> bool {
        self.id.is_present() || name == "id"
    }

    pub(crate) fn is_marked_id(&self) -> bool {
        self.id.is_present()
    }

    /// The name of the function that names the field.
    pub(crate) fn function(&self) -> Option<&Ident> {
        self.path.as_ref().or(self.ident.as_ref())
    }

    /// Refuses what no schema can say.
    pub(crate) fn check(&self, serde: &Serde) -> Result<()> {
        if serde.flatten {
            let message = "`flatten` has no place in a schema: give the fields a struct of their own";
            return Err(Error::custom(message).with_span(&self.ident));
        }
        let known = |with: &str| with.rsplit("::").next() == Some("array");
        if serde.with.as_deref().is_some_and(|with| !known(with)) && self.word.is_none() {
            let message = "serde writes this field in a form of its own: say which, as in `#[document(type = \"number\")]`";
            return Err(Error::custom(message).with_span(&self.ident));
        }
        let words = [
            ("type", self.word.is_some()),
            ("email", self.email.is_present()),
            ("url", self.url.is_present()),
            ("embedding", self.embedding.is_present()),
            ("password", self.password.is_present()),
        ];
        let said: Vec<&str> = words.iter().filter(|(_, said)| *said).map(|(word, _)| *word).collect();
        if said.len() > 1 {
            return Err(Error::custom(format!("a field has one type, not `{}`", said.join("` and `")))
                .with_span(&self.ident));
        }
        Ok(())
    }

    /// The shape of the field.
    pub(crate) fn shape(&self, library: &TokenStream, serde: &Serde, all_default: bool) -> TokenStream {
        let (ty, span) = (&self.ty, self.ty.span());
        let mut shape = match &self.word {
            Some(word) if optional(ty).is_some() => {
                quote_spanned!(word.span()=> #library::typed::Shape::word(#word).optional())
            }
            Some(word) => quote_spanned!(word.span()=> #library::typed::Shape::word(#word)),
            None => quote_spanned!(span=> <#ty as #library::typed::Attribute>::shape()),
        };
        for (flag, word) in [(&self.email, "email"), (&self.url, "url"), (&self.password, "password")] {
            if flag.is_present() {
                shape.extend(quote!(.retyped(#word)));
            }
        }
        if self.embedding.is_present() {
            shape.extend(quote!(.embedding()));
        }
        for (flag, rule) in [(&self.trim, "trim"), (&self.lowercase, "lowercase")] {
            if flag.is_present() {
                shape.extend(quote!(.rule(#rule, true)));
            }
        }
        for (value, rule) in [(&self.min, "min"), (&self.max, "max")] {
            if let Some(value) = value {
                shape.extend(quote!(.rule(#rule, #value)));
            }
        }
        if let Some(length) = &self.length {
            shape.extend(quote!(.rule("length", #length)));
        }
        if let Some(pattern) = &self.pattern {
            shape.extend(quote!(.rule("pattern", #pattern)));
        }
        if let Some(rules) = &self.rules {
            shape.extend(quote!(.rules(#rules)));
        }
        match &self.unique {
            Some(Override::Inherit) => shape.extend(quote!(.rule("unique", true))),
            Some(Override::Explicit(group)) => shape.extend(quote!(.rule("unique", #group))),
            None => {}
        }
        if serde.default || serde.skip_if || all_default {
            shape.extend(quote!(.optional()));
        }
        shape
    }

    /// The bytes that the field takes at most: a short key of up to two letters, and the value.
    pub(crate) fn size(&self, library: &TokenStream) -> TokenStream {
        let ty = &self.ty;
        if self.word.is_some() {
            return quote!(#library::typed::Size::Unbounded);
        }
        let size = quote!(<#ty as #library::typed::Attribute>::SIZE);
        let limit =
            self.length.as_ref().map(|length| quote!(#length)).or(self.max.as_ref().map(|max| quote!(#max)));
        let is_text = quote!(matches!(#size, #library::typed::Size::Text));
        match limit {
            // A number's `max` may be of any type.
            Some(limit) => quote!(if #is_text { #size.limited((#limit) as usize) } else { #size }),
            None => size,
        }
    }

    /// The type of what names the field, in a document `R`.
    pub(crate) fn path_type(&self, library: &TokenStream, document: &TokenStream) -> TokenStream {
        let ty = &self.ty;
        match (&self.word, optional(ty)) {
            (None, _) => quote_spanned! {ty.span()=>
                <#ty as #library::typed::Attribute>::Path<#document, #library::typed::Required>
            },
            (Some(_), Some(inner)) => {
                quote!(#library::typed::Field<#document, #inner, #library::typed::Nullable>)
            }
            (Some(_), None) => quote!(#library::typed::Field<#document, #ty, #library::typed::Required>),
        }
    }

    /// What names the field at a path.
    pub(crate) fn path_value(
        &self,
        library: &TokenStream,
        document: &TokenStream,
        path: &TokenStream,
    ) -> TokenStream {
        let ty = &self.ty;
        match &self.word {
            None => quote! {
                <#ty as #library::typed::Attribute>::at::<#document, #library::typed::Required>(#path)
            },
            Some(_) => quote!(#library::typed::Field::new(#path)),
        }
    }

    pub(crate) fn own_partition(&self, name: &str) -> Option<Partition> {
        self.partition
            .is_present()
            .then(|| Partition::new(format!("by{}", pascal(name)), name, self.partition.span()))
    }
}

/// `T` of an `Option<T>`.
fn optional(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if last.ident == "Option" => Some(inner),
        _ => None,
    }
}
