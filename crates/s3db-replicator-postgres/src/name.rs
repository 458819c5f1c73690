//! Names in SQL, and the numbers that stand for documents in locks.

use sha2::{Digest as _, Sha256};

/// Bytes of a name that PostgreSQL keeps; it cuts longer ones, so that two of them may become one.
const BYTES_MAX: usize = 63;

/// Columns that every table has.
const OF_THE_SYSTEM: &[&str] = &["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// The name of a table or column: as it is, unless PostgreSQL cannot have it; then a part of it and a hash.
pub(crate) fn name_of(name: &str) -> String {
    let is_possible =
        !name.is_empty() && name.len() <= BYTES_MAX && !name.contains('\0') && !OF_THE_SYSTEM.contains(&name);
    if is_possible {
        return name.to_owned();
    }
    let hash = hex::encode(Sha256::digest(name.as_bytes()));
    let mut out = String::new();
    for letter in name.chars().filter(|letter| *letter != '\0') {
        if out.len() + letter.len_utf8() > BYTES_MAX - 9 {
            break;
        }
        out.push(letter);
    }
    out.push('_');
    out.extend(hash.chars().take(8));
    out
}

/// A name as it stands in a statement.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as it stands in a statement.
pub(crate) fn literal(text: &str) -> String {
    // An escape string reads the same whatever `standard_conforming_strings` is.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A table in its schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: String,
    pub(crate) table: String,
}

impl TableName {
    pub(crate) fn new(schema: &str, table: &str) -> Self {
        Self { schema: schema.to_owned(), table: name_of(table) }
    }

    /// As it stands in a statement.
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }

    /// The number of the lock of a row; of the table's columns without an id. The same in every process.
    pub(crate) fn lock(&self, id: Option<&str>) -> i64 {
        let mut hash = Sha256::new();
        for part in ["s3db-replicator", &self.schema, &self.table] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        if let Some(id) = id {
            hash.update(id.as_bytes());
        } else {
            // No UTF-8 text, so no id.
            hash.update([0xff]);
        }
        let mut number = [0; 8];
        for (to, from) in number.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        i64::from_be_bytes(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_postgres_would_change_gets_a_hash() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(name_of(name), expected);
            assert!(name_of(name).len() <= BYTES_MAX);
        }
        check("userId", "userId");
        check("größe", "größe");
        check(&"x".repeat(63), &"x".repeat(63));
        check(
            &"x".repeat(64),
            &format!("{}_7ce100971f64e700", "x".repeat(54)).chars().take(63).collect::<String>(),
        );
        check("xmin", "xmin_eafb2f50");
        check("", "_e3b0c442");
        let cut = name_of(&"ß".repeat(40));
        assert!(cut.starts_with(&"ß".repeat(27)) && cut.len() == 63, "{cut}");
    }

    #[test]
    fn names_and_texts_cannot_leave_their_quotes() {
        assert_eq!(quoted(r#"a"; drop table b; --"#), r#""a""; drop table b; --""#);
        assert_eq!(literal(r"it's \'"), r"E'it\'s \\\''");
    }

    #[test]
    fn the_lock_of_a_row_is_the_same_in_every_version() {
        let users = TableName::new("public", "users");
        assert_ne!(users.lock(Some("a")), users.lock(Some("b")));
        assert_ne!(users.lock(None), users.lock(Some("")));
        assert_ne!(users.lock(Some("a")), TableName::new("publi", "cusers").lock(Some("a")));
        assert_eq!(users.lock(Some("a")), LOCK_OF_A);
    }

    const LOCK_OF_A: i64 = 3_399_312_223_369_037_635;
}
