//! Compiles one write into its stages.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Step, WritePlan};
use crate::store::{Condition, PutObject};
use crate::unique::Claim;

/// When the index entries of a document are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PartitionWrites {
    /// Before the document. A crash can leave an entry too many, which readers skip, and never one too few.
    #[default]
    Safe,
    /// Beside the document, which saves one round trip. A crash can leave a document without its entry, which `fsck`
    /// finds.
    Parallel,
    /// After the call has returned, by a task that [`flush`](crate::Database::flush) and
    /// [`close`](crate::Database::close) wait for. As [`Parallel`](Self::Parallel), and a partition shows a document a
    /// little later than `get` does.
    Background,
}

/// An index entry to write.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Key of the entry.
    pub key: String,
    /// The entry itself.
    pub object: PutObject,
}

/// What a document was, to be kept before it is written.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Key of the snapshot.
    pub key: String,
    /// The document as it is stored.
    pub object: PutObject,
}

/// The index entries and claims that a stored document has.
#[derive(Debug, Clone, Default)]
pub struct Indexes {
    /// Keys of the index entries.
    pub references: Vec<String>,
    /// Keys of the claims.
    pub claims: Vec<String>,
}

/// All that a write of one document needs, already encoded.
#[derive(Debug, Clone)]
pub struct WriteRequest {
    /// Id of the document.
    pub id: String,
    /// Key of the document.
    pub key: String,
    /// The document.
    pub object: PutObject,
    /// What must hold for the document's PUT.
    pub condition: Condition,
    /// What the document had before this write.
    pub before: Indexes,
    /// Index entries that it has after.
    pub references: Vec<Reference>,
    /// Unique values that it has after, each with the claim to store.
    pub claims: Vec<(Claim, PutObject)>,
    /// What is kept of the document before.
    pub snapshot: Option<Snapshot>,
    /// When the index entries are written.
    pub partition_writes: PartitionWrites,
}

/// The plan of an insert, update or replace.
///
/// Claims come first, so that a refused write leaves nothing behind. New references come before the document and old
/// ones go after it, so that a crash between two steps leaves extra references only, which readers skip and `fsck`
/// removes; a reference that stays is not written again. Old references are looked at before the document is written
/// in every mode: a later look could see, and remove, what another writer has put there since. A snapshot is written
/// before the document: a crash in between leaves one of what is still there.
pub fn write(request: WriteRequest) -> WritePlan {
    let WriteRequest { id, key, object, condition, before, references, claims, snapshot, partition_writes } =
        request;
    let document = Step::PutDocument { key, object, condition };
    let is_plain = references.is_empty() && claims.is_empty() && snapshot.is_none();
    if is_plain && before.references.is_empty() && before.claims.is_empty() {
        return WritePlan { stages: vec![vec![document]], background: Vec::new() };
    }
    let kept: BTreeSet<&str> = claims.iter().map(|(claim, _)| claim.key.as_str()).collect();
    let let_go: Vec<String> =
        before.claims.iter().filter(|key| !kept.contains(key.as_str())).cloned().collect();
    let held: BTreeSet<String> = before.claims.into_iter().collect();
    let after: BTreeSet<&str> = references.iter().map(|reference| reference.key.as_str()).collect();
    let before: BTreeSet<String> = before.references.into_iter().collect();
    let gone: Vec<String> = before.iter().filter(|key| !after.contains(key.as_str())).cloned().collect();

    let mut plan = WritePlan::default();
    let reads = let_go.iter().map(|key| Step::ReadClaim { key: key.clone(), owner: id.clone() });
    let takes = claims
        .into_iter()
        .filter(|(claim, _)| !held.contains(&claim.key))
        .map(|(claim, object)| Step::PutClaim { claim, object });
    let looks = snapshot.iter().map(|snapshot| Step::HeadSnapshot { key: snapshot.key.clone() });
    plan.push(reads.chain(takes).chain(looks).collect());

    let keeps = snapshot.map(|Snapshot { key, object }| Step::PutSnapshot { key, object });
    let heads = gone.iter().map(|key| Step::HeadReference { key: key.clone() });
    let puts = references
        .into_iter()
        .filter(|reference| !before.contains(&reference.key))
        .map(|reference| Step::PutReference { key: reference.key, object: reference.object });
    let deletes: Vec<Step> = gone.iter().map(|key| Step::DeleteReference { key: key.clone() }).collect();
    let releases: Vec<Step> = let_go.into_iter().map(|key| Step::ReleaseClaim { key }).collect();
    match partition_writes {
        PartitionWrites::Safe => {
            // Looking at old references and writing new ones touch different keys, so they share a stage.
            plan.push(heads.chain(puts).chain(keeps).collect());
            plan.push(vec![document]);
            plan.push(deletes.into_iter().chain(releases).collect());
        }
        PartitionWrites::Parallel => {
            plan.push(heads.chain(keeps).collect());
            plan.push(puts.chain([document]).collect());
            plan.push(deletes.into_iter().chain(releases).collect());
        }
        PartitionWrites::Background => {
            plan.push(heads.chain(keeps).collect());
            plan.push(vec![document]);
            plan.push(releases);
            plan.background =
                [puts.collect(), deletes].into_iter().filter(|s: &Vec<Step>| !s.is_empty()).collect();
        }
    }
    plan
}

/// The plan of a delete: the document first, then its references and claims.
pub fn delete(
    id: &str,
    key: String,
    condition: Condition,
    before: Indexes,
    partition_writes: PartitionWrites,
) -> WritePlan {
    let mut plan = WritePlan::default();
    let heads = before.references.iter().map(|key| Step::HeadReference { key: key.clone() });
    let reads = before.claims.iter().map(|key| Step::ReadClaim { key: key.clone(), owner: id.to_owned() });
    plan.push(heads.chain(reads).collect());
    plan.push(vec![Step::DeleteDocument { key, condition }]);
    let deletes: Vec<Step> = before.references.into_iter().map(|key| Step::DeleteReference { key }).collect();
    let releases = before.claims.into_iter().map(|key| Step::ReleaseClaim { key });
    if partition_writes == PartitionWrites::Background {
        plan.push(releases.collect());
        plan.background = vec![deletes];
        plan.background.retain(|stage| !stage.is_empty());
    } else {
        plan.push(deletes.into_iter().chain(releases).collect());
    }
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

    struct Case {
        before: &'static [&'static str],
        after: &'static [&'static str],
        held: &'static [&'static str],
        claims: &'static [&'static str],
        mode: PartitionWrites,
    }

    fn check(case: Case, condition: Condition, expected: &str) {
        let Case { before, after, held, claims, mode } = case;
        let texts = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        let claim = |key: &&str| Claim {
            key: (*key).into(),
            field: "email".into(),
            value: "ann@example.com".into(),
            owner: "u1".into(),
        };
        let plan = write(WriteRequest {
            id: "u1".into(),
            key: "doc".into(),
            object: PutObject::default(),
            condition,
            before: Indexes { references: texts(before), claims: texts(held) },
            references: after.iter().map(|key| Reference::new((*key).into(), "v1", Some("s"))).collect(),
            claims: claims.iter().map(|key| (claim(key), PutObject::default())).collect(),
            snapshot: None,
            partition_writes: mode,
        });
        assert_eq!(plan.to_string(), expected, "{before:?} -> {after:?}, {held:?} -> {claims:?}, {mode:?}");
    }

    #[test]
    fn claims_then_references_come_before_the_document_and_old_ones_go_after_it() {
        use PartitionWrites::{Background, Parallel, Safe};
        let changed = || Condition::IfMatch(ETag::new("e"));
        let new = || Condition::IfAbsent;
        let case = |before, after, held, claims, mode| Case { before, after, held, claims, mode };
        check(case(&[], &[], &[], &[], Safe), new(), "1 PUT    doc if-none-match\n");
        check(
            case(&[], &["a", "b"], &[], &["c"], Safe),
            new(),
            "1 PUT    c if-none-match\n2 PUT    a\n2 PUT    b\n3 PUT    doc if-none-match\n",
        );
        check(case(&["a"], &["a"], &["c"], &["c"], Safe), changed(), "1 PUT    doc if-match\n");
        check(
            case(&["a", "x"], &["b", "x"], &["c"], &["d"], Safe),
            changed(),
            "1 GET    c\n1 PUT    d if-none-match\n2 HEAD   a\n2 PUT    b\n3 PUT    doc if-match\n\
             4 DELETE a if-match\n4 DELETE c if-match\n",
        );
        check(
            case(&["a"], &["b"], &[], &[], Parallel),
            changed(),
            "1 HEAD   a\n2 PUT    b\n2 PUT    doc if-match\n3 DELETE a if-match\n",
        );
        check(
            case(&["a"], &["b"], &["c"], &[], Background),
            changed(),
            "1 GET    c\n2 HEAD   a\n3 PUT    doc if-match\n4 DELETE c if-match\n+5 PUT    b\n+6 DELETE a if-match\n",
        );
    }

    #[test]
    fn what_the_document_was_is_kept_before_it_is_written() {
        use PartitionWrites::{Background, Parallel, Safe};
        let plan = |references: &[&str], mode| {
            let snapshot = Snapshot { key: "old".into(), object: PutObject::default() };
            write(WriteRequest {
                id: "u1".into(),
                key: "doc".into(),
                object: PutObject::default(),
                condition: Condition::IfMatch(ETag::new("e")),
                before: Indexes::default(),
                references: references.iter().map(|key| Reference::new((*key).into(), "v1", None)).collect(),
                claims: Vec::new(),
                snapshot: Some(snapshot),
                partition_writes: mode,
            })
        };
        for (references, mode, expected) in [
            (&[][..], Safe, "1 HEAD   old\n2 PUT    old if-match\n3 PUT    doc if-match\n"),
            (&["a"], Safe, "1 HEAD   old\n2 PUT    a\n2 PUT    old if-match\n3 PUT    doc if-match\n"),
            (&["a"], Parallel, "1 HEAD   old\n2 PUT    old if-match\n3 PUT    a\n3 PUT    doc if-match\n"),
            (&["a"], Background, "1 HEAD   old\n2 PUT    old if-match\n3 PUT    doc if-match\n+4 PUT    a\n"),
        ] {
            let plan = plan(references, mode);
            assert_eq!(plan.to_string(), expected);
            assert_eq!(plan.cost().total(), plan.requests() as u64);
        }
    }

    #[test]
    fn a_deleted_document_goes_before_its_references_and_claims() {
        let before = || Indexes { references: vec!["a".into()], claims: vec!["c".into()] };
        let plan = |mode| delete("u1", "doc".into(), Condition::IfMatch(ETag::new("e")), before(), mode);
        let safe = plan(PartitionWrites::Safe);
        assert_eq!(
            safe.to_string(),
            "1 HEAD   a\n1 GET    c\n2 DELETE doc if-match\n3 DELETE a if-match\n3 DELETE c if-match\n"
        );
        assert_eq!(safe.requests(), 5);
        assert_eq!(
            plan(PartitionWrites::Background).to_string(),
            "1 HEAD   a\n1 GET    c\n2 DELETE doc if-match\n3 DELETE c if-match\n+4 DELETE a if-match\n"
        );
    }
}
