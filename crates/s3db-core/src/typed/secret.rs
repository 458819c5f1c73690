//! A value that is sealed at rest and never printed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Attribute, Field, Shape, Size};

/// A value that is sealed before it leaves the process, and that `Debug` does not show.
///
/// In a list or a map the whole list or map is sealed. Serialising it gives the value: that is how it is written.
///
/// ```
/// use s3db_core::typed::Secret;
///
/// let token = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{token:?}"), "Secret(…)");
/// assert_eq!(token.expose(), "hunter2");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the value out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T: Attribute> Attribute for Secret<T> {
    type Path<R, K> = Field<R, Self, K>;
    // Sealed bytes are longer than the value, by salt, nonce and tag.
    const SIZE: Size = Size::Unbounded;

    fn shape() -> Shape {
        T::shape().sealed()
    }

    fn at<R, K>(path: Cow<'static, str>) -> Self::Path<R, K> {
        Field::new(path)
    }
}
