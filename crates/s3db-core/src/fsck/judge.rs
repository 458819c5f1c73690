//! Judges what seems wrong: reads it again, says what it is, and repairs it if that was asked for.

use std::sync::Arc;

use super::clock::Clock;
use super::expected::Record as Noted;
use super::finding::{Finding, FindingKind, Repair};
use crate::key::{Keys, ParsedKey};
use crate::plan::{Indexes, Reference};
use crate::resource::State;
use crate::store::{Condition, ETag, ListEntry, PutObject, Store};
use crate::unique::ClaimBody;
use crate::{Error, ErrorKind, Record, Resource, Result};

/// One resource under check.
pub(super) struct Judge<'a> {
    pub(super) resource: &'a Resource,
    pub(super) state: Arc<State>,
    pub(super) clock: &'a Clock,
    pub(super) repair: bool,
}

/// A document, read again.
enum Now {
    Absent,
    /// What it should have cannot be known.
    Unreadable,
    Here(Box<Record>, Indexes),
}

impl Judge<'_> {
    fn store(&self) -> &dyn Store {
        self.resource.store.as_ref()
    }

    fn keys(&self) -> &Keys {
        &self.resource.db.keys
    }

    pub(super) fn finding(&self, kind: FindingKind, key: &str) -> Finding {
        Finding::new(kind, self.resource.name(), key)
    }

    async fn read(&self, id: &str) -> Result<Now> {
        // An id that no key can hold was never written.
        let Ok(key) = self.resource.document_key(id) else {
            return Ok(Now::Absent);
        };
        let Some(object) = self.store().get(&key).await? else {
            return Ok(Now::Absent);
        };
        match self.resource.decode_for_index(&self.state, id, object).await {
            Ok(record) => {
                let indexes = self.resource.indexes_of(&self.state, &record);
                Ok(Now::Here(Box::new(record), indexes))
            }
            Err(error) if error.is_retryable() => Err(error),
            Err(_) => Ok(Now::Unreadable),
        }
    }

    /// A listed reference that no document was seen to need. `None` when all is well by now.
    pub(super) async fn reference(&self, entry: &ListEntry) -> Result<Option<Finding>> {
        let key = &*entry.key;
        let ParsedKey::Reference { partition, values, id, .. } = self.keys().parse(key) else {
            return Ok(None);
        };
        let is_known = self.state.partitions.iter().any(|known| known.name == partition);
        let (kind, detail) = match self.read(id).await? {
            Now::Unreadable => return Ok(None),
            _ if !is_known => (FindingKind::UnknownPartition, "the resource has no such partition"),
            Now::Absent => (FindingKind::DanglingReference, "the document does not exist"),
            Now::Here(_, indexes) if indexes.references.iter().any(|needed| needed == key) => {
                return Ok(None);
            }
            Now::Here(_, indexes) => {
                let same = |needed: &String| match self.keys().parse(needed) {
                    ParsedKey::Reference { partition: other, values: needed, .. } => {
                        other == partition && sorted(&needed) == sorted(&values)
                    }
                    _ => false,
                };
                if indexes.references.iter().any(same) {
                    (FindingKind::DuplicateReference, "the document has this entry under another key too")
                } else {
                    (FindingKind::StaleReference, "the document has other values")
                }
            }
        };
        let Some(head) = self.store().head(key).await? else {
            return Ok(None);
        };
        let age_ms = self.clock.age_ms(head.last_modified_ms);
        let mut finding = self.finding(kind, key).id(id).detail(detail);
        finding.age_ms = Some(age_ms);
        // Not the ETag of now: what was put after the document was read is not what was judged.
        let unchanged = head.etag == entry.etag && is_one_date(head.last_modified_ms, entry.last_modified_ms);
        if !unchanged {
            finding.repair = Repair::Pending;
            return Ok(Some(finding));
        }
        self.mend(finding, age_ms, self.remove_reference(key, id, &entry.etag)).await.map(Some)
    }

    /// Deletes a reference if it is still the one that was listed.
    async fn remove_reference(&self, key: &str, id: &str, etag: &ETag) -> Result<()> {
        let conditional = self.store().capability().conditional_delete;
        let condition = if conditional { Condition::IfMatch(etag.clone()) } else { Condition::None };
        self.store().delete(key, condition).await?;
        // References of s3db.js all have one ETag, so that one put back meanwhile may just have been deleted.
        if (!conditional || *etag == ETag::md5_of(b""))
            && let Now::Here(record, indexes) = self.read(id).await?
            && indexes.references.iter().any(|needed| needed == key)
        {
            match self.put_reference(key, &record).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                result => return result,
            }
        }
        Ok(())
    }

    /// Puts a reference that is not there. Never over one: a late duplicate of this request would bring an old ETag back.
    async fn put_reference(&self, key: &str, record: &Record) -> Result<()> {
        let stamp = crate::id::stamp(self.resource.db.env.as_ref());
        let stamp = self.resource.db.options.stamps.then_some(stamp.as_str());
        let reference = Reference::new(key.to_owned(), &record.meta.version, stamp);
        let conditional = self.store().capability().conditional_put;
        let condition = if conditional { Condition::IfAbsent } else { Condition::None };
        self.store().put(key, reference.object, condition).await.map(drop)
    }

    /// A reference that a document needs and that was not listed.
    pub(super) async fn missing_reference(&self, noted: &Noted) -> Result<Option<Finding>> {
        let Noted { key, id } = noted;
        let Now::Here(record, indexes) = self.read(id).await? else {
            return Ok(None);
        };
        if !indexes.references.contains(key) || self.store().head(key).await?.is_some() {
            return Ok(None);
        }
        let mut finding = self.finding(FindingKind::MissingReference, key).id(id);
        let age_ms = self.clock.age_ms(record.meta.last_modified_ms.unwrap_or(i64::MAX));
        finding.age_ms = Some(age_ms);
        let writable = self.state.partitions.iter().any(|partition| {
            let own =
                partition.key(self.keys(), self.resource.name(), id, &record.data, &record.meta.version);
            own.ok().flatten().as_ref() == Some(key)
        });
        if !writable {
            return Ok(Some(finding.detail("the value cannot stand in a key; change the document")));
        }
        self.mend(finding, age_ms, self.put_reference(key, &record)).await.map(Some)
    }

    /// A listed claim that its owner was not seen to need.
    pub(super) async fn claim(
        &self,
        entry: &ListEntry,
        held: Option<&ClaimBody>,
        etag: &ETag,
    ) -> Result<Option<Finding>> {
        let mut finding = self.finding(FindingKind::StaleClaim, &entry.key);
        match held {
            None => finding = finding.detail("it is not a claim"),
            Some(held) => {
                finding = finding.id(&held.owner);
                match self.read(&held.owner).await? {
                    Now::Unreadable => return Ok(None),
                    Now::Absent => finding = finding.detail("the document does not exist"),
                    Now::Here(_, indexes) if indexes.claims.iter().any(|key| **key == *entry.key) => {
                        return Ok(None);
                    }
                    Now::Here(..) => finding = finding.detail("the document does not hold the value"),
                }
            }
        }
        let Some(head) = self.store().head(&entry.key).await?.filter(|head| head.etag == *etag) else {
            return Ok(None);
        };
        let age_ms = self.clock.age_ms(head.last_modified_ms);
        finding.age_ms = Some(age_ms);
        if !self.store().capability().conditional_delete {
            return Ok(Some(
                finding.detail("the store has no conditional delete; without it this is not safe"),
            ));
        }
        let release = self.store().delete(&entry.key, Condition::IfMatch(etag.clone()));
        self.mend(finding, age_ms, release).await.map(Some)
    }

    /// A claim that a document needs and that no listed claim is. `rival` needs the same one.
    pub(super) async fn missing_claim(&self, noted: &Noted, rival: Option<&str>) -> Result<Option<Finding>> {
        let Noted { key, id } = noted;
        let Now::Here(record, indexes) = self.read(id).await? else {
            return Ok(None);
        };
        if !indexes.claims.contains(key) {
            return Ok(None);
        }
        let age_ms = self.clock.age_ms(record.meta.last_modified_ms.unwrap_or(i64::MAX));
        let held = self.store().get(key).await?.and_then(|found| ClaimBody::parse(&found.body));
        let owner = held.map(|held| held.owner);
        if owner.as_deref() == Some(id) {
            return Ok(None);
        }
        for other in owner.as_deref().into_iter().chain(rival).filter(|other| other != id) {
            if let Now::Here(_, indexes) = self.read(other).await?
                && indexes.claims.contains(key)
            {
                let mut finding = self.finding(FindingKind::SharedValue, key).id(id);
                finding.other = Some(other.to_owned());
                finding.age_ms = Some(age_ms);
                return Ok(Some(finding.detail("change the value in one of the two documents")));
            }
        }
        let mut finding = self.finding(FindingKind::MissingClaim, key).id(id);
        finding.age_ms = Some(age_ms);
        if let Some(owner) = owner {
            finding.repair = Repair::Pending;
            return Ok(Some(finding.detail(format!("the value is still claimed for {owner}"))));
        }
        let Some(object) = self.claim_object(key, &record) else {
            return Ok(None);
        };
        let take = async { self.store().put(key, object, Condition::IfAbsent).await.map(drop) };
        self.mend(finding, age_ms, take).await.map(Some)
    }

    fn claim_object(&self, key: &str, record: &Record) -> Option<PutObject> {
        let stamp = crate::id::stamp(self.resource.db.env.as_ref());
        let claims = self.resource.claims(&self.state, &record.id, &record.data, Some(&stamp)).ok()?;
        claims.into_iter().find(|(claim, _)| claim.key == key).map(|(_, object)| object)
    }

    /// Runs a repair where it was asked for and is safe.
    async fn mend(
        &self,
        mut finding: Finding,
        age_ms: i64,
        repair: impl Future<Output = Result<()>>,
    ) -> Result<Finding> {
        if !self.clock.is_old(age_ms) {
            finding.repair = Repair::Pending;
        } else if !self.repair {
            finding.repair = Repair::Possible;
        } else {
            finding.repair = match repair.await {
                Ok(()) => Repair::Done,
                Err(error) if error.kind() == ErrorKind::Conflict => Repair::Overtaken,
                Err(error) if is_fatal(&error) => return Err(error),
                Err(error) => {
                    finding = finding.detail(error.to_string());
                    Repair::Failed
                }
            };
        }
        Ok(finding)
    }
}

/// Whether two dates can be of one write: servers list milliseconds, and a header has whole seconds.
fn is_one_date(head_ms: i64, listed_ms: i64) -> bool {
    head_ms.div_euclid(1000) == listed_ms.div_euclid(1000)
}

/// Whether going on makes no sense.
fn is_fatal(error: &Error) -> bool {
    error.is_retryable() || error.kind() == ErrorKind::Denied
}

fn sorted<'v>(values: &'v [(&str, std::borrow::Cow<'_, str>)]) -> Vec<(&'v str, &'v str)> {
    let mut sorted: Vec<_> = values.iter().map(|(field, value)| (*field, value.as_ref())).collect();
    sorted.sort_unstable();
    sorted
}
