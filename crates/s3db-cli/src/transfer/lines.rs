//! JSON lines.

use std::io::{self, BufRead, Read as _};

use serde_json::Value;

use super::LINE_BYTES_MAX;
use super::source::{Bad, Item, Take};

/// Characters of a bad line that are kept.
const SHOWN_CHARS: usize = 2000;

/// Reads one document a line. Blank lines and the mark at the start of some files are passed over.
pub(super) fn read(mut reader: impl BufRead, take: Take<'_>) -> io::Result<()> {
    let (mut line, mut end) = (0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes)? as u64;
        if read == 0 {
            return Ok(());
        }
        line += 1;
        end += read;
        let too_long = read > LINE_BYTES_MAX && !bytes.ends_with(b"\n");
        if too_long {
            end += skip_line(&mut reader)?;
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").filter(|_| line == 1).unwrap_or(&bytes);
        if text.trim_ascii().is_empty() {
            continue;
        }
        let content = if too_long {
            Err(bad(format!("the line is longer than {} MiB", LINE_BYTES_MAX >> 20), text))
        } else {
            parse(text)
        };
        if !take(Item { line, end, content }) {
            return Ok(());
        }
    }
}

fn parse(text: &[u8]) -> Result<Value, Bad> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(document)) => Ok(Value::Object(document)),
        Ok(Value::Array(_)) => Err(bad(
            "the line is a JSON array, and a document is an object: `jq -c '.[]'` writes the items one a line".to_owned(),
            text,
        )),
        Ok(_) => Err(bad("the line is JSON and no object".to_owned(), text)),
        Err(error) => Err(bad(format!("the line is not JSON: {}", column_only(&error)), text)),
    }
}

/// The parser counts lines from the start of this one.
fn column_only(error: &serde_json::Error) -> String {
    error.to_string().replace("at line 1 column", "at column")
}

pub(super) fn bad(reason: String, text: &[u8]) -> Bad {
    let text = text.get(..SHOWN_CHARS * 4).unwrap_or(text);
    let text = String::from_utf8_lossy(text).trim().chars().take(SHOWN_CHARS).collect();
    Bad { reason, text }
}

/// Passes over the rest of a line, and returns how long it was.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(skipped);
        }
        let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(length);
        skipped += length as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &[u8]) -> Vec<(u64, u64, Result<String, String>)> {
        let mut found = Vec::new();
        read(io::Cursor::new(text), &mut |Item { line, end, content }| {
            found.push((line, end, content.map(|value| value.to_string()).map_err(|bad| bad.reason)));
            true
        })
        .unwrap();
        found
    }

    #[test]
    fn each_line_stands_for_itself() {
        let found = items(b"\xef\xbb\xbf{\"a\":1}\r\n\n{\"a\":\n[1]\n7\n{\"b\":2}");
        let lines: Vec<u64> = found.iter().map(|(line, ..)| *line).collect();
        assert_eq!(lines, [1, 3, 4, 5, 6]);
        assert_eq!(found[0].2.as_deref(), Ok("{\"a\":1}"));
        assert_eq!(found[4], (6, 32, Ok("{\"b\":2}".to_owned())));
        for (at, says) in [(1, "not JSON"), (2, "jq -c"), (3, "no object")] {
            assert!(found[at].2.as_ref().unwrap_err().contains(says), "{found:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_passed_over_in_little_memory() {
        let mut text = vec![b'x'; LINE_BYTES_MAX as usize + 100];
        text.extend(b"\n{\"a\":1}\n");
        let found = items(&text);
        assert!(found[0].2.as_ref().unwrap_err().contains("longer than 16 MiB"));
        assert_eq!(found[1], (2, text.len() as u64, Ok("{\"a\":1}".to_owned())));
    }
}
