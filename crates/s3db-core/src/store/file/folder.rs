//! The folder of a file store: its parts, how it is opened, and what a crash may have left in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::locks::open_lock_file;
use super::name;
use super::{Fsync, damaged, io_error};
use crate::env::Env;
use crate::{Error, ErrorKind, Result};

const MARKER: &str = "s3db-files";
const MARKER_TEXT: &str = "s3db file store 1\n";
const OBJECTS: &str = "objects";
const LOCKS: &str = "locks";
const TEMPORARY: &str = "temporary";
const EPOCH: &str = "epoch";

/// An opened folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    fsync: Fsync,
    /// Where this instance writes files before they are complete.
    temporary: PathBuf,
    /// Held for as long as this instance lives, so that others see whose temporary files are left over.
    owner: File,
    owner_path: PathBuf,
    next: AtomicU64,
}

impl Folder {
    /// Opens a folder, making it when it is absent, and removes what dead processes left.
    pub(super) fn open(root: &Path, fsync: Fsync, env: &dyn Env) -> Result<Self> {
        make_folder(root)?;
        // A relative path must go on meaning the same after the process has changed its working folder.
        let root = root.canonicalize().map_err(|error| io_error(error, "open", root))?;
        refuse_foreign(&root)?;
        let locks = root.join(LOCKS);
        make_folder(&locks)?;
        let opening = locks.join("open");
        let lock = open_lock_file(&opening).map_err(|error| io_error(error, "open", &opening))?;
        lock.lock().map_err(|error| io_error(error, "lock", &opening))?;

        make_folder(&root.join(OBJECTS).join(name::of_key("")))?;
        make_folder(&root.join(TEMPORARY))?;
        let id = random_hex(env);
        let temporary = root.join(TEMPORARY);
        remove_leftovers(&temporary);
        let owner_path = temporary.join(format!("{id}.lock"));
        let owner = open_lock_file(&owner_path).map_err(|error| io_error(error, "create", &owner_path))?;
        owner.lock().map_err(|error| io_error(error, "lock", &owner_path))?;
        let temporary = temporary.join(&id);
        make_folder(&temporary)?;
        let folder = Self { root, fsync, temporary, owner, owner_path, next: AtomicU64::new(0) };
        if !folder.root.join(EPOCH).exists() {
            folder.write_epoch("ready", env)?;
        }
        let marker = folder.root.join(MARKER);
        if !marker.exists() {
            fs::write(&marker, MARKER_TEXT).map_err(|error| io_error(error, "write", &marker))?;
            folder.flush_folder(&folder.root)?;
        }
        Ok(folder)
    }

    /// The folder itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the leaves.
    pub(super) fn objects(&self) -> PathBuf {
        self.root.join(OBJECTS)
    }

    /// The folder of the lock files.
    pub(super) fn locks(&self) -> PathBuf {
        self.root.join(LOCKS)
    }

    /// Writes a complete file beside the leaves, ready to be renamed.
    pub(super) fn write_temporary(&self, parts: [&[u8]; 2]) -> Result<Temporary> {
        let path = self.temporary.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let create = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            let temporary = Temporary(Some(path.clone()));
            for part in parts {
                file.write_all(part)?;
            }
            match self.fsync {
                Fsync::Never => {}
                Fsync::Data | Fsync::Always => file.sync_data()?,
            }
            Ok(temporary)
        };
        create().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "the folder of the store is gone")
                .with("bucket", self.root.display()),
            _ => io_error(error, "write", &path),
        })
    }

    /// Makes the names in a folder survive a loss of power, where the policy asks for it.
    pub(super) fn flush_folder(&self, folder: &Path) -> Result<()> {
        if self.fsync != Fsync::Always || cfg!(not(unix)) {
            return Ok(());
        }
        match File::open(folder).and_then(|file| file.sync_all()) {
            // A split may have moved everything away and another process removed the empty folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| io_error(error, "flush", folder)),
        }
    }

    /// The text that changes whenever objects move between leaves: `ready` or `busy`, and a random number.
    pub(super) fn read_epoch(&self) -> Result<String> {
        let path = self.root.join(EPOCH);
        fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(ErrorKind::NotFound, "the folder of the store is gone")
                .with("bucket", self.root.display()),
            io::ErrorKind::InvalidData => damaged("it is not text", &path),
            _ => io_error(error, "read", &path),
        })
    }

    /// Starts a new epoch. Call it with all locks held.
    pub(super) fn write_epoch(&self, state: &str, env: &dyn Env) -> Result<()> {
        let path = self.root.join(EPOCH);
        let write = || {
            let mut file = File::create(&path)?;
            file.write_all(format!("{state} {}\n", random_hex(env)).as_bytes())?;
            if self.fsync == Fsync::Never { Ok(()) } else { file.sync_data() }
        };
        write().map_err(|error| io_error(error, "write", &path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temporary);
        let _ = fs::remove_file(&self.owner_path);
        let _ = self.owner.unlock();
    }
}

/// A file that is removed unless it is renamed.
#[derive(Debug)]
pub(super) struct Temporary(Option<PathBuf>);

impl Temporary {
    /// Moves the file to its place, replacing what is there.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.0 {
            fs::rename(path, to)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::new(ErrorKind::Config, "the path of a file store is a file, not a folder")
                .with("path", path.display())
                .hint("give the path of a folder")
        }
        _ => io_error(error, "create", path),
    })
}

/// Refuses a folder with files of somebody else in it: they would look like an empty database.
fn refuse_foreign(root: &Path) -> Result<()> {
    let marker = root.join(MARKER);
    match fs::read_to_string(&marker) {
        Ok(text) if text == MARKER_TEXT => return Ok(()),
        Ok(_) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the file store was made by another version of s3db",
            )
            .with("path", marker.display())
            .hint("open it with the version that made it, and move it with `s3db dump` and `s3db load`"));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(error, "read", &marker)),
    }
    for entry in fs::read_dir(root).map_err(|error| io_error(error, "read", root))? {
        let name = entry.map_err(|error| io_error(error, "read", root))?.file_name();
        let name = name.to_string_lossy();
        // Another process may be opening the same new folder right now.
        let ours = [MARKER, OBJECTS, LOCKS, TEMPORARY, EPOCH].contains(&&*name);
        if !ours && !name.starts_with('.') && name != "lost+found" {
            return Err(Error::new(ErrorKind::Config, "the folder holds other files and no file store")
                .with("path", root.display())
                .with("found", name)
                .hint("give the path of an empty folder, or of one that s3db has made"));
        }
    }
    Ok(())
}

/// Removes the temporary files of instances that are gone. Whoever lives holds the lock beside its folder.
fn remove_leftovers(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let lock_path = path.with_extension("lock");
        let alive = match File::open(&lock_path) {
            Ok(lock) => lock.try_lock().is_err(),
            // A folder is made after its lock and removed before it.
            Err(_) => false,
        };
        if !alive {
            let _ = fs::remove_dir_all(path.with_extension(""));
            let _ = fs::remove_file(&lock_path);
        }
    }
}

fn random_hex(env: &dyn Env) -> String {
    let mut random = [0; 8];
    env.fill(&mut random);
    hex::encode(random)
}
