//! Pages of keys, read leaf by leaf.

use std::ops::Bound;

use super::Files;
use super::leaves::{EPOCH_CHANGES_MAX, Leaf};
use super::objects::read_fixed;
use crate::store::paging::{Pager, Verdict};
use crate::store::{ETag, ListEntry, ListPage, ListRequest};
use crate::{Error, ErrorKind, Result};

/// Empty leaves that one page may pass before they are removed.
const EMPTY_LEAVES_MAX: usize = 16;

/// Where to go on after a leaf.
enum Step {
    /// The page is complete.
    Done,
    /// Behind the end of the leaf, which had nothing to show.
    PastEmpty,
    /// Behind the end of the leaf.
    PastEnd,
    /// At this key, wherever it is by now.
    From(Bound<String>),
    /// Files were moved while the leaf was read: nothing was taken from it.
    Moved,
}

impl Files {
    /// One page.
    pub(super) fn list(&self, request: &ListRequest) -> Result<ListPage> {
        let prefix = request.prefix.as_str();
        let mut page = Page { prefix, pager: Pager::new(request)?, entries: Vec::new() };
        let mut next = page.pager.seek();
        let (mut empty, mut moved) = (0, 0);
        while let Some(from) = next {
            let leaves = self.leaves_now()?;
            let leaf = leaves.find(text_of(&from))?;
            let step = self.list_leaf(leaf, &leaves.epoch, &from, &mut page)?;
            empty += usize::from(matches!(step, Step::PastEmpty));
            next = match step {
                Step::Done => None,
                Step::From(from) => Some(from),
                Step::Moved => {
                    moved += 1;
                    if moved > EPOCH_CHANGES_MAX {
                        return Err(Error::new(
                            ErrorKind::Unavailable,
                            "the folders of a file store keep changing",
                        ));
                    }
                    Some(from)
                }
                Step::PastEmpty | Step::PastEnd => {
                    let bound = leaves.after(leaf).map(|leaf| leaf.bound.clone());
                    bound
                        .filter(|bound| bound.as_str() < prefix || bound.starts_with(prefix))
                        .map(Bound::Included)
                }
            };
        }
        if empty > EMPTY_LEAVES_MAX
            && let Err(error) = self.sweep()
        {
            tracing::warn!(%error, "cannot remove empty folders of a file store");
        }
        Ok(page.pager.finish(page.entries))
    }

    /// Adds the keys of one leaf to the page.
    fn list_leaf(&self, leaf: &Leaf, epoch: &str, from: &Bound<String>, page: &mut Page<'_>) -> Result<Step> {
        let prefix = page.prefix;
        let members = leaf.members(|key| key.starts_with(prefix) && is_from(key, from))?;
        // The names are those of the whole leaf only if nothing was moved while they were read.
        let (Some(members), true) = (members, self.folder.read_epoch()? == epoch) else {
            return Ok(Step::Moved);
        };
        let was_empty = members.is_empty();
        let mut skip_to: Option<Bound<String>> = None;
        for member in members {
            if skip_to.as_ref().is_some_and(|to| !is_from(&member.key, to)) {
                continue;
            }
            skip_to = None;
            match page.pager.offer(&member.key) {
                Verdict::Take => match read_entry(&member.key, &leaf.path.join(&member.file))? {
                    Some(entry) => page.entries.push(entry),
                    None => {
                        // Deleted since the names were read, or moved.
                        page.pager.give_back();
                        if self.folder.read_epoch()? != epoch {
                            return Ok(Step::From(Bound::Included(member.key)));
                        }
                    }
                },
                Verdict::Jump(Some(to)) => skip_to = Some(to),
                Verdict::Jump(None) | Verdict::Stop => return Ok(Step::Done),
            }
        }
        Ok(match skip_to {
            // Rolled up keys may fill many leaves: go straight to what comes behind them.
            Some(to) => Step::From(to),
            None if was_empty => Step::PastEmpty,
            None => Step::PastEnd,
        })
    }
}

struct Page<'a> {
    prefix: &'a str,
    pager: Pager<'a>,
    entries: Vec<ListEntry>,
}

/// What a listing shows of an object; `None` when it is gone.
///
/// A file that cannot be understood is shown under its key, with an ETag that no object has, so that whoever reads it
/// gets the error that names it, and the others are listed all the same.
fn read_entry(key: &str, path: &std::path::Path) -> Result<Option<ListEntry>> {
    let entry = |etag, content_length, last_modified_ms| ListEntry {
        key: key.into(),
        etag,
        content_length,
        last_modified_ms,
    };
    match read_fixed(path) {
        Ok(Some((fixed, _))) => Ok(Some(entry(fixed.etag(), fixed.body_bytes, fixed.last_modified_ms))),
        Ok(None) => Ok(None),
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Denied) => {
            tracing::warn!(%error, "an unreadable object is listed");
            Ok(Some(entry(ETag::new("unreadable"), 0, 0)))
        }
        Err(error) => Err(error),
    }
}

fn text_of(bound: &Bound<String>) -> &str {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => key,
        Bound::Unbounded => "",
    }
}

fn is_from(key: &str, from: &Bound<String>) -> bool {
    match from {
        Bound::Included(from) => key >= from.as_str(),
        Bound::Excluded(from) => key > from.as_str(),
        Bound::Unbounded => true,
    }
}
