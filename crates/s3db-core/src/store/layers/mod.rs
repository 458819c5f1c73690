//! Layers: stores around stores.

use std::fmt;
use std::sync::Arc;

use super::Store;

mod meter;
mod observe;
mod streamed;

pub use meter::{Meter, Requests, Traffic};
pub(crate) use observe::{Observers, within};
pub use observe::{Outcome, Request, RequestObserver};

/// Something that wraps a store.
pub trait StoreLayer: Send + Sync + fmt::Debug {
    /// Wraps `inner`. Forward what you do not change; never add a hidden retry.
    fn wrap(&self, inner: Arc<dyn Store>) -> Arc<dyn Store>;
}
