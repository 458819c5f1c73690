//! The file of documents that were not written, with line and reason.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::exit::{Failure, Outcome};

/// A file of JSON lines that is made when the first one comes.
pub(crate) struct Rejects {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    bytes: u64,
}

impl Rejects {
    /// Keeps the first `kept` bytes of what an earlier run has written.
    pub(crate) fn at(path: PathBuf, kept: u64) -> Outcome<Self> {
        let mut rejects = Self { path, file: None, bytes: kept };
        if kept == 0 {
            match std::fs::remove_file(&rejects.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(rejects.failed(error)),
                _ => {}
            }
        } else {
            rejects.open()?;
        }
        Ok(rejects)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn push(&mut self, line: &Value) -> Outcome {
        if self.file.is_none() {
            self.open()?;
        }
        let text = format!("{line}\n");
        self.bytes += text.len() as u64;
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(text.as_bytes()));
        written.map_err(|error| self.failed(error))
    }

    /// Writes what is left, and returns the length of the file.
    pub(crate) fn flush(&mut self) -> Outcome<u64> {
        let flushed = self.file.as_mut().map_or(Ok(()), |file| file.flush());
        flushed.map_err(|error| self.failed(error))?;
        Ok(self.bytes)
    }

    fn open(&mut self) -> Outcome {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        // It repeats what was in the input, which may be secret.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let open = || {
            let mut file = options.open(&self.path)?;
            file.set_len(self.bytes)?;
            file.seek(io::SeekFrom::Start(self.bytes))?;
            Ok(BufWriter::new(file))
        };
        self.file = Some(open().map_err(|error| self.failed(error))?);
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Failure {
        Failure::Io { what: format!("write {}", self.path.display()), error }
    }
}
