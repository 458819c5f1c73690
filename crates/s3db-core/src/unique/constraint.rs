//! What the schema says must be unique.

use crate::schema::Schema;

/// One constraint: no two documents of the resource hold the same value in its field, or the same values in all of
/// its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unique {
    /// The field, or the name that the fields share: `unique:tenantEmail` on each of them.
    pub name: String,
    /// Dotted paths, in the order of the schema.
    pub paths: Vec<String>,
}

impl Unique {
    /// The constraints of a schema: one for each field with the rule `unique`, and one for each name given to it.
    pub fn all_of(schema: &Schema) -> Vec<Self> {
        let mut constraints: Vec<Self> = Vec::new();
        for field in schema.fields().iter().filter(|field| field.unique) {
            let name = field.unique_group.as_deref().unwrap_or(&field.path);
            match constraints.iter_mut().find(|constraint| constraint.name == name) {
                Some(constraint) => constraint.paths.push(field.path.clone()),
                None => constraints.push(Self { name: name.to_owned(), paths: vec![field.path.clone()] }),
            }
        }
        constraints
    }
}
