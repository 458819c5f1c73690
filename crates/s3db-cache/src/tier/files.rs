//! A tier of files.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use s3db_core::env::Env;
use s3db_core::{Error, ErrorKind, Result};

use super::{CacheTier, FileTier};

/// Where Linux tells one start of the machine from the next.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Where files are written, and folders go, that nobody else must meet.
const DRAFTS: &str = "drafts";

/// How full the tier is after a sweep, in percent of its limit.
const SWEPT_PERCENT: u64 = 80;

/// Entries as files, under one folder for each start of the machine: after a power cut a slot that a write had deleted could
/// be there again, since nothing here waits for the disk. Where the start of the machine is not known, answers do not outlive
/// the process.
#[derive(Debug, Clone)]
pub(super) struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Of this start of the machine.
    root: PathBuf,
    bytes_max: u64,
    /// What the files take, about: what is put in the place of another counts twice until the next sweep.
    bytes: AtomicU64,
    /// Tells files that are being written apart, together with the process and `salt`.
    written: AtomicU64,
    salt: String,
}

impl Files {
    /// Opens a folder, or makes it. Errors: `Config` when that is not possible.
    pub(super) async fn open(options: FileTier, env: &Arc<dyn Env>) -> Result<Self> {
        let mut salt = [0; 8];
        env.fill(&mut salt);
        let salt: String = salt.iter().map(|byte| format!("{byte:02x}")).collect();
        aside(move || {
            let FileTier { directory, bytes_max } = options;
            let open = || -> io::Result<Self> {
                let boot = fs::read_to_string(BOOT_ID).map(|id| id.trim().to_owned());
                let name = format!("boot-{}", boot.as_deref().unwrap_or(&salt));
                let root = directory.join(&name);
                make(&root)?;
                for old in fs::read_dir(&directory)? {
                    let old = old?;
                    if old.file_name().to_string_lossy().starts_with("boot-")
                        && old.file_name() != *name
                        // Of another process that uses the folder now.
                        && boot.is_ok()
                    {
                        fs::remove_dir_all(old.path())?;
                    }
                }
                let bytes = walk(&root)?.iter().map(|file| file.bytes).sum::<u64>().into();
                let inner = Inner { root, bytes_max, bytes, written: 0.into(), salt };
                Ok(Self(Arc::new(inner)))
            };
            open().map_err(|error| {
                Error::new(ErrorKind::Config, "the folder of the cache cannot be used")
                    .with("option", "directory")
                    .with("directory", directory.display())
                    .hint("give a folder that this process can write to")
                    .caused_by(error)
            })
        })
        .await
    }
}

#[async_trait]
impl CacheTier for Files {
    fn name(&self) -> &str {
        "files"
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let path = self.0.root.join(key);
        aside(move || match fs::read(path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == IoKind::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        })
        .await
    }

    async fn put(&self, key: &str, value: Vec<u8>, _: Option<Duration>) -> Result<()> {
        let (inner, path) = (self.0.clone(), self.0.root.join(key));
        aside(move || inner.put(&path, &value).map_err(failed)).await
    }

    async fn delete(&self, keys: &[String]) -> Result<()> {
        let paths: Vec<PathBuf> = keys.iter().map(|key| self.0.root.join(key)).collect();
        aside(move || {
            for path in paths {
                absent_is_fine(fs::remove_file(path)).map_err(failed)?;
            }
            Ok(())
        })
        .await
    }

    async fn clear(&self, prefix: &str) -> Result<()> {
        let (inner, prefix) = (self.0.clone(), prefix.to_owned());
        aside(move || inner.clear(&prefix).map_err(failed)).await
    }
}

impl Inner {
    /// Writes a file beside the others and moves it to its place, so that nobody reads half of one.
    fn put(&self, path: &Path, value: &[u8]) -> io::Result<()> {
        let draft = self.draft();
        let write = || -> io::Result<()> {
            for folder in [draft.parent(), path.parent()].into_iter().flatten() {
                make(folder)?;
            }
            fs::write(&draft, value)?;
            fs::rename(&draft, path)
        };
        if let Err(error) = write() {
            // Half of it takes room that the disk may not have.
            drop(fs::remove_file(&draft));
            return Err(error);
        }
        let bytes = value.len() as u64;
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > self.bytes_max {
            self.sweep()?;
        }
        Ok(())
    }

    /// Takes a folder away, or all of them: first out of the way, since others put files into it meanwhile.
    fn clear(&self, prefix: &str) -> io::Result<()> {
        let folders: Vec<PathBuf> = if prefix.is_empty() {
            let entries = fs::read_dir(&self.root)?.collect::<io::Result<Vec<_>>>()?;
            entries
                .into_iter()
                .filter(|entry| entry.file_name() != DRAFTS)
                .map(|entry| entry.path())
                .collect()
        } else {
            vec![self.root.join(prefix)]
        };
        for folder in folders {
            let draft = self.draft();
            if let Some(drafts) = draft.parent() {
                make(drafts)?;
            }
            match fs::rename(folder, &draft) {
                Ok(()) => fs::remove_dir_all(draft)?,
                gone => absent_is_fine(gone)?,
            }
        }
        Ok(())
    }

    /// A place that no other call uses.
    fn draft(&self) -> PathBuf {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        self.root.join(DRAFTS).join(format!("{}-{}-{number}", std::process::id(), self.salt))
    }

    /// Takes the oldest entries away. Slots stay: they are small, and without one its entries count for nothing.
    fn sweep(&self) -> io::Result<()> {
        let mut files = walk(&self.root)?;
        files.sort_by_key(|file| file.changed);
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if bytes <= self.bytes_max / 100 * SWEPT_PERCENT {
                break;
            }
            if file.path.parent().is_some_and(|folder| folder.ends_with("generations")) {
                continue;
            }
            absent_is_fine(fs::remove_file(&file.path))?;
            bytes -= file.bytes;
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// A file of an entry.
struct File {
    path: PathBuf,
    bytes: u64,
    changed: SystemTime,
}

/// All files below a folder.
fn walk(root: &Path) -> io::Result<Vec<File>> {
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            // Cleared in the meantime.
            Err(error) if error.kind() == IoKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.metadata() {
                Err(error) if error.kind() == IoKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => {
                    let changed = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    files.push(File { path: entry.path(), bytes: found.len(), changed });
                }
            }
        }
    }
    Ok(files)
}

/// Makes a folder that nobody else can read: documents stand in it in the clear.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn absent_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == IoKind::NotFound => Ok(()),
        done => done,
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "a file of the cache could not be used").caused_by(error)
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(ErrorKind::Unavailable, "the work was cut off").caused_by(error))?
}
