//! Bodies of objects, whole or in part, as they come.

use std::fmt;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::{Condition, ETag, Head, Object, limits};
use crate::{Error, ErrorKind, Result};

/// Bytes of a body, in order. It ends after the last byte, or with an error.
pub type BodyStream = BoxStream<'static, Result<Bytes>>;

/// Most bytes of a body in memory that go into one item of a stream.
pub(crate) const CHUNK_BYTES: usize = 256 << 10;

/// Which bytes of a body.
///
/// ```
/// use s3db_core::store::ByteRange;
///
/// assert_eq!(ByteRange::from(10..20).within(15), Some(10..15));
/// assert_eq!(ByteRange::from(10..).within(10), None);
/// assert_eq!(ByteRange::from(..).within(0), Some(0..0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ByteRange {
    /// The first one, from 0.
    pub start: u64,
    /// The one after the last; absent for all that follow.
    pub end: Option<u64>,
}

impl ByteRange {
    /// All bytes.
    pub const ALL: Self = Self { start: 0, end: None };

    /// Which bytes of a body of this length are in it. `None` when there are none, but for all bytes of an empty body.
    pub fn within(self, length: u64) -> Option<Range<u64>> {
        let end = self.end.unwrap_or(length).min(length);
        (self.start < end || (self == Self::ALL && length == 0)).then_some(self.start..end)
    }
}

impl From<RangeFull> for ByteRange {
    fn from(_: RangeFull) -> Self {
        Self::ALL
    }
}

impl From<Range<u64>> for ByteRange {
    fn from(range: Range<u64>) -> Self {
        Self { start: range.start, end: Some(range.end) }
    }
}

impl From<RangeFrom<u64>> for ByteRange {
    fn from(range: RangeFrom<u64>) -> Self {
        Self { start: range.start, end: None }
    }
}

impl From<RangeTo<u64>> for ByteRange {
    fn from(range: RangeTo<u64>) -> Self {
        Self { start: 0, end: Some(range.end) }
    }
}

impl From<RangeInclusive<u64>> for ByteRange {
    fn from(range: RangeInclusive<u64>) -> Self {
        Self { start: *range.start(), end: range.end().checked_add(1) }
    }
}

impl From<RangeToInclusive<u64>> for ByteRange {
    fn from(range: RangeToInclusive<u64>) -> Self {
        Self { start: 0, end: range.end.checked_add(1) }
    }
}

/// An object whose body is on its way.
pub struct Reading {
    /// All but the body. Its length is that of the whole body.
    pub head: Head,
    /// Which bytes come.
    pub range: Range<u64>,
    /// These bytes.
    pub body: BodyStream,
}

impl Reading {
    /// Reads an object that is in memory.
    ///
    /// Errors: those of [`Store::read`](super::Store::read_range).
    pub fn of(key: &str, object: Object, range: ByteRange, if_match: Option<&ETag>) -> Result<Self> {
        let Object { head, body } = object;
        let range = check(key, &head, range, if_match)?;
        let bounds = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
        Ok(Self { head, body: chunks(body.slice(bounds(range.start)..bounds(range.end))), range })
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("range", &self.range)
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Which bytes of an object a read gives, if it may.
pub(super) fn check(key: &str, head: &Head, range: ByteRange, if_match: Option<&ETag>) -> Result<Range<u64>> {
    if let Some(etag) = if_match.filter(|etag| **etag != head.etag) {
        return Err(limits::condition_failed(key, &Condition::IfMatch(etag.clone())));
    }
    range.within(head.content_length).ok_or_else(|| nothing_there(key, range, Some(head.content_length)))
}

/// The error of a range that holds no byte.
pub(super) fn nothing_there(key: &str, range: ByteRange, length: Option<u64>) -> Error {
    let end = range.end.map(|end| end.to_string()).unwrap_or_default();
    let error = Error::new(ErrorKind::Validation, "the range holds no byte of the object")
        .with("key", key)
        .with("range", format!("{}..{end}", range.start));
    match length {
        Some(length) => error.with("length", length),
        None => error,
    }
}

/// Bytes in memory as a stream.
pub(crate) fn chunks(mut body: Bytes) -> BodyStream {
    let next = move || {
        let bytes = body.split_to(body.len().min(CHUNK_BYTES));
        (!bytes.is_empty()).then_some(Ok(bytes))
    };
    stream::iter(std::iter::from_fn(next)).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_gives_the_bytes_that_are_there() {
        let check = |range: ByteRange, length: u64, expected: Option<Range<u64>>| {
            assert_eq!(range.within(length), expected, "{range:?} of {length}");
        };
        check((..).into(), 10, Some(0..10));
        check((3..).into(), 10, Some(3..10));
        check((..4).into(), 10, Some(0..4));
        check((3..=5).into(), 10, Some(3..6));
        check((..=5).into(), 10, Some(0..6));
        check((3..99).into(), 10, Some(3..10));
        check((0..=u64::MAX).into(), 10, Some(0..10));
        for nothing in [
            ByteRange::from(5..5),
            ByteRange { start: 9, end: Some(2) },
            (10..).into(),
            (10..20).into(),
            (..0).into(),
        ] {
            check(nothing, 10, None);
        }
        check((..).into(), 0, Some(0..0));
        check((..1).into(), 0, None);
    }
}
