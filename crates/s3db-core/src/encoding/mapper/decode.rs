//! From flat entries to a document.

use serde_json::{Map, Value};

use super::encode::{is_null_word, one_of, reads_as_json};
use super::flat::{Entry, Flat, Letter, Mark, Slot, Stored};
use super::{Mapper, Node, NodeId, Shape};
use crate::encoding::crypto::Opened;
use crate::encoding::select::Form;
use crate::encoding::text::{self, Decoded as DecodedText};
use crate::encoding::{Codec, Derive, KeyRing, js};
use crate::{Document, Error, ErrorKind, Result};

/// What decoding needs beside the entries.
#[derive(Debug, Clone, Copy)]
pub struct DecodeContext<'a> {
    /// The keys that open secrets.
    pub keys: Option<&'a KeyRing>,
    /// Whether keys may be derived in this call.
    pub derive: Derive,
    /// Whether secrets are opened; else their sealed text is the value.
    pub auto_decrypt: bool,
}

impl Default for DecodeContext<'_> {
    /// No keys, no derivation, secrets to be opened.
    fn default() -> Self {
        Self { keys: None, derive: Derive::CachedOnly, auto_decrypt: true }
    }
}

/// Outcome of [`Mapper::decode`].
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// The document.
    Read(Reading),
    /// The key of a secret is not cached: decode again with [`Derive::Allowed`] on a blocking thread.
    NotCached,
}

/// A decoded document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Its fields in the order of the schema, unknown ones last. Without the id.
    pub document: Document,
    /// Fields that could not be read as what they should be.
    pub warnings: Vec<Warning>,
}

/// A field that could not be read as what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Path of the field.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl Decoded {
    /// The document, unless a key was missing.
    pub fn document(&self) -> Option<&Document> {
        match self {
            Self::Read(reading) => Some(&reading.document),
            Self::NotCached => None,
        }
    }
}

/// Why a value was not read.
enum Stop {
    NotCached,
    Failed(Error),
}

impl Mapper {
    /// Decodes the entries of a record.
    ///
    /// Errors: `Corrupt` when the body must hold fields and is no JSON object; `Crypto`, naming the field, when a secret does
    /// not open. Text in a secret field that was never sealed is
    /// the value.
    pub fn decode(&self, flat: &Flat<'_>, context: &DecodeContext<'_>) -> Result<Decoded> {
        if flat.damaged {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "the fields in the body of the document do not decode",
            )
            .hint("write the document again, or put an older version of its object back"));
        }
        let mut decoder = Decoder { mapper: self, context, reading: Reading::default() };
        match decoder.run(flat) {
            Ok(()) => Ok(Decoded::Read(decoder.reading)),
            Err(Stop::NotCached) => Ok(Decoded::NotCached),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Plain values of some entries, with secrets left sealed.
    pub(crate) fn plain_values(&self, flat: &Flat<'_>) -> Result<Document> {
        let context = DecodeContext { auto_decrypt: false, ..DecodeContext::default() };
        match self.decode(flat, &context)? {
            Decoded::Read(reading) => Ok(reading.document),
            Decoded::NotCached => Ok(Document::new()),
        }
    }
}

struct Decoder<'m, 'c> {
    mapper: &'m Mapper,
    context: &'c DecodeContext<'c>,
    reading: Reading,
}

impl Decoder<'_, '_> {
    fn run(&mut self, flat: &Flat<'_>) -> Result<(), Stop> {
        self.reading.document = Map::with_capacity(flat.entries.len());
        // Nodes are numbered in the order of declaration, an object before its members. Of two entries of one node the
        // later one wins, and unknown fields come last.
        let order = |entry: &&Entry<'_>| match entry.slot {
            Slot::Node(id) | Slot::Plain(id) => id,
            Slot::Unknown(_) => NodeId::MAX,
        };
        if flat.entries.iter().is_sorted_by_key(|entry| order(&entry)) {
            return flat.entries.iter().try_for_each(|entry| self.entry(entry));
        }
        let mut entries: Vec<_> = flat.entries.iter().collect();
        entries.sort_by_key(order);
        entries.into_iter().try_for_each(|entry| self.entry(entry))
    }

    fn entry(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        match &entry.slot {
            Slot::Node(id) => self.node(*id, &entry.value, entry.mark.as_ref())?,
            Slot::Plain(id) => self.plain(*id, &entry.value)?,
            Slot::Unknown(name) => self.unknown(name, &entry.value, entry.mark.as_ref()),
        }
        Ok(())
    }

    fn node(&mut self, id: NodeId, stored: &Stored<'_>, mark: Option<&Mark>) -> Result<(), Stop> {
        let mapper = self.mapper;
        let Some(node) = mapper.node(id) else { return Ok(()) };
        let value = match &node.shape {
            Shape::Leaf(form) => self.leaf(node, form, stored, mark)?,
            Shape::Nested { .. } | Shape::Explicit { .. } => match self.object(stored, mark) {
                Some(value) if node.sealed => Some(self.open_inside(id, value)?),
                value => value,
            },
        };
        if let Some(value) = value {
            self.put(node, value);
        }
        Ok(())
    }

    fn put(&mut self, node: &Node, value: Value) {
        let mut target = &mut self.reading.document;
        for ancestor in &node.ancestors {
            let Some(ancestor) = self.mapper.node(*ancestor) else { return };
            let Some(inside) = object_named(target, &ancestor.name) else { return };
            target = inside;
        }
        target.insert(node.name.clone(), value);
    }

    fn leaf(
        &mut self,
        node: &Node,
        form: &Form,
        stored: &Stored<'_>,
        mark: Option<&Mark>,
    ) -> Result<Option<Value>, Stop> {
        let letter = mark.map_or(Letter::Usual, |mark| mark.letter);
        let text = match stored {
            Stored::Absent => return Ok(None),
            Stored::Null if matches!(form, Form::Codec(Codec::Boolean)) && letter == Letter::Usual => {
                // s3db.js reads every text but the words for true as false.
                return Ok(Some(Value::Bool(false)));
            }
            Stored::Null => return Ok(Some(Value::Null)),
            Stored::Value(value) => return Ok(Some(value.clone())),
            Stored::Text(text) => text,
        };
        if *form == Form::Secret {
            return self.secret(node, text, letter);
        }
        if letter != Letter::Usual {
            return Ok(marked(letter, text));
        }
        let value = match form {
            Form::Codec(codec) => codec.decode(text),
            Form::Accident(codec) => Some(codec.decode(text).unwrap_or_else(|| text.as_ref().into())),
            Form::Text | Form::Password(_) => Some(text.as_ref().into()),
            Form::Compressible => Some(match text::decode(text) {
                DecodedText::Text(plain) if text.starts_with('z') => plain.as_ref().into(),
                _ => text.as_ref().into(),
            }),
            Form::Number => Some(number(text).unwrap_or_else(|| text.as_ref().into())),
            Form::Boolean => Some(boolean(text).unwrap_or_else(|| text.as_ref().into())),
            Form::Any => Some(untyped(text)),
            Form::OneOf(values) => Some(one_of(values, text).cloned().unwrap_or_else(|| untyped(text))),
            Form::Secret => None,
        };
        if value.is_none() {
            self.reading.warnings.push(Warning {
                field: node.path.clone(),
                message: "the stored text is not of the type of the field".to_owned(),
            });
        }
        Ok(value)
    }

    fn secret(&self, node: &Node, text: &str, letter: Letter) -> Result<Option<Value>, Stop> {
        if !self.context.auto_decrypt || text.is_empty() {
            return Ok(Some(text.into()));
        }
        let plain = self.open(&node.path, text)?;
        Ok(match (plain, letter) {
            (None, _) => Some(text.into()),
            (Some(plain), Letter::Usual) => match plain.as_str() {
                "undefined" => None,
                "null" => Some(Value::Null),
                _ => Some(plain.into()),
            },
            (Some(plain), letter) => marked(letter, &plain),
        })
    }

    /// The text inside a sealed one; `None` when it was never sealed.
    fn open(&self, path: &str, text: &str) -> Result<Option<String>, Stop> {
        let Some(keys) = self.context.keys else {
            if !looks_sealed(text) {
                return Ok(None);
            }
            return Err(Stop::Failed(
                Error::new(ErrorKind::Crypto, "a secret cannot be opened without a passphrase")
                    .with("field", path)
                    .hint("give the database its passphrase, for example in S3DB_PASSPHRASE"),
            ));
        };
        match keys.open(text, self.context.derive) {
            Opened::Plain(plain) => Ok(Some(plain)),
            Opened::NotSealed => Ok(None),
            Opened::NotCached => Err(Stop::NotCached),
            _ => Err(Stop::Failed(
                Error::new(ErrorKind::Crypto, "a secret does not open with this passphrase")
                    .with("field", path)
                    .hint("give the passphrase that the record was written with"),
            )),
        }
    }

    fn object(&self, stored: &Stored<'_>, mark: Option<&Mark>) -> Option<Value> {
        match stored {
            Stored::Absent => None,
            Stored::Null => Some(Value::Null),
            Stored::Value(value) => Some(value.clone()),
            Stored::Text(text) if mark.is_some_and(|mark| mark.letter == Letter::Json) => {
                marked(Letter::Json, text)
            }
            Stored::Text(text) => Codec::Object.decode(text),
        }
    }

    /// Opens the secrets of a value that was written as one JSON text.
    fn open_inside(&self, id: NodeId, value: Value) -> Result<Value, Stop> {
        let Some(node) = self.mapper.node(id).filter(|node| node.sealed && self.context.auto_decrypt) else {
            return Ok(value);
        };
        Ok(match (&node.shape, value) {
            (Shape::Leaf(Form::Secret), Value::String(text)) => {
                self.open(&node.path, &text)?.map_or(Value::String(text), Value::String)
            }
            (Shape::Nested { by_name, .. } | Shape::Explicit { by_name, .. }, Value::Object(members)) => {
                let mut out = Map::with_capacity(members.len());
                for (name, value) in members {
                    let value = match by_name.get(&name) {
                        Some(child) => self.open_inside(*child, value)?,
                        None => value,
                    };
                    out.insert(name, value);
                }
                out.into()
            }
            (_, value) => value,
        })
    }

    /// A top-level attribute that stands in a body by its name, with its plain value.
    fn plain(&mut self, id: NodeId, stored: &Stored<'_>) -> Result<(), Stop> {
        let Some(node) = self.mapper.node(id) else { return Ok(()) };
        let value = match stored {
            Stored::Absent => return Ok(()),
            Stored::Null => Value::Null,
            Stored::Text(text) => text.as_ref().into(),
            Stored::Value(value) => value.clone(),
        };
        let value = match (&node.shape, value) {
            (Shape::Leaf(Form::Secret), Value::String(text)) => {
                match self.secret(node, &text, Letter::Usual)? {
                    Some(value) => value,
                    None => return Ok(()),
                }
            }
            (_, value) => self.open_inside(id, value)?,
        };
        self.reading.document.insert(node.name.clone(), value);
        Ok(())
    }

    fn unknown(&mut self, stored_name: &str, stored: &Stored<'_>, mark: Option<&Mark>) {
        let letter = mark.map_or(Letter::Usual, |mark| mark.letter);
        let value = match stored {
            Stored::Absent => return,
            Stored::Null => Some(Value::Null),
            Stored::Value(value) => Some(value.clone()),
            Stored::Text(text) if letter == Letter::Usual => {
                if mark.is_none() && self.flattened(stored_name, text) {
                    return;
                }
                Some(untyped(text))
            }
            Stored::Text(text) => marked(letter, text),
        };
        let Some(value) = value else { return };
        if let Some(name) = mark.and_then(|mark| mark.name.as_ref()) {
            self.reading.document.insert(name.clone(), value);
        } else if stored_name.contains('.') && mark.is_none() {
            put_at(&mut self.reading.document, stored_name, value);
        } else {
            self.reading.document.insert(stored_name.to_owned(), value);
        }
    }

    /// Puts back a property of an explicit object, or a member of an object in an `any` attribute, which s3db.js
    /// stored under a name of its own. Names of the latter are known only as far as the header kept them.
    fn flattened(&mut self, stored_name: &str, text: &str) -> bool {
        let mapper = self.mapper;
        let (root, path, value) = if let Some(property) = mapper.flattened.get(stored_name) {
            let value = match &property.form {
                Form::Number => number(text),
                Form::Boolean => boolean(text),
                Form::Any => Some(untyped(text)),
                _ => None,
            };
            (property.root, property.path.clone(), value.unwrap_or_else(|| text.into()))
        } else {
            let found = mapper
                .flattened_any
                .iter()
                .find_map(|(prefix, root)| Some((stored_name.strip_prefix(prefix)?, *root)));
            let Some((rest, root)) = found else { return false };
            (root, rest.split('_').map(str::to_owned).collect(), untyped(text))
        };
        let Some(root) = mapper.node(root) else { return false };
        // The attribute's own entry is the whole value.
        let document = &mut self.reading.document;
        let mut target = document.entry(root.name.clone()).or_insert_with(|| Map::new().into());
        for name in path {
            let Value::Object(members) = target else { return false };
            target = members.entry(name).or_insert_with(|| Map::new().into());
        }
        *target = value;
        true
    }
}

/// The object under a name, which is made where there is none.
fn object_named<'m>(members: &'m mut Map<String, Value>, name: &str) -> Option<&'m mut Map<String, Value>> {
    // The members of an object follow each other, so that it mostly is what was put last and need not be looked up.
    let is_last = |(last, value): (&String, &Value)| last == name && value.is_object();
    let object = if members.iter().next_back().is_some_and(is_last) {
        members.values_mut().next_back()?
    } else {
        let member = members.entry(name).or_insert(Value::Null);
        if !member.is_object() {
            *member = Map::new().into();
        }
        member
    };
    object.as_object_mut()
}

/// A value that is not under the codec of its attribute.
fn marked(letter: Letter, text: &str) -> Option<Value> {
    Some(match letter {
        Letter::Text | Letter::Usual => text.into(),
        Letter::Number => number(text).unwrap_or_else(|| text.into()),
        Letter::Boolean => boolean(text).unwrap_or_else(|| text.into()),
        Letter::Null => Value::Null,
        Letter::Json => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    })
}

/// A text whose type nobody knows: JSON if it is an array or object.
fn untyped(text: &str) -> Value {
    if reads_as_json(text)
        && let Ok(value) = serde_json::from_str(text)
    {
        return value;
    }
    text.into()
}

fn number(text: &str) -> Option<Value> {
    if text.is_empty() || is_null_word(text) {
        return None;
    }
    match serde_json::from_str(text) {
        Ok(value @ Value::Number(_)) => Some(value),
        _ => serde_json::Number::from_f64(js::parse_number(text)).map(Value::Number),
    }
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "1" => Some(true.into()),
        "false" | "0" => Some(false.into()),
        _ => None,
    }
}

/// Puts a value at a dotted path that s3db.js has flattened; a segment of digits makes an array.
fn put_at(document: &mut Document, path: &str, value: Value) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut target = document.entry(first.to_owned()).or_insert(Value::Null);
    for segment in rest.split('.') {
        let index = segment.parse::<usize>().ok().filter(|index| *index < 10_000);
        match (&mut *target, index) {
            (Value::Object(_) | Value::Array(_), _) => {}
            (other, Some(_)) => *other = Value::Array(Vec::new()),
            (other, None) => *other = Map::new().into(),
        }
        target = match (target, index) {
            (Value::Array(items), Some(index)) => {
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                let Some(item) = items.get_mut(index) else { return };
                item
            }
            (Value::Object(members), _) => members.entry(segment.to_owned()).or_insert(Value::Null),
            _ => return,
        };
    }
    *target = value;
}

/// Whether a text has the shape of a sealed one: base64 of a salt, a nonce, and a tag at least.
fn looks_sealed(text: &str) -> bool {
    text.len() >= 60
        && text.len().is_multiple_of(4)
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}
