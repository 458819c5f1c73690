//! How many bytes a value can take in the metadata of an object. Pure.

use std::fmt;

/// Bytes that a value takes in the metadata at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Never more than this.
    AtMost(usize),
    /// A text of any length.
    Text,
    /// No limit is known: a list, a map.
    Unbounded,
}

impl Size {
    /// Bytes that the fields of a document may take on S3, beside the version of the schema and the times.
    pub const DOCUMENT_BYTES_MAX: usize = crate::encoding::size::METADATA_BYTES_MAX - 80;

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::AtMost(a), Self::AtMost(b)) => Self::AtMost(a + b),
            _ => Self::Unbounded,
        }
    }

    /// A text of so many UTF-16 units: at most three bytes of UTF-8 each, which the text codec writes in at most four
    /// thirds, with a prefix of two.
    #[must_use]
    pub const fn text(units_max: usize) -> Self {
        Self::AtMost(2 + (units_max * 3).div_ceil(3) * 4)
    }

    /// The same, for a text whose schema limits it to so many UTF-16 units.
    #[must_use]
    pub const fn limited(self, units_max: usize) -> Self {
        if matches!(self, Self::Text) { Self::text(units_max) } else { self }
    }

    /// Whether no value can take more than `bytes`.
    pub const fn fits(self, bytes: usize) -> bool {
        matches!(self, Self::AtMost(most) if most <= bytes)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bytes) => write!(f, "at most {bytes} bytes"),
            Self::Text | Self::Unbounded => f.write_str("unbounded"),
        }
    }
}
