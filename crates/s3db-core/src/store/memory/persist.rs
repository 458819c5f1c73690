//! A memory store in a file: read when it is opened, written when it is asked to.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use super::{MemoryOptions, MemoryStore, Stored};
use crate::store::ETag;
use crate::store::dump::format::{self, DumpObject, Writer};
use crate::{Error, ErrorKind, Result};

impl MemoryStore {
    /// A store with the objects of a file, which [`MemoryStore::persist`] writes. A file that is absent is an empty
    /// store. The file is a dump, which `s3db load` reads as well, with the time of each object's last change. It holds no
    /// old versions.
    ///
    /// It reads the file before it returns; call it where that may take its time.
    ///
    /// Errors: `Corrupt` when the file is not a dump; `Denied` or `Unavailable` when it cannot be read.
    pub fn open(path: impl AsRef<Path>, options: MemoryOptions) -> Result<Self> {
        let path = path.as_ref();
        let now_ms = options.env.now_ms();
        let store = Self::persistent(options, Some(path.to_owned()));
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(store),
            Err(error) => return Err(file_error(error, "read", path)),
        };
        let mut objects = super::Objects::new();
        let read = format::read(file, |_, object| {
            let stored = Stored {
                etag: ETag::md5_of(&object.body),
                metadata: Arc::new(object.metadata),
                body: object.body.into(),
                content_type: object.content_type.map(Arc::from),
                last_modified_ms: object.last_modified_ms.unwrap_or(now_ms),
                version_id: None,
            };
            objects.insert(object.key.into(), Arc::new(stored));
            Ok(())
        });
        read.map_err(|error| error.with("path", path.display()))?;
        store.restore(&super::Snapshot { objects, versions: None });
        Ok(store)
    }

    /// Writes all objects to the file that the store was opened with, replacing it as a whole.
    ///
    /// Errors: `Config` when the store was not opened with a file; `Denied` or `Unavailable` when it cannot be written.
    pub fn persist(&self) -> Result<()> {
        match &self.0.path {
            Some(path) => self.persist_to(path),
            None => Err(Error::new(ErrorKind::Config, "this memory store has no file")
                .hint("open it with `MemoryStore::open`, or give a path to `persist_to`")),
        }
    }

    /// Writes all objects to a file, replacing it as a whole. It returns when the file would survive a loss of power.
    ///
    /// Errors: `Denied` or `Unavailable` when it cannot be written; what was there before stays.
    pub fn persist_to(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io_error = |error| file_error(error, "write", path);
        let temporary = tempfile::NamedTempFile::new_in(folder).map_err(io_error)?;
        let mut writer = Writer::begin(BufWriter::new(temporary), "")?;
        // The snapshot shares bodies and metadata, so that writers need not wait for the disk.
        for (key, stored) in &self.snapshot().objects {
            writer.object(&DumpObject {
                key: key.as_ref().into(),
                metadata: stored.metadata.as_ref().clone(),
                body: stored.body.to_vec(),
                content_type: stored.content_type.as_deref().map(str::to_owned),
                last_modified_ms: Some(stored.last_modified_ms),
            })?;
        }
        let temporary = writer.end()?.into_inner().map_err(|error| io_error(error.into_error()))?;
        temporary.as_file().sync_all().map_err(io_error)?;
        temporary.persist(path).map_err(|error| io_error(error.error))?;
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error)?;
        Ok(())
    }
}

fn file_error(error: io::Error, action: &'static str, path: &Path) -> Error {
    let denied = matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
    let kind = if denied { ErrorKind::Denied } else { ErrorKind::Unavailable };
    Error::new(kind, format!("cannot {action} the file of a memory store: {error}"))
        .with("path", path.display())
        .hint("check that its folder exists and can be written")
        .retryable(false)
        .caused_by(error)
}
