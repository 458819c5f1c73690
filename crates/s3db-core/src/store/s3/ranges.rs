//! Bodies that are read as they come, whole or in part.

use std::ops::Range;
use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::{Answer, S3Store, errors, quoted};
use crate::store::{ByteRange, Condition, ETag, Reading, limits, reading};
use crate::{Error, Result};

impl S3Store {
    /// Sends one GET, and gives its answer as soon as the head of it has come.
    pub(super) async fn open(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        let call = self.call("get", Some(key));
        if range.end.is_some_and(|end| end <= range.start) {
            return Err(reading::nothing_there(key, range, None));
        }
        let header = (range != ByteRange::ALL).then(|| match range.end {
            Some(end) => format!("bytes={}-{}", range.start, end.saturating_sub(1)),
            None => format!("bytes={}-", range.start),
        });
        let request = self.0.client.get_object().bucket(&self.0.bucket).key(key);
        let request = request.set_range(header).set_if_match(if_match.map(quoted));
        let output = match request.send().await {
            Ok(output) => output,
            Err(error) => {
                return match (errors::missing(&error), errors::status(&error), if_match) {
                    (Some(missing), _, _) => self.absent(&call, missing).await.map(|()| None),
                    (None, Some(412), Some(etag)) => {
                        Err(limits::condition_failed(key, &Condition::IfMatch(etag.clone())))
                    }
                    (None, Some(416), _) => Err(reading::nothing_there(key, range, None)),
                    _ => Err(call.failed(error)),
                };
            }
        };
        self.bucket_is_there();
        let sent = output.content_length.and_then(|length| u64::try_from(length).ok());
        let (first, length) = match output.content_range.as_deref() {
            Some(text) => content_range(text).ok_or_else(|| call.senseless("no range"))?,
            // A server that does not know ranges sends everything.
            None => (0, sent.ok_or_else(|| call.senseless("no length"))?),
        };
        let answer = Answer {
            metadata: output.metadata,
            etag: output.e_tag,
            last_modified: output.last_modified,
            content_length: Some(i64::try_from(length).unwrap_or(i64::MAX)),
            content_type: output.content_type,
            version_id: output.version_id,
            missing_meta: output.missing_meta,
        };
        let head = answer.into_head(&call)?;
        // A server that does not know conditions must not mix two versions either.
        let range = reading::check(key, &head, range, if_match)?;
        let skip = range.start.checked_sub(first).ok_or_else(|| call.senseless("another range"))?;
        let body = self.pump(Arc::from(key), output.body, skip, range.clone());
        Ok(Some(Reading { head, range, body }))
    }

    /// The bytes of a range out of a body that begins `skip` bytes before it. A body that ends early is an error.
    fn pump(
        &self,
        key: Arc<str>,
        body: ByteStream,
        skip: u64,
        range: Range<u64>,
    ) -> BoxStream<'static, Result<Bytes>> {
        let state = Pump { store: self.clone(), key, body, skip, left: range.end - range.start };
        stream::unfold(Some(state), async |state| {
            let mut state = state?;
            match state.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(state))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

struct Pump {
    store: S3Store,
    key: Arc<str>,
    body: ByteStream,
    skip: u64,
    left: u64,
}

impl Pump {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.left > 0 {
            let mut bytes = match self.body.next().await {
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => return Err(self.broken(error)),
                None => return Err(self.broken(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))),
            };
            let skipped = self.skip.min(bytes.len() as u64);
            self.skip -= skipped;
            drop(bytes.split_to(skipped as usize));
            bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= bytes.len() as u64;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    fn broken(&self, error: impl std::error::Error + 'static) -> Error {
        self.store.call("get", Some(&self.key)).broken_body(error)
    }
}

/// First byte and whole length out of `bytes 5-9/100`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.parse().ok()?, length.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_object_is_read_from_the_range_of_an_answer() {
        for (text, expected) in [
            ("bytes 5-9/100", Some((5, 100))),
            ("bytes 0-0/1", Some((0, 1))),
            ("bytes */100", None),
            ("bytes 5-9/*", None),
            ("items 5-9/100", None),
        ] {
            assert_eq!(content_range(text), expected, "{text}");
        }
    }
}
