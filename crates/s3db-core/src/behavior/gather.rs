//! The reading side: the entries of a record from its metadata and body, in one pass.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Behavior, private, stamp};
use crate::encoding::mapper::{Entry, Flat, Kind, Letter, Mapper, Mark, Marks, NodeId, Slot, Stored};
use crate::encoding::text;
use crate::store::Metadata;

/// Collects the entries of a record.
///
/// Reads what any release of s3db.js has written, and a record that was written under another behavior. A body that must
/// hold fields and is no JSON object is told by [`Mapper::decode`], which refuses what was gathered.
pub fn gather<'a>(behavior: Behavior, metadata: &'a Metadata, body: &[u8], mapper: &Mapper) -> Flat<'a> {
    let private = Private::of(metadata);
    let reader = Reader::new(metadata, &private, mapper);
    let json = parse_body(body);
    let own_map = private.map.is_some();
    let has_content = super::is_content(metadata, body);
    let overflow = private.overflow.is_some();

    let is_private = || metadata.iter().all(|(name, _)| name.starts_with('_'));
    let in_body = matches!(behavior, Behavior::BodyOnly | Behavior::UserManaged) && is_private();
    let must_hold_fields = !has_content && (overflow || own_map || in_body);
    let damaged = json.is_none() && must_hold_fields && !body.is_empty() && !stamp::is_stamp_alone(body);

    let entries = match json {
        None => reader.metadata_entries(),
        // Content of the user is no field, also where it looks like one.
        Some(_) if has_content && !own_map => reader.metadata_entries(),
        Some(json) if own_map || behavior == Behavior::BodyOnly => reader.body_entries(json),
        Some(json) if overflow || behavior == Behavior::BodyOverflow => {
            // Of two entries of one field the later one wins: that of the metadata.
            let mut entries = reader.body_entries(json);
            entries.extend(reader.metadata_entries());
            entries
        }
        Some(json) if behavior == Behavior::UserManaged => {
            if is_private() {
                reader.body_entries(json)
            } else {
                let mut entries = reader.metadata_entries();
                reader.add_leftovers(json, &mut entries);
                entries
            }
        }
        Some(_) => reader.metadata_entries(),
    };
    Flat { entries, damaged, ..Flat::default() }
}

fn parse_body(body: &[u8]) -> Option<Map<String, Value>> {
    if body.is_empty() || stamp::is_stamp_alone(body) {
        return None;
    }
    // Content of the user may be large and is seldom JSON: look before parsing.
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if *first == b'{' { serde_json::from_slice(body).ok() } else { None }
}

/// The private entries that say where fields are, found in one walk.
#[derive(Default)]
struct Private<'a> {
    marks: Option<&'a str>,
    map: Option<&'a str>,
    plugin_map: Option<&'a str>,
    named: Option<&'a str>,
    has_content: Option<&'a str>,
    overflow: Option<&'a str>,
}

impl<'a> Private<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        let mut out = Self::default();
        for (name, value) in metadata.iter().filter(|(name, _)| name.starts_with('_')) {
            let place = match name {
                private::MARKS => &mut out.marks,
                private::MAP => &mut out.map,
                private::PLUGIN_MAP => &mut out.plugin_map,
                private::NAMED => &mut out.named,
                private::HAS_CONTENT => &mut out.has_content,
                private::OVERFLOW => &mut out.overflow,
                _ => continue,
            };
            *place = Some(value);
        }
        out
    }
}

struct Reader<'a, 'm> {
    metadata: &'a Metadata,
    mapper: &'m Mapper,
    marks: Option<Marks>,
    /// Maps of the record that differ from the current ones: key to path.
    own_map: Option<HashMap<String, String>>,
    own_plugin_map: Option<HashMap<String, String>>,
    named: bool,
}

impl<'a, 'm> Reader<'a, 'm> {
    fn new(metadata: &'a Metadata, private: &Private<'_>, mapper: &'m Mapper) -> Self {
        let inverted = |stored: Option<&str>, current: Option<&str>| {
            let json = stored.and_then(plain).filter(|json| Some(json.as_ref()) != current)?;
            let map: Map<String, Value> = serde_json::from_str(&json).ok()?;
            Some(map.into_iter().filter_map(|(path, key)| Some((key.as_str()?.to_owned(), path))).collect())
        };
        Self {
            metadata,
            mapper,
            marks: private.marks.and_then(plain).map(|text| Marks::parse(&text)),
            own_map: inverted(private.map, Some(mapper.map_json())),
            own_plugin_map: inverted(private.plugin_map, mapper.plugin_map_json()),
            named: private.named.is_some(),
        }
    }

    fn mark(&self, stored_name: &str) -> Option<Mark> {
        self.marks.as_ref().and_then(|marks| marks.get(stored_name))
    }

    fn slot<'n>(&self, name: Cow<'n, str>, mark: Option<&Mark>, in_body: bool) -> Slot<'n> {
        if mark.is_some_and(|mark| mark.name.is_some()) {
            return Slot::Unknown(name);
        }
        for own in [&self.own_plugin_map, &self.own_map] {
            if let Some(path) = own.as_ref().and_then(|map| map.get(name.as_ref())) {
                return match self.mapper.node_at(path) {
                    Some(id) => Slot::Node(id),
                    None => Slot::Unknown(Cow::Owned(path.clone())),
                };
            }
        }
        let plain = || self.mapper.root_named(&name).filter(|_| in_body).map(Slot::Plain);
        let node = || self.mapper.node_of_key(&name).filter(|_| self.own_map.is_none()).map(Slot::Node);
        let found = if in_body && self.named { plain() } else { node().or_else(plain) };
        found.unwrap_or(Slot::Unknown(name))
    }

    fn metadata_entries(&self) -> Vec<Entry<'a>> {
        let mut entries = Vec::with_capacity(self.metadata.len());
        for (name, value) in self.metadata.iter() {
            if is_system(name) && self.mapper.node_of_key(name).is_none() {
                continue;
            }
            let mark = self.mark(name);
            let value = match text::decode(value) {
                text::Decoded::Null => Stored::Null,
                text::Decoded::Absent => Stored::Absent,
                text::Decoded::Text(text) => Stored::Text(text),
            };
            entries.push(entry(self.slot(Cow::Borrowed(name), mark.as_ref(), false), value, mark));
        }
        entries
    }

    fn body_entries(&self, json: Map<String, Value>) -> Vec<Entry<'a>> {
        let mut entries = Vec::with_capacity(json.len() + self.metadata.len());
        for (name, value) in json {
            let declared = name.starts_with('_') && self.mapper.root_named(&name).is_some() && self.named;
            if is_system(&name) && !declared && self.mapper.node_of_key(&name).is_none() {
                continue;
            }
            let mark = self.mark(&name);
            let value = match value {
                Value::Null => Stored::Null,
                Value::String(text) => Stored::Text(Cow::Owned(text)),
                value => Stored::Value(value),
            };
            entries.push(entry(self.slot(Cow::Owned(name), mark.as_ref(), true), value, mark));
        }
        entries
    }

    /// Adds members of a plain copy of the record that no metadata entry stands for, as they are.
    fn add_leftovers(&self, json: Map<String, Value>, entries: &mut Vec<Entry<'a>>) {
        let mut roots: HashSet<NodeId> = HashSet::new();
        let mut unknown: HashSet<String> = HashSet::new();
        for entry in entries.iter() {
            match &entry.slot {
                Slot::Node(id) | Slot::Plain(id) => roots.insert(self.mapper.root_of(*id)),
                Slot::Unknown(name) => unknown.insert(
                    entry
                        .mark
                        .as_ref()
                        .and_then(|mark| mark.name.clone())
                        .unwrap_or_else(|| name.to_string()),
                ),
            };
        }
        for (name, value) in json {
            let root = self.mapper.root_named(&name);
            let stands = root.map_or_else(|| unknown.contains(&name), |root| roots.contains(&root));
            let leaked = root.is_none() && (is_system(&name) || is_leaked_time(&name, &value));
            if stands || leaked {
                continue;
            }
            let slot = root.map_or_else(|| Slot::Unknown(Cow::Owned(name)), Slot::Plain);
            let mark = value.is_string().then(|| Mark::of(Letter::Text)).flatten();
            let value = match value {
                Value::Null => Stored::Null,
                Value::String(text) => Stored::Text(Cow::Owned(text)),
                value => Stored::Value(value),
            };
            entries.push(entry(slot, value, mark));
        }
    }
}

/// The text of a private entry.
fn plain(stored: &str) -> Option<Cow<'_, str>> {
    match text::decode(stored) {
        text::Decoded::Text(text) => Some(text),
        _ => None,
    }
}

fn entry<'a>(slot: Slot<'a>, value: Stored<'a>, mark: Option<Mark>) -> Entry<'a> {
    Entry { slot, group: 0, value, mark, kind: Kind::Other }
}

/// Names that are not fields: private ones, the id, and what updates of s3db.js leave behind.
fn is_system(name: &str) -> bool {
    (name.starts_with('_') && !name.starts_with("_geohash"))
        || matches!(name, "id" | "metadata_updatedat" | "$overflow" | "$truncated")
}

/// `metadata: {updatedAt}`, which updates of s3db.js leave in the body.
fn is_leaked_time(name: &str, value: &Value) -> bool {
    name == "metadata"
        && value.as_object().is_some_and(|members| members.len() == 1 && members.contains_key("updatedAt"))
}
