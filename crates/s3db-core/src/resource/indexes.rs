//! The index entries and claims of a document.

use super::{Record, Resource, State};
use crate::key::Partition;
use crate::plan::Indexes;
use crate::store::PutObject;
use crate::unique::{self, Claim};
use crate::{Document, Result};

impl Resource {
    /// Whether a partition or a unique value is made of a field that is sealed.
    pub(crate) fn indexes_secrets(&self) -> bool {
        let state = self.state();
        let of_partitions =
            state.partitions.iter().flat_map(|partition| &partition.fields).map(|field| &field.path);
        let mut paths = of_partitions.chain(state.unique.iter().flat_map(|unique| &unique.paths));
        paths.any(|path| state.mapper.is_sealed(path))
    }

    /// What a stored document has, also under values that only s3db.js would write.
    pub(crate) fn indexes_of(&self, state: &State, record: &Record) -> Indexes {
        let reference = |partition: &Partition| {
            partition.foreign_key(&self.db.keys, self.name(), &record.id, &record.data, &record.meta.version)
        };
        let references = state.partitions.iter().filter_map(reference).collect();
        // A value too long for a key was never claimed.
        let claims = unique::claims_of(&state.unique, &self.db.keys, self.name(), &record.id, &record.data);
        let claims = claims.unwrap_or_default().into_iter().map(|claim| claim.key).collect();
        Indexes { references, claims }
    }

    /// The claims that a document needs, each with the object to store.
    pub(crate) fn claims(
        &self,
        state: &State,
        id: &str,
        data: &Document,
        stamp: Option<&str>,
    ) -> Result<Vec<(Claim, PutObject)>> {
        if state.unique.is_empty() {
            return Ok(Vec::new());
        }
        // Claims are stamped always: without one their ETags would tell nothing.
        let own = stamp.is_none().then(|| crate::id::stamp(self.db.env.as_ref()));
        let stamp = stamp.or(own.as_deref()).unwrap_or_default();
        let claims = unique::claims_of(&state.unique, &self.db.keys, self.name(), id, data)?;
        Ok(claims.into_iter().map(|claim| (claim.clone(), claim.object(stamp))).collect())
    }
}
