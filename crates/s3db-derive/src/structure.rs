//! Structs with named fields.

use darling::{Error, Result};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::container::Container;
use crate::field::Field;
use crate::serde::Serde;

/// A field with what was worked out of it.
struct Member<'a> {
    field: &'a Field,
    serde: Serde,
    name: String,
}

impl Container {
    pub(crate) fn structure(&self, fields: &[Field], serde: &Serde) -> Result<TokenStream> {
        let members = members(fields, serde)?;
        let (ids, members): (Vec<Member<'_>>, Vec<Member<'_>>) = match self.resource {
            Some(_) => members.into_iter().partition(|member| member.field.is_id(&member.name)),
            None => (Vec::new(), members),
        };
        let id = single_id(&ids)?;
        if members.is_empty() {
            return Err(
                Error::custom("a document needs at least one field beside its id").with_span(&self.ident)
            );
        }
        let attribute = self.attribute(&members, serde);
        let paths = self.paths(&members, id);
        let document = match &self.resource {
            Some(_) => self.document(&members, id)?,
            None => {
                self.refuse_options()?;
                refuse_id(&members)?;
                TokenStream::new()
            }
        };
        Ok(quote! {
            const _: () = {
                #attribute
                #paths
                #document
            };
        })
    }

    fn attribute(&self, members: &[Member<'_>], serde: &Serde) -> TokenStream {
        let (ident, library, path) = (&self.ident, self.library(), format_ident!("{}Path", self.ident));
        let shapes = members.iter().map(|member| {
            let (name, shape) = (&member.name, member.field.shape(&library, &member.serde, serde.default));
            quote!((#name, #shape))
        });
        let sizes = members.iter().map(|member| member.field.size(&library));
        quote! {
            impl #library::typed::Attribute for #ident {
                type Path<R, K> = #path<R, K>;

                // Each field has a short key of up to two letters.
                const SIZE: #library::typed::Size =
                    #library::typed::Size::AtMost(0)#(.and(#library::typed::Size::AtMost(2).and(#sizes)))*;

                fn shape() -> #library::typed::Shape {
                    #library::typed::Shape::object([#(#shapes),*])
                }

                fn at<R, K>(path: ::std::borrow::Cow<'static, str>) -> #path<R, K> {
                    #path(#library::typed::Field::new(path))
                }
            }
        }
    }

    /// What names the fields: `User::paths().address().city()`, and for a resource `User::address().city()`.
    fn paths(&self, members: &[Member<'_>], id: Option<&Member<'_>>) -> TokenStream {
        let (ident, vis, library) = (&self.ident, &self.vis, self.library());
        let path = format_ident!("{ident}Path");
        let whole = quote!(#library::typed::Field<R, #ident, K>);
        let inner = members.iter().map(|member| {
            let (function, name) = (member.field.function(), &member.name);
            let returned = member.field.path_type(&library, &quote!(R));
            let value = member.field.path_value(&library, &quote!(R), &quote!(self.0.join(#name)));
            let doc = format!("The field `{name}`.");
            quote! {
                #[doc = #doc]
                pub fn #function(&self) -> #returned {
                    #value
                }
            }
        });
        let outer = self.resource.as_ref().filter(|_| !self.no_paths.is_present()).map(|_| {
            let functions = members.iter().map(|member| {
                let (function, name, vis) = (member.field.function(), &member.name, &member.field.vis);
                let returned = member.field.path_type(&library, &quote!(Self));
                let path = quote!(::std::borrow::Cow::Borrowed(#name));
                let value = member.field.path_value(&library, &quote!(Self), &path);
                let doc = format!("The field `{name}`, for queries and changes.");
                quote! {
                    #[doc = #doc]
                    #vis fn #function() -> #returned {
                        #value
                    }
                }
            });
            let id = id.map(|member| {
                let (function, vis) = (member.field.function(), &member.field.vis);
                quote! {
                    /// The id, for queries.
                    #vis fn #function() -> #library::typed::Field<Self, ::std::string::String> {
                        #library::typed::Field::new("id")
                    }
                }
            });
            quote! {
                impl #ident {
                    #id
                    #(#functions)*
                }
            }
        });
        quote! {
            /// Names the fields.
            #vis struct #path<R, K>(#whole);

            impl<R, K> #path<R, K> {
                #(#inner)*
            }

            impl<R, K> ::std::ops::Deref for #path<R, K> {
                type Target = #whole;

                fn deref(&self) -> &#whole {
                    &self.0
                }
            }

            impl<R, K> ::std::fmt::Debug for #path<R, K> {
                fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                    ::std::fmt::Debug::fmt(&self.0, f)
                }
            }

            #outer
        }
    }

    fn document(&self, members: &[Member<'_>], id: Option<&Member<'_>>) -> Result<TokenStream> {
        let (ident, library, resource) = (&self.ident, self.library(), &self.resource);
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        let fields: Vec<&Field> = members.iter().map(|member| member.field).collect();
        let options = self.options(&fields, &names)?;
        let id = id.map(|member| {
            let (name, ty) = (&member.name, &member.field.ty);
            quote! {
                fn id_field() -> ::std::option::Option<#library::typed::IdField> {
                    let shape = <#ty as #library::typed::Attribute>::shape();
                    ::std::option::Option::Some(#library::typed::IdField::new(#name, &shape))
                }
            }
        });
        let must_fit = self.must_fit.is_present().then(|| {
            let message = format!(
                "a document of `{ident}` may not fit the metadata: give its texts a `max`, and keep lists and maps out"
            );
            quote! {
                const _: () = ::std::assert!(
                    <#ident as #library::typed::Attribute>::SIZE.fits(#library::typed::Size::DOCUMENT_BYTES_MAX),
                    #message
                );
            }
        });
        Ok(quote! {
            impl #library::typed::TypedDocument for #ident {
                const RESOURCE: &'static str = #resource;

                fn config() -> #library::ResourceConfig {
                    let attributes = <Self as #library::typed::Attribute>::shape().attributes();
                    #library::ResourceConfig::new(<Self as #library::typed::TypedDocument>::RESOURCE, attributes)
                        #options
                }

                #id

                fn check(&self) -> #library::Result<()> {
                    use #library::typed::macros::*;

                    (&Checked(self)).check()
                }
            }

            #must_fit
        })
    }
}

/// The fields that documents hold.
fn members<'a>(fields: &'a [Field], container: &Serde) -> Result<Vec<Member<'a>>> {
    let mut errors = Error::accumulator();
    let mut members: Vec<Member<'a>> = Vec::new();
    for field in fields {
        let member = errors.handle_in(|| {
            let serde = field.serde()?;
            if serde.skip {
                return Ok(None);
            }
            field.check(&serde)?;
            let name = field.name(&serde, container.rename_all)?;
            if members.iter().any(|member| member.name == name) {
                return Err(Error::custom(format!("two fields are called `{name}`")).with_span(&field.ident));
            }
            Ok(Some(Member { field, serde, name }))
        });
        members.extend(member.flatten());
    }
    errors.finish_with(members)
}

/// The field that holds the id: the one that is marked, or else the one of that name.
fn single_id<'a, 'b>(ids: &'a [Member<'b>]) -> Result<Option<&'a Member<'b>>> {
    match ids {
        [] => Ok(None),
        [id] => Ok(Some(id)),
        [_, second, ..] => {
            let message = "a document has one id: another field is marked with `id` or has that name";
            Err(Error::custom(message).with_span(&second.field.ident))
        }
    }
}

fn refuse_id(members: &[Member<'_>]) -> Result<()> {
    match members.iter().find(|member| member.field.is_marked_id()) {
        None => Ok(()),
        Some(member) => {
            let message =
                "only the documents of a resource have an id: name it with `#[document(resource = \"…\")]`";
            Err(Error::custom(message).with_span(&member.field.ident))
        }
    }
}
