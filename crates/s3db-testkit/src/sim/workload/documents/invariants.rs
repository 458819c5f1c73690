//! What must hold of the objects, whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt as _;
use s3db_core::key::{Keys, ParsedKey, Partition};
use s3db_core::store::{MemoryStore, Store as _};
use s3db_core::{Database, Error, ErrorKind, Record, ResourceConfig, Result};
use serde_json::{Value, json};

use super::timeline::Timeline;
use super::{Document, Excused};
use crate::TestEnv;
use crate::sim::workload::PREFIX;

/// The resources of the workload.
pub(super) fn resources() -> [ResourceConfig; 2] {
    let items = json!({"count": "number", "status": "string", "tag": "number"});
    let users = json!({"email": "string|unique"});
    [ResourceConfig::new("items", items).partitions(partitions()), ResourceConfig::new("users", users)]
}

fn partitions() -> Value {
    json!({
        "byStatus": {"fields": {"status": "string"}},
        "byStatusAndTag": {"fields": {"status": "string", "tag": "number"}},
    })
}

/// Looks at the objects without a network before them.
#[derive(Debug)]
pub(super) struct Invariants {
    objects: MemoryStore,
    db: Database,
    keys: Keys,
    partitions: Vec<Partition>,
}

impl Invariants {
    pub(super) fn open(objects: MemoryStore) -> Result<Self> {
        let opened = Database::builder_on(Arc::new(objects.clone()), PREFIX).env(Arc::new(TestEnv::new(0)));
        let db = at_once(opened.connect())?;
        let definitions = partitions();
        let parsed = definitions.as_object().into_iter().flatten();
        let partitions =
            parsed.map(|(name, definition)| Partition::parse(name, definition)).collect::<Result<_>>()?;
        Ok(Self { objects, db, keys: Keys::new(PREFIX), partitions })
    }

    /// Notes what a write of a document has left.
    pub(super) fn record(&self, key: &str, timeline: &mut Timeline) -> Result<(), String> {
        let ParsedKey::Document { resource: "items", id } = self.keys.parse(key) else {
            return Ok(());
        };
        let record = self.read("items", id).map_err(|error| format!("items/{id} cannot be read: {error}"))?;
        timeline.record(id, record.as_ref().and_then(Document::of));
        Ok(())
    }

    /// What must hold after each single write.
    pub(super) fn after_write(&self, key: &str, excused: &Excused) -> Result<(), String> {
        match self.keys.parse(key) {
            ParsedKey::Document { resource: "items", id }
            | ParsedKey::Reference { resource: "items", id, .. } => {
                if !excused.is_indexed_at_once || excused.documents.contains(id) {
                    Ok(())
                } else {
                    self.is_in_its_partitions(id)
                }
            }
            ParsedKey::Document { resource: "users", .. } => self.emails_are_unique(excused),
            _ => Ok(()),
        }
    }

    /// Whether all documents but those that are excused are in all their partitions.
    pub(super) fn all_are_in_their_partitions(&self, excused: &Excused) -> Result<(), String> {
        let ids = self.ids("items").into_iter().filter(|id| !excused.documents.contains(id));
        ids.into_iter().try_for_each(|id| self.is_in_its_partitions(&id))
    }

    /// Whether the catalogue has all resources that were surely created, and what is not ours.
    pub(super) fn catalog_is_whole(&self, created: &BTreeSet<String>) -> Result<(), String> {
        let catalog = at_once(self.objects.get(&self.keys.catalog())).ok().flatten();
        let catalog: Value =
            catalog.and_then(|object| serde_json::from_slice(&object.body).ok()).unwrap_or_default();
        for name in created {
            if catalog.pointer(&format!("/resources/{name}")).is_none() {
                return Err(format!("the resource {name} was created and is not in the catalogue"));
            }
        }
        match catalog.pointer("/foreign/kept") {
            Some(_) => Ok(()),
            None => Err("the catalogue has lost a member that is not ours".to_owned()),
        }
    }

    /// Ids of all documents.
    pub(super) fn ids(&self, resource: &str) -> Vec<String> {
        let objects = self.objects.objects();
        let ids = objects.iter().filter_map(|(key, _)| match self.keys.parse(key) {
            ParsedKey::Document { resource: found, id } if found == resource => Some(id.to_owned()),
            _ => None,
        });
        ids.collect()
    }

    fn read(&self, resource: &str, id: &str) -> Result<Option<Record>> {
        at_once(self.db.resource(resource)?.get_or_none(id))
    }

    fn is_in_its_partitions(&self, id: &str) -> Result<(), String> {
        let record = self.read("items", id).map_err(|error| format!("items/{id} cannot be read: {error}"))?;
        let Some(record) = record else {
            return Ok(());
        };
        for partition in &self.partitions {
            let key = partition.key(&self.keys, "items", id, &record.data, &record.meta.version);
            let key = key.map_err(|error| error.to_string())?;
            if let Some(key) = key
                && !matches!(at_once(self.objects.head(&key)), Ok(Some(_)))
            {
                return Err(format!("items/{id} is missing from its partition: there is no {key}"));
            }
        }
        Ok(())
    }

    /// Whether no two users hold one e-mail.
    pub(super) fn emails_are_unique(&self, excused: &Excused) -> Result<(), String> {
        let mut holders: BTreeMap<String, String> = BTreeMap::new();
        for id in self.ids("users").into_iter().filter(|id| !excused.documents.contains(id)) {
            let record =
                self.read("users", &id).map_err(|error| format!("users/{id} cannot be read: {error}"))?;
            let email =
                record.as_ref().and_then(|record| record.data.get("email")?.as_str().map(str::to_owned));
            if let Some(email) = email
                && let Some(other) = holders.insert(email.clone(), id.clone())
            {
                return Err(format!("users/{other} and users/{id} both hold {email}"));
            }
        }
        Ok(())
    }
}

/// The outcome of a call that does not wait, because its store is in memory.
fn at_once<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let waited = || Err(Error::new(ErrorKind::Unavailable, "a store in memory waited"));
    call.now_or_never().unwrap_or_else(waited)
}
