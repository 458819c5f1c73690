//! Stored names of attributes that the schema does not know.

use std::collections::HashSet;

use crate::encoding::mapper::{Entry, Letter, Mapper, Mark};

/// Names for attributes that the schema does not know, each used once and none that means something else.
pub(super) struct Names<'m> {
    mapper: &'m Mapper,
    taken: HashSet<String>,
}

impl<'m> Names<'m> {
    pub(super) fn new(mapper: &'m Mapper) -> Self {
        Self { mapper, taken: HashSet::new() }
    }

    pub(super) fn free(&mut self, wanted: String) -> String {
        let reserved = wanted.is_empty()
            || (wanted.starts_with(['_', '$']) && !wanted.starts_with("_geohash"))
            || ["id", "metadata_updatedat", "metadata"].contains(&wanted.as_str())
            || self.mapper.node_of_key(&wanted).is_some()
            || self.mapper.root_named(&wanted).is_some();
        let base = if reserved { format!("x_{wanted}") } else { wanted };
        let mut name = base.clone();
        let mut counter = 1_u32;
        while !self.taken.insert(name.clone()) {
            counter += 1;
            name = format!("{base}_{counter}");
        }
        name
    }

    /// The mark that brings the name and type back from what is stored.
    pub(super) fn mark(&self, entry: &Entry<'_>, name: &str, stored: &str) -> Option<Mark> {
        let own = || self.is_misread(name, stored).then(|| name.to_owned());
        match entry.mark.clone() {
            Some(Mark { letter, name }) => Some(Mark { letter, name: name.or_else(own) }),
            None => own().map(|name| Mark { letter: Letter::Usual, name: Some(name) }),
        }
    }

    /// Whether a reader would not take `stored` for the attribute `name`.
    pub(super) fn is_misread(&self, name: &str, stored: &str) -> bool {
        stored != name || name.contains('.') || self.mapper.is_flattened(stored)
    }
}
