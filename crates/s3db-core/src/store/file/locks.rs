//! Locks that exclude threads and processes alike.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use flate2::Crc;

/// Ranges that the keys are dealt out to, by hash. Processes of any version must agree on it.
const STRIPES: u32 = 32;

/// One lock file per range of keys.
///
/// A lock on a file belongs to the open file, so that it does not exclude two threads that share it; a mutex does.
#[derive(Debug)]
pub(super) struct Stripes(Vec<Mutex<File>>);

/// A held lock.
#[derive(Debug)]
pub(super) struct Held<'a>(MutexGuard<'a, File>);

impl Stripes {
    /// Opens the lock files, making those that are absent.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        (0..STRIPES)
            .map(|i| open_lock_file(&folder.join(format!("{i:02x}"))).map(Mutex::new))
            .collect::<io::Result<_>>()
            .map(Self)
    }

    /// Waits for the range that `key` is in.
    pub(super) fn lock(&self, key: &str) -> io::Result<Held<'_>> {
        let mut crc = Crc::new();
        crc.update(key.as_bytes());
        let at = (crc.sum() % STRIPES) as usize;
        match self.0.get(at) {
            Some(stripe) => hold(stripe),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Waits for all ranges. Never call it while holding one.
    pub(super) fn lock_all(&self) -> io::Result<Vec<Held<'_>>> {
        self.0.iter().map(hold).collect()
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::error!(%error, "cannot release a lock file; it is released when the process ends");
        }
    }
}

/// Opens a lock file, making it when it is absent.
pub(super) fn open_lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn hold(stripe: &Mutex<File>) -> io::Result<Held<'_>> {
    let file = stripe.lock().unwrap_or_else(PoisonError::into_inner);
    file.lock()?;
    Ok(Held(file))
}
