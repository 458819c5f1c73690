//! Leaves: folders that hold the objects of one range of keys each.
//!
//! A leaf is named after the lowest key that may be in it; it ends where the next one begins. A leaf that grows too
//! large is split, so that neither a page of a listing nor a look-up ever reads a folder of a million names.
//!
//! Only a holder of all locks moves objects between leaves. It writes `busy` into the epoch file before, and a new
//! `ready` after, so that whoever reads without a lock can tell whether what it saw was whole, and so that a crash
//! in between is noticed and mended by the next one who comes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::name::{self, Named};
use super::objects::read_head;
use super::{Files, io_error};
use crate::{Error, ErrorKind, Result};

/// Objects in a leaf before it is split.
pub(super) const LEAF_FILES_MAX: usize = 1000;

/// Times that an epoch may change under one call. Each change is a split, so that this is never reached.
pub(super) const EPOCH_CHANGES_MAX: usize = 100;

/// The leaves at one epoch.
#[derive(Debug)]
pub(super) struct Leaves {
    pub(super) epoch: String,
    by_bound: BTreeMap<String, Arc<Leaf>>,
}

/// One leaf.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Keys in it are not below this.
    pub(super) bound: String,
    pub(super) path: PathBuf,
    /// Objects in it as far as this process knows; [`UNCOUNTED`] until it matters.
    files: AtomicUsize,
}

const UNCOUNTED: usize = usize::MAX;

/// An object's file in a leaf.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) file: String,
}

impl Leaves {
    /// The leaf that a key belongs to.
    pub(super) fn find(&self, key: &str) -> Result<&Arc<Leaf>> {
        let found = self.by_bound.range::<str, _>((Unbounded, Included(key))).next_back();
        found.map(|(_, leaf)| leaf).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "the first folder of a file store is gone").with("key", key)
        })
    }

    /// The first leaf after another.
    pub(super) fn after(&self, leaf: &Leaf) -> Option<&Arc<Leaf>> {
        self.by_bound.range::<str, _>((Excluded(leaf.bound.as_str()), Unbounded)).next().map(|(_, leaf)| leaf)
    }
}

impl Leaf {
    /// Notes a new object; tells whether the leaf should be split.
    pub(super) fn grow(&self) -> bool {
        if self.files.load(Ordering::Relaxed) == UNCOUNTED {
            let counted = fs::read_dir(&self.path).map(Iterator::count).unwrap_or_default();
            self.files.store(counted, Ordering::Relaxed);
            return counted > LEAF_FILES_MAX;
        }
        self.files.fetch_add(1, Ordering::Relaxed) >= LEAF_FILES_MAX
    }

    /// Notes a removed object.
    pub(super) fn shrink(&self) {
        let less = |files: usize| {
            if files == UNCOUNTED { None } else { files.checked_sub(1) }
        };
        let _ = self.files.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn known(&self) -> usize {
        self.files.load(Ordering::Relaxed)
    }

    fn know(&self, files: usize) {
        self.files.store(files, Ordering::Relaxed);
    }

    /// The objects whose key `wanted` takes, in order. `None` when the folder is gone.
    ///
    /// A hashed name whose file cannot be read has no key; it is logged and left out.
    pub(super) fn members(&self, wanted: impl Fn(&str) -> bool) -> Result<Option<Vec<Member>>> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(error, "read", &self.path)),
        };
        let mut members = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| io_error(error, "read", &self.path))?;
            let Ok(file) = entry.file_name().into_string() else {
                continue;
            };
            let key = match name::decode(&file) {
                Some(Named::Key(key)) => key,
                Some(Named::Hashed) => match read_head(&entry.path()) {
                    Ok(Some((key, _))) => key,
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::warn!(%error, "a file without a readable key is left out of the listing");
                        continue;
                    }
                },
                None => continue,
            };
            if wanted(&key) {
                members.push(Member { key, file });
            }
        }
        members.sort_unstable();
        Ok(Some(members))
    }
}

impl Files {
    /// The leaves as last seen, which may be out of date.
    pub(super) fn leaves_seen(&self) -> Result<Arc<Leaves>> {
        let seen = self.leaves.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        seen.map_or_else(|| self.leaves_now(), Ok)
    }

    /// The leaves at the present epoch, mended when a crash left them half split. Call it without holding a lock.
    pub(super) fn leaves_now(&self) -> Result<Arc<Leaves>> {
        for _ in 0..EPOCH_CHANGES_MAX {
            match self.leaves_if_ready()? {
                Some(leaves) => return Ok(leaves),
                None => self.mend()?,
            }
        }
        Err(unsettled(self))
    }

    /// The leaves at the present epoch; `None` while objects are being moved.
    pub(super) fn leaves_if_ready(&self) -> Result<Option<Arc<Leaves>>> {
        for _ in 0..EPOCH_CHANGES_MAX {
            let epoch = self.folder.read_epoch()?;
            if !epoch.starts_with("ready ") || !epoch.ends_with('\n') {
                return Ok(None);
            }
            let seen = self.leaves.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
            if let Some(seen) = seen.as_ref().filter(|seen| seen.epoch == epoch) {
                return Ok(Some(seen.clone()));
            }
            let leaves = Arc::new(self.read_leaves(epoch, seen.as_deref())?);
            if self.folder.read_epoch()? == leaves.epoch {
                *self.leaves.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    Some(leaves.clone());
                return Ok(Some(leaves));
            }
        }
        Err(unsettled(self))
    }

    fn read_leaves(&self, epoch: String, before: Option<&Leaves>) -> Result<Leaves> {
        let objects = self.folder.objects();
        let mut by_bound = BTreeMap::new();
        for entry in fs::read_dir(&objects).map_err(|error| io_error(error, "read", &objects))? {
            let entry = entry.map_err(|error| io_error(error, "read", &objects))?;
            let Ok(file) = entry.file_name().into_string() else {
                continue;
            };
            let Some(Named::Key(bound)) = name::decode(&file) else {
                continue;
            };
            let known =
                before.and_then(|before| before.by_bound.get(&bound)).map_or(UNCOUNTED, |leaf| leaf.known());
            let leaf = Leaf { bound: bound.clone(), path: entry.path(), files: AtomicUsize::new(known) };
            by_bound.insert(bound, Arc::new(leaf));
        }
        Ok(Leaves { epoch, by_bound })
    }

    /// Splits a leaf in two if it is too large.
    pub(super) fn split(&self, bound: &str) -> Result<()> {
        let _all = self.stripes.lock_all().map_err(|error| self.lock_error(error))?;
        // Not ready with all locks held: another process crashed, and the next call mends that.
        let Some(leaves) = self.leaves_if_ready()? else {
            return Ok(());
        };
        let Some(leaf) = leaves.by_bound.get(bound) else {
            return Ok(());
        };
        let members = leaf.members(|_| true)?.unwrap_or_default();
        leaf.know(members.len());
        if members.len() <= LEAF_FILES_MAX {
            return Ok(());
        }
        let Some((middle, file)) = split_point(&members) else {
            // No short text parts these keys. The leaf stays right, but large; try again much later.
            leaf.know(LEAF_FILES_MAX / 2);
            return Ok(());
        };
        self.folder.write_epoch("busy", self.env())?;
        let target = self.folder.objects().join(file);
        fs::create_dir_all(&target).map_err(|error| io_error(error, "create", &target))?;
        for member in members.iter().skip(middle) {
            move_file(&leaf.path.join(&member.file), &target.join(&member.file))?;
        }
        for folder in [&target, &leaf.path, &self.folder.objects()] {
            self.folder.flush_folder(folder)?;
        }
        leaf.know(middle);
        self.folder.write_epoch("ready", self.env())?;
        if let Some(leaves) = self.leaves_if_ready()?
            && let Some(added) = leaves.after(leaf)
        {
            added.know(members.len() - middle);
        }
        Ok(())
    }

    /// Puts every object into the leaf that it belongs to, after a crash in the middle of a split.
    fn mend(&self) -> Result<()> {
        let _all = self.stripes.lock_all().map_err(|error| self.lock_error(error))?;
        let epoch = self.folder.read_epoch()?;
        if epoch.starts_with("ready ") && epoch.ends_with('\n') {
            return Ok(());
        }
        tracing::warn!(path = %self.folder.root().display(), "a process died while it moved files; putting them in order");
        let leaves = self.read_leaves(epoch, None)?;
        for leaf in leaves.by_bound.values() {
            for member in leaf.members(|_| true)?.unwrap_or_default() {
                let right = leaves.find(&member.key)?;
                if right.bound != leaf.bound {
                    move_file(&leaf.path.join(&member.file), &right.path.join(&member.file))?;
                }
            }
        }
        for leaf in leaves.by_bound.values() {
            self.folder.flush_folder(&leaf.path)?;
        }
        self.folder.write_epoch("ready", self.env())
    }

    /// Removes leaves that hold nothing. Their range goes to the leaf before.
    pub(super) fn sweep(&self) -> Result<()> {
        let _all = self.stripes.lock_all().map_err(|error| self.lock_error(error))?;
        let Some(leaves) = self.leaves_if_ready()? else {
            return Ok(());
        };
        self.folder.write_epoch("busy", self.env())?;
        for leaf in leaves.by_bound.values().filter(|leaf| !leaf.bound.is_empty()) {
            // Fails on a folder that holds anything, which is what is wanted.
            let _ = fs::remove_dir(&leaf.path);
        }
        self.folder.write_epoch("ready", self.env())
    }
}

/// Where to part sorted members, and the name of the new leaf.
///
/// The bound is the shortest text between the last key on the left and the first on the right, as near to the middle
/// as one can be found whose name is not too long.
fn split_point(members: &[Member]) -> Option<(usize, String)> {
    let middle = members.len() / 2;
    (0..middle).flat_map(|off| [middle - off, middle + off]).find_map(|at| {
        let (left, right) = (members.get(at.checked_sub(1)?)?, members.get(at)?);
        Some((at, name::escaped(separator(&left.key, &right.key))?))
    })
}

/// The shortest start of `right` that is above `left`.
fn separator<'a>(left: &str, right: &'a str) -> &'a str {
    let same =
        left.chars().zip(right.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum::<usize>();
    let next = right.get(same..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    right.get(..same + next).unwrap_or(right)
}

fn move_file(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| io_error(error, "move", from))
}

fn unsettled(files: &Files) -> Error {
    Error::new(ErrorKind::Unavailable, "the folders of a file store keep changing")
        .with("path", files.folder.root().display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_is_above_the_left_key_and_not_above_the_right_one() {
        for (left, right, expected) in [
            ("a", "b", "b"),
            ("user-041", "user-052", "user-05"),
            ("a", "ab", "ab"),
            ("é1", "ê", "ê"),
            ("ab", "b", "b"),
        ] {
            let separator = separator(left, right);
            assert_eq!(separator, expected);
            assert!(left < separator && separator <= right);
        }
    }
}
