//! Listing values of a Rust type.

use super::{Stored, Typed, TypedDocument, TypedListing, TypedPage};
use crate::resource::{ListOptions, Page, Unreadable};
use crate::{Record, Result};

impl<T: TypedDocument> Typed<T> {
    /// As [`Resource::list`](crate::Resource::list). A document that does not fit the type is reported beside the others.
    pub async fn list(&self, options: ListOptions) -> Result<TypedListing<T>> {
        let listing = self.raw.list(options).await?;
        let (records, unreadable) = self.sorted_out(listing.records, listing.unreadable);
        Ok(TypedListing { records, unreadable })
    }

    /// All documents. Requests: as [`list`](Self::list).
    pub async fn get_all(&self) -> Result<TypedListing<T>> {
        self.list(ListOptions::default()).await
    }

    /// As [`Resource::page`](crate::Resource::page).
    pub async fn page(&self, size: usize, cursor: Option<&str>) -> Result<TypedPage<T>> {
        Ok(self.typed_page(self.raw.page(size, cursor).await?))
    }

    pub(super) fn typed_page(&self, page: Page) -> TypedPage<T> {
        let (records, unreadable) = self.sorted_out(page.records, page.unreadable);
        TypedPage { records, unreadable, next_cursor: page.next_cursor }
    }

    fn sorted_out(
        &self,
        records: Vec<Record>,
        mut unreadable: Vec<Unreadable>,
    ) -> (Vec<Stored<T>>, Vec<Unreadable>) {
        let mut readable = Vec::with_capacity(records.len());
        for record in records {
            let id = record.id.clone();
            match self.stored(record) {
                Ok(stored) => readable.push(stored),
                Err(error) => unreadable.push(Unreadable { id, error }),
            }
        }
        (readable, unreadable)
    }
}
