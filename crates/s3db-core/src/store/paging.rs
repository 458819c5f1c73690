//! Where a page of a listing starts, what it rolls up, and where it ends. Pure; shared by the stores of this crate.
//!
//! A continuation is `k` and the last key of the page, or `p` and the last common prefix of the page.

use std::ops::Bound;

use super::{ListPage, ListRequest, limits};
use crate::{Error, ErrorKind, Result};

/// Builds one page out of keys that come in ascending order.
///
/// Ask [`Pager::seek`] where to start reading, then offer each key to [`Pager::offer`] and do what it says.
#[derive(Debug)]
pub(crate) struct Pager<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    seek: Option<Bound<String>>,
    room: usize,
    common_prefixes: Vec<String>,
    last: Last,
    truncated: bool,
}

#[derive(Debug)]
enum Last {
    Nothing,
    Key(String),
    Prefix,
}

/// What to do with an offered key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Add the object to the page and go on.
    Take,
    /// The key was rolled up: go on with the first key in this range, or stop when there is none.
    Jump(Option<Bound<String>>),
    /// The page is complete; the key is not part of it.
    Stop,
}

impl<'a> Pager<'a> {
    /// Errors: `Config` for a continuation that this module has not made.
    pub(crate) fn new(request: &'a ListRequest) -> Result<Self> {
        let prefix = request.prefix.as_str();
        let after = match (&request.continuation, &request.start_after) {
            (Some(token), _) => match (token.get(..1), token.get(1..)) {
                (Some("k"), Some(key)) => Some(Bound::Excluded(key.to_owned())),
                (Some("p"), Some(rolled)) => successor(rolled).map(Bound::Included),
                _ => return Err(foreign_continuation(token)),
            },
            (None, Some(key)) => Some(Bound::Excluded(key.clone())),
            (None, None) => Some(Bound::Unbounded),
        };
        let seek = after.map(|after| match &after {
            Bound::Excluded(key) | Bound::Included(key) if key.as_str() >= prefix => after,
            _ => Bound::Included(prefix.to_owned()),
        });
        Ok(Self {
            prefix,
            delimiter: request.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
            seek,
            room: limits::page_size(request),
            common_prefixes: Vec::new(),
            last: Last::Nothing,
            truncated: false,
        })
    }

    /// The lower bound of the keys to offer; `None` when no key can follow.
    pub(crate) fn seek(&self) -> Option<Bound<String>> {
        self.seek.clone()
    }

    /// Entries and common prefixes that still fit.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Judges the next key in order.
    pub(crate) fn offer(&mut self, key: &str) -> Verdict {
        let Some(rest) = key.strip_prefix(self.prefix) else {
            return Verdict::Stop;
        };
        if self.room == 0 {
            self.truncated = true;
            return Verdict::Stop;
        }
        self.room -= 1;
        let rolled = self.delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        if let Some(end) = rolled {
            let common = format!("{}{}", self.prefix, rest.get(..end).unwrap_or(rest));
            let next = successor(&common).map(Bound::Included);
            self.common_prefixes.push(common);
            self.last = Last::Prefix;
            return Verdict::Jump(next);
        }
        if self.room == 0 {
            self.last = Last::Key(key.to_owned());
        }
        Verdict::Take
    }

    /// Takes back the last key that was taken: its object turned out to be gone.
    pub(crate) fn give_back(&mut self) {
        self.room += 1;
        self.last = Last::Nothing;
    }

    /// The page, with the entries that were taken.
    pub(crate) fn finish(self, entries: Vec<super::ListEntry>) -> ListPage {
        let continuation = match self.last {
            Last::Key(key) if self.truncated => Some(format!("k{key}")),
            Last::Prefix if self.truncated => self.common_prefixes.last().map(|last| format!("p{last}")),
            _ => None,
        };
        ListPage { entries, common_prefixes: self.common_prefixes, continuation }
    }
}

/// The smallest text above every text that starts with `prefix`; `None` when there is none.
///
/// UTF-8 keeps the order of code points, so the last character that has a next one is raised.
fn successor(prefix: &str) -> Option<String> {
    let mut out = prefix.to_owned();
    while let Some(last) = out.pop() {
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            out.push(next);
            return Some(out);
        }
    }
    None
}

fn foreign_continuation(token: &str) -> Error {
    Error::new(ErrorKind::Config, "the continuation of a listing is not one of this store")
        .with("continuation", token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_of_a_prefix_is_above_everything_under_it_and_nothing_else() {
        for (prefix, expected) in [
            ("a/", Some("a0")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{D7FF}", Some("\u{E000}")),
            ("\u{10FFFF}", None),
            ("", None),
        ] {
            assert_eq!(successor(prefix).as_deref(), expected, "{prefix:?}");
        }
    }

    #[test]
    fn a_continuation_of_another_store_is_refused() {
        for token in ["", "x", "1ueGcxLPRx1Tr", "é"] {
            let request = ListRequest { continuation: Some(token.into()), ..ListRequest::default() };
            assert_eq!(Pager::new(&request).err().map(|e| e.kind()), Some(ErrorKind::Config), "{token:?}");
        }
    }
}
