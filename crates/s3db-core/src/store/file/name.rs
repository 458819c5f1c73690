//! Names of files, made from keys. Pure.
//!
//! A name must be legal on every file system, tell upper from lower case where the file system does not, and give its
//! key back. `docs/file-store.md` has the table.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// Longest name that is made by escaping; longer ones are hashed. Common file systems take 255 bytes.
const NAME_BYTES_MAX: usize = 240;

const ESCAPED: &str = "k-";
const HASHED: &str = "h-";

/// A decoded name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// The key itself.
    Key(String),
    /// The file holds an object whose key is only in its header.
    Hashed,
}

/// The name of the file of a key.
pub(super) fn of_key(key: &str) -> String {
    escaped(key).unwrap_or_else(|| format!("{HASHED}{}", hex::encode(Sha256::digest(key))))
}

/// The name that gives its key back; `None` when it would be too long.
pub(super) fn escaped(key: &str) -> Option<String> {
    let mut name = String::with_capacity(key.len() + key.len() / 4 + ESCAPED.len());
    name.push_str(ESCAPED);
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'=' | b'.' | b',' | b'@' => {
                name.push(char::from(byte))
            }
            b'/' => name.push('+'),
            b'A'..=b'Z' => name.extend(['^', char::from(byte.to_ascii_lowercase())]),
            _ => name.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]),
        }
    }
    // Windows drops a dot at the end.
    if name.ends_with('.') {
        name.pop();
        name.push_str("%2e");
    }
    (name.len() <= NAME_BYTES_MAX).then_some(name)
}

/// Reads a name; `None` for one that this module does not make.
pub(super) fn decode(name: &str) -> Option<Named> {
    if let Some(hash) = name.strip_prefix(HASHED) {
        return (hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())).then_some(Named::Hashed);
    }
    let mut bytes = name.strip_prefix(ESCAPED)?.bytes();
    let mut key = Vec::with_capacity(bytes.len());
    while let Some(byte) = bytes.next() {
        key.push(match byte {
            b'+' => b'/',
            b'^' => bytes.next()?.to_ascii_uppercase(),
            b'%' => (digit_value(bytes.next()?)? << 4) | digit_value(bytes.next()?)?,
            byte => byte,
        });
    }
    let key = String::from_utf8(key).ok()?;
    // One key has one name: a look-alike is a foreign file.
    (escaped(&key).map(Cow::Owned) == Some(Cow::Borrowed(name))).then_some(Named::Key(key))
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

fn digit_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_legal_name_that_gives_it_back() {
        for (key, expected) in [
            ("", "k-"),
            ("resource=users/data/id=u1", "k-resource=users+data+id=u1"),
            ("Ab", "k-^ab"),
            ("con", "k-con"),
            ("..", "k-.%2e"),
            ("a//b/", "k-a++b+"),
            ("a\\b:*?\"<>|", "k-a%5cb%3a%2a%3f%22%3c%3e%7c"),
            ("é %+^", "k-%c3%a9%20%25%2b%5e"),
        ] {
            assert_eq!(of_key(key), expected);
            assert_eq!(decode(expected), Some(Named::Key(key.into())), "{key:?}");
        }
    }

    #[test]
    fn a_long_key_is_hashed() {
        let name = of_key(&"é".repeat(100));
        assert_eq!((name.len(), decode(&name)), (66, Some(Named::Hashed)));
    }

    #[test]
    fn foreign_names_are_not_keys() {
        for name in
            ["", ".DS_Store", "k", "K-a", "k-A", "k-%2", "k-%zz", "k-%61", "k-^", "k-%ff", "h-12", "k-a."]
        {
            assert_eq!(decode(name), None, "{name:?}");
        }
    }
}
