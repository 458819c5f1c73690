//! The JSON of a dump, written and read object by object, so that a dump may be larger than memory.
//!
//! `{"key_prefix": text, "objects": [{"key", "metadata", "body_base64", "content_type"}]}`; other members are skipped.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::store::Metadata;
use crate::{Error, ErrorKind, Result};

/// One object of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DumpObject {
    pub(crate) key: String,
    pub(crate) metadata: Metadata,
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: Option<String>,
    /// Kept by the memory store in its own file; a dump has none.
    pub(crate) last_modified_ms: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    key: Cow<'a, str>,
    #[serde(default)]
    metadata: WireMetadata<'a>,
    #[serde(default)]
    body_base64: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified_ms: Option<i64>,
}

/// Metadata as a JSON object, in its own order.
#[derive(Default)]
struct WireMetadata<'a>(Cow<'a, Metadata>);

/// Writes a dump.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    out: W,
    is_first: bool,
}

impl<W: Write> Writer<W> {
    /// Starts a dump of the keys below a prefix.
    pub(crate) fn begin(mut out: W, key_prefix: &str) -> Result<Self> {
        let prefix = serde_json::to_string(key_prefix).map_err(not_written)?;
        write!(out, "{{\"key_prefix\":{prefix},\"objects\":[").map_err(not_written)?;
        Ok(Self { out, is_first: true })
    }

    /// Writes one object.
    pub(crate) fn object(&mut self, object: &DumpObject) -> Result<()> {
        let wire = Wire {
            key: object.key.as_str().into(),
            metadata: WireMetadata(Cow::Borrowed(&object.metadata)),
            body_base64: STANDARD.encode(&object.body).into(),
            content_type: object.content_type.as_deref().map(Cow::from),
            last_modified_ms: object.last_modified_ms,
        };
        let separator = if self.is_first { "\n" } else { ",\n" };
        self.is_first = false;
        self.out.write_all(separator.as_bytes()).map_err(not_written)?;
        serde_json::to_writer(&mut self.out, &wire).map_err(not_written)
    }

    /// Ends the dump and hands back what it was written to.
    pub(crate) fn end(mut self) -> Result<W> {
        self.out.write_all(b"\n]}\n").map_err(not_written)?;
        self.out.flush().map_err(not_written)?;
        Ok(self.out)
    }
}

/// Reads a dump, handing each object to `take` together with the dump's own key prefix.
///
/// Errors: `Corrupt` when it is not a dump; what `take` returns.
pub(crate) fn read(from: impl Read, take: impl FnMut(&str, DumpObject) -> Result<()>) -> Result<()> {
    let reading = RefCell::new(Reading { prefix: None, refused: None, take });
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(from));
    let parsed = DumpSeed(&reading).deserialize(&mut json).and_then(|()| json.end());
    match (reading.into_inner().refused, parsed) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => {
            Err(Error::new(ErrorKind::Corrupt, format!("the dump cannot be read: {error}"))
                .hint("give a file that `s3db dump` has written, whole")
                .caused_by(error))
        }
        (None, Ok(())) => Ok(()),
    }
}

/// What is known while a dump is read.
struct Reading<F> {
    prefix: Option<String>,
    /// The error of `take`, which the parser can only carry as a text.
    refused: Option<Error>,
    take: F,
}

struct DumpSeed<'a, F>(&'a RefCell<Reading<F>>);
struct ObjectsSeed<'a, F>(&'a RefCell<Reading<F>>);

impl<'de, F: FnMut(&str, DumpObject) -> Result<()>> DeserializeSeed<'de> for DumpSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, DumpObject) -> Result<()>> Visitor<'de> for DumpSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `key_prefix` and `objects`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<(), A::Error> {
        let mut has_objects = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "key_prefix" if has_objects => {
                    return Err(A::Error::custom("`key_prefix` must come before `objects`"));
                }
                "key_prefix" => self.0.borrow_mut().prefix = members.next_value()?,
                "objects" => {
                    members.next_value_seed(ObjectsSeed(self.0))?;
                    has_objects = true;
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        if has_objects { Ok(()) } else { Err(A::Error::missing_field("objects")) }
    }
}

impl<'de, F: FnMut(&str, DumpObject) -> Result<()>> DeserializeSeed<'de> for ObjectsSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&str, DumpObject) -> Result<()>> Visitor<'de> for ObjectsSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> std::result::Result<(), A::Error> {
        while let Some(wire) = objects.next_element::<Wire<'_>>()? {
            let body = STANDARD.decode(wire.body_base64.as_bytes());
            let body =
                body.map_err(|error| A::Error::custom(format!("the body of {:?}: {error}", wire.key)))?;
            let object = DumpObject {
                key: wire.key.into_owned(),
                metadata: wire.metadata.0.into_owned(),
                body,
                content_type: wire.content_type.map(Cow::into_owned),
                last_modified_ms: wire.last_modified_ms,
            };
            let mut reading = self.0.borrow_mut();
            let Reading { prefix, refused, take } = &mut *reading;
            if let Err(error) = take(prefix.as_deref().unwrap_or_default(), object) {
                *refused = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

impl Serialize for WireMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for WireMetadata<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Metadata, A::Error> {
                let mut metadata = Metadata::new();
                while let Some((name, value)) = entries.next_entry::<String, String>()? {
                    metadata.insert(name, value);
                }
                Ok(metadata)
            }
        }
        deserializer.deserialize_map(Entries).map(|metadata| Self(Cow::Owned(metadata)))
    }
}

fn not_written(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the dump cannot be written: {error}"))
        .retryable(false)
        .hint("check the place that the dump goes to, and its free space")
        .caused_by(error)
}
