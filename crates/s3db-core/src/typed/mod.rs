//! Documents as Rust types: what `#[derive(Document)]` implements, and resources that speak of it.
//!
//! The guide is `docs/typed.md`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ResourceConfig, Result};

mod convert;
mod diff;
mod expr;
mod field;
mod lists;
mod open;
mod patch;
mod query;
mod record;
mod resource;
mod secret;
mod shape;
mod size;
mod stream;
mod times;
mod validate;
mod values;
mod write;

pub use convert::IdField;
pub use diff::{Difference, SchemaDiff};
pub use expr::Expr;
pub use field::{Field, Nullable, Operand, Required, SortBy};
pub use open::OpenTyped;
pub use patch::Patch;
pub use query::TypedQuery;
pub use record::{Stored, TypedListing, TypedPage};
pub use resource::Typed;
pub use secret::Secret;
pub use shape::Shape;
pub use size::Size;
pub use stream::{TypedDocuments, TypedSink};
pub use write::TypedIfMatch;

/// Helpers for `#[serde(with = "…")]`.
pub mod array;

/// What the code of the derive macro calls. Not for people.
#[doc(hidden)]
pub mod macros {
    pub use super::validate::{ByNothing, Checked};

    #[cfg(feature = "validator")]
    pub use super::validate::ByValidator;

    /// Partitions, as a resource's configuration has them: names with fields and their rules.
    pub fn partitions(partitions: &[(&str, &[(&str, &str)])]) -> serde_json::Value {
        let one = |(name, fields): &(&str, &[(&str, &str)])| {
            let fields = fields.iter().map(|(path, rule)| ((*path).to_owned(), (*rule).into())).collect();
            let partition =
                crate::Document::from_iter([("fields".to_owned(), serde_json::Value::Object(fields))]);
            ((*name).to_owned(), serde_json::Value::Object(partition))
        };
        serde_json::Value::Object(partitions.iter().map(one).collect())
    }
}

/// A Rust type that an attribute of a document can have.
///
/// Numbers, booleans, texts, `Option`, `Vec`, maps, times, UUIDs and addresses have it; `#[derive(Document)]` gives it
/// to structs and enums.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no type of an attribute",
    label = "s3db does not know how to store this",
    note = "derive `Document` for it, or say how it is stored: `#[document(type = \"json\")]`",
    note = "times of chrono and decimals need the features `chrono` and `decimal`"
)]
pub trait Attribute: Sized {
    /// What names a field of this type, in a document `R`. `K` says whether the field can be empty.
    type Path<R, K>;

    /// Bytes that a value takes in the metadata at most.
    const SIZE: Size;

    /// How the type is declared in a schema.
    fn shape() -> Shape;

    /// Names the field at a dotted path.
    fn at<R, K>(path: std::borrow::Cow<'static, str>) -> Self::Path<R, K>;

    /// The form in which a value is stored, for comparing: times have exactly three decimals.
    fn normal(value: serde_json::Value) -> serde_json::Value {
        value
    }
}

/// A Rust type whose values are the documents of a resource; `#[derive(Document)]` with a `resource` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no document of a resource",
    label = "needs `#[derive(Document)]` and the name of a resource",
    note = "derive `Document` and name the resource: `#[document(resource = \"users\")]`"
)]
pub trait TypedDocument: Attribute + Serialize + DeserializeOwned {
    /// Name of the resource.
    const RESOURCE: &'static str;

    /// The definition that [`Database::resource_of`](crate::Database::resource_of) opens or creates.
    fn config() -> ResourceConfig;

    /// The field that holds the id, if one does.
    fn id_field() -> Option<IdField> {
        None
    }

    /// Checks that the schema cannot express: those of `validator::Validate`, where the type derives it.
    ///
    /// Errors: `Validation` with every failing field.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Names of all fields, from which queries and changes are made: `User::paths().age().gt(30)`.
    fn paths() -> Self::Path<Self, Required> {
        Self::at(std::borrow::Cow::Borrowed(""))
    }
}
