//! User metadata of an object: a short list of names and texts.

use std::fmt;
use std::ops::Range;

/// User metadata: names in lower case, each once, in the order of writing.
///
/// A document has few entries, so that a list is faster than a map; and all names and values lie in one text, so that
/// an object with twenty entries takes two allocations instead of forty.
///
/// ```
/// use s3db_core::store::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("0", "John");
/// metadata.insert("_v", "v1");
/// metadata.insert("0", "Jane");
/// assert_eq!(metadata.get("0"), Some("Jane"));
/// assert_eq!(metadata.size_bytes(), 9);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Name, value, name, value, …, without anything between them.
    text: String,
    ends: Vec<Ends>,
}

/// Where the name and the value of an entry end. The value begins where the name ends, the next entry where the value
/// ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    name: usize,
    value: usize,
}

impl Metadata {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// No entries, with room for `entries` of `bytes` in all.
    pub fn with_capacity(entries: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::with_capacity(entries) }
    }

    /// Sets an entry, replacing one of the same name.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        let (name, value) = (name.as_ref(), value.as_ref());
        match self.position(name) {
            Some(at) => self.replace(at, value),
            None => self.push_new(name, value),
        }
    }

    /// Appends an entry whose name the caller knows to be new, without looking.
    pub fn push_new(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        let name = name.as_ref();
        debug_assert!(self.get(name).is_none(), "{name} is there already");
        self.text.push_str(name);
        let name = self.text.len();
        self.text.push_str(value.as_ref());
        self.ends.push(Ends { name, value: self.text.len() });
    }

    /// The value under `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Removes an entry.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.position(name)?;
        let (name, value) = self.ranges(at)?;
        let removed = self.text.get(value.clone()).map(str::to_owned);
        let bytes = value.end - name.start;
        self.text.replace_range(name.start..value.end, "");
        self.ends.remove(at);
        for ends in self.ends.iter_mut().skip(at) {
            ends.name -= bytes;
            ends.value -= bytes;
        }
        removed
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |ends| {
            let name = self.text.get(start..ends.name).unwrap_or_default();
            start = ends.value;
            (name, self.text.get(ends.name..ends.value).unwrap_or_default())
        })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all names and values, as S3 counts them against its limit.
    pub fn size_bytes(&self) -> usize {
        self.text.len()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.iter().position(|(n, _)| n == name)
    }

    /// Where the name and the value of an entry lie in the text.
    fn ranges(&self, at: usize) -> Option<(Range<usize>, Range<usize>)> {
        let ends = self.ends.get(at)?;
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        Some((before.map_or(0, |ends| ends.value)..ends.name, ends.name..ends.value))
    }

    fn replace(&mut self, at: usize, value: &str) {
        let Some((_, old)) = self.ranges(at) else { return };
        let shift = |end: usize| end - old.len() + value.len();
        self.text.replace_range(old.clone(), value);
        for (index, ends) in self.ends.iter_mut().enumerate().skip(at) {
            ends.value = shift(ends.value);
            if index > at {
                ends.name = shift(ends.name);
            }
        }
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut metadata = Self::new();
        for (name, value) in entries {
            metadata.insert(name, value);
        }
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_order_and_text_when_others_are_replaced_or_removed() {
        let mut metadata: Metadata = [("a", "1"), ("b", ""), ("é", "ü"), ("d", "4")].into_iter().collect();
        metadata.insert("b", "longer");
        metadata.insert("é", "");
        assert_eq!(metadata.remove("a").as_deref(), Some("1"));
        assert_eq!(metadata.remove("a"), None);
        metadata.insert("e", "5");
        let entries: Vec<_> = metadata.iter().collect();
        assert_eq!(entries, [("b", "longer"), ("é", ""), ("d", "4"), ("e", "5")]);
        assert_eq!(metadata, entries.into_iter().collect());
        assert_eq!((metadata.len(), metadata.size_bytes()), (4, 13));
    }
}
