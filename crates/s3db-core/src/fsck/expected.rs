//! The keys that documents should have, in bounded memory.
//!
//! While documents are read, the keys of their references and claims are written to a number of spools, chosen by the
//! hash of the key. One spool at a time is then turned into a table of fingerprints, which fits the budget.

use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use tempfile::SpooledTempFile;

use crate::{Error, ErrorKind, Result};

/// Bytes that a table takes for one key.
pub(super) const ENTRY_BYTES: usize = size_of::<Entry>() + size_of::<bool>();

/// A spool writes no smaller pieces to its file.
const BUFFER_BYTES: usize = 8 * 1024;

/// The first 128 bits of the SHA-256 of a key, in two halves so that an entry has no padding.
type Fingerprint = [u64; 2];

/// Spools of keys that are still to be compared.
#[derive(Debug)]
pub(super) struct Expected {
    spools: Vec<Spool>,
}

/// Keys of one pass, in a temporary file without a name once they are many.
#[derive(Debug)]
struct Spool {
    file: BufWriter<SpooledTempFile>,
    bytes: u64,
    keys: usize,
}

/// The keys of one pass, by their fingerprints.
#[derive(Debug)]
pub(super) struct Table {
    entries: Vec<Entry>,
    seen: Vec<bool>,
    file: SpooledTempFile,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    fingerprint: Fingerprint,
    /// Where the record begins in the spool.
    offset: u64,
}

/// A key, and the document that should have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: String,
    pub(super) id: String,
}

impl Expected {
    /// Room for the keys of `passes` passes, `memory_bytes` of which are kept in memory.
    pub(super) fn new(passes: usize, memory_bytes: usize) -> Self {
        let each = (memory_bytes / passes.max(1)).saturating_sub(BUFFER_BYTES);
        let spool = |_| Spool {
            file: BufWriter::with_capacity(BUFFER_BYTES, SpooledTempFile::new(each)),
            bytes: 0,
            keys: 0,
        };
        Self { spools: (0..passes.max(1)).map(spool).collect() }
    }

    /// Notes that the document `id` should have the object `key`.
    pub(super) fn add(&mut self, key: &str, id: &str) -> Result<()> {
        let pass = pass_of(key, self.spools.len());
        let Some(spool) = self.spools.get_mut(pass) else {
            return Ok(());
        };
        for text in [key, id] {
            // Keys have at most 1,024 bytes.
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
            spool
                .file
                .write_all(&length)
                .and_then(|()| spool.file.write_all(text.as_bytes()))
                .map_err(failed)?;
            spool.bytes += 4 + text.len() as u64;
        }
        spool.keys += 1;
        Ok(())
    }

    /// The tables of all passes, one at a time.
    pub(super) fn into_tables(self) -> impl Iterator<Item = Result<Table>> {
        self.spools.into_iter().map(Spool::into_table)
    }
}

/// The pass in which a key is compared.
pub(super) fn pass_of(key: &str, passes: usize) -> usize {
    // The last bits: the table is sorted by the first ones.
    (fingerprint(key)[1] % passes.max(1) as u64) as usize
}

impl Spool {
    fn into_table(self) -> Result<Table> {
        let Self { file, bytes, keys } = self;
        let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut entries = Vec::with_capacity(keys);
        let mut reader = io::BufReader::with_capacity(BUFFER_BYTES, &mut file);
        let mut offset = 0;
        while offset < bytes {
            let Record { key, id } = read(&mut reader).map_err(failed)?;
            entries.push(Entry { fingerprint: fingerprint(&key), offset });
            offset += 8 + (key.len() + id.len()) as u64;
        }
        entries.sort_unstable();
        let seen = vec![false; entries.len()];
        Ok(Table { entries, seen, file })
    }
}

impl Table {
    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Places of a key: one for each document that should have it.
    pub(super) fn places(&self, key: &str) -> Range<usize> {
        let wanted = fingerprint(key);
        let start = self.entries.partition_point(|entry| entry.fingerprint < wanted);
        let rest = self.entries.get(start..).unwrap_or_default();
        start..start + rest.iter().take_while(|entry| entry.fingerprint == wanted).count()
    }

    /// Whether the entry at `place` is of the same key as the one before it.
    pub(super) fn repeats(&self, place: usize) -> bool {
        let fingerprint = |place: usize| self.entries.get(place).map(|entry| entry.fingerprint);
        place.checked_sub(1).is_some_and(|before| fingerprint(before) == fingerprint(place))
    }

    /// Marks a place as found on the bucket.
    pub(super) fn mark(&mut self, place: usize) {
        if let Some(seen) = self.seen.get_mut(place) {
            *seen = true;
        }
    }

    /// Whether a place was found on the bucket.
    pub(super) fn is_seen(&self, place: usize) -> bool {
        self.seen.get(place).is_some_and(|seen| *seen)
    }

    /// The key and document of a place.
    pub(super) fn record(&mut self, place: usize) -> Result<Record> {
        let offset = self.entries.get(place).map_or(0, |entry| entry.offset);
        self.file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        read(&mut self.file).map_err(failed)
    }
}

fn read(reader: &mut impl io::Read) -> io::Result<Record> {
    Ok(Record { key: read_text(reader)?, id: read_text(reader)? })
}

fn read_text(reader: &mut impl io::Read) -> io::Result<String> {
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let mut text = String::new();
    let length = u64::from(u32::from_le_bytes(length));
    reader.take(length).read_to_string(&mut text)?;
    Ok(text)
}

fn fingerprint(key: &str) -> Fingerprint {
    let digest = Sha256::digest(key);
    let half = |from: usize| {
        let bytes = digest.iter().skip(from).take(8);
        bytes.fold(0, |half: u64, byte| half << 8 | u64::from(*byte))
    };
    [half(0), half(8)]
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Unavailable, "the temporary file of the check failed")
        .hint(
            "the folder for temporary files needs about 200 bytes for each index entry; TMPDIR names another",
        )
        .retryable(false)
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_in_its_pass_in_memory_and_in_a_file() {
        for (passes, memory_bytes) in [(1, 1 << 20), (1, 0), (7, 0)] {
            let mut expected = Expected::new(passes, memory_bytes);
            for i in 0..1000 {
                expected.add(&format!("key {i}"), &format!("id {i}")).expect("added");
            }
            expected.add("key 7", "another").expect("added");
            let mut found = Vec::new();
            for (pass, table) in expected.into_tables().enumerate() {
                let mut table = table.expect("a table");
                for i in (0..1000).filter(|i| pass_of(&format!("key {i}"), passes) == pass) {
                    let places = table.places(&format!("key {i}"));
                    assert_eq!(places.len(), if i == 7 { 2 } else { 1 }, "key {i}");
                    assert!(
                        !table.repeats(places.start)
                            && places.clone().skip(1).all(|place| table.repeats(place))
                    );
                    for place in places {
                        found.push(table.record(place).expect("a record"));
                    }
                }
                assert!(table.places("no such key").is_empty());
            }
            assert_eq!(found.len(), 1001, "{passes} passes");
            assert!(found.contains(&Record { key: "key 7".into(), id: "another".into() }));
        }
    }

    #[test]
    fn a_table_takes_no_more_memory_than_it_is_counted_with() {
        assert_eq!(ENTRY_BYTES, 25);
    }
}
