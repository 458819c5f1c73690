//! Compiles one write into its stages.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Step, WritePlan};
use crate::store::{Condition, PutObject};

/// An index entry to write.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Key of the entry.
    pub key: String,
    /// The entry itself.
    pub object: PutObject,
}

/// All that a write of one document needs, already encoded.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Key of the document.
    pub key: String,
    /// The document.
    pub object: PutObject,
    /// What must hold for the document's PUT.
    pub condition: Condition,
    /// Keys of the index entries that the document had before this write.
    pub references_before: Vec<String>,
    /// Index entries that it has after.
    pub references_after: Vec<Reference>,
}

/// The plan of an insert, update or replace.
///
/// New references come before the document and old ones go after it, so that a crash between two steps leaves extra
/// references only, which readers skip and `fsck` removes; a reference that stays is not written again.
pub fn write(request: WriteRequest) -> WritePlan {
    let WriteRequest { key, object, condition, references_before, references_after } = request;
    if references_before.is_empty() && references_after.is_empty() {
        return WritePlan { stages: vec![vec![Step::PutDocument { key, object, condition }]] };
    }
    let before: BTreeSet<String> = references_before.into_iter().collect();
    let after: BTreeSet<&str> = references_after.iter().map(|reference| reference.key.as_str()).collect();
    let gone: Vec<String> = before.iter().filter(|key| !after.contains(key.as_str())).cloned().collect();

    let mut plan = WritePlan::default();
    let heads = gone.iter().map(|key| Step::HeadReference { key: key.clone() });
    let puts = references_after
        .into_iter()
        .filter(|reference| !before.contains(&reference.key))
        .map(|reference| Step::PutReference { key: reference.key, object: reference.object });
    // Looking at old references and writing new ones touch different keys, so they share a stage.
    plan.push(heads.chain(puts).collect());
    plan.push(vec![Step::PutDocument { key, object, condition }]);
    plan.push(gone.into_iter().map(|key| Step::DeleteReference { key }).collect());
    plan
}

/// The plan of a delete: the document first, then its references.
pub fn delete(key: String, condition: Condition, references_before: Vec<String>) -> WritePlan {
    let mut plan = WritePlan::default();
    plan.push(references_before.iter().map(|key| Step::HeadReference { key: key.clone() }).collect());
    plan.push(vec![Step::DeleteDocument { key, condition }]);
    plan.push(references_before.into_iter().map(|key| Step::DeleteReference { key }).collect());
    plan
}

impl Reference {
    /// The entry that s3db.js writes (`_v` in the metadata), with our stamp in its body.
    pub fn new(key: String, version: &str, stamp: Option<&str>) -> Self {
        let body = stamp.map_or_else(Bytes::new, |stamp| Bytes::from(format!("{{\"_w\":\"{stamp}\"}}")));
        let content_type = stamp.map(|_| "application/json".into());
        let metadata = [("_v", version)].into_iter().collect::<crate::store::Metadata>();
        Self { key, object: PutObject { metadata: metadata.into(), body, content_type } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ETag;

    fn check(before: &[&str], after: &[&str], condition: Condition, expected: &str) {
        let plan = write(WriteRequest {
            key: "doc".into(),
            object: PutObject::default(),
            condition,
            references_before: before.iter().map(ToString::to_string).collect(),
            references_after: after
                .iter()
                .map(|key| Reference::new((*key).into(), "v1", Some("s")))
                .collect(),
        });
        assert_eq!(plan.to_string(), expected, "{before:?} -> {after:?}");
    }

    #[test]
    fn references_come_before_the_document_and_go_after_it() {
        check(&[], &[], Condition::IfAbsent, "1 PUT    doc if-none-match\n");
        check(&[], &["a", "b"], Condition::IfAbsent, "1 PUT    a\n1 PUT    b\n2 PUT    doc if-none-match\n");
        check(&["a"], &["a"], Condition::IfMatch(ETag::new("e")), "1 PUT    doc if-match\n");
        check(
            &["a", "c"],
            &["b", "c"],
            Condition::IfMatch(ETag::new("e")),
            "1 HEAD   a\n1 PUT    b\n2 PUT    doc if-match\n3 DELETE a if-match\n",
        );
    }

    #[test]
    fn a_deleted_document_goes_before_its_references() {
        let plan = delete("doc".into(), Condition::IfMatch(ETag::new("e")), vec!["a".into()]);
        assert_eq!(plan.to_string(), "1 HEAD   a\n2 DELETE doc if-match\n3 DELETE a if-match\n");
        assert_eq!(plan.requests(), 3);
    }
}
