//! From a connection string to its store.

use std::sync::Arc;

use super::{MemoryStore, Store};
use crate::Result;
use crate::connection::{Connection, Scheme};
use crate::env::Env;

/// Opens the store of a connection string. The bucket is not looked at yet.
///
/// Errors: `Config`, `Denied` for a folder that cannot be written, `Unsupported` for S3 in a build without the feature
/// `s3`.
pub async fn open(connection: &Connection, env: &Arc<dyn Env>) -> Result<Arc<dyn Store>> {
    let _ = env;
    match connection.scheme {
        Scheme::Memory => Ok(Arc::new(MemoryStore::shared(&connection.bucket))),
        Scheme::File => Err(crate::Error::new(crate::ErrorKind::Unsupported, "not here yet")),
        Scheme::S3 | Scheme::Http | Scheme::Https => open_s3(connection).await,
    }
}

#[cfg(feature = "s3")]
async fn open_s3(connection: &Connection) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(
        super::S3Store::connect(super::S3Config::from_connection(connection)?).await?,
    ))
}

#[cfg(not(feature = "s3"))]
async fn open_s3(connection: &Connection) -> Result<Arc<dyn Store>> {
    Err(
        crate::Error::new(crate::ErrorKind::Unsupported, "this build cannot speak to S3")
            .with("scheme", connection.scheme)
            .hint("switch on the cargo feature `s3`"),
    )
}
