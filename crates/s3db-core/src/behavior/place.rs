//! The writing side: what goes into the metadata, and what into the body.

use std::borrow::Cow;
use std::collections::HashSet;

use bytes::Bytes;

use super::body::BodyWriter;
use super::cut::cut;
use super::names::Names;
use super::{Behavior, private, stamp};
use crate::encoding::mapper::{Entry, Flat, Kind, Letter, Mapper, Mark, Marks, Slot, Stored};
use crate::encoding::short_keys::{as_array_index, header_name};
use crate::encoding::{js, size, text};
use crate::store::Metadata;
use crate::{Document, Error, ErrorKind, Result};

const JSON: &str = "application/json";

/// What placing needs to know beside the entries.
#[derive(Debug, Clone, Copy)]
pub struct PlaceContext<'a> {
    /// Bytes of names and values that the store takes as metadata.
    pub limit_bytes: usize,
    /// The definition's version, such as `v1`.
    pub version: &'a str,
    /// Whether the resource keeps times, for which s3db.js reserves room.
    pub timestamps: bool,
    /// The id, where s3db.js reserves room for it: on updates, not on inserts.
    pub id: Option<&'a str>,
    /// Names this write, so that its object gets an ETag of its own.
    pub stamp: Option<&'a str>,
    /// Whether the store keeps metadata entries with an empty value; else such values are written in another form.
    pub keeps_empty: bool,
}

impl<'a> PlaceContext<'a> {
    /// The limit of S3, no times, no id, no stamp, on a store that keeps empty values.
    pub fn new(version: &'a str) -> Self {
        Self {
            limit_bytes: size::METADATA_BYTES_MAX,
            version,
            timestamps: false,
            id: None,
            stamp: None,
            keeps_empty: true,
        }
    }
}

/// Where a document goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// User metadata of the object.
    pub metadata: Metadata,
    /// Its body.
    pub body: Bytes,
    /// Type of the body, when there is one.
    pub content_type: Option<&'static str>,
    /// By how much the document was too big for the metadata, if it was.
    pub exceeds_limit: Option<Exceeded>,
    /// Whether some attributes are in the body and others in the metadata.
    pub overflowed: bool,
    /// Paths of the fields that were cut or dropped.
    pub truncated: Vec<String>,
}

/// By how much a document is too big for the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    /// Bytes that it takes.
    pub size_bytes: usize,
    /// Bytes that it may take.
    pub limit_bytes: usize,
}

impl Exceeded {
    /// Bytes too many.
    pub fn excess_bytes(&self) -> usize {
        self.size_bytes.saturating_sub(self.limit_bytes)
    }
}

/// Decides what of a document goes into the metadata and what into the body.
///
/// Sizes are counted twice: as s3db.js counts them, so that both place alike, and as the store counts them, after the
/// text codec, so that a store never refuses what was placed.
///
/// Errors: `TooLarge` from enforce-limits.
pub fn place(
    behavior: Behavior,
    flat: &Flat<'_>,
    mapper: &Mapper,
    context: &PlaceContext<'_>,
) -> Result<Placement> {
    let placer = Placer::new(flat, mapper, context);
    match behavior {
        Behavior::BodyOnly => Ok(placer.body_only()),
        Behavior::BodyOverflow => match placer.exceeded_by_values(true) {
            None => Ok(placer.all_in_metadata(true)),
            Some(exceeded) => placer.overflow(exceeded),
        },
        Behavior::TruncateData => match placer.exceeded_by_values(false) {
            None => Ok(placer.all_in_metadata(false)),
            Some(exceeded) => Ok(placer.truncate(exceeded)),
        },
        Behavior::EnforceLimits => match placer.exceeded() {
            None => Ok(placer.all_in_metadata(false)),
            Some(exceeded) => {
                Err(Error::new(ErrorKind::TooLarge, "the document does not fit into the object's metadata")
                    .with("size_bytes", exceeded.size_bytes)
                    .with("limit_bytes", exceeded.limit_bytes)
                    .with("excess_bytes", exceeded.excess_bytes())
                    .hint("shorten it, or give the resource the behavior body-overflow"))
            }
        },
        Behavior::UserManaged => match placer.exceeded() {
            None => Ok(placer.all_in_metadata(false)),
            Some(exceeded) => Ok(placer.all_in_body(exceeded)),
        },
    }
}

struct Placer<'p> {
    mapper: &'p Mapper,
    context: &'p PlaceContext<'p>,
    flat: &'p Flat<'p>,
    items: Vec<Item<'p>>,
    /// What s3db.js leaves for the document's own fields.
    limit_js: usize,
    /// Bytes of names and values, before the text codec and after it, without system entries.
    names_raw: usize,
    values_raw: usize,
    encoded: usize,
    /// Bytes of the marks entry, if all fields are in the metadata.
    marks: usize,
}

/// An entry as the metadata would hold it.
struct Item<'p> {
    entry: &'p Entry<'p>,
    name: Cow<'p, str>,
    value: Cow<'p, str>,
    mark: Option<Mark>,
    raw: usize,
}

impl Item<'_> {
    fn encoded(&self) -> usize {
        self.name.len() + self.value.len()
    }

    /// The longest beginning that fits, if the value may be cut.
    fn cut(&self, room: usize, room_js: usize) -> Option<(usize, String)> {
        match &self.entry.value {
            Stored::Text(text) if self.entry.kind == Kind::Text => {
                cut(text, room.checked_sub(self.name.len())?, room_js)
            }
            _ => None,
        }
    }

    fn is_node(&self) -> bool {
        matches!(self.entry.slot, Slot::Node(_))
    }
}

impl<'p> Placer<'p> {
    fn new(flat: &'p Flat<'p>, mapper: &'p Mapper, context: &'p PlaceContext<'p>) -> Self {
        let limit_js =
            size::effective_limit(context.limit_bytes, context.version, context.timestamps, context.id);
        let mut out = Self {
            mapper,
            context,
            flat,
            items: Vec::with_capacity(flat.entries.len()),
            limit_js,
            names_raw: 0,
            values_raw: 0,
            encoded: 0,
            marks: 0,
        };
        let mut names = Names::new(mapper);
        for entry in &flat.entries {
            let (name, mark) = match &entry.slot {
                Slot::Node(id) => {
                    let key = mapper.node(*id).and_then(|node| node.key.as_deref());
                    (Cow::Borrowed(key.unwrap_or_default()), entry.mark.clone())
                }
                Slot::Plain(_) => continue,
                Slot::Unknown(name) => {
                    let header = names.free(header_name(name));
                    let mark = names.mark(entry, name, &header);
                    (Cow::Owned(header), mark)
                }
            };
            let value = match entry.value.metadata_text() {
                text if text.is_empty() && !context.keeps_empty => Cow::Borrowed(text::EMPTY),
                text => text,
            };
            let item = Item { entry, name, value, mark, raw: entry.value.size() };
            out.names_raw += match &entry.slot {
                Slot::Unknown(name) => name.len(),
                _ => item.name.len(),
            };
            out.values_raw += item.raw;
            out.encoded += item.encoded();
            out.items.push(item);
        }
        let mut marks = Marks::default();
        for item in &out.items {
            if let Some(mark) = &item.mark {
                marks.insert(&item.name, mark);
            }
        }
        if !marks.is_empty() {
            out.marks = private::MARKS.len() + text::encode_exact(&marks.print()).len();
        }
        out
    }

    fn version_bytes(&self) -> usize {
        private::VERSION.len() + self.context.version.len()
    }

    fn plugin_map_bytes(&self) -> usize {
        self.mapper.plugin_map_json().map_or(0, |json| private::PLUGIN_MAP.len() + json.len())
    }

    /// By how much the names and values are too big, as user-managed and enforce-limits count.
    fn exceeded(&self) -> Option<Exceeded> {
        let size_js = self.names_raw + self.values_raw + self.version_bytes();
        if size_js > self.limit_js {
            return Some(Exceeded { size_bytes: size_js, limit_bytes: self.limit_js });
        }
        self.exceeded_encoded(0)
    }

    /// By how much the values are too big, as body-overflow and truncate-data count.
    fn exceeded_by_values(&self, plugin_map: bool) -> Option<Exceeded> {
        let plugin_map = if plugin_map { self.plugin_map_bytes() } else { 0 };
        let size_js = self.values_raw + self.context.version.len() + plugin_map;
        if size_js > self.limit_js {
            return Some(Exceeded { size_bytes: size_js, limit_bytes: self.limit_js });
        }
        self.exceeded_encoded(plugin_map)
    }

    fn exceeded_encoded(&self, plugin_map: usize) -> Option<Exceeded> {
        let size_bytes = self.encoded + self.version_bytes() + self.marks + plugin_map;
        let limit_bytes = self.context.limit_bytes;
        (size_bytes > limit_bytes).then_some(Exceeded { size_bytes, limit_bytes })
    }

    /// Metadata with room for fields of so many entries and bytes, and for the entries that are not fields.
    fn metadata(&self, entries: usize, bytes: usize) -> Metadata {
        let system = self.version_bytes() + self.marks + self.plugin_map_bytes();
        Metadata::with_capacity(entries + 4, bytes + system)
    }

    /// Adds the entries that are not fields.
    fn finish(&self, metadata: &mut Metadata, marks: Marks, plugin_map: bool) {
        if !marks.is_empty() {
            metadata.push_new(private::MARKS, text::encode_exact(&marks.print()));
        }
        if let Some(json) = self.mapper.plugin_map_json().filter(|_| plugin_map) {
            metadata.push_new(private::PLUGIN_MAP, text::encode(json));
        }
        metadata.push_new(private::VERSION, self.context.version);
    }

    fn stamped(&self) -> (Bytes, Option<&'static str>) {
        match self.context.stamp {
            Some(stamp) => (stamp::alone(stamp).into(), Some(JSON)),
            None => (Bytes::new(), None),
        }
    }

    fn all_in_metadata(self, plugin_map: bool) -> Placement {
        let mut metadata = self.metadata(self.items.len(), self.encoded);
        let mut marks = Marks::default();
        for item in &self.items {
            if let Some(mark) = &item.mark {
                marks.insert(&item.name, mark);
            }
        }
        self.finish(&mut metadata, marks, plugin_map);
        let (body, content_type) = self.stamped();
        for item in self.items {
            metadata.push_new(&item.name, &item.value);
        }
        Placement {
            metadata,
            body,
            content_type,
            exceeds_limit: None,
            overflowed: false,
            truncated: Vec::new(),
        }
    }

    /// The body with every field under its short key, in the order of JavaScript, and the marks that it needs.
    fn whole_body(
        &self,
        stamp: Option<&str>,
        version: Option<&str>,
        keep: impl Fn(&Item<'_>) -> bool,
    ) -> (String, Marks) {
        let mut names = Names::new(self.mapper);
        let mut marks = Marks::default();
        let mut members: Vec<(Cow<'_, str>, Option<&Item<'_>>)> = Vec::with_capacity(self.items.len() + 1);
        if version.is_some() {
            members.push((Cow::Borrowed(private::VERSION), None));
        }
        for item in self.items.iter().filter(|item| keep(item)) {
            let (name, mark) = match &item.entry.slot {
                Slot::Unknown(name) => {
                    let stored = names.free(name.to_string());
                    let mark = names.mark(item.entry, name, &stored);
                    (Cow::Owned(stored), mark)
                }
                _ => (Cow::Borrowed(item.name.as_ref()), item.entry.mark.clone()),
            };
            if let Some(mark) =
                mark.filter(|mark| mark.name.is_some() || !matches!(item.entry.value, Stored::Value(_)))
            {
                marks.insert(&name, &mark);
            }
            members.push((name, Some(item)));
        }
        members.sort_by_key(|(name, _)| as_array_index(name).map_or(u64::MAX, u64::from));

        let mut body = BodyWriter::new(stamp, self.values_raw + 16 * members.len());
        for (name, item) in members {
            body.name(&name);
            match item {
                Some(item) => item.entry.value.push_json(&mut body.out),
                None => js::push_json_string(&mut body.out, version.unwrap_or_default()),
            }
        }
        (body.finish(), marks)
    }

    fn all_in_body(self, exceeded: Exceeded) -> Placement {
        let (body, marks) = self.whole_body(self.context.stamp, Some(self.context.version), |_| true);
        let mut metadata = self.metadata(0, 0);
        self.finish(&mut metadata, marks, true);
        Placement {
            metadata,
            body: body.into(),
            content_type: Some(JSON),
            exceeds_limit: Some(exceeded),
            overflowed: false,
            truncated: Vec::new(),
        }
    }

    fn body_only(self) -> Placement {
        let (body, marks) = self.whole_body(None, Some(self.context.version), |_| true);
        let mut metadata = self.metadata(2, 0);
        self.finish(&mut metadata, marks, true);
        let map = text::encode(self.mapper.map_json());
        let room = self.context.limit_bytes.saturating_sub(metadata.size_bytes() + private::MAP.len());
        // Readers take the current map where the record has none; a map that the store refuses would lose the record.
        if map.len() <= room {
            metadata.push_new(private::MAP, &map);
        }
        Placement {
            metadata,
            body: body.into(),
            content_type: Some(JSON),
            exceeds_limit: None,
            overflowed: false,
            truncated: Vec::new(),
        }
    }

    fn overflow(self, exceeded: Exceeded) -> Result<Placement> {
        // s3db.js hands the body out undecoded if the record holds a date: then it must hold plain values by name.
        let named = self.flat.holds_date;
        let mut groups = self.groups();
        groups.sort_by_key(|group| (named && !group.secret, group.raw, group.order));

        let flags = private::OVERFLOW.len()
            + "true".len()
            + if named { private::NAMED.len() + "true".len() } else { 0 };
        let fixed = self.plugin_map_bytes();
        let limit = self.context.limit_bytes.saturating_sub(flags + self.marks);
        let (mut raw, mut encoded) = (self.context.version.len() + fixed, self.version_bytes() + fixed);
        let mut kept = HashSet::new();
        for group in &groups {
            raw += group.raw;
            encoded += group.encoded;
            if raw > self.limit_js || encoded > limit {
                break;
            }
            kept.insert(group.id);
        }
        let stays = |item: &Item<'_>| kept.contains(&item.entry.group);
        let (body, mut marks) = match named {
            true => self.named_body(stays)?,
            false => self.whole_body(self.context.stamp, None, |item| !stays(item)),
        };
        let mut metadata = self.metadata(self.items.len(), self.encoded);
        for item in self.items.iter().filter(|item| stays(item)) {
            if let Some(mark) = &item.mark {
                marks.insert(&item.name, mark);
            }
        }
        self.finish(&mut metadata, marks, true);
        metadata.push_new(private::OVERFLOW, "true");
        if named {
            metadata.push_new(private::NAMED, "true");
        }
        for item in self.items {
            if kept.contains(&item.entry.group) {
                metadata.push_new(&item.name, &item.value);
            }
        }
        Ok(Placement {
            metadata,
            body: body.into(),
            content_type: Some(JSON),
            exceeds_limit: Some(exceeded),
            overflowed: true,
            truncated: Vec::new(),
        })
    }

    fn named_body(&self, stays: impl Fn(&Item<'_>) -> bool) -> Result<(String, Marks)> {
        let mut names = Names::new(self.mapper);
        let mut marks = Marks::default();
        let mut body = BodyWriter::new(self.context.stamp, self.values_raw + 256);
        let moved: Vec<Entry<'_>> = self
            .items
            .iter()
            .filter(|item| !stays(item))
            .map(|item| with_whole_name(item.entry.clone()))
            .collect();
        let document: Document = self.mapper.plain_values(&Flat { entries: moved, ..Flat::default() })?;
        for (name, value) in &document {
            if self.mapper.root_named(name).is_some() {
                body.name(name);
            } else {
                let stored = names.free(name.clone());
                if names.is_misread(name, &stored) {
                    marks.insert(&stored, &Mark { letter: Letter::Usual, name: Some(name.clone()) });
                }
                body.name(&stored);
            }
            js::push_json(&mut body.out, value);
        }
        Ok((body.finish(), marks))
    }

    fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (position, item) in self.items.iter().enumerate() {
            // Ties are broken by the order in which JavaScript lists the keys.
            let order = match as_array_index(&item.name).filter(|_| item.is_node()) {
                Some(index) => (0, u64::from(index)),
                None => (1, position as u64),
            };
            match groups.last_mut().filter(|group| group.id == item.entry.group) {
                Some(group) => {
                    group.raw += item.raw;
                    group.encoded += item.encoded();
                    group.order = group.order.min(order);
                    group.secret |= item.entry.kind == Kind::Secret;
                }
                None => groups.push(Group {
                    id: item.entry.group,
                    raw: item.raw,
                    encoded: item.encoded(),
                    order,
                    secret: item.entry.kind == Kind::Secret,
                }),
            }
        }
        groups
    }

    fn truncate(mut self, exceeded: Exceeded) -> Placement {
        let flag = private::TRUNCATED.len() + "true".len();
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        order.sort_by_key(|at| self.items.get(*at).map(|item| item.raw));

        let mut room = self.context.limit_bytes.saturating_sub(self.version_bytes() + flag + self.marks);
        let mut room_js = self.limit_js.saturating_sub(self.context.version.len() + flag);
        let mut truncated = Vec::new();
        let mut kept = vec![false; self.items.len()];
        let mut was_cut = false;
        for at in order {
            let Some(item) = self.items.get_mut(at) else { continue };
            let fits = item.encoded() <= room && item.raw <= room_js;
            if !fits {
                truncated.push(path_of(self.mapper, item.entry));
                let Some(cut) = item.cut(room, room_js).filter(|_| !was_cut) else { continue };
                was_cut = true;
                item.raw = cut.0;
                item.value = Cow::Owned(cut.1);
            }
            room -= item.encoded();
            room_js = room_js.saturating_sub(item.raw);
            if let Some(kept) = kept.get_mut(at) {
                *kept = true;
            }
        }
        let mut metadata = self.metadata(self.items.len(), self.encoded);
        let mut marks = Marks::default();
        let items = std::mem::take(&mut self.items);
        for (item, kept) in items.into_iter().zip(kept) {
            if !kept {
                continue;
            }
            if let Some(mark) = &item.mark {
                marks.insert(&item.name, mark);
            }
            metadata.push_new(&item.name, &item.value);
        }
        self.finish(&mut metadata, marks, false);
        metadata.push_new(private::TRUNCATED, "true");
        let (body, content_type) = self.stamped();
        Placement {
            metadata,
            body,
            content_type,
            exceeds_limit: Some(exceeded),
            overflowed: false,
            truncated,
        }
    }
}

struct Group {
    id: u32,
    raw: usize,
    encoded: usize,
    order: (u8, u64),
    secret: bool,
}

/// An unknown attribute whose name is not a path: its dots are part of it.
fn with_whole_name(mut entry: Entry<'_>) -> Entry<'_> {
    if let Slot::Unknown(name) = &entry.slot {
        let letter = entry.mark.as_ref().map_or(Letter::Usual, |mark| mark.letter);
        entry.mark = Some(Mark { letter, name: Some(name.to_string()) });
    }
    entry
}

fn path_of(mapper: &Mapper, entry: &Entry<'_>) -> String {
    match &entry.slot {
        Slot::Node(id) | Slot::Plain(id) => {
            mapper.node(*id).map(|node| node.path.clone()).unwrap_or_default()
        }
        Slot::Unknown(name) => name.to_string(),
    }
}
