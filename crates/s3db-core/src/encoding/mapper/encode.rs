//! From a document to flat entries.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use super::decode::DecodeContext;
use super::flat::{Entry, Flat, Kind, Letter, Mark, Slot, Stored};
use super::{Mapper, Node, NodeId, Shape};
use crate::encoding::crypto::Opened;
use crate::encoding::select::{Form, PasswordAlgorithm};
use crate::encoding::{Codec, Derive, Encoded, KeyRing, fixed, js, password};
use crate::env::Random;
use crate::{Document, Error, ErrorKind, Result};

/// Fields that a record carries when it is handed out. They are not part of the document.
const SYSTEM_FIELDS: [&str; 10] = [
    "id",
    "_v",
    "_etag",
    "_lastModified",
    "_contentLength",
    "_hasContent",
    "_mimeType",
    "_definitionHash",
    "_originalVersion",
    "_versionMapped",
];

/// Hashes a password into its compact form. Takes a good part of a second.
pub type HashPassword<'a> = &'a (dyn Fn(&str, PasswordAlgorithm) -> Result<String> + Sync);

/// What encoding needs beside the document.
#[derive(Clone, Copy)]
pub struct EncodeContext<'a> {
    /// The keys that seal secrets; needed only by documents with secrets.
    pub keys: Option<&'a KeyRing>,
    /// Hashes passwords; needed only by documents with passwords.
    pub hash_password: Option<HashPassword<'a>>,
    /// Source of nonces.
    pub random: &'a dyn Random,
}

impl<'a> EncodeContext<'a> {
    /// A context without keys and without a way to hash passwords.
    pub fn new(random: &'a dyn Random) -> Self {
        Self { keys: None, hash_password: None, random }
    }
}

impl fmt::Debug for EncodeContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodeContext").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Mapper {
    /// Encodes a validated document, whose texts are borrowed where they are stored as they are. Secrets are sealed
    /// and passwords hashed.
    ///
    /// Errors: `Crypto` when a secret has no key to be sealed with; `Unsupported` when a password cannot be hashed.
    pub fn encode<'d>(&self, document: &'d Document, context: &EncodeContext<'_>) -> Result<Flat<'d>> {
        let mut encoder = Encoder {
            mapper: self,
            context,
            flat: Flat { entries: Vec::with_capacity(document.len() + 4), exact: true, ..Flat::default() },
            last: None,
            group: 0,
        };
        let mut expected = self.roots.iter();
        for (name, value) in document {
            // Most documents come in the order of their schema, so that the name need not be hashed.
            let hinted =
                expected.next().copied().filter(|id| self.node(*id).is_some_and(|node| node.name == *name));
            match hinted.or_else(|| self.root_named(name)) {
                Some(id) => encoder.attribute(id, value)?,
                None if SYSTEM_FIELDS.contains(&name.as_str()) => {
                    encoder.flat.exact = false;
                    continue;
                }
                None => encoder.unknown(name, value),
            }
            encoder.group += 1;
        }
        debug_assert!(!encoder.flat.exact || self.reads_back(&encoder.flat, document, context.keys));
        Ok(encoder.flat)
    }

    /// Whether [`encode`](Self::encode) may take long, because a key must be derived or a password hashed: run it on a
    /// blocking thread then.
    pub fn encode_is_blocking(&self, document: &Document, keys: Option<&KeyRing>) -> bool {
        self.has_sealed
            && document.iter().any(|(name, value)| {
                self.root_named(name).is_some_and(|id| self.value_is_blocking(id, value, keys))
            })
    }

    /// The member of a nested object by its name. `expected` is its position when the members come in the order of the
    /// schema, as most do, so that the name need not be hashed.
    fn member(&self, object: &Shape, expected: usize, name: &str) -> Option<(NodeId, &Node)> {
        let Shape::Nested { children, by_name, .. } = object else { return None };
        let found = |id: &NodeId| Some((*id, self.node(*id)?));
        let hinted = children.get(expected).and_then(found).filter(|(_, node)| node.name == name);
        hinted.or_else(|| by_name.get(name).and_then(found))
    }

    /// Whether the entries are read as this document, its fields in the same order.
    fn reads_back(&self, flat: &Flat<'_>, document: &Document, keys: Option<&KeyRing>) -> bool {
        let context = DecodeContext { keys, derive: Derive::CachedOnly, auto_decrypt: true };
        let Ok(decoded) = self.decode(flat, &context) else { return false };
        let same = |read: &Document| read == document && read.keys().eq(document.keys());
        if flat.rounded.is_empty() {
            return decoded.document().is_none_or(same);
        }
        let mut rounded = document.clone();
        self.round(&mut rounded, &flat.rounded);
        decoded.document().is_none_or(|read| *read == rounded && read.keys().eq(rounded.keys()))
    }

    /// Rounds the embeddings at some nodes of a document as readers get them.
    pub(crate) fn round(&self, document: &mut Document, nodes: &[NodeId]) {
        for node in nodes.iter().filter_map(|id| self.node(*id)) {
            let outside = node.ancestors.iter().filter_map(|id| self.node(*id)).try_fold(
                &mut *document,
                |outside, ancestor| match outside.get_mut(&ancestor.name) {
                    Some(Value::Object(members)) => Some(members),
                    _ => None,
                },
            );
            if let Some(Value::Array(items)) = outside.and_then(|outside| outside.get_mut(&node.name)) {
                fixed::round_batch(items, fixed::EMBEDDING_DECIMALS);
            }
        }
    }

    fn value_is_blocking(&self, id: NodeId, value: &Value, keys: Option<&KeyRing>) -> bool {
        let Some(node) = self.node(id).filter(|node| node.sealed && !value.is_null()) else { return false };
        match (&node.shape, value) {
            (Shape::Leaf(Form::Password(_)), value) => !value.as_str().is_some_and(password::is_hash),
            (Shape::Leaf(_), value) => keys.is_some_and(|keys| {
                let sealed = value
                    .as_str()
                    .is_some_and(|text| keys.open(text, Derive::CachedOnly) == Opened::NotCached);
                sealed || !keys.ready_to_seal()
            }),
            (Shape::Nested { by_name, .. } | Shape::Explicit { by_name, .. }, Value::Object(members)) => {
                members.iter().any(|(name, value)| {
                    by_name.get(name).is_some_and(|child| self.value_is_blocking(*child, value, keys))
                })
            }
            _ => false,
        }
    }
}

struct Encoder<'m, 'c, 'd> {
    mapper: &'m Mapper,
    context: &'c EncodeContext<'c>,
    flat: Flat<'d>,
    group: u32,
    /// The node of the entry before.
    last: Option<NodeId>,
}

impl<'d> Encoder<'_, '_, 'd> {
    fn push(&mut self, slot: Slot<'d>, value: Stored<'d>, mark: Option<Mark>, kind: Kind) {
        match slot {
            Slot::Node(id) if self.last.is_none_or(|last| last < id) => self.last = Some(id),
            // Readers give fields in the order of the schema, and those that have no key last.
            _ => self.flat.exact = false,
        }
        self.flat.entries.push(Entry { slot, group: self.group, value, mark, kind });
    }

    fn attribute(&mut self, id: NodeId, value: &'d Value) -> Result<()> {
        let mapper = self.mapper;
        let Some(node) = mapper.node(id) else { return Ok(()) };
        match (&node.shape, value) {
            (Shape::Leaf(form), value) => self.leaf(id, node, form, value),
            (_, Value::Null) => {
                self.push(slot(id, node), Stored::Null, name_mark(node), Kind::Other);
                Ok(())
            }
            (Shape::Nested { .. }, Value::Object(members)) if self.can_split(id, members) => {
                self.split(id, members)
            }
            (_, value) => {
                self.flat.exact = false;
                let text = match node.sealed {
                    true => js::to_json(&self.sealed_copy(id, value)?),
                    false => js::to_json(value),
                };
                let mark = match value {
                    Value::Object(_) => name_mark(node),
                    _ => with_name(Letter::Json, node),
                };
                self.push(slot(id, node), Stored::Text(text.into()), mark, Kind::Other);
                Ok(())
            }
        }
    }

    /// Whether an object can be written leaf by leaf, so that s3db.js puts every member back in its place.
    fn can_split(&self, id: NodeId, members: &Map<String, Value>) -> bool {
        let Some(shape @ Shape::Nested { whole: false, .. }) = self.mapper.node(id).map(|node| &node.shape)
        else {
            return false;
        };
        !members.is_empty()
            && members.iter().enumerate().all(|(position, (name, value))| {
                let Some((child, node)) = self.mapper.member(shape, position, name) else {
                    return false;
                };
                match (&node.shape, value) {
                    (Shape::Leaf(_), _) => node.key.is_some(),
                    (Shape::Nested { .. }, Value::Object(inner)) => self.can_split(child, inner),
                    _ => false,
                }
            })
    }

    fn split(&mut self, id: NodeId, members: &'d Map<String, Value>) -> Result<()> {
        let mapper = self.mapper;
        let Some(object) = mapper.node(id) else { return Ok(()) };
        for (position, (name, value)) in members.iter().enumerate() {
            let Some((child, node)) = mapper.member(&object.shape, position, name) else { continue };
            match (&node.shape, value) {
                (Shape::Leaf(form), value) => self.leaf(child, node, form, value)?,
                (_, Value::Object(inner)) => self.split(child, inner)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn leaf(&mut self, id: NodeId, node: &Node, form: &Form, value: &'d Value) -> Result<()> {
        if form.is_date() && value.as_str().is_none_or(|text| !text.is_empty()) && !value.is_null() {
            self.flat.holds_date = true;
        }
        let mut kind = Kind::Other;
        let (stored, letter) = match (form, value) {
            (Form::Codec(Codec::Boolean), Value::Null) => (Stored::Text("0".into()), Some(Letter::Null)),
            (_, Value::Null) => (Stored::Null, None),
            // The rule of a record may hold the word `number`: its codec would make an absent value of the record.
            (Form::Codec(codec), Value::Array(_) | Value::Object(_)) if !codec.holds(value) => untyped(value),
            (Form::Codec(codec), value) => match codec.encode(value) {
                Encoded::Text(text) => (Stored::Text(text.into()), None),
                Encoded::AsIs => untyped(value),
            },
            (Form::Accident(codec), Value::String(text)) => accident(codec, text),
            (Form::Secret, value) => {
                kind = Kind::Secret;
                self.seal(node, value)?
            }
            (Form::Password(algorithm), Value::String(text)) => {
                kind = Kind::Secret;
                (Stored::Text(self.hash(node, text, *algorithm)?.into()), None)
            }
            (Form::Any, Value::Array(_) | Value::Object(_)) => {
                (Stored::Text(js::to_json(value).into()), None)
            }
            (Form::Any, Value::String(text)) => {
                kind = Kind::Text;
                (Stored::Text(text.into()), reads_as_json(text).then_some(Letter::Text))
            }
            (Form::Text | Form::Compressible, Value::String(text)) => {
                kind = Kind::Text;
                (Stored::Text(text.into()), None)
            }
            (Form::Number, Value::Number(_)) | (Form::Boolean, Value::Bool(_)) => {
                (Stored::Value(value.clone()), None)
            }
            (Form::OneOf(values), Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
                let (stored, letter) = untyped(value);
                let found = one_of(values, &js::to_text(value)).is_some_and(|found| found == value);
                (stored, letter.filter(|_| !found).or((!found && value.is_string()).then_some(Letter::Text)))
            }
            (Form::Number | Form::Boolean, Value::String(text)) => {
                (Stored::Text(text.into()), Some(Letter::Text))
            }
            (_, value) => untyped(value),
        };
        if is_rounded(form, value, &stored) {
            self.flat.rounded.push(id);
        } else {
            self.flat.exact &= is_exact(form, value, &stored, letter);
        }
        let mark = match letter {
            Some(letter) => with_name(letter, node),
            None => name_mark(node),
        };
        self.push(slot(id, node), stored, mark, kind);
        Ok(())
    }

    fn unknown(&mut self, name: &'d str, value: &'d Value) {
        let (stored, letter) = match value {
            Value::String(text) => (Stored::Text(text.into()), reads_as_json(text).then_some(Letter::Text)),
            Value::Array(_) | Value::Object(_) => (Stored::Text(js::to_json(value).into()), None),
            value => untyped(value),
        };
        let kind = if value.is_string() { Kind::Text } else { Kind::Other };
        self.push(Slot::Unknown(Cow::Borrowed(name)), stored, letter.and_then(Mark::of), kind);
    }

    fn seal(&self, node: &Node, value: &Value) -> Result<(Stored<'static>, Option<Letter>)> {
        let (text, letter) = match value {
            Value::String(text) => (Cow::Borrowed(text.as_str()), is_null_word(text).then_some(Letter::Text)),
            Value::Array(_) | Value::Object(_) => (Cow::Owned(js::to_json(value)), Some(Letter::Json)),
            Value::Bool(_) => (Cow::Owned(js::to_text(value)), Some(Letter::Boolean)),
            _ => (Cow::Owned(js::to_text(value)), Some(Letter::Number)),
        };
        Ok((Stored::Text(self.seal_text(node, &text)?.into()), letter))
    }

    fn seal_text(&self, node: &Node, text: &str) -> Result<String> {
        let Some(keys) = self.context.keys else {
            return Err(Error::new(ErrorKind::Crypto, "a secret cannot be sealed without a passphrase")
                .with("field", &node.path)
                .hint("give the database a passphrase, for example in S3DB_PASSPHRASE"));
        };
        // A record that was read with its secrets closed is written back as it was.
        if matches!(keys.open(text, Derive::Allowed), Opened::Plain(_)) {
            return Ok(text.to_owned());
        }
        keys.seal(text, self.context.random).map_err(|error| error.with("field", &node.path))
    }

    fn hash(&self, node: &Node, text: &str, algorithm: PasswordAlgorithm) -> Result<String> {
        // A hash is what a record holds that was read and is written again.
        if let Some(hash) = password::compact(text) {
            return Ok(hash);
        }
        let Some(hash) = self.context.hash_password else {
            return Err(Error::new(ErrorKind::Unsupported, "this build cannot hash passwords")
                .with("field", &node.path)
                .hint("build with the feature `passwords`"));
        };
        hash(text, algorithm).map_err(|error| error.with("field", &node.path))
    }

    /// A copy of a value that is written as one JSON text, with its secrets sealed and its passwords hashed.
    fn sealed_copy(&self, id: NodeId, value: &Value) -> Result<Value> {
        let Some(node) = self.mapper.node(id).filter(|node| node.sealed && !value.is_null()) else {
            return Ok(value.clone());
        };
        Ok(match (&node.shape, value) {
            (Shape::Leaf(Form::Secret), Value::String(text)) => self.seal_text(node, text)?.into(),
            (Shape::Leaf(Form::Secret), value) => self.seal_text(node, &js::to_text(value))?.into(),
            (Shape::Leaf(Form::Password(algorithm)), Value::String(text)) => {
                self.hash(node, text, *algorithm)?.into()
            }
            (Shape::Nested { by_name, .. } | Shape::Explicit { by_name, .. }, Value::Object(members)) => {
                let mut out = Map::with_capacity(members.len());
                for (name, value) in members {
                    let value = match by_name.get(name) {
                        Some(child) => self.sealed_copy(*child, value)?,
                        None => value.clone(),
                    };
                    out.insert(name.clone(), value);
                }
                out.into()
            }
            _ => value.clone(),
        })
    }
}

fn slot(id: NodeId, node: &Node) -> Slot<'static> {
    match node.key {
        Some(_) => Slot::Node(id),
        None => Slot::Unknown(Cow::Owned(node.path.clone())),
    }
}

/// An attribute without a key of its own goes under its name like an unknown one, marked so that it is not confused.
fn name_mark(node: &Node) -> Option<Mark> {
    node.key.is_none().then(|| Mark { letter: Letter::Usual, name: Some(node.name.clone()) })
}

fn with_name(letter: Letter, node: &Node) -> Option<Mark> {
    Some(Mark { letter, name: node.key.is_none().then(|| node.name.clone()) })
}

/// Whether a value was written as an embedding whose items a reader gets rounded and no other way.
fn is_rounded(form: &Form, value: &Value, stored: &Stored<'_>) -> bool {
    match (form, value, stored) {
        // Where an item is no number, the text is JSON.
        (Form::Codec(Codec::Embedding), Value::Array(items), Stored::Text(text)) => {
            text.starts_with('^') && fixed::can_round_batch(items)
        }
        _ => false,
    }
}

/// Whether a reader surely gets back this very value. No answer costs as much as reading would.
fn is_exact(form: &Form, value: &Value, stored: &Stored<'_>, letter: Option<Letter>) -> bool {
    match (form, value, stored) {
        (_, Value::Null, _) | (_, _, Stored::Value(_)) => true,
        // What was sealed or hashed before is read as what is inside.
        (Form::Secret, Value::String(text), Stored::Text(sealed)) => letter.is_none() && sealed != text,
        (Form::Codec(codec), value, Stored::Text(text)) => letter.is_none() && codec.is_exact(value, text),
        (Form::Compressible, Value::String(text), _) => !text.starts_with('z'),
        (Form::Text | Form::Any | Form::OneOf(_) | Form::Accident(_), Value::String(_), _) => true,
        (Form::Number | Form::Boolean, Value::String(_), _) => letter == Some(Letter::Text),
        _ => false,
    }
}

/// A value that no codec writes.
fn untyped(value: &Value) -> (Stored<'_>, Option<Letter>) {
    match value {
        Value::Null => (Stored::Null, None),
        Value::String(text) => (Stored::Text(text.into()), None),
        Value::Bool(_) => (Stored::Value(value.clone()), Some(Letter::Boolean)),
        Value::Number(_) => (Stored::Value(value.clone()), Some(Letter::Number)),
        Value::Array(_) | Value::Object(_) => (Stored::Text(js::to_json(value).into()), Some(Letter::Json)),
    }
}

/// A text under a codec that it does not fit: in the form that s3db.js would write, if the text can be had back from
/// it, else as it is.
fn accident<'d>(codec: &Codec, text: &'d str) -> (Stored<'d>, Option<Letter>) {
    if let Encoded::Text(encoded) = codec.encode(&Value::String(text.to_owned()))
        && codec.decode(&encoded).is_some_and(|read| read.is_string() && read == *text)
    {
        return (Stored::Text(encoded.into()), None);
    }
    (Stored::Text(text.into()), Some(Letter::Text))
}

/// Whether a reader that knows no type takes the text for an array or object.
pub(super) fn reads_as_json(text: &str) -> bool {
    text.starts_with(['{', '['])
}

pub(super) fn is_null_word(text: &str) -> bool {
    matches!(text, "null" | "undefined")
}

/// The listed value that JavaScript prints as `text`.
pub(super) fn one_of<'v>(values: &'v [Value], text: &str) -> Option<&'v Value> {
    values.iter().find(|value| match value {
        Value::String(known) => known == text,
        value => js::to_text(value) == text,
    })
}
