//! Bodies that are read as they come. The file stays open meanwhile, so that all bytes are of one version: a write puts
//! another file in its place and changes none.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use md5::{Digest as _, Md5};

use super::format::{FIXED_BYTES, Fixed};
use super::objects::{check_key, open, read_header};
use super::{Files, blocking, damaged, io_error};
use crate::Result;
use crate::store::reading::{self, CHUNK_BYTES};
use crate::store::{BodyStream, ByteRange, ETag, Head, Reading};

/// A file of which the header has been read.
struct Opened {
    file: File,
    path: PathBuf,
    fixed: Fixed,
    head: Head,
}

impl Files {
    /// Opens an object, to read a part of its body.
    pub(super) fn open_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        let Some(opened) = self.read(key, open_file)? else {
            return Ok(None);
        };
        let Opened { mut file, path, fixed, head } = opened;
        let range = reading::check(key, &head, range, if_match)?;
        let first = (FIXED_BYTES + fixed.text_bytes) as u64 + range.start;
        file.seek(SeekFrom::Start(first)).map_err(|error| io_error(error, "read", &path))?;
        // Of a part nothing can be proved.
        let hash = (range == (0..head.content_length)).then(Md5::new);
        let body = Body { file, path, fixed, left: range.end - range.start, hash }.stream();
        Ok(Some(Reading { head, range, body }))
    }
}

fn open_file(path: &Path) -> Result<Option<Opened>> {
    let Some((mut file, length)) = open(path)? else {
        return Ok(None);
    };
    let (fixed, bytes) = read_header(&mut file, length, path)?;
    let (key, head) = fixed.head(&bytes).map_err(|damage| damaged(damage, path))?;
    check_key(&key, path)?;
    Ok(Some(Opened { file, path: path.to_owned(), fixed, head }))
}

struct Body {
    file: File,
    path: PathBuf,
    fixed: Fixed,
    left: u64,
    hash: Option<Md5>,
}

impl Body {
    fn stream(self) -> BodyStream {
        stream::unfold(Some(self), async |state| {
            let state = state?;
            let read = blocking(move || state.next()).await;
            read.map(|(bytes, next)| bytes.map(|bytes| (bytes, next))).transpose().map(|read| match read {
                Ok((bytes, next)) => (Ok(bytes), next),
                Err(error) => (Err(error), None),
            })
        })
        .boxed()
    }

    /// The next bytes, and what follows them.
    fn next(mut self) -> Result<(Option<Bytes>, Option<Self>)> {
        if self.left == 0 {
            return Ok((None, None));
        }
        let wanted = self.left.min(CHUNK_BYTES as u64);
        let mut bytes = Vec::with_capacity(wanted as usize);
        let read = self.file.by_ref().take(wanted).read_to_end(&mut bytes);
        read.map_err(|error| io_error(error, "read", &self.path))?;
        if bytes.len() as u64 != wanted {
            return Err(damaged("it is truncated", &self.path));
        }
        self.left -= wanted;
        if let Some(hash) = &mut self.hash {
            hash.update(&bytes);
        }
        // Told before the last bytes are given away, so that nobody takes a damaged body for a whole one.
        if self.left == 0
            && let Some(hash) = self.hash.take()
            && !self.fixed.is_hash(&hash.finalize())
        {
            return Err(damaged("its body is not the one that was written", &self.path));
        }
        Ok((Some(Bytes::from(bytes)), Some(self)))
    }
}
