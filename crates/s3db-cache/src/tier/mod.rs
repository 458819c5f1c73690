//! What keeps answers below the memory of the process: files, the bucket, or a store of the program's own.
//!
//! Every entry carries the generation of its documents, a random text in a slot of the tier that is read or made before the
//! documents are. A write deletes the slot before it begins and again when it has ended, so that entries of before, and
//! those that slow reads of any process still put, have a generation that no slot will ever hold again.

mod bucket;
mod codec;
mod files;
mod generation;
mod level;
mod lower;
mod options;
mod path;
mod s3db_js;
mod stats;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::Result;

pub(crate) use codec::{Packed, pack, unpack};
pub(crate) use generation::{Slot, Tables};
pub(crate) use lower::Lower;
pub use options::{FileTier, Tier};
pub(crate) use path::partition_of;
pub use stats::TierStats;

/// A store of entries below the memory of the process, such as a server of the program's own.
///
/// It only keeps bytes under keys: when they count is decided above it. A call that fails, or takes longer than two seconds, is
/// counted, and the tier is left alone for a while; it never makes a read or a write of documents fail.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::{Arc, Mutex};
/// use std::time::Duration;
/// use async_trait::async_trait;
/// use s3db_cache::{CacheOptions, CacheTier, Tier};
/// use s3db_core::Result;
///
/// #[derive(Debug, Default)]
/// struct Map(Mutex<BTreeMap<String, Vec<u8>>>);
///
/// #[async_trait]
/// impl CacheTier for Map {
///     fn name(&self) -> &str {
///         "map"
///     }
///     async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
///         Ok(self.0.lock().unwrap().get(key).cloned())
///     }
///     async fn put(&self, key: &str, value: Vec<u8>, _: Option<Duration>) -> Result<()> {
///         self.0.lock().unwrap().insert(key.to_owned(), value);
///         Ok(())
///     }
///     async fn delete(&self, keys: &[String]) -> Result<()> {
///         let mut map = self.0.lock().unwrap();
///         keys.iter().for_each(|key| drop(map.remove(key)));
///         Ok(())
///     }
///     async fn clear(&self, prefix: &str) -> Result<()> {
///         self.0.lock().unwrap().retain(|key, _| !key.starts_with(prefix));
///         Ok(())
///     }
/// }
///
/// let options = CacheOptions::default().tier(Tier::Custom(Arc::new(Map::default())));
/// ```
#[async_trait]
pub trait CacheTier: fmt::Debug + Send + Sync {
    /// The name in statistics.
    fn name(&self) -> &str;

    /// What a key holds.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>>;

    /// Keeps a value under a key, in the place of another; after `ttl` it may go.
    async fn put(&self, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Result<()>;

    /// Takes keys away. Once it has succeeded nobody gets what they held, also not after a restart; a `put` that began
    /// before may still come through.
    async fn delete(&self, keys: &[String]) -> Result<()>;

    /// Takes away all keys that start with `prefix`, which is empty or ends with `/`.
    async fn clear(&self, prefix: &str) -> Result<()>;

    /// How long what was read of a slot is believed without reading it again: so long can an answer be old after a write
    /// of another process that keeps answers in the same place. Not at all by default.
    fn trust(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether single documents are kept too, and not only lists, counts and queries.
    fn keeps_documents(&self) -> bool {
        true
    }
}
