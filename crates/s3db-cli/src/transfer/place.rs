//! How far an import or export has come, in a small file beside its own, so that it can go on there.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::exit::{Failure, Outcome};

/// What was saved.
pub(crate) type Saved = Map<String, Value>;

/// The file that holds it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    path: PathBuf,
}

impl Place {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was saved, if something was.
    pub(crate) fn load(&self) -> Outcome<Option<Saved>> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read", error)),
        };
        let saved = serde_json::from_slice::<Saved>(&bytes);
        saved.map(Some).map_err(|_| {
            Failure::usage(
                format!("{} does not say how far the run has come", self.path.display()),
                "remove it, and begin again without --resume",
            )
        })
    }

    /// Replaces what was saved, whole or not at all.
    pub(crate) fn save(&self, saved: &Saved) -> Outcome {
        let text = Value::Object(saved.clone()).to_string();
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".tmp");
        let write = || {
            let mut file = std::fs::File::create(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            std::fs::rename(&unfinished, &self.path)
        };
        write().map_err(|error| self.failed("write", error))
    }

    /// Forgets it: the work is done, or begins again.
    pub(crate) fn remove(&self) -> Outcome {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed("remove", error)),
            _ => Ok(()),
        }
    }

    /// Refuses to go on with the work of another resource, database or file.
    pub(crate) fn must_agree(&self, saved: &Saved, name: &str, wanted: &str) -> Outcome {
        match saved.get(name).and_then(Value::as_str) {
            Some(found) if found == wanted => Ok(()),
            found => Err(Failure::usage(
                format!(
                    "{} belongs to another run: its {name} is {}, and not {wanted}",
                    self.path.display(),
                    found.unwrap_or("not known")
                ),
                "begin again without --resume",
            )),
        }
    }

    fn failed(&self, verb: &str, error: io::Error) -> Failure {
        Failure::Io { what: format!("{verb} {}", self.path.display()), error }
    }
}

/// A number that was saved.
pub(crate) fn number(saved: &Saved, name: &str) -> u64 {
    saved.get(name).and_then(Value::as_u64).unwrap_or(0)
}
