//! Files of objects: reading and writing one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::folder::Temporary;
use super::format::{self, FIXED_BYTES, Fixed};
use super::leaves::{EPOCH_CHANGES_MAX, Leaf};
use super::{Files, damaged, io_error, name};
use crate::store::{Condition, ETag, Head, Metadata, Object, limits};
use crate::{Error, ErrorKind, Result};

/// Bytes that the first read of a header asks for: enough for any document.
const HEADER_GUESS_BYTES: u64 = 4096;

/// What is behind the door of a key while its lock is held.
struct Place<'a> {
    leaf: &'a Leaf,
    path: PathBuf,
}

impl Files {
    /// Reads an object.
    pub(super) fn get(&self, key: &str) -> Result<Option<Object>> {
        self.read(key, read_object)
    }

    /// Reads an object without its body.
    pub(super) fn head(&self, key: &str) -> Result<Option<Head>> {
        Ok(self.read(key, read_head)?.map(|(_, head)| head))
    }

    /// Writes an object when its condition holds.
    pub(super) fn put(
        &self,
        key: &str,
        metadata: &Metadata,
        content_type: Option<&str>,
        body: &[u8],
        condition: &Condition,
    ) -> Result<ETag> {
        let (temporary, etag) = self.prepare(key, metadata, content_type, body)?;
        let mut temporary = Some(temporary);
        let (leaf_path, split) = self.at(key, |place| {
            check_condition(key, condition, || place.etag())?;
            Ok((place.leaf.path.clone(), place.replace(temporary.take())?))
        })?;
        self.settle(&leaf_path, split)?;
        Ok(etag)
    }

    /// Copies an object when the condition on the destination holds.
    pub(super) fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<&crate::store::Replace>,
        condition: &Condition,
    ) -> Result<ETag> {
        let (leaf_path, split, etag) = self.at(to, |place| {
            // Read with the destination locked: no write is lost when an object is copied onto itself.
            let source = self.read(from, read_object)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the object to copy does not exist").with("key", from)
            })?;
            check_condition(to, condition, || place.etag())?;
            let (metadata, content_type) = match replace {
                Some(replace) => (&replace.metadata, &replace.content_type),
                None => (&source.head.metadata, &source.head.content_type),
            };
            let (temporary, etag) = self.prepare(to, metadata, content_type.as_deref(), &source.body)?;
            Ok((place.leaf.path.clone(), place.replace(Some(temporary))?, etag))
        })?;
        self.settle(&leaf_path, split)?;
        Ok(etag)
    }

    /// Deletes an object when its condition holds; tells the folder that changed.
    pub(super) fn delete(&self, key: &str, condition: &Condition) -> Result<Option<PathBuf>> {
        self.at(key, |place| {
            check_condition(key, condition, || place.etag())?;
            match fs::remove_file(&place.path) {
                Ok(()) => {
                    place.leaf.shrink();
                    Ok(Some(place.leaf.path.clone()))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(io_error(error, "delete", &place.path)),
            }
        })
    }

    /// Deletes many objects; each folder that changed is flushed once.
    pub(super) fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        let mut changed = BTreeSet::new();
        let results = keys
            .iter()
            .map(|key| {
                limits::check_key(key)?;
                changed.extend(self.delete(key, &Condition::None)?);
                Ok(())
            })
            .collect();
        for folder in changed {
            self.folder.flush_folder(&folder)?;
        }
        Ok(results)
    }

    fn prepare(
        &self,
        key: &str,
        metadata: &Metadata,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(Temporary, ETag)> {
        let (header, etag) =
            format::header(key, metadata, content_type, body, self.env().now_ms()).map_err(|error| {
                Error::new(ErrorKind::Config, "the metadata cannot be written").caused_by(error)
            })?;
        Ok((self.folder.write_temporary([&header, body])?, etag))
    }

    /// Makes a write durable, and splits its leaf when it is too large.
    fn settle(&self, leaf_path: &Path, split: Option<String>) -> Result<()> {
        self.folder.flush_folder(leaf_path)?;
        if let Some(bound) = split
            && let Err(error) = self.split(&bound)
        {
            // The write itself is done. The next write to this leaf tries again.
            tracing::warn!(%error, "cannot split a folder of a file store");
        }
        Ok(())
    }

    /// Runs `f` with the key's lock held, where its file is or will be.
    fn at<T>(&self, key: &str, mut f: impl FnMut(&Place<'_>) -> Result<T>) -> Result<T> {
        for _ in 0..EPOCH_CHANGES_MAX {
            let held = self.stripes.lock(key).map_err(|error| self.lock_error(error))?;
            if let Some(leaves) = self.leaves_if_ready()? {
                let leaf = leaves.find(key)?;
                return f(&Place { leaf, path: leaf.path.join(name::of_key(key)) });
            }
            // Nobody moves files while a lock is held by somebody else: the one who did has died.
            drop(held);
            self.leaves_now()?;
        }
        Err(Error::new(ErrorKind::Unavailable, "the folders of a file store keep changing").with("key", key))
    }

    /// Reads the file of a key without a lock.
    ///
    /// An object is in one place at any time, so that what is found is right even when the leaves are out of date.
    /// What is not found is absent only if no file was moved meanwhile.
    pub(super) fn read<T>(&self, key: &str, read: impl Fn(&Path) -> Result<Option<T>>) -> Result<Option<T>> {
        let file = name::of_key(key);
        let mut leaves = self.leaves_seen()?;
        for _ in 0..EPOCH_CHANGES_MAX {
            if let Some(found) = read(&leaves.find(key)?.path.join(&file))? {
                return Ok(Some(found));
            }
            let now = self.leaves_now()?;
            if now.epoch == leaves.epoch {
                return Ok(None);
            }
            leaves = now;
        }
        Err(Error::new(ErrorKind::Unavailable, "the folders of a file store keep changing").with("key", key))
    }
}

impl Place<'_> {
    fn etag(&self) -> Result<Option<ETag>> {
        Ok(read_fixed(&self.path)?.map(|(fixed, _)| fixed.etag()))
    }

    /// Puts a file into the place; tells the bound of its leaf when that should be split.
    fn replace(&self, temporary: Option<Temporary>) -> Result<Option<String>> {
        let is_new = fs::symlink_metadata(&self.path).is_err();
        if let Some(temporary) = temporary {
            temporary.rename(&self.path).map_err(|error| io_error(error, "write", &self.path))?;
        }
        Ok((is_new && self.leaf.grow()).then(|| self.leaf.bound.clone()))
    }
}

fn check_condition(
    key: &str,
    condition: &Condition,
    present: impl Fn() -> Result<Option<ETag>>,
) -> Result<()> {
    let holds = match condition {
        Condition::None => true,
        Condition::IfAbsent => match present() {
            Ok(present) => present.is_none(),
            // Whatever is there, the key is not free.
            Err(error) if error.kind() == ErrorKind::Corrupt => false,
            Err(error) => return Err(error),
        },
        Condition::IfMatch(etag) => present()?.is_some_and(|present| present == *etag),
    };
    if holds { Ok(()) } else { Err(limits::condition_failed(key, condition)) }
}

fn read_object(path: &Path) -> Result<Option<Object>> {
    let Some((mut file, length)) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.read_to_end(&mut bytes).map_err(|error| io_error(error, "read", path))?;
    let parse = || {
        let fixed = Fixed::parse(&bytes, bytes.len() as u64)?;
        fixed.verify(&bytes)?;
        let body_start = FIXED_BYTES + fixed.text_bytes;
        if !fixed.is_body(bytes.get(body_start..).unwrap_or_default()) {
            return Err("its body is not the one that was written");
        }
        Ok((fixed.head(&bytes)?, body_start))
    };
    let ((key, head), body_start) = parse().map_err(|damage| damaged(damage, path))?;
    check_key(&key, path)?;
    Ok(Some(Object { head, body: Bytes::from(bytes).slice(body_start..) }))
}

/// Reads key and head out of a file; `None` when it is absent.
pub(super) fn read_head(path: &Path) -> Result<Option<(String, Head)>> {
    let Some((fixed, bytes)) = read_fixed(path)? else {
        return Ok(None);
    };
    let (key, head) = fixed.head(&bytes).map_err(|damage| damaged(damage, path))?;
    check_key(&key, path)?;
    Ok(Some((key, head)))
}

/// Reads the checked header of a file, as numbers and as bytes; `None` when it is absent.
pub(super) fn read_fixed(path: &Path) -> Result<Option<(Fixed, Vec<u8>)>> {
    match open(path)? {
        Some((mut file, length)) => Ok(Some(read_header(&mut file, length, path)?)),
        None => Ok(None),
    }
}

/// Reads the checked header of an opened file of this length, as numbers and as bytes, which may hold more than it.
pub(super) fn read_header(file: &mut File, length: u64, path: &Path) -> Result<(Fixed, Vec<u8>)> {
    let mut bytes = Vec::with_capacity(HEADER_GUESS_BYTES.min(length) as usize);
    let mut read = |bytes: &mut Vec<u8>, up_to: u64| {
        let more = up_to.saturating_sub(bytes.len() as u64);
        file.by_ref().take(more).read_to_end(bytes).map_err(|error| io_error(error, "read", path))
    };
    read(&mut bytes, HEADER_GUESS_BYTES.min(length))?;
    let fixed = Fixed::parse(&bytes, length).map_err(|damage| damaged(damage, path))?;
    read(&mut bytes, (FIXED_BYTES + fixed.text_bytes) as u64)?;
    fixed.verify(&bytes).map_err(|damage| damaged(damage, path))?;
    Ok((fixed, bytes))
}

pub(super) fn open(path: &Path) -> Result<Option<(File, u64)>> {
    let opened = File::open(path).and_then(|file| {
        let length = file.metadata()?.len();
        Ok((file, length))
    });
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(error, "open", path)),
    }
}

/// A file that was copied to another name by hand would else be a second object with the first one's content.
pub(super) fn check_key(key: &str, path: &Path) -> Result<()> {
    match path.file_name() {
        Some(file) if file == name::of_key(key).as_str() => Ok(()),
        _ => Err(damaged("it is the file of another key", path).with("holds", key)),
    }
}
