//! Content into a file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures::TryStreamExt as _;
use tempfile::NamedTempFile;

use super::super::codec::blocking;
use super::ContentStream;
use crate::{Error, ErrorKind, Result};

/// Where the bytes go until they are whole.
enum Target {
    /// Beside the file whose place it takes.
    Beside(NamedTempFile),
    /// Into what is there and no plain file.
    Into(File),
}

/// Writes a stream to a file, and says how many bytes it was.
pub(super) async fn write(mut stream: ContentStream, path: PathBuf) -> Result<u64> {
    // Where the path is a link, what it leads to is replaced.
    let path = on_disk(path, |path| Ok(path.canonicalize().unwrap_or_else(|_| path.to_owned()))).await?;
    let mut target = on_disk(path.clone(), Target::open).await?;
    let mut written = 0;
    while let Some(bytes) = stream.try_next().await? {
        written += bytes.len() as u64;
        target = on_disk(path.clone(), move |_| {
            match &mut target {
                Target::Beside(file) => file.write_all(&bytes),
                Target::Into(file) => file.write_all(&bytes),
            }
            .map(|()| target)
        })
        .await?;
    }
    on_disk(path, move |path| target.finish(path)).await?;
    Ok(written)
}

impl Target {
    fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) if !there.is_file() => return Ok(Self::Into(File::options().write(true).open(path)?)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".s3db-content-");
        // As any new file: what the mask of the process leaves.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self::Beside(builder.tempfile_in(folder.unwrap_or(Path::new(".")))?))
    }

    fn finish(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Into(mut file) => file.flush(),
            Self::Beside(file) => {
                file.as_file().sync_all()?;
                file.persist(path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

/// Runs file work where it blocks no async thread.
async fn on_disk<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    blocking(move || {
        work(&path).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Denied,
                _ => ErrorKind::Unavailable,
            };
            Error::new(kind, format!("cannot write a file: {error}"))
                .with("path", path.display())
                .hint("check the folder and its disk")
                .retryable(false)
                .caused_by(error)
        })
    })
    .await
}
