//! Where a document goes: metadata, body, or an error. Pure.

mod body;
mod content;
mod cut;
mod gather;
mod names;
mod place;
mod stamp;
mod weigh;

use std::fmt;
use std::str::FromStr;

pub(crate) use content::{Told, is_content, is_like_ours, told};
pub use gather::gather;
pub use place::{Exceeded, PlaceContext, Placement, place};
pub use stamp::stamp_of;
pub(crate) use stamp::{alone as stamp_alone, is_stamp_alone};
pub(crate) use weigh::weigh;
pub use weigh::{Fate, FieldWeight, Outcome, Weight};

use crate::{Error, ErrorKind};

/// Private metadata entries and body members.
pub(crate) mod private {
    /// Version of the definition that the writer had.
    pub(crate) const VERSION: &str = "_v";
    /// Fields are in the body, beside those in the metadata.
    pub(crate) const OVERFLOW: &str = "_overflow";
    /// Fields were cut or dropped.
    pub(crate) const TRUNCATED: &str = "_truncated";
    /// The map from paths to short keys at the time of writing.
    pub(crate) const MAP: &str = "_map";
    /// The same for plugin attributes.
    pub(crate) const PLUGIN_MAP: &str = "_pluginmap";
    /// Ours: what the stored texts do not tell.
    pub(crate) const MARKS: &str = "_x";
    /// Ours: the body holds plain values by attribute name.
    pub(crate) const NAMED: &str = "_named";
    /// The body is content of the user.
    pub(crate) const HAS_CONTENT: &str = "_hascontent";
    /// Its length, in bytes; s3db.js counts texts in units of UTF-16.
    pub(crate) const CONTENT_LENGTH: &str = "_contentlength";
    /// Ours: the stamp of a write, where the body cannot hold it.
    pub(crate) const STAMP: &str = "_w";
    /// Its type.
    pub(crate) const MIME_TYPE: &str = "_mimetype";
}

/// What happens to a document that does not fit into the metadata of its object.
///
/// ```
/// use s3db_core::behavior::Behavior;
///
/// assert_eq!("body-overflow".parse::<Behavior>().unwrap(), Behavior::BodyOverflow);
/// assert_eq!(Behavior::default().to_string(), "user-managed");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Behavior {
    /// All of it goes to the body, and the caller is told.
    #[default]
    UserManaged,
    /// It is refused.
    EnforceLimits,
    /// The longest text is cut, and what still does not fit is dropped; the caller is told.
    TruncateData,
    /// The biggest attributes go to the body.
    BodyOverflow,
    /// Documents are always in the body.
    BodyOnly,
}

impl Behavior {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::UserManaged, Self::EnforceLimits, Self::TruncateData, Self::BodyOverflow, Self::BodyOnly];

    /// The name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserManaged => "user-managed",
            Self::EnforceLimits => "enforce-limits",
            Self::TruncateData => "truncate-data",
            Self::BodyOverflow => "body-overflow",
            Self::BodyOnly => "body-only",
        }
    }
}

impl fmt::Display for Behavior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Behavior {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|behavior| behavior.as_str() == name).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "unknown behavior")
                .with("behavior", name)
                .hint("use user-managed, enforce-limits, truncate-data, body-overflow or body-only")
        })
    }
}

#[cfg(test)]
mod tests;
