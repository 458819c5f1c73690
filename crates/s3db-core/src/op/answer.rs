//! What calls give back.

use serde::{Deserialize, Serialize};

use crate::resource::{
    BatchResult, Content, ContentStream, DocumentVersion, Listing, OpenedContent, Page, Record, Selection,
};
use crate::{Error, ErrorKind, Result};

/// What a call gives back.
///
/// It can be serialised, so that a cache can keep it. Items that failed are left out then: a cache keeps only what
/// [`is_whole`](Self::is_whole). What was secret in a document is in the clear here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// A document that was written.
    Record(Box<Record>),
    /// What a read has found.
    Found(Option<Box<Record>>),
    /// What reads of several ids have found.
    Records(BatchResult<Record>),
    /// Whether a document is there.
    Exists(bool),
    /// A delete has happened.
    Deleted,
    /// What became of several deletes.
    Batch(BatchResult<String>),
    /// A number of documents: how many were deleted, or how many there are.
    Count(u64),
    /// Documents of a list.
    Listing(Listing),
    /// Ids of a list or a query.
    Ids(Vec<String>),
    /// A page of documents, of a list or a query.
    Page(Page),
    /// Fields of documents.
    Selection(Selection),
    /// The content of a document, where it has any. It is read later, so it is not serialised.
    #[serde(skip)]
    Content(Option<Box<Content>>),
    /// Versions of a document, the newest first. They are not serialised: there is always one more.
    #[serde(skip)]
    History(Vec<DocumentVersion>),
    /// The content of a document, about to be read.
    #[serde(skip)]
    ContentStream(Option<OpenedContent>),
}

/// Takes one kind of answer, and refuses the others.
macro_rules! takes {
    ($($(#[$doc:meta])* $name:ident($variant:ident) -> $type:ty = $wanted:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(self) -> Result<$type> {
            match self {
                Self::$variant(value) => Ok(value),
                other => Err(other.is_not($wanted)),
            }
        }
    )*};
}

impl Answer {
    takes! {
        records(Records) -> BatchResult<Record> = "records";
        exists(Exists) -> bool = "whether it exists";
        batch(Batch) -> BatchResult<String> = "a batch";
        count(Count) -> u64 = "a count";
        listing(Listing) -> Listing = "a listing";
        ids(Ids) -> Vec<String> = "ids";
        page(Page) -> Page = "a page";
        selection(Selection) -> Selection = "a selection";
        history(History) -> Vec<DocumentVersion> = "a history";
    }

    pub(crate) fn record(self) -> Result<Record> {
        match self {
            Self::Record(record) | Self::Found(Some(record)) => Ok(*record),
            other => Err(other.is_not("a record")),
        }
    }

    pub(crate) fn found(self) -> Result<Option<Record>> {
        match self {
            Self::Found(found) => Ok(found.map(|record| *record)),
            Self::Record(record) => Ok(Some(*record)),
            other => Err(other.is_not("what was found")),
        }
    }

    pub(crate) fn content(self) -> Result<Option<Content>> {
        match self {
            Self::Content(content) => Ok(content.map(|content| *content)),
            other => Err(other.is_not("content")),
        }
    }

    pub(crate) fn content_stream(self) -> Result<Option<ContentStream>> {
        match self {
            Self::ContentStream(None) => Ok(None),
            Self::ContentStream(Some(opened)) => match opened.take() {
                Some(stream) => Ok(Some(stream)),
                None => Err(Error::new(ErrorKind::Unsupported, "a layer has taken the stream of content")
                    .hint("a layer that reads a stream gives another one on")),
            },
            other => Err(other.is_not("a stream of content")),
        }
    }

    pub(crate) fn deleted(self) -> Result<()> {
        match self {
            Self::Deleted => Ok(()),
            other => Err(other.is_not("a delete")),
        }
    }

    /// Whether no item of it failed and no document of it was unreadable.
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Records(batch) => batch.failed.is_empty(),
            Self::Batch(batch) => batch.failed.is_empty(),
            Self::Listing(listing) => listing.unreadable.is_empty(),
            Self::Page(page) => page.unreadable.is_empty(),
            Self::Selection(selection) => selection.unreadable.is_empty(),
            Self::History(versions) => versions.iter().all(|version| version.unreadable.is_none()),
            Self::Record(_) | Self::Found(_) | Self::Exists(_) => true,
            Self::Content(_) | Self::ContentStream(_) => true,
            Self::Deleted | Self::Count(_) | Self::Ids(_) => true,
        }
    }

    /// Documents that it is about, and items of it that failed.
    pub(crate) fn size(&self) -> (u64, u64) {
        let (documents, failed) = match self {
            Self::Record(_) | Self::Deleted => (1, 0),
            Self::Found(found) => (usize::from(found.is_some()), 0),
            Self::Exists(exists) => (usize::from(*exists), 0),
            Self::Content(content) => (usize::from(content.is_some()), 0),
            Self::ContentStream(content) => (usize::from(content.is_some()), 0),
            Self::Count(count) => return (*count, 0),
            Self::Ids(ids) => (ids.len(), 0),
            Self::Records(batch) => (batch.ok.len(), batch.failed.len()),
            Self::Batch(batch) => (batch.ok.len(), batch.failed.len()),
            Self::Listing(listing) => (listing.records.len(), listing.unreadable.len()),
            Self::Page(page) => (page.records.len(), page.unreadable.len()),
            Self::Selection(selection) => (selection.rows.len(), selection.unreadable.len()),
            Self::History(versions) => {
                let failed = versions.iter().filter(|version| version.unreadable.is_some()).count();
                (versions.len() - failed, failed)
            }
        };
        (documents as u64, failed as u64)
    }

    /// Every whole document in it.
    pub fn documents_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        type Parts<'a> = (Option<&'a mut Record>, &'a mut [Record], &'a mut [DocumentVersion]);
        let (one, many, versions): Parts<'_> = match self {
            Self::Record(record) | Self::Found(Some(record)) => (Some(record), &mut [], &mut []),
            Self::Records(batch) => (None, &mut batch.ok, &mut []),
            Self::Listing(listing) => (None, &mut listing.records, &mut []),
            Self::Page(page) => (None, &mut page.records, &mut []),
            Self::History(versions) => (None, &mut [], versions),
            _ => (None, &mut [], &mut []),
        };
        let versions = versions.iter_mut().filter_map(|version| version.record.as_mut());
        one.into_iter().chain(many).chain(versions)
    }

    fn is_not(&self, wanted: &'static str) -> Error {
        let got = match self {
            Self::Record(_) => "a record",
            Self::Found(_) => "what was found",
            Self::Records(_) => "records",
            Self::Exists(_) => "whether it exists",
            Self::Deleted => "a delete",
            Self::Batch(_) => "a batch",
            Self::Count(_) => "a count",
            Self::Listing(_) => "a listing",
            Self::Ids(_) => "ids",
            Self::Page(_) => "a page",
            Self::Selection(_) => "a selection",
            Self::Content(_) => "content",
            Self::History(_) => "a history",
            Self::ContentStream(_) => "a stream of content",
        };
        Error::new(
            ErrorKind::Unsupported,
            "a layer or hook answered with something that the verb does not give",
        )
        .with("wanted", wanted)
        .with("got", got)
        .hint("a layer returns the answer of `next.run`, or one of the same form")
    }
}
