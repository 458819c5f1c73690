//! What `#[document(…)]` says of a type, and the code that comes of it.

use darling::ast::{Data, Fields};
use darling::util::Flag;
use darling::{Error, FromDeriveInput, FromVariant, Result};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, Generics, Ident, LitStr, Path, Visibility};

use crate::field::Field;
use crate::partition::Partition;
use crate::serde::Serde;

/// A type with its attributes.
#[derive(Debug, FromDeriveInput)]
#[darling(
    attributes(document),
    forward_attrs(serde),
    supports(struct_named, struct_newtype, struct_tuple, enum_any)
)]
pub(crate) struct Container {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    generics: Generics,
    attrs: Vec<Attribute>,
    data: Data<Variant, Field>,

    /// Name of the resource.
    pub(crate) resource: Option<LitStr>,
    /// What happens to documents over the metadata limit.
    behavior: Option<LitStr>,
    timestamps: Flag,
    /// Whether `delete_all` needs force.
    paranoid: Option<bool>,
    #[darling(multiple)]
    partition: Vec<Partition>,
    /// Makes no functions that name the fields.
    pub(crate) no_paths: Flag,
    /// Refuses to compile when a document could pass the limit of the metadata.
    pub(crate) must_fit: Flag,
    /// Where the library is, when it is not `::s3db`.
    #[darling(rename = "crate")]
    library: Option<Path>,
}

/// A variant of an enum.
#[derive(Debug, FromVariant)]
#[darling(attributes(document), forward_attrs(serde))]
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) fields: Fields<syn::Field>,
}

const BEHAVIORS: &[(&str, &str)] = &[
    ("user-managed", "UserManaged"),
    ("enforce-limits", "EnforceLimits"),
    ("truncate-data", "TruncateData"),
    ("body-overflow", "BodyOverflow"),
    ("body-only", "BodyOnly"),
];

impl Container {
    pub(crate) fn expand(self) -> Result<TokenStream> {
        if !self.generics.params.is_empty() {
            return Err(Error::custom(
                "a document has no type parameters or lifetimes: the schema of a resource is one schema",
            )
            .with_span(&self.generics));
        }
        let serde = Serde::of(&self.attrs)?;
        match &self.data {
            Data::Enum(variants) => {
                self.refuse_resource("an enum")?;
                self.enumeration(variants, &serde)
            }
            Data::Struct(fields) if fields.is_struct() && !serde.transparent => {
                self.structure(&fields.fields, &serde)
            }
            Data::Struct(fields) => {
                self.refuse_resource("a tuple struct")?;
                self.tuple(&fields.fields, &serde)
            }
        }
    }

    /// The library's path.
    pub(crate) fn library(&self) -> TokenStream {
        self.library.as_ref().map_or_else(|| quote!(::s3db), |path| quote!(#path))
    }

    fn refuse_resource(&self, what: &str) -> Result<()> {
        match &self.resource {
            None => Ok(()),
            Some(resource) => {
                let message =
                    format!("the documents of a resource are structs with named fields, and this is {what}");
                Err(Error::custom(message).with_span(resource))
            }
        }
    }

    /// The builder calls that the options of the resource need. `known` are the names of the fields.
    pub(crate) fn options(&self, fields: &[&Field], names: &[&str]) -> Result<TokenStream> {
        let library = self.library();
        let mut options = TokenStream::new();
        if let Some(behavior) = &self.behavior {
            let Some((_, variant)) = BEHAVIORS.iter().find(|(name, _)| *name == behavior.value()) else {
                let names: Vec<&str> = BEHAVIORS.iter().map(|(name, _)| *name).collect();
                return Err(Error::custom(format!(
                    "unknown behavior; the behaviors are {}",
                    names.join(", ")
                ))
                .with_span(behavior));
            };
            let variant = Ident::new(variant, Span::call_site());
            options.extend(quote!(.behavior(#library::behavior::Behavior::#variant)));
        }
        if self.timestamps.is_present() {
            options.extend(quote!(.timestamps(true)));
        }
        if let Some(paranoid) = self.paranoid {
            options.extend(quote!(.paranoid(#paranoid)));
        }
        let known: Vec<&str> = match self.timestamps.is_present() {
            true => names.iter().copied().chain(["createdAt", "updatedAt"]).collect(),
            false => names.to_vec(),
        };
        let of_fields = fields.iter().zip(names).filter_map(|(field, name)| field.own_partition(name));
        let of_fields: Vec<Partition> = of_fields.collect();
        let partitions: Vec<TokenStream> = self
            .partition
            .iter()
            .chain(&of_fields)
            .map(|partition| partition.expand(&known))
            .collect::<Result<_>>()?;
        if !partitions.is_empty() {
            options.extend(quote!(.partitions(#library::typed::macros::partitions(&[#(#partitions),*]))));
        }
        Ok(options)
    }

    /// Complains of options that only the type of a resource can have.
    pub(crate) fn refuse_options(&self) -> Result<()> {
        let has_options = self.behavior.is_some()
            || self.timestamps.is_present()
            || self.paranoid.is_some()
            || !self.partition.is_empty();
        match has_options {
            false => Ok(()),
            true => {
                Err(Error::custom("options of a resource need its name: `#[document(resource = \"…\")]`")
                    .with_span(&self.ident))
            }
        }
    }
}
