//! What typed reads and writes return.

use std::ops::Deref;

use crate::resource::{RecordMeta, Unreadable};

/// A value with its id and what the store knows of it. It dereferences to the value.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Stored<T> {
    /// Id.
    pub id: String,
    /// The value, as it is stored.
    pub value: T,
    /// What the store knows of it.
    pub meta: RecordMeta,
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Values in the order of their ids, and the documents among them that could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct TypedListing<T> {
    /// Readable documents.
    pub records: Vec<Stored<T>>,
    /// Documents that do not decode, or do not fit the type.
    pub unreadable: Vec<Unreadable>,
}

/// One page of values.
#[derive(Debug)]
#[non_exhaustive]
pub struct TypedPage<T> {
    /// Readable documents.
    pub records: Vec<Stored<T>>,
    /// Documents that do not decode, or do not fit the type.
    pub unreadable: Vec<Unreadable>,
    /// Pass it on to get the next page; `None` on the last.
    pub next_cursor: Option<String>,
}
