//! Runs `validator::Validate` where a type has it.
//!
//! The derive macro calls `check` on a reference to [`Checked`]. The compiler looks for methods of the value before
//! those of a reference to it, so that [`ByValidator`] wins where its bound holds, and [`ByNothing`] elsewhere.

use crate::Result;

/// A value to check.
#[derive(Debug)]
pub struct Checked<'a, T>(pub &'a T);

/// Checks nothing.
pub trait ByNothing {
    /// Finds no fault.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

impl<T> ByNothing for &Checked<'_, T> {}

/// Checks what the type says of itself.
#[cfg(feature = "validator")]
pub trait ByValidator {
    /// Errors: `Validation` with every failing field.
    fn check(&self) -> Result<()>;
}

#[cfg(feature = "validator")]
impl<T: validator::Validate> ByValidator for Checked<'_, T> {
    fn check(&self) -> Result<()> {
        let Err(errors) = self.0.validate() else { return Ok(()) };
        let mut fields = Vec::new();
        collect("", &errors, &mut fields);
        Err(crate::Error::validation(fields))
    }
}

#[cfg(feature = "validator")]
fn collect(path: &str, errors: &validator::ValidationErrors, fields: &mut Vec<crate::FieldError>) {
    use validator::ValidationErrorsKind as Kind;

    let mut found: Vec<_> = errors.errors().iter().collect();
    found.sort_by_key(|(name, _)| name.to_string());
    for (name, kind) in found {
        let path = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match kind {
            Kind::Field(failed) => fields.extend(failed.iter().map(|error| {
                // The parameters hold the value, which may be a secret.
                let message = error
                    .message
                    .as_ref()
                    .map_or_else(|| format!("fails `{}`", error.code), ToString::to_string);
                crate::FieldError::new(path.clone(), error.code.as_ref(), message)
            })),
            Kind::Struct(inner) => collect(&path, inner, fields),
            Kind::List(items) => {
                for (at, inner) in items {
                    collect(&format!("{path}[{at}]"), inner, fields);
                }
            }
        }
    }
}
