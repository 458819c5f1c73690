//! Counting what there is, which tells the price of a check before it begins.

use super::expected::ENTRY_BYTES;
use crate::key::ParsedKey;
use crate::price::Prices;
use crate::store::{LIST_PAGE_MAX, ListEntry, ListRequest, Requests, Store};
use crate::{Resource, Result};

/// Half of the memory is for the table, the other half for notes that are not written to a file yet.
const TABLE_SHARE: usize = 2;

/// Passes beyond which more memory would be needed; each has a temporary file.
const PASSES_MAX: u64 = 256;

/// What a check looks at, and what it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Estimate {
    /// Documents.
    pub documents: u64,
    /// References.
    pub references: u64,
    /// Claims.
    pub claims: u64,
    /// Requests of a check that finds nothing. A finding takes 2 more to be confirmed.
    pub requests: Requests,
}

impl Estimate {
    pub(super) fn of<'a>(counted: impl Iterator<Item = &'a Counted>) -> Self {
        let clock = Requests { put: 1, head: 1, ..Requests::NONE };
        let mut estimate = Self { requests: clock, ..Self::default() };
        for counted in counted {
            estimate.documents += counted.documents;
            estimate.references += counted.references;
            estimate.claims += counted.claims;
            estimate.requests += counted.requests();
        }
        estimate
    }

    /// Dollars that [`requests`](Self::requests) cost.
    pub fn dollars(&self, prices: &Prices) -> f64 {
        prices.dollars(self.requests)
    }
}

/// What one resource has.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) documents: u64,
    pub(super) references: u64,
    pub(super) claims: u64,
    pub(super) unknown: u64,
    /// Date of the newest object.
    pub(super) newest_ms: i64,
    /// Passes in which references and claims are compared.
    pub(super) passes: usize,
}

impl Counted {
    /// Requests: 1 LIST per 1,000 objects.
    pub(super) async fn of(resource: &Resource, memory_bytes: usize) -> Result<Self> {
        let keys = &resource.db.keys;
        let mut counted = Self::default();
        for prefix in [keys.resource(resource.name())?, keys.claims(resource.name(), None)?] {
            let mut pages = Pages::new(resource.store.as_ref(), prefix);
            while let Some(page) = pages.next().await? {
                for entry in page {
                    counted.newest_ms = counted.newest_ms.max(entry.last_modified_ms);
                    *counted.counter(&keys.parse(&entry.key)) += 1;
                }
            }
        }
        let state = resource.state();
        let each = (state.partitions.len() + state.unique.len()) as u64;
        let table_bytes = (memory_bytes / TABLE_SHARE).max(ENTRY_BYTES) as u64;
        let needed_bytes = counted.documents.saturating_mul(each).saturating_mul(ENTRY_BYTES as u64);
        counted.passes = needed_bytes.div_ceil(table_bytes).clamp(1, PASSES_MAX) as usize;
        Ok(counted)
    }

    /// Objects that are looked at, over all passes.
    pub(super) fn steps(&self) -> u64 {
        self.documents + (self.references + self.claims) * self.passes as u64
    }

    fn counter(&mut self, key: &ParsedKey<'_>) -> &mut u64 {
        match key {
            ParsedKey::Document { .. } => &mut self.documents,
            ParsedKey::Reference { .. } => &mut self.references,
            ParsedKey::Claim { .. } => &mut self.claims,
            _ => &mut self.unknown,
        }
    }

    fn requests(&self) -> Requests {
        let pages = |objects: u64| objects.div_ceil(LIST_PAGE_MAX as u64).max(1);
        let compared = (pages(self.references) + pages(self.claims)) * self.passes as u64;
        Requests {
            list: pages(self.documents) + compared,
            get: self.documents + self.claims,
            ..Requests::NONE
        }
    }
}

/// The pages of a listing.
#[derive(Debug)]
pub(super) struct Pages<'a> {
    store: &'a dyn Store,
    request: Option<ListRequest>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(store: &'a dyn Store, prefix: String) -> Self {
        Self { store, request: Some(ListRequest::prefix(prefix)) }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Vec<ListEntry>>> {
        let Some(request) = self.request.take() else {
            return Ok(None);
        };
        let page = self.store.list(request.clone()).await?;
        self.request = page.continuation.map(|next| ListRequest { continuation: Some(next), ..request });
        Ok(Some(page.entries))
    }
}
