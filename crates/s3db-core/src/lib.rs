//! The core of s3db, a document database whose only server is an object store.
//!
//! Most programs depend on the `s3db` crate, which re-exports this one. See `docs/architecture.md` for the road of a
//! document from a call to the bytes on the bucket.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

pub mod error;

pub mod actor;
pub mod behavior;
pub mod budget;
pub mod catalog;
pub mod connection;
pub mod database;
pub mod doctor;
pub mod encoding;
pub mod env;
mod exec;
pub mod explain;
pub mod fsck;
pub mod id;
pub mod key;
pub mod lease;
pub mod op;
pub mod plan;
pub mod plugin;
pub mod price;
pub mod query;
pub mod receipt;
pub mod resource;
pub mod schema;
pub mod sequence;
pub mod store;
pub mod typed;
pub mod unique;

mod doc;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/write-your-own.md")]
mod plugin_guide {}

pub use database::{Database, Event};
pub use error::{Error, ErrorKind, FieldError, Result};
pub use resource::{Record, Resource, ResourceConfig};

/// A document: its fields by name, in the order they were given.
pub type Document = serde_json::Map<String, serde_json::Value>;

/// A value of `doc!`.
#[doc(hidden)]
pub fn __doc_value(value: impl Into<serde_json::Value>) -> serde_json::Value {
    value.into()
}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/hooks.md")]
mod hooks_guide {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/events.md")]
mod events_guide {}
