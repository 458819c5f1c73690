//! The flat form of a document: one entry for each leaf.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::NodeId;
use crate::encoding::js;

/// A document between the codecs and the object: named texts, each part of one top-level attribute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flat<'a> {
    pub(crate) entries: Vec<Entry<'a>>,
    /// Whether it holds a date, which s3db.js cannot decode twice.
    pub(crate) holds_date: bool,
    /// Whether decoding, with secrets opened, surely gives back the very document that was encoded, but for `rounded`.
    pub(crate) exact: bool,
    /// Embeddings, which a reader gets [rounded](super::Mapper::round).
    pub(crate) rounded: Vec<NodeId>,
    /// Whether the body, which must hold fields, is no JSON object.
    pub(crate) damaged: bool,
}

/// One leaf.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) slot: Slot<'a>,
    /// Entries of one top-level attribute have the same number, and follow each other.
    pub(crate) group: u32,
    pub(crate) value: Stored<'a>,
    pub(crate) mark: Option<Mark>,
    /// What the writer may do with it.
    pub(crate) kind: Kind,
}

/// What an entry stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Slot<'a> {
    /// A node of the schema; stored under its short key.
    Node(NodeId),
    /// A top-level attribute of the schema with its plain value.
    Plain(NodeId),
    /// An attribute that the schema does not know.
    Unknown(Cow<'a, str>),
}

/// The value of an entry after the field codec.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored<'a> {
    Null,
    Absent,
    Text(Cow<'a, str>),
    /// No codec applied: a number or boolean, and from a JSON body any value.
    Value(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// May be cut.
    Text,
    Secret,
    Other,
}

/// What the stored text alone does not tell about a value that the codec of its attribute does not fit.
///
/// Kept in the private metadata entry `_x`, a JSON object from stored names to a letter and, if the stored name is not
/// the attribute's, its name. s3db.js ignores it, and drops it when it writes the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) letter: Letter,
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    /// The text itself.
    Text,
    Number,
    Boolean,
    Null,
    Json,
    /// As the attribute says; only the name is marked.
    Usual,
}

impl Letter {
    fn symbol(self) -> char {
        match self {
            Self::Text => 's',
            Self::Number => 'n',
            Self::Boolean => 'b',
            Self::Null => 'z',
            Self::Json => 'j',
            Self::Usual => 'u',
        }
    }

    fn of(symbol: char) -> Option<Self> {
        Some(match symbol {
            's' => Self::Text,
            'n' => Self::Number,
            'b' => Self::Boolean,
            'z' => Self::Null,
            'j' => Self::Json,
            'u' => Self::Usual,
            _ => return None,
        })
    }
}

impl Mark {
    pub(crate) fn of(letter: Letter) -> Option<Self> {
        Some(Self { letter, name: None })
    }
}

/// The marks of one record by stored name.
#[derive(Debug, Default)]
pub(crate) struct Marks(Map<String, Value>);

impl Marks {
    pub(crate) fn insert(&mut self, stored_name: &str, mark: &Mark) {
        let mut text = String::from(mark.letter.symbol());
        text.push_str(mark.name.as_deref().unwrap_or_default());
        self.0.insert(stored_name.to_owned(), text.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn print(self) -> String {
        js::to_json(&self.0.into())
    }

    /// Reads what [`print`](Self::print) gave; marks that are damaged count as absent.
    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    pub(crate) fn get(&self, stored_name: &str) -> Option<Mark> {
        let text = self.0.get(stored_name)?.as_str()?;
        let symbol = text.chars().next()?;
        let name = text.get(1..).filter(|name| !name.is_empty());
        Some(Mark { letter: Letter::of(symbol)?, name: name.map(str::to_owned) })
    }
}

impl Stored<'_> {
    /// Bytes as s3db.js counts them, before the text codec.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Absent => 0,
            Self::Text(text) => text.len(),
            Self::Value(value) => crate::encoding::size::value_bytes(value),
        }
    }

    /// The value of a metadata entry.
    pub(crate) fn metadata_text(&self) -> Cow<'_, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Absent => Cow::Borrowed("undefined"),
            Self::Text(text) => crate::encoding::text::encode_exact(text),
            Self::Value(value) => match js::to_text(value) {
                text if text.is_ascii() => Cow::Owned(text),
                text => Cow::Owned(crate::encoding::text::encode_exact(&text).into_owned()),
            },
        }
    }

    /// Appends the member value of a JSON body.
    pub(crate) fn push_json(&self, out: &mut String) {
        match self {
            Self::Null | Self::Absent => out.push_str("null"),
            Self::Text(text) => js::push_json_string(out, text),
            Self::Value(value) => js::push_json(out, value),
        }
    }
}
