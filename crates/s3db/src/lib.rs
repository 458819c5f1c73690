//! A document database whose only server is an object store.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]
pub use s3db_core::*;
