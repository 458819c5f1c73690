//! The token of an object's body.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Longest text that is held in place: an MD5 in hex, a dash, and the number of parts of a big upload.
const INLINE_BYTES_MAX: usize = 38;

/// Opaque token of an object's body, as the store gives it, without quotes. It changes when the body changes; on S3 it
/// says nothing of the metadata.
#[derive(Clone)]
pub struct ETag(Text);

/// Texts of the usual length need no allocation, so that listing thousands of objects touches no counter of each.
#[derive(Clone)]
enum Text {
    Inline { bytes: [u8; INLINE_BYTES_MAX], len: u8 },
    Shared(Arc<str>),
}

impl ETag {
    /// An ETag from the store's text; surrounding quotes are dropped.
    pub fn new(text: &str) -> Self {
        let text = text.trim_matches('"');
        let mut bytes = [0; INLINE_BYTES_MAX];
        Self(match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Text::Inline { bytes, len: text.len() as u8 }
            }
            None => Text::Shared(Arc::from(text)),
        })
    }

    /// The MD5 of a body in lower-case hex, which is the ETag that S3 gives an object written in one piece.
    pub fn md5_of(body: &[u8]) -> Self {
        use md5::{Digest, Md5};
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let digest = Md5::digest(body);
        let mut bytes = [0; INLINE_BYTES_MAX];
        for (pair, byte) in bytes.chunks_exact_mut(2).zip(&digest) {
            pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        Self(Text::Inline { bytes, len: 32 })
    }

    /// The text without quotes.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline { bytes, len } => bytes
                .get(..usize::from(*len))
                .and_then(|text| std::str::from_utf8(text).ok())
                .unwrap_or_default(),
            Text::Shared(text) => text,
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Text::Inline { bytes, len } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Text::Shared(text) => text.as_bytes(),
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ETag").field(&self.as_str()).finish()
    }
}

impl serde::Serialize for ETag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ETag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl PartialEq for ETag {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ETag {}

impl PartialOrd for ETag {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ETag {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for ETag {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_any_length_keeps_its_text_and_its_order() {
        for text in [
            "",
            "5d41402abc4b2a76b9719d911017c592",
            "5d41402abc4b2a76b9719d911017c592-10000",
            &"x".repeat(99),
        ] {
            assert_eq!(ETag::new(&format!("\"{text}\"")).as_str(), text);
            assert_eq!(ETag::new(text), ETag::new(text).clone());
        }
        assert!(ETag::new(&"a".repeat(99)) < ETag::new("b"));
        assert_eq!(ETag::md5_of(b"hello").as_str(), "5d41402abc4b2a76b9719d911017c592");
    }
}
