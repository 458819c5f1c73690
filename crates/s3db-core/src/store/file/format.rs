//! Bytes of an object's file. Pure. `docs/file-store.md` describes them.

use std::borrow::Cow;
use std::sync::Arc;

use flate2::Crc;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::store::{ETag, Head, Metadata};

/// Bytes before the header text.
pub(super) const FIXED_BYTES: usize = 48;

/// Longest header text that is believed. The limit on metadata is far below; a longer one is damage.
const TEXT_BYTES_MAX: usize = 64 << 20;

const MAGIC: [u8; 7] = *b"s3dbobj";
const VERSION: u8 = 1;

/// Why a file is not an object, for people.
pub(super) type Damage = &'static str;

/// The fixed part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed {
    pub(super) text_bytes: usize,
    pub(super) body_bytes: u64,
    pub(super) body_md5: [u8; 16],
    pub(super) last_modified_ms: i64,
    checksum: u32,
}

#[derive(Serialize, Deserialize)]
struct Text<'a> {
    key: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<Cow<'a, str>>,
    metadata: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// The bytes before the body, and the body's ETag.
pub(super) fn header(
    key: &str,
    metadata: &Metadata,
    content_type: Option<&str>,
    body: &[u8],
    last_modified_ms: i64,
) -> serde_json::Result<(Vec<u8>, ETag)> {
    let text = serde_json::to_vec(&Text {
        key: key.into(),
        content_type: content_type.map(Cow::from),
        metadata: metadata.iter().map(|(name, value)| (name.into(), value.into())).collect(),
    })?;
    let body_md5 = Md5::digest(body);
    let mut out = Vec::with_capacity(FIXED_BYTES + text.len());
    out.extend(MAGIC);
    out.push(VERSION);
    out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend((body.len() as u64).to_le_bytes());
    out.extend(body_md5);
    out.extend(last_modified_ms.to_le_bytes());
    let checksum = checksum(&out, &text);
    out.extend(checksum.to_le_bytes());
    out.extend(text);
    Ok((out, etag(&body_md5.into())))
}

impl Fixed {
    /// Reads the fixed part of a file that is `file_bytes` long.
    pub(super) fn parse(bytes: &[u8], file_bytes: u64) -> Result<Self, Damage> {
        let fixed = bytes.first_chunk::<FIXED_BYTES>().ok_or("it is shorter than a header")?;
        let (magic, rest) = fixed.split_first_chunk::<7>().ok_or("it is shorter than a header")?;
        let mut rest = rest;
        if *magic != MAGIC {
            return Err("it is not a file of s3db");
        }
        let [version] = take::<1>(&mut rest)?;
        if version != VERSION {
            return Err("it has the format of another version of s3db");
        }
        let parsed = Self {
            text_bytes: u32::from_le_bytes(take(&mut rest)?) as usize,
            body_bytes: u64::from_le_bytes(take(&mut rest)?),
            body_md5: take(&mut rest)?,
            last_modified_ms: i64::from_le_bytes(take(&mut rest)?),
            checksum: u32::from_le_bytes(take(&mut rest)?),
        };
        if parsed.text_bytes > TEXT_BYTES_MAX {
            return Err("its header is damaged");
        }
        let expected = (FIXED_BYTES as u64 + parsed.text_bytes as u64).saturating_add(parsed.body_bytes);
        match file_bytes.cmp(&expected) {
            std::cmp::Ordering::Less => Err("it is truncated"),
            std::cmp::Ordering::Greater => Err("it is longer than its header says"),
            std::cmp::Ordering::Equal => Ok(parsed),
        }
    }

    /// Checks the checksum over the fixed part and the text; `bytes` holds both.
    pub(super) fn verify(&self, bytes: &[u8]) -> Result<(), Damage> {
        let covered = bytes.get(..FIXED_BYTES - 4).ok_or("it is truncated")?;
        if checksum(covered, self.text(bytes)?) == self.checksum {
            Ok(())
        } else {
            Err("the checksum of its header is wrong")
        }
    }

    /// Key and head out of the text; `bytes` holds the fixed part and the text.
    pub(super) fn head(&self, bytes: &[u8]) -> Result<(String, Head), Damage> {
        let text: Text<'_> =
            serde_json::from_slice(self.text(bytes)?).map_err(|_| "the text of its header is damaged")?;
        let head = Head {
            metadata: Arc::new(text.metadata.into_iter().collect()),
            etag: self.etag(),
            last_modified_ms: self.last_modified_ms,
            content_length: self.body_bytes,
            content_type: text.content_type.map(Arc::from),
            version_id: None,
        };
        Ok((text.key.into_owned(), head))
    }

    /// The body's ETag.
    pub(super) fn etag(&self) -> ETag {
        etag(&self.body_md5)
    }

    /// Whether this is the body that was written.
    pub(super) fn is_body(&self, body: &[u8]) -> bool {
        self.is_hash(&Md5::digest(body))
    }

    /// Whether this is the MD5 of the body that was written.
    pub(super) fn is_hash(&self, md5: &[u8]) -> bool {
        self.body_md5[..] == *md5
    }

    fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Damage> {
        bytes.get(FIXED_BYTES..FIXED_BYTES + self.text_bytes).ok_or("it is truncated")
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (taken, rest) = bytes.split_first_chunk::<N>().ok_or("it is shorter than a header")?;
    *bytes = rest;
    Ok(*taken)
}

fn etag(md5: &[u8; 16]) -> ETag {
    ETag::new(&hex::encode(md5))
}

fn checksum(fixed: &[u8], text: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(fixed);
    crc.update(text);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Vec<u8> {
        let metadata = Metadata::from_iter([("0", "John"), ("_v", "v1")]);
        let (mut bytes, _) = header("k", &metadata, Some("text/plain"), b"body", 1_700_000_000_123).unwrap();
        bytes.extend(b"body");
        bytes
    }

    #[test]
    fn the_bytes_are_those_of_the_documentation() {
        let bytes = written();
        assert_eq!(&bytes[..8], b"s3dbobj\x01");
        assert_eq!(bytes[8..12], 77_u32.to_le_bytes());
        assert_eq!(bytes[12..20], 4_u64.to_le_bytes());
        assert_eq!(hex::encode(&bytes[20..36]), "841a2d689ad86bd1611447453c22c6fc");
        assert_eq!(bytes[36..44], 1_700_000_000_123_i64.to_le_bytes());
        let text = r#"{"key":"k","content_type":"text/plain","metadata":[["0","John"],["_v","v1"]]}"#;
        assert_eq!(text.len(), 77);
        assert_eq!(&bytes[48..], format!("{text}body").as_bytes());
    }

    #[test]
    fn every_cut_and_every_flipped_bit_of_the_header_is_noticed() {
        let bytes = written();
        let check = |bytes: &[u8]| {
            let fixed = Fixed::parse(bytes, bytes.len() as u64)?;
            fixed.verify(bytes)?;
            fixed.head(bytes).map(|(key, head)| (key, head.metadata.len()))
        };
        assert_eq!(check(&bytes), Ok(("k".into(), 2)));
        for end in 0..bytes.len() {
            assert!(check(&bytes[..end]).is_err(), "cut at {end}");
        }
        for bit in 0..(bytes.len() - 4) * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&flipped).is_err(), "bit {bit}");
        }
    }
}
