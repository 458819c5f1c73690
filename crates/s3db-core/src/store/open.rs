//! From a connection string to its store.

use std::sync::Arc;

use serde_json::Value;

use super::{FileOptions, FileStore, MemoryStore, Store};
use crate::connection::{Connection, Scheme};
use crate::env::Env;
use crate::{Error, ErrorKind, Result};

/// Opens the store of a connection string. The bucket is not looked at yet.
///
/// Errors: `Config`, `Denied` for a folder that cannot be written, `Unsupported` for S3 in a build without the feature
/// `s3`.
pub async fn open(connection: &Connection, env: &Arc<dyn Env>) -> Result<Arc<dyn Store>> {
    match connection.scheme {
        Scheme::Memory => Ok(Arc::new(MemoryStore::shared(&connection.bucket))),
        Scheme::File => Ok(Arc::new(open_file(connection, env).await?)),
        Scheme::S3 | Scheme::Http | Scheme::Https => open_s3(connection).await,
    }
}

/// The parameter `fsync` of the string chooses what survives a loss of power: `never`, `data` or `always`.
async fn open_file(connection: &Connection, env: &Arc<dyn Env>) -> Result<FileStore> {
    let path = connection.path.as_ref().ok_or_else(|| {
        Error::new(ErrorKind::Config, "the connection string names no folder")
            .hint("for example file://./s3db-data")
    })?;
    let mut options = FileOptions { env: env.clone(), ..FileOptions::default() };
    if let Some(fsync) = connection.parameter("fsync").and_then(Value::as_str) {
        options.fsync = fsync.parse()?;
    }
    FileStore::open(path, options).await
}

#[cfg(feature = "s3")]
async fn open_s3(connection: &Connection) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(super::S3Store::connect(super::S3Config::from_connection(connection)?).await?))
}

#[cfg(not(feature = "s3"))]
async fn open_s3(connection: &Connection) -> Result<Arc<dyn Store>> {
    Err(Error::new(ErrorKind::Unsupported, "this build cannot speak to S3")
        .with("scheme", connection.scheme)
        .hint("switch on the cargo feature `s3`"))
}
