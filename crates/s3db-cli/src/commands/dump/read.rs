//! Parsing a dump without holding it in memory.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::sync::mpsc::Sender;

use super::record::ObjectRecord;

/// Sends each object of a dump, its key without the dump's prefix. Ends early when the receiver is gone.
pub(super) fn dump(reader: impl Read, objects: &Sender<ObjectRecord>) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    json.deserialize_map(DumpVisitor { objects })?;
    json.end()
}

struct DumpVisitor<'a> {
    objects: &'a Sender<ObjectRecord>,
}

impl<'de> Visitor<'de> for DumpVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with key_prefix and objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut prefix: Option<String> = None;
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "key_prefix" => prefix = Some(members.next_value()?),
                "objects" => {
                    let prefix = prefix
                        .as_deref()
                        .ok_or_else(|| A::Error::custom("key_prefix must come before objects"))?;
                    let prefix = prefix.trim_end_matches('/');
                    let root = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
                    members.next_value_seed(ObjectsSeed { root, objects: self.objects })?;
                    found = true;
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field("objects")) }
    }
}

struct ObjectsSeed<'a> {
    root: String,
    objects: &'a Sender<ObjectRecord>,
}

impl<'de> DeserializeSeed<'de> for ObjectsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ObjectsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<(), A::Error> {
        while let Some(mut object) = objects.next_element::<ObjectRecord>()? {
            let Some(key) = object.key.strip_prefix(&self.root) else {
                return Err(A::Error::custom(format!(
                    "the key {} does not begin with key_prefix",
                    object.key
                )));
            };
            object.key = key.to_owned();
            if self.objects.blocking_send(object).is_err() {
                return Err(A::Error::custom("the store failed"));
            }
        }
        Ok(())
    }
}
