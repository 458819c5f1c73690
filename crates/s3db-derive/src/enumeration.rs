//! Enums and tuple structs: types without fields of their own.

use darling::{Error, Result};
use proc_macro2::TokenStream;
use quote::quote;

use crate::container::{Container, Variant};
use crate::field::Field;
use crate::serde::Serde;

impl Container {
    /// One text of several where no variant holds data, else any JSON.
    pub(crate) fn enumeration(&self, variants: &[Variant], serde: &Serde) -> Result<TokenStream> {
        self.refuse_options()?;
        let library = self.library();
        if serde.untagged || serde.with.is_some() || variants.iter().any(|variant| !variant.fields.is_unit())
        {
            let (size, shape) =
                (quote!(#library::typed::Size::Unbounded), quote!(#library::typed::Shape::json()));
            return Ok(self.leaf(&size, &shape));
        }
        let mut names = Vec::new();
        for variant in variants {
            let of_variant = Serde::of(&variant.attrs)?;
            if !of_variant.skip {
                let ident = variant.ident.to_string();
                let name = serde.rename_all.variant(ident.trim_start_matches("r#"));
                names.push(of_variant.rename.unwrap_or(name));
            }
        }
        if names.is_empty() {
            return Err(Error::custom("an enum of a document needs a variant").with_span(&self.ident));
        }
        let longest = names.iter().map(String::len).max().unwrap_or_default();
        let size = quote!(#library::typed::Size::text(#longest));
        Ok(self.leaf(&size, &quote!(#library::typed::Shape::one_of([#(#names),*]))))
    }

    /// What its only field is; a list of several is any JSON.
    pub(crate) fn tuple(&self, fields: &[Field], serde: &Serde) -> Result<TokenStream> {
        self.refuse_options()?;
        let library = self.library();
        match fields {
            [field] => {
                let of_field = field.serde()?;
                field.check(&of_field)?;
                let shape = field.shape(&library, &of_field, serde.default);
                Ok(self.leaf(&field.size(&library), &shape))
            }
            _ => {
                Ok(self
                    .leaf(&quote!(#library::typed::Size::Unbounded), &quote!(#library::typed::Shape::json())))
            }
        }
    }

    fn leaf(&self, size: &TokenStream, shape: &TokenStream) -> TokenStream {
        let (ident, library) = (&self.ident, self.library());
        quote! {
            const _: () = {
                impl #library::typed::Attribute for #ident {
                    type Path<R, K> = #library::typed::Field<R, Self, K>;

                    const SIZE: #library::typed::Size = #size;

                    fn shape() -> #library::typed::Shape {
                        #shape
                    }

                    fn at<R, K>(path: ::std::borrow::Cow<'static, str>) -> Self::Path<R, K> {
                        #library::typed::Field::new(path)
                    }
                }
            };
        }
    }
}
