//! PostgreSQL as a target of the replicator: a table for each resource, which follows its schema, and ends as the source is
//! however many processes deliver.
//!
//! See `docs/plugins/replicator-postgres.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod connect;
mod deliver;
mod failure;
mod json;
mod log_table;
mod name;
mod options;
mod plan;
mod rows;
mod sync;
mod table;
mod target;
mod tls;
mod types;
mod work;

pub use options::{OnMismatch, PostgresOptions, SchemaSync, Ssl, Strategy};
pub use target::{PostgresTarget, register};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/replicator-postgres.md")]
mod guide {}
