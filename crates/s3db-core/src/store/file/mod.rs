//! A store in a folder of files: durable, and safe for several processes at once.
//!
//! `docs/file-store.md` describes the folder and the bytes of its files.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;

use super::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, Object, PutObject, PutResult,
    Reading, Replace, Store, limits,
};
use crate::env::{Env, SystemEnv};
use crate::{Error, ErrorKind, Result};

mod folder;
mod format;
mod leaves;
mod listing;
mod locks;
mod name;
mod objects;
mod ranges;
#[cfg(test)]
mod tests;

/// A store in a folder. Clones share it.
///
/// Every object is one file, which holds its metadata and its body and is replaced as a whole. Any number of instances
/// and processes on one machine may use one folder at once; conditions hold among all of them. Its ETags are the MD5
/// of the body, as on S3.
///
/// A file that is damaged, or that s3db has not written, gives [`ErrorKind::Corrupt`] with its `path` when it is read
/// or compared; a listing shows it under its key with the ETag `unreadable`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::store::{Condition, FileOptions, FileStore, PutObject, Store};
///
/// let folder = tempfile::tempdir().unwrap();
/// let store = FileStore::open(folder.path().join("data"), FileOptions::default()).await.unwrap();
/// let object = PutObject { body: "hello".into(), ..PutObject::default() };
/// store.put("greeting", object, Condition::IfAbsent).await.unwrap();
/// assert_eq!(store.get("greeting").await.unwrap().unwrap().body, "hello");
/// # });
/// ```
#[derive(Clone)]
pub struct FileStore(Arc<Files>);

/// Choices of a [`FileStore`].
#[derive(Debug, Clone)]
pub struct FileOptions {
    /// What the store claims, and enforces where it is a limit.
    pub capability: Capability,
    /// Clock of the last change.
    pub env: Arc<dyn Env>,
    /// What survives a loss of power.
    pub fsync: Fsync,
}

/// Metadata that a [`FileStore`] takes unless told otherwise. A file could hold any amount; this is room for objects
/// that s3db.js has written to stores without the limit of S3, while a runaway writer is still stopped.
const METADATA_BYTES_MAX: usize = 8192;

impl Default for FileOptions {
    fn default() -> Self {
        let capability = Capability { metadata_bytes_max: METADATA_BYTES_MAX, ..Capability::default() };
        Self { capability, env: Arc::new(SystemEnv), fsync: Fsync::default() }
    }
}

/// What survives when the machine loses power. The end of a process loses nothing under any policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fsync {
    /// The newest writes may be lost or torn. Torn objects are noticed.
    Never,
    /// The newest writes may be lost, each as a whole: files are flushed, folders are not.
    Data,
    /// A write that has returned is kept: files and folders are flushed.
    #[default]
    Always,
}

impl FromStr for Fsync {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "never" => Ok(Self::Never),
            "data" => Ok(Self::Data),
            "always" => Ok(Self::Always),
            _ => Err(Error::new(ErrorKind::Config, "unknown fsync policy")
                .with("fsync", text)
                .hint("use `never`, `data` or `always`")),
        }
    }
}

/// The store without its async surface.
struct Files {
    options: FileOptions,
    folder: folder::Folder,
    stripes: locks::Stripes,
    leaves: RwLock<Option<Arc<leaves::Leaves>>>,
}

impl FileStore {
    /// Opens the store in a folder, making it when it is absent.
    ///
    /// Errors: `Config` when the path is a file or a folder with other files in it; `Denied` when it may not be made
    /// or written; `Unsupported` when another version of s3db made it.
    pub async fn open(root: impl AsRef<Path>, options: FileOptions) -> Result<Self> {
        let root = root.as_ref().to_owned();
        blocking(move || {
            let folder = folder::Folder::open(&root, options.fsync, options.env.as_ref())?;
            let locks = folder.locks();
            let stripes = locks::Stripes::open(&locks).map_err(|error| io_error(error, "open", &locks))?;
            Ok(Self(Arc::new(Files { options, folder, stripes, leaves: RwLock::default() })))
        })
        .await
    }

    /// The folder, as an absolute path.
    pub fn root(&self) -> &Path {
        self.0.folder.root()
    }

    async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Files) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let files = self.0.clone();
        blocking(move || f(&files)).await
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("root", &self.root()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for FileStore {
    fn capability(&self) -> &Capability {
        &self.0.options.capability
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        limits::check_key(key)?;
        limits::check_metadata(key, &object.metadata, self.capability())?;
        let key = key.to_owned();
        let write = move |files: &Files| {
            files.put(&key, &object.metadata, object.content_type.as_deref(), &object.body, &condition)
        };
        Ok(PutResult::new(self.run(write).await?))
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        limits::check_key(key)?;
        let key = key.to_owned();
        self.run(move |files| files.get(&key)).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        limits::check_key(key)?;
        let (key, if_match) = (key.to_owned(), if_match.cloned());
        self.run(move |files| files.open_range(&key, range, if_match.as_ref())).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        limits::check_key(key)?;
        let key = key.to_owned();
        self.run(move |files| files.head(&key)).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        limits::check_key(from)?;
        limits::check_key(to)?;
        if let Some(replace) = &replace {
            limits::check_metadata(to, &replace.metadata, self.capability())?;
        }
        let (from, to) = (from.to_owned(), to.to_owned());
        let write = move |files: &Files| files.copy(&from, &to, replace.as_ref(), &condition);
        Ok(PutResult::new(self.run(write).await?))
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.run(move |files| files.list(&request)).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        limits::check_key(key)?;
        limits::check_delete_condition(key, &condition)?;
        let key = key.to_owned();
        self.run(move |files| match files.delete(&key, &condition)? {
            Some(changed) => files.folder.flush_folder(&changed),
            None => Ok(()),
        })
        .await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        limits::check_delete_many(keys)?;
        let keys = keys.to_vec();
        self.run(move |files| files.delete_many(&keys)).await
    }
}

impl Files {
    fn env(&self) -> &dyn Env {
        self.options.env.as_ref()
    }

    fn lock_error(&self, error: io::Error) -> Error {
        io_error(error, "lock", &self.folder.locks())
    }
}

/// Runs file work on a thread that may wait. It goes on when the caller stops waiting.
async fn blocking<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(f).await {
        Ok(result) => result,
        Err(error) => Err(Error::new(ErrorKind::Unavailable, "the runtime ended under a file operation")
            .retryable(false)
            .caused_by(error)),
    }
}

fn io_error(error: io::Error, action: &'static str, path: &Path) -> Error {
    let (kind, retryable, hint) = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            (ErrorKind::Denied, false, "give this user the right to read and write the folder")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Denied, false, "choose a folder on a file system that can be written")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::Unavailable, false, "free some space on the disk of the folder")
        }
        _ => (ErrorKind::Unavailable, true, "check the folder and its disk"),
    };
    Error::new(kind, format!("cannot {action} a file: {error}"))
        .with("path", path.display())
        .hint(hint)
        .retryable(retryable)
        .caused_by(error)
}

fn damaged(damage: &'static str, path: &Path) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a file of the store cannot be understood: {damage}"))
        .with("path", path.display())
        .hint("restore the file from a backup, or delete the object to go on without it")
}
