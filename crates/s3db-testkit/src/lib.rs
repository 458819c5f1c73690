//! Conformance kit for stores, and helpers for tests.
//!
//! [`conformance::check`] proves a [`Store`](s3db_core::store::Store) against every rule of the trait's contract;
//! [`plugins::check`] proves a [`Plugin`](s3db_core::plugin::Plugin) in the same way. [`wrong`] holds stores and plugins that
//! break one rule each, to prove the kits. [`assert_requests!`] makes the requests of a call
//! part of a test. [`sim`] is a world of several processes that a seed replays.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

pub mod conformance;
mod env;
#[cfg(feature = "s3-server")]
pub mod fault_proxy;
pub mod plugins;
mod random;
mod requests;
#[cfg(feature = "s3-server")]
pub mod s3_server;
pub mod sim;
mod tokio_env;
pub mod wrong;

pub use env::TestEnv;
/// What the macros of this crate are written with.
#[doc(hidden)]
pub use s3db_core as core;
pub use tokio_env::TokioEnv;
