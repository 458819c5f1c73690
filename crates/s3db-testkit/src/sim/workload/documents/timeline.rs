//! What the store held at each moment.

use std::collections::{BTreeMap, BTreeSet};

use super::Document;

/// The versions of all documents, each with the moment from which the store held it.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    moment: u64,
    versions: BTreeMap<String, Vec<(u64, Option<Document>)>>,
}

impl Timeline {
    /// A write has just left this under an id.
    pub(super) fn record(&mut self, id: &str, document: Option<Document>) {
        self.moment += 1;
        self.versions.entry(id.to_owned()).or_default().push((self.moment, document));
    }

    /// The moment of the last write.
    pub(super) fn now(&self) -> u64 {
        self.moment
    }

    /// What stood under an id at some moment from `began` until now, oldest first.
    pub(super) fn since(&self, id: &str, began: u64) -> Vec<Option<&Document>> {
        let versions = self.versions.get(id).map_or(&[][..], Vec::as_slice);
        let first = versions.partition_point(|(from, _)| *from <= began);
        let at_first = first.checked_sub(1).and_then(|before| versions.get(before)?.1.as_ref());
        let later = versions.iter().skip(first).map(|(_, document)| document.as_ref());
        std::iter::once(at_first).chain(later).collect()
    }

    /// The documents that had this status at every moment from `began` until now.
    pub(super) fn steady(&self, status: &str, began: u64) -> BTreeSet<&str> {
        let is_steady = |id: &str| {
            self.since(id, began).iter().all(|version| version.is_some_and(|found| found.status == status))
        };
        self.versions.keys().map(String::as_str).filter(|id| is_steady(id)).collect()
    }

    /// The documents that had this status at some moment from `began` until now.
    pub(super) fn ever(&self, status: &str, began: u64) -> BTreeSet<&str> {
        let was = |id: &str| {
            self.since(id, began).iter().any(|version| version.is_some_and(|found| found.status == status))
        };
        self.versions.keys().map(String::as_str).filter(|id| was(id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_steady_only_if_no_moment_of_a_read_had_it_elsewhere() {
        let document = |status: &str| Some(Document { count: 0, status: status.to_owned(), tag: 0 });
        let mut timeline = Timeline::default();
        assert_eq!(timeline.since("a", 0), [None]);
        timeline.record("a", document("new"));
        timeline.record("b", document("new"));
        let began = timeline.now();
        timeline.record("a", document("paid"));
        timeline.record("a", document("new"));
        timeline.record("b", document("new"));
        timeline.record("c", document("new"));
        assert_eq!(timeline.steady("new", began), ["b"].into());
        assert_eq!(timeline.ever("new", began), ["a", "b", "c"].into());
        assert_eq!(timeline.ever("paid", began), ["a"].into());
        assert_eq!(timeline.steady("new", timeline.now()), ["a", "b", "c"].into());
        timeline.record("a", None);
        assert_eq!(timeline.since("a", timeline.now()), [None]);
        assert_eq!(timeline.ever("paid", timeline.now()), BTreeSet::new());
    }
}
