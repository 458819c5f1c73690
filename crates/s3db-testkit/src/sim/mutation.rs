//! Rules of s3db's protocols, taken out one at a time, to prove that the simulation sees each of them missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, Object, PutObject, PutResult, Replace, Store,
    VersionPage, VersionsRequest,
};
use s3db_core::{ErrorKind, Result};

/// A day, in milliseconds: older than any grace period.
const DAY_MS: i64 = 86_400_000;

/// The rule that a [`Mutant`] breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mutation {
    /// Bodies carry no stamp, so that the ETag does not see a change of metadata.
    NoStamps,
    /// Documents are changed whatever the store holds.
    UpdatesUnchecked,
    /// Documents are created over what is there.
    InsertsUnchecked,
    /// Documents are deleted whatever the store holds.
    DeletesUnchecked,
    /// Documents are changed by a copy onto themselves, which keeps the ETag.
    CopiesOntoItself,
    /// A refusal is believed, also when it may be that of the write's own success.
    NoReadBack,
    /// New references are written after the document.
    ReferencesLate,
    /// Old references are deleted before the document is written.
    OldReferencesFirst,
    /// Old references are deleted whatever the store holds.
    ReferenceDeletesUnchecked,
    /// References are put whatever the store holds.
    ReferencePutsUnchecked,
    /// New references are deleted when the document turns out to have been changed by another writer.
    NewReferencesCleanedUp,
    /// Readers believe references, without a look at the document.
    ReferencesTrusted,
    /// After a lost race a document is changed as it was read before, and not as the winner has left it.
    RacesNotReread,
    /// Claims are put over those of others.
    ClaimsUnchecked,
    /// Claims are put after the document.
    ClaimsLate,
    /// Claims are released whatever the store holds.
    ClaimReleasesUnchecked,
    /// A claim may be taken over at once.
    NoGrace,
    /// An old claim is taken over, or cleared away, although its owner holds the value.
    OwnersNotAsked,
    /// The catalogue is written whatever the store holds.
    CatalogUnchecked,
    /// Members of the catalogue that are not understood are dropped.
    ForeignMembersDropped,
    /// The next number of a sequence is written whatever the store holds.
    SequencesUnchecked,
    /// Values of plugins are written whatever the store holds.
    CountersUnchecked,
    /// A lease is created and taken over whatever the store holds.
    LeasesTakenUnchecked,
    /// A lease is given back whatever the store holds.
    LeaseReleasesUnchecked,
    /// A lease is taken over before it has expired.
    ExpiryIgnored,
    /// Readers delete locks that they see given back.
    LocksDeletedByReaders,
    /// The epochs of holders before are not looked at.
    EpochsForgotten,
    /// What a lease protects is written whatever epoch it holds.
    FenceIgnored,
    /// A process ends without waiting for its index writes of the background.
    NotFlushed,
    /// A check repairs what may be the middle of a write.
    FsckGraceIgnored,
    /// A write relies on its claims and index entries however long it has taken.
    SlowWritesGoOn,
}

impl Mutation {
    /// Every mutation.
    pub const ALL: [Self; 31] = [
        Self::NoStamps,
        Self::UpdatesUnchecked,
        Self::InsertsUnchecked,
        Self::DeletesUnchecked,
        Self::CopiesOntoItself,
        Self::NoReadBack,
        Self::ReferencesLate,
        Self::OldReferencesFirst,
        Self::ReferenceDeletesUnchecked,
        Self::ReferencePutsUnchecked,
        Self::NewReferencesCleanedUp,
        Self::ReferencesTrusted,
        Self::RacesNotReread,
        Self::ClaimsUnchecked,
        Self::ClaimsLate,
        Self::ClaimReleasesUnchecked,
        Self::NoGrace,
        Self::OwnersNotAsked,
        Self::CatalogUnchecked,
        Self::ForeignMembersDropped,
        Self::SequencesUnchecked,
        Self::CountersUnchecked,
        Self::LeasesTakenUnchecked,
        Self::LeaseReleasesUnchecked,
        Self::ExpiryIgnored,
        Self::LocksDeletedByReaders,
        Self::EpochsForgotten,
        Self::FenceIgnored,
        Self::NotFlushed,
        Self::FsckGraceIgnored,
        Self::SlowWritesGoOn,
    ];
}

/// Kinds of objects, by their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Document,
    Reference,
    Claim,
    Catalog,
    Sequence,
    Lock,
    PluginValue,
    Other,
}

fn kind_of(key: &str) -> Kind {
    if key.ends_with("s3db.json") {
        Kind::Catalog
    } else if key.contains("plugin=s3db-unique/resource=") {
        Kind::Claim
    } else if key.contains("/locks/") {
        Kind::Lock
    } else if key.contains("plugin=") && !key.contains("plugin=s3db-") {
        Kind::PluginValue
    } else if key.contains("/sequence=") {
        Kind::Sequence
    } else if key.contains("/partition=") {
        Kind::Reference
    } else if key.contains("/data/id=") {
        Kind::Document
    } else {
        Kind::Other
    }
}

/// A store that makes the database above it break one rule.
#[derive(Debug)]
pub struct Mutant {
    inner: Arc<dyn Store>,
    mutation: Mutation,
    /// Puts that wait for the next document.
    held: Mutex<Vec<(String, PutObject)>>,
    memory: Mutex<Memory>,
}

/// What it has seen pass by.
#[derive(Debug, Default)]
struct Memory {
    /// References that were put since the last document.
    references: Vec<String>,
    /// Documents as they were read.
    read: BTreeMap<String, Object>,
    /// Documents of which a race was lost since.
    lost: BTreeSet<String>,
}

impl Mutant {
    /// Puts a mutation between a database and its store.
    pub fn wrap(inner: Arc<dyn Store>, mutation: Mutation) -> Arc<dyn Store> {
        Arc::new(Self { inner, mutation, held: Mutex::default(), memory: Mutex::default() })
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn is_put_unchecked(&self, kind: Kind, object: &PutObject, condition: &Condition) -> bool {
        match self.mutation {
            Mutation::SequencesUnchecked => kind == Kind::Sequence,
            Mutation::CountersUnchecked => kind == Kind::PluginValue,
            Mutation::LeasesTakenUnchecked => kind == Kind::Lock && !is_given_back(&object.body),
            Mutation::LeaseReleasesUnchecked => kind == Kind::Lock && is_given_back(&object.body),
            Mutation::UpdatesUnchecked => {
                kind == Kind::Document && matches!(condition, Condition::IfMatch(_))
            }
            Mutation::InsertsUnchecked => kind == Kind::Document && *condition == Condition::IfAbsent,
            Mutation::ReferencePutsUnchecked => kind == Kind::Reference,
            Mutation::ClaimsUnchecked => kind == Kind::Claim,
            Mutation::CatalogUnchecked => kind == Kind::Catalog,
            _ => false,
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<(String, PutObject)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another writer has changed a document first.
    async fn race_was_lost(&self, key: &str) -> Result<()> {
        if self.is(Mutation::RacesNotReread) {
            self.memory().lost.insert(key.to_owned());
        }
        if self.is(Mutation::NewReferencesCleanedUp) {
            let references = std::mem::take(&mut self.memory().references);
            for key in references {
                self.inner.delete(&key, Condition::None).await?;
            }
        }
        Ok(())
    }

    /// A document that is read: that of the first time where a race was lost since.
    fn reread(&self, key: &str, found: Option<Object>) -> Option<Object> {
        let found = found?;
        let mut memory = self.memory();
        if memory.lost.remove(key)
            && let Some(mut object) = memory.read.get(key).cloned()
        {
            object.head.etag = found.head.etag;
            return Some(object);
        }
        memory.read.insert(key.to_owned(), found.clone());
        Some(found)
    }

    async fn put_held(&self) -> Result<()> {
        let held = std::mem::take(&mut *self.held());
        for (key, object) in held {
            self.inner.put(&key, object, Condition::None).await?;
        }
        Ok(())
    }

    fn believed<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if self.is(Mutation::NoReadBack) && error.kind() == ErrorKind::Conflict => {
                Err(error.outcome_unknown(false))
            }
            result => result,
        }
    }
}

/// An object without the stamp in its body.
fn unstamped(mut object: PutObject) -> PutObject {
    if object.body.starts_with(b"{\"_w\":") {
        object.body = Bytes::new();
    }
    object
}

fn without_foreign_members(object: Option<Object>) -> Option<Object> {
    let mut object = object?;
    if let Ok(serde_json::Value::Object(mut members)) = serde_json::from_slice(&object.body) {
        members.retain(|name, _| !name.starts_with("foreign"));
        object.body = serde_json::Value::Object(members).to_string().into();
    }
    Some(object)
}

/// Whether this is the lock of nobody.
fn is_given_back(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|lock| lock["token"] == "")
}

fn with_member(body: &[u8], name: &str, value: serde_json::Value) -> Bytes {
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).unwrap_or_default();
    members.insert(name.to_owned(), value);
    serde_json::Value::Object(members).to_string().into()
}

#[async_trait]
impl Store for Mutant {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let kind = kind_of(key);
        let object = if self.is(Mutation::NoStamps) { unstamped(object) } else { object };
        let is_held = self.is(Mutation::ReferencesLate) && kind == Kind::Reference
            || self.is(Mutation::ClaimsLate) && kind == Kind::Claim;
        if is_held {
            let etag = s3db_core::store::ETag::md5_of(&object.body);
            self.held().push((key.to_owned(), object));
            return Ok(PutResult::new(etag));
        }
        if self.is(Mutation::CopiesOntoItself)
            && kind == Kind::Document
            && matches!(condition, Condition::IfMatch(_))
        {
            let replace = Replace { metadata: object.metadata, content_type: object.content_type };
            return self.inner.copy(key, key, Some(replace), condition).await;
        }
        let condition =
            if self.is_put_unchecked(kind, &object, &condition) { Condition::None } else { condition };
        let put = self.believed(self.inner.put(key, object, condition).await);
        if kind == Kind::Document && put.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            self.race_was_lost(key).await?;
        }
        let put = put?;
        if kind == Kind::Reference {
            self.memory().references.push(key.to_owned());
        }
        if kind == Kind::Document {
            self.memory().references.clear();
            self.put_held().await?;
        }
        Ok(put)
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        let found = self.inner.get(key).await?;
        Ok(match (self.mutation, kind_of(key)) {
            (Mutation::ForeignMembersDropped, Kind::Catalog) => without_foreign_members(found),
            (Mutation::NoGrace, Kind::Claim) => found.map(|mut object| {
                object.head.last_modified_ms -= DAY_MS;
                object
            }),
            (Mutation::RacesNotReread, Kind::Document) => self.reread(key, found),
            (Mutation::OwnersNotAsked, Kind::Claim) => found.map(|mut object| {
                object.body = with_member(&object.body, "owner", "nobody".into());
                object
            }),
            (Mutation::ExpiryIgnored, Kind::Lock) => found.map(|mut object| {
                object.body = with_member(&object.body, "_expiresAt", 1.into());
                object
            }),
            (Mutation::LocksDeletedByReaders, Kind::Lock) => {
                if found.as_ref().is_some_and(|object| is_given_back(&object.body)) {
                    self.inner.delete(key, Condition::None).await?;
                }
                found
            }
            (Mutation::EpochsForgotten, Kind::Lock) => found.map(|mut object| {
                object.body = with_member(&object.body, "epoch", 0.into());
                object
            }),
            _ => found,
        })
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        let found = self.inner.head(key).await?;
        if self.is(Mutation::OldReferencesFirst) && kind_of(key) == Kind::Reference && found.is_some() {
            self.inner.delete(key, Condition::None).await?;
        }
        Ok(found)
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let is_unchecked = match self.mutation {
            Mutation::DeletesUnchecked => kind_of(key) == Kind::Document,
            Mutation::ReferenceDeletesUnchecked => kind_of(key) == Kind::Reference,
            Mutation::ClaimReleasesUnchecked => kind_of(key) == Kind::Claim,
            _ => false,
        };
        let condition = if is_unchecked { Condition::None } else { condition };
        self.believed(self.inner.delete(key, condition).await)
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        self.inner.list_versions(request).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.inner.get_version(key, version_id).await
    }
}
