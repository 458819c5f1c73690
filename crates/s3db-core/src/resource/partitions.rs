//! The partitions of a resource: which there are, which are orphaned, and adding one.

use serde_json::Value;

use super::Resource;
use crate::catalog::ResourceDefinition;
use crate::database::{Event, OrphanedPartition, check_partitions, orphans};
use crate::key::Partition;
use crate::{Error, ErrorKind, Result};

/// A partition of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionInfo {
    /// Its name.
    pub name: String,
    /// Its fields and their rules, in the order of the key.
    pub fields: Vec<(String, String)>,
    /// Fields that the resource does not have. A partition with such fields is orphaned: no document is in it.
    pub missing_fields: Vec<String>,
    /// Whether it is known to hold every document that has its fields. Queries use no other;
    /// [`reindex`](Resource::reindex) completes it.
    pub is_complete: bool,
}

impl Resource {
    /// The partitions, by name. Sends nothing.
    pub fn partitions(&self) -> Result<Vec<PartitionInfo>> {
        let orphaned = self.find_orphaned_partitions()?;
        let state = self.state();
        let complete = self.trusted_partitions(&state);
        let mut partitions: Vec<PartitionInfo> = state
            .partitions
            .iter()
            .map(|partition| PartitionInfo {
                name: partition.name.clone(),
                fields: partition.fields.iter().map(|f| (f.path.clone(), f.rule.clone())).collect(),
                missing_fields: orphaned
                    .iter()
                    .find(|orphan| orphan.name == partition.name)
                    .map(|orphan| orphan.missing_fields.clone())
                    .unwrap_or_default(),
                is_complete: complete.contains(&partition.name),
            })
            .collect();
        partitions.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(partitions)
    }

    /// The partitions that name fields which the resource does not have, such as those of a field that was taken out of
    /// the schema. No document gets a reference in them, and no query uses them. Sends nothing.
    pub fn find_orphaned_partitions(&self) -> Result<Vec<OrphanedPartition>> {
        Ok(orphans(&self.definition()?))
    }

    /// Takes the orphaned partitions out of the definition, which gets a new version, and returns them. A dry run only
    /// returns them. References that are left of them go with `fsck`.
    ///
    /// [`Event::OrphanedPartitionsRemoved`] tells of it.
    ///
    /// Requests: none for a dry run; else 1 GET, and 1 conditional PUT when there are any; again for each lost race.
    pub async fn remove_orphaned_partitions(&self, dry_run: bool) -> Result<Vec<OrphanedPartition>> {
        if dry_run {
            return self.find_orphaned_partitions();
        }
        let removed = self
            .define(|definition| {
                let orphaned = orphans(definition);
                definition.partitions.retain(|name, _| orphaned.iter().all(|orphan| orphan.name != *name));
                Ok(orphaned)
            })
            .await?;
        if !removed.is_empty() {
            self.db.events.emit(Event::OrphanedPartitionsRemoved {
                resource: self.name().to_owned(),
                partitions: removed.iter().map(|orphan| orphan.name.clone()).collect(),
            });
        }
        Ok(removed)
    }

    /// Adds a partition, such as `{"fields": {"country": "string"}}`, which gives the definition a new version. The same
    /// partition again changes nothing.
    ///
    /// Documents that are written from now on get their references. Those that are there already get them from
    /// [`reindex`](Self::reindex); until then queries read past the partition, and
    /// [`partition`](Self::partition) finds what is in it. Processes that hold the older definition must
    /// [`refresh`](crate::Database::refresh) first, or what they write will be missing.
    ///
    /// Requests: 1 GET, and 1 conditional PUT; again for each lost race.
    /// Errors: `AlreadyExists` for a partition of this name with other fields; `Config` for a wrong form, and for a
    /// field that the resource does not have, unless the database was opened without `strict_validation`.
    pub async fn add_partition(&self, name: &str, partition: Value) -> Result<()> {
        let strict = self.db.options.strict_validation;
        self.define(|definition| {
            let added = Partition::parse(name, &partition)?;
            match definition.partitions.get(name).map(|existing| Partition::parse(name, existing)) {
                Some(Ok(existing)) if existing == added => return Ok(()),
                Some(_) => {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        "a partition of this name has other fields",
                    )
                    .with("partition", name)
                    .hint("take another name: the references of the old one are on the bucket"));
                }
                None => drop(definition.partitions.insert(name.to_owned(), partition.clone())),
            }
            // Orphans that are there already do not keep a good one out.
            let mut alone = definition.clone();
            alone.partitions.retain(|other, _| other == name);
            check_partitions(&alone, strict)
        })
        .await
    }

    /// The current definition, as the catalogue was last read. Sends nothing.
    ///
    /// Errors: `NotFound` once the resource was removed.
    pub fn definition(&self) -> Result<ResourceDefinition> {
        let definition = self.db.loaded().catalog.definition(self.name())?;
        definition.ok_or_else(|| self.no_longer_there())
    }

    /// Changes the definition of the catalogue, and puts it in force.
    pub(super) async fn define<T>(&self, change: impl Fn(&mut ResourceDefinition) -> Result<T>) -> Result<T> {
        let now = self.db.now();
        let changed = self.db.change_catalog(|catalog| {
            let mut definition = catalog.definition(self.name())?.ok_or_else(|| self.no_longer_there())?;
            let value = change(&mut definition).map_err(|error| error.with("resource", self.name()))?;
            let upserted = catalog.upsert(&definition, &now);
            Ok((value, upserted.changed))
        });
        let value = changed.await?;
        self.recompile()?;
        Ok(value)
    }

    /// Puts the definition of the loaded catalogue in force, for all handles.
    pub(super) fn recompile(&self) -> Result<()> {
        self.db.put_in_force(&self.shared, self.db.compile(self.name())?);
        Ok(())
    }

    pub(super) fn no_longer_there(&self) -> Error {
        Error::new(ErrorKind::NotFound, "the resource is no longer in the catalogue")
            .with("resource", self.name())
    }
}
