//! Unique fields: which values of a document no other document may hold, and the claims that see to it. Pure.
//!
//! A value is claimed before the document that holds it is written: the claim is an object whose key is made of the
//! value, put with `If-None-Match: *`, so that only one document can have it. After the document has let go of the
//! value the claim is deleted with its ETag. A crash in between leaves a claim too many, which another document may
//! take over once its owner lacks the value and it is older than the grace period.

use serde_json::Value;

mod claim;
mod constraint;

pub use claim::{Claim, ClaimBody};
pub use constraint::Unique;

use crate::key::Keys;
use crate::query::Filter;
use crate::{Document, Result};

/// The claims that a document needs: one for each constraint whose fields all have a value.
///
/// # Errors
/// `TooLarge` when a key passes its limit.
pub(crate) fn claims_of(
    constraints: &[Unique],
    keys: &Keys,
    resource: &str,
    id: &str,
    document: &Document,
) -> Result<Vec<Claim>> {
    let mut claims = Vec::with_capacity(constraints.len());
    for constraint in constraints {
        if let Some(value) = value_of(constraint, document) {
            let key = keys.claim(resource, &constraint.name, &value)?;
            claims.push(Claim { key, field: constraint.name.clone(), value, owner: id.to_owned() });
        }
    }
    Ok(claims)
}

/// The claimed value: that of the field, or the list of the values of all fields. `None` when one is absent or null:
/// as in SQL, any number of documents may lack a unique value.
fn value_of(constraint: &Unique, document: &Document) -> Option<Value> {
    let value = |path: &String| Filter::lookup(document, path).filter(|value| !value.is_null()).cloned();
    match constraint.paths.as_slice() {
        [path] => value(path),
        paths => paths.iter().map(value).collect::<Option<Vec<_>>>().map(Value::Array),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{Schema, SchemaOptions};

    #[test]
    fn a_document_claims_each_unique_value_that_it_holds() {
        let attributes = json!({
            "email": "email|unique|optional",
            "tenant": "string|unique:tenantNumber|optional",
            "at": { "number": "number|unique:tenantNumber|optional" },
        });
        let schema =
            Schema::compile(attributes.as_object().unwrap(), SchemaOptions::default()).expect("a schema");
        let constraints = Unique::all_of(&schema);
        let names: Vec<&str> = constraints.iter().map(|unique| unique.name.as_str()).collect();
        assert_eq!(names, ["email", "tenantNumber"]);

        let check = |document: Value, expected: &[(&str, Value)]| {
            let claims =
                claims_of(&constraints, &Keys::new(""), "users", "u1", document.as_object().unwrap());
            let claims = claims.expect("claims");
            let got: Vec<(&str, Value)> =
                claims.iter().map(|claim| (claim.field.as_str(), claim.value.clone())).collect();
            assert_eq!(got, expected, "{document}");
        };
        check(json!({}), &[]);
        check(json!({"email": null, "tenant": "t"}), &[]);
        check(json!({"email": ""}), &[("email", json!(""))]);
        check(json!({"tenant": "t", "at": {"number": 1}}), &[("tenantNumber", json!(["t", 1]))]);
    }
}
