//! What is tried, and what it means when a store fails it.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Verdict;

/// Something that s3db relies on, or that a user should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`Probe::title` says what each one tries")]
pub enum Probe {
    AbsentReads,
    ReadAfterWrite,
    PutIfAbsent,
    PutIfMatch,
    RacePutIfAbsent,
    RacePutIfMatch,
    DeleteIfMatch,
    RaceDeleteIfMatch,
    DeleteAbsent,
    ConditionalCopy,
    RaceCopyIfAbsent,
    CopyReplacesMetadata,
    EtagFollowsBody,
    EtagAgrees,
    EtagAfterMetadataChange,
    MetadataLimit,
    MetadataOverLimit,
    MetadataNames,
    MetadataValues,
    MetadataEmptyValues,
    ContentType,
    KeyCharacters,
    KeyDistinct,
    KeyControlCharacters,
    KeyLength,
    KeyDoubleSlash,
    KeyBelowKey,
    ListOrder,
    ListOrderAcrossLevels,
    ListPages,
    ListStartAfter,
    ListDelimiter,
    ListAfterWrite,
    DatesAgree,
    ClockSkew,
    Versioning,
}

/// The words of a probe.
#[derive(Debug)]
pub(super) struct Row {
    probe: Probe,
    name: &'static str,
    title: &'static str,
    /// Of a store that fails it.
    pub(super) verdict: Verdict,
    pub(super) consequence: &'static str,
    pub(super) advice: &'static str,
}

const ONE_WRITER: &str = "let one process write at a time, or use a store that honours the condition";

const ROWS: [Row; 36] = [
    Row {
        probe: Probe::AbsentReads,
        name: "absent_reads",
        title: "an absent object is absent, not denied",
        verdict: Verdict::Lost,
        consequence: "a document that does not exist looks like one that may not be read; a new database cannot be opened",
        advice: "allow s3:ListBucket on the bucket: see `s3db doctor --policy`",
    },
    Row {
        probe: Probe::ReadAfterWrite,
        name: "read_after_write",
        title: "a read sees the write before it",
        verdict: Verdict::Lost,
        consequence: "reads are stale, so that updates start from old documents and deleted ones come back",
        advice: "switch caches and eventual consistency off between s3db and the store",
    },
    Row {
        probe: Probe::PutIfAbsent,
        name: "put_if_absent",
        title: "If-None-Match: * is honoured by PUT",
        verdict: Verdict::Lost,
        consequence: "inserts replace documents, unique values are held twice, leases have two holders",
        advice: ONE_WRITER,
    },
    Row {
        probe: Probe::PutIfMatch,
        name: "put_if_match",
        title: "If-Match is honoured by PUT",
        verdict: Verdict::Lost,
        consequence: "lost updates: writers undo each other; sequences give a number twice; leases are unsafe",
        advice: ONE_WRITER,
    },
    Row {
        probe: Probe::RacePutIfAbsent,
        name: "race_put_if_absent",
        title: "of writers with If-None-Match: * one wins",
        verdict: Verdict::Lost,
        consequence: "at the same moment two inserts, claims or leases of one key both succeed",
        advice: ONE_WRITER,
    },
    Row {
        probe: Probe::RacePutIfMatch,
        name: "race_put_if_match",
        title: "of writers with one If-Match one wins",
        verdict: Verdict::Lost,
        consequence: "at the same moment two updates of one document both succeed, and one of them is lost",
        advice: ONE_WRITER,
    },
    Row {
        probe: Probe::DeleteIfMatch,
        name: "delete_if_match",
        title: "If-Match is honoured by DELETE",
        verdict: Verdict::Lost,
        consequence: "a delete can remove what another writer has just written; index entries and claims that were \
                      put back can be lost",
        advice: "set `Capability::conditional_delete` to false: then s3db looks before it deletes and leaves old index \
                 entries to fsck; delete from one process only",
    },
    Row {
        probe: Probe::RaceDeleteIfMatch,
        name: "race_delete_if_match",
        title: "of a delete and an update with one If-Match one wins",
        verdict: Verdict::Lost,
        consequence: "at the same moment a delete and an update of one document both succeed",
        advice: "set `Capability::conditional_delete` to false, and delete from one process only",
    },
    Row {
        probe: Probe::DeleteAbsent,
        name: "delete_absent",
        title: "deleting what is not there succeeds",
        verdict: Verdict::Differs,
        consequence: "a delete that is sent again because its answer was lost fails, although it had worked",
        advice: "treat `NotFound` from a delete as success",
    },
    Row {
        probe: Probe::ConditionalCopy,
        name: "conditional_copy",
        title: "conditions are honoured by COPY",
        verdict: Verdict::Differs,
        consequence: "none for documents: s3db never copies under a condition; a program that uses the store itself is \
                      not protected",
        advice: "set `Capability::conditional_copy` to false, so that such a copy is refused",
    },
    Row {
        probe: Probe::RaceCopyIfAbsent,
        name: "race_copy_if_absent",
        title: "of copies with If-None-Match: * one wins",
        verdict: Verdict::Differs,
        consequence: "none for documents: s3db never copies under a condition",
        advice: "set `Capability::conditional_copy` to false, so that such a copy is refused",
    },
    Row {
        probe: Probe::CopyReplacesMetadata,
        name: "copy_replaces_metadata",
        title: "a copy can replace metadata",
        verdict: Verdict::Differs,
        consequence: "none for documents written by s3db; s3db.js changes metadata by copying, so that its patches are lost",
        advice: "let no s3db.js write here",
    },
    Row {
        probe: Probe::EtagFollowsBody,
        name: "etag_follows_body",
        title: "the ETag changes with the body",
        verdict: Verdict::Lost,
        consequence: "a condition does not see another writer's stamp: lost updates",
        advice: ONE_WRITER,
    },
    Row {
        probe: Probe::EtagAgrees,
        name: "etag_agrees",
        title: "PUT, HEAD, GET and LIST give one ETag",
        verdict: Verdict::Lost,
        consequence: "writes under the ETag of a receipt or a listing are refused for ever: no update by `if_match`, no \
                      repair by fsck",
        advice: "look for a proxy that changes answers, such as one that compresses",
    },
    Row {
        probe: Probe::EtagAfterMetadataChange,
        name: "etag_after_metadata_change",
        title: "whether the ETag sees metadata",
        verdict: Verdict::Differs,
        consequence: "",
        advice: "",
    },
    Row {
        probe: Probe::MetadataLimit,
        name: "metadata_limit",
        title: "2,047 bytes of metadata come back",
        verdict: Verdict::Lost,
        consequence: "documents are cut or refused, although they are within the limit of the format",
        advice: "raise the limit of headers of the server and of every proxy before it",
    },
    Row {
        probe: Probe::MetadataOverLimit,
        name: "metadata_over_limit",
        title: "more than 2,048 bytes of metadata are refused",
        verdict: Verdict::Differs,
        consequence: "none for s3db, which keeps to 2,047 bytes by itself; what others write here may not fit elsewhere",
        advice: "look at `s3db fsck` before this database is copied to AWS S3",
    },
    Row {
        probe: Probe::MetadataNames,
        name: "metadata_names",
        title: "names with `_` and `-` come back",
        verdict: Verdict::Lost,
        consequence: "documents lose their version and fields",
        advice: "let every proxy pass headers with underscores (nginx: `underscores_in_headers on`)",
    },
    Row {
        probe: Probe::MetadataValues,
        name: "metadata_values",
        title: "values come back with case, blanks and non-ASCII",
        verdict: Verdict::Lost,
        consequence: "texts of documents come back changed",
        advice: "use a store that keeps metadata as it is, or keep documents in the body (`behavior: body-only`)",
    },
    Row {
        probe: Probe::MetadataEmptyValues,
        name: "metadata_empty_values",
        title: "empty values come back",
        verdict: Verdict::Differs,
        consequence: "s3db writes empty values in a longer form; s3db.js loses what it writes empty itself",
        advice: "let s3db.js keep documents with empty texts or lists in the body (`behavior: body-only`)",
    },
    Row {
        probe: Probe::ContentType,
        name: "content_type",
        title: "the content type comes back",
        verdict: Verdict::Differs,
        consequence: "the type of binary content is not kept",
        advice: "keep the type in a field of the document",
    },
    Row {
        probe: Probe::KeyCharacters,
        name: "key_characters",
        title: "keys may hold punctuation, blanks and non-ASCII",
        verdict: Verdict::Lost,
        consequence: "documents whose ids or partition values hold such characters cannot be kept or found",
        advice: "use generated ids, and partition fields of plain letters and digits",
    },
    Row {
        probe: Probe::KeyDistinct,
        name: "key_distinct",
        title: "keys that differ by case or accents are two",
        verdict: Verdict::Lost,
        consequence: "two ids name one document, so that one replaces the other; generated ids differ by case",
        advice: "use a store that keeps keys as bytes; until then ids of one case, such as UUIDs",
    },
    Row {
        probe: Probe::KeyControlCharacters,
        name: "key_control_characters",
        title: "keys may hold control characters",
        verdict: Verdict::Differs,
        consequence: "documents whose ids or partition values hold control characters cannot be kept or found",
        advice: "refuse them in the schema, or use generated ids",
    },
    Row {
        probe: Probe::KeyLength,
        name: "key_length",
        title: "keys of 1,024 bytes, without a `/` at the end",
        verdict: Verdict::Differs,
        consequence: "long ids and partition values are refused",
        advice: "keep ids and partition values below 240 bytes (rule `maxlength` of the partition)",
    },
    Row {
        probe: Probe::KeyDoubleSlash,
        name: "key_double_slash",
        title: "keys may hold `//`",
        verdict: Verdict::Differs,
        consequence: "none for s3db, which writes no such key; index entries of s3db.js for values with `/` may be wrong",
        advice: "let s3db.js write no partition value that starts or ends with `/`",
    },
    Row {
        probe: Probe::KeyBelowKey,
        name: "key_below_key",
        title: "`a` and `a/b` can both be objects",
        verdict: Verdict::Differs,
        consequence: "none for documents; plugin storage cannot hold a key and another one below it",
        advice: "choose keys of plugin storage of which none is the folder of another",
    },
    Row {
        probe: Probe::ListOrder,
        name: "list_order",
        title: "listings are in the order of UTF-8 bytes",
        verdict: Verdict::Lost,
        consequence: "documents are not listed by id, and pages after an id miss or repeat some",
        advice: "read whole listings instead of pages",
    },
    Row {
        probe: Probe::ListOrderAcrossLevels,
        name: "list_order_across_levels",
        title: "the order holds across `/`",
        verdict: Verdict::Differs,
        consequence: "none for documents, which lie on one level; keys of plugin storage come in another order",
        advice: "",
    },
    Row {
        probe: Probe::ListPages,
        name: "list_pages",
        title: "pages show each key once",
        verdict: Verdict::Lost,
        consequence: "documents are missing from lists, counts and queries, or are there twice",
        advice: "use another store, or another version of its server",
    },
    Row {
        probe: Probe::ListStartAfter,
        name: "list_start_after",
        title: "start-after leaves out the key itself",
        verdict: Verdict::Lost,
        consequence: "pages after an id repeat or miss documents",
        advice: "read whole listings instead of pages",
    },
    Row {
        probe: Probe::ListDelimiter,
        name: "list_delimiter",
        title: "the delimiter rolls keys up",
        verdict: Verdict::Differs,
        consequence: "fsck does not see objects of resources that the catalogue lacks",
        advice: "",
    },
    Row {
        probe: Probe::ListAfterWrite,
        name: "list_after_write",
        title: "a listing shows the writes and deletes before it",
        verdict: Verdict::Lost,
        consequence: "what was just written is missing from lists, counts and queries, or what was deleted is still there",
        advice: "set `Capability::list_is_consistent` to false, and read documents by id",
    },
    Row {
        probe: Probe::DatesAgree,
        name: "dates_agree",
        title: "HEAD and LIST give one date, which moves with each write",
        verdict: Verdict::Differs,
        consequence: "fsck and claims cannot tell how old an object is, and leave alone what could be repaired",
        advice: "check the clocks of the store's servers",
    },
    Row {
        probe: Probe::ClockSkew,
        name: "clock_skew",
        title: "the store's clock and ours agree",
        verdict: Verdict::Lost,
        consequence: "leases can be taken over too early, and S3 refuses signatures",
        advice: "set the clock of this machine, for example by NTP",
    },
    Row {
        probe: Probe::Versioning,
        name: "versioning",
        title: "whether the bucket keeps old versions",
        verdict: Verdict::Differs,
        consequence: "every update and delete leaves an old version, which costs storage and can still be read; those of this examination stay too",
        advice: "add a lifecycle rule that expires noncurrent versions and delete markers",
    },
];

impl Probe {
    /// Every probe, in the order of reports.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.probe)
    }

    /// Short lower-case name, stable.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// What is tried.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// The words of this probe. A test proves that each has its own row, at its place.
    pub(super) fn row(self) -> &'static Row {
        let [first, ..] = &ROWS;
        ROWS.get(self as usize).unwrap_or(first)
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Probe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_has_the_row_at_its_place() {
        for (at, row) in ROWS.iter().enumerate() {
            assert_eq!(row.probe as usize, at, "{}", row.name);
            assert_eq!(row.probe.as_str(), row.name);
        }
        assert_eq!(Probe::Versioning as usize + 1, ROWS.len(), "the last probe has the last row");
    }
}
