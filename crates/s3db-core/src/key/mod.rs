//! Keys of objects, built and parsed in one place. Pure.
//!
//! | Key below the prefix | Object |
//! |---|---|
//! | `s3db.json` | the [catalogue](crate::catalog) |
//! | `s3db.json.corrupted.<time>.backup` | a copy of an unreadable or mended catalogue |
//! | `resource=<R>/data/id=<ID>` | a document |
//! | `resource=<R>/partition=<PN>/<field>=<value>/…/id=<ID>` | a reference: the index entry of a [`Partition`] |
//! | `resource=<R>/sequence=<field>/value`, `…/lock` | an id sequence |
//! | `resource=<R>/historical/id=<ID>` | what a document was before its schema had a new version |
//! | `resource=<R>/plugin=<slug>/…`, `plugin=<slug>/…` | plugin storage |
//! | `plugin=s3db-unique/resource=<R>/field=<path>/sha256=<hex>` | a claim on a unique value |
//!
//! Nothing is escaped: names, ids and values stand in the key as they are. A text that would break out of its segment
//! is therefore refused when a key is built for writing. s3db.js does not check partition values when it writes, so
//! that keys of its making can hold a `/` inside a value: [`Keys::parse`] reads those too.
//!
//! s3db.js knows nothing of claims. It never lists below `plugin=s3db-unique/`, nor deletes there.

mod collation;
mod date;
mod lookup;
mod names;
mod parse;
mod partition;
mod prefix;
#[cfg(test)]
mod tests;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use collation::locale_compare;
pub use date::day_of;
pub use lookup::{KeyRange, Lookup, Wanted};
pub(crate) use names::check_path;
pub use names::{check_id, check_name};
pub use parse::ParsedKey;
pub use partition::{Partition, PartitionField, normalize_partitions, with_implicit_partitions};
pub use prefix::normalize_prefix;

use crate::{Error, ErrorKind, Result};

/// The longest key that S3 takes, in bytes.
pub const KEY_BYTES_MAX: usize = 1024;

/// Plugin slug below which claims on unique values live.
pub const CLAIM_SLUG: &str = "s3db-unique";

/// Builds and parses the keys of one database.
///
/// ```
/// use s3db_core::key::{Keys, ParsedKey};
///
/// let keys = Keys::new("databases/app/");
/// let key = keys.document("users", "u1")?;
/// assert_eq!(key, "databases/app/resource=users/data/id=u1");
/// assert_eq!(keys.parse(&key), ParsedKey::Document { resource: "users", id: "u1" });
/// assert_eq!(keys.documents("users")?, "databases/app/resource=users/data/id=");
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Keys {
    /// Empty, or ends with `/`.
    root: String,
}

impl Keys {
    /// Keys below `prefix`, which is [normalised](normalize_prefix).
    pub fn new(prefix: &str) -> Self {
        let mut root = normalize_prefix(prefix);
        if !root.is_empty() && !root.ends_with('/') {
            root.push('/');
        }
        Self { root }
    }

    /// What every key starts with: empty, or ends with `/`.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The catalogue.
    pub fn catalog(&self) -> String {
        self.below("s3db.json")
    }

    /// A copy of a damaged catalogue, named as s3db.js names it. `time` is an ISO time; its `:` and `.` become `-`.
    pub fn catalog_backup(&self, time: &str) -> String {
        let time = time.replace([':', '.'], "-");
        self.below(&format!("s3db.json.corrupted.{time}.backup"))
    }

    /// The lock that s3db.js takes around writes of the catalogue.
    pub fn catalog_lock(&self) -> String {
        self.below("plugin=s3db-core/locks/namespace=metadata/s3db-metadata.json")
    }

    /// List prefix of all resources. What follows it, up to the next `/`, is the name of one.
    pub fn resources(&self) -> String {
        self.below("resource=")
    }

    /// One document.
    ///
    /// # Errors
    /// `Config` for a bad resource name, `Validation` for a bad id, `TooLarge` when the key passes
    /// [`KEY_BYTES_MAX`].
    pub fn document(&self, resource: &str, id: &str) -> Result<String> {
        check_name("resource", resource)?;
        check_id(id)?;
        fits(self.below(&format!("resource={resource}/data/id={id}")))
            .map_err(|e| e.with("id", names::shown(id)))
    }

    /// The snapshot of a document: what it was before an update brought it to a new version of the schema.
    ///
    /// # Errors
    /// As [`document`](Self::document).
    pub fn historical(&self, resource: &str, id: &str) -> Result<String> {
        check_name("resource", resource)?;
        check_id(id)?;
        fits(self.below(&format!("resource={resource}/historical/id={id}")))
            .map_err(|e| e.with("id", names::shown(id)))
    }

    /// List prefix of the documents of a resource. What follows it in a key is the id.
    ///
    /// # Errors
    /// `Config` for a bad resource name.
    pub fn documents(&self, resource: &str) -> Result<String> {
        check_name("resource", resource)?;
        fits(self.below(&format!("resource={resource}/data/id=")))
    }

    /// List prefix of all that a resource has: documents, references, sequences, plugin storage. Claims are elsewhere.
    ///
    /// # Errors
    /// `Config` for a bad resource name.
    pub fn resource(&self, resource: &str) -> Result<String> {
        check_name("resource", resource)?;
        fits(self.below(&format!("resource={resource}/")))
    }

    /// List prefix of the references of a partition, or of all partitions.
    ///
    /// # Errors
    /// `Config` for a bad name.
    pub fn partitions(&self, resource: &str, partition: Option<&str>) -> Result<String> {
        check_name("resource", resource)?;
        match partition {
            None => fits(self.below(&format!("resource={resource}/partition="))),
            Some(name) => {
                check_name("partition", name)?;
                fits(self.below(&format!("resource={resource}/partition={name}/")))
            }
        }
    }

    /// List prefix of the sequences of a resource, with their locks.
    ///
    /// # Errors
    /// `Config` for a bad resource name.
    pub fn sequences(&self, resource: &str) -> Result<String> {
        check_name("resource", resource)?;
        fits(self.below(&format!("resource={resource}/sequence=")))
    }

    /// The value object of an id sequence.
    ///
    /// # Errors
    /// `Config` for a bad name.
    pub fn sequence(&self, resource: &str, field: &str) -> Result<String> {
        self.sequence_part(resource, field, "value")
    }

    /// The lock that s3db.js takes around a sequence.
    ///
    /// # Errors
    /// `Config` for a bad name.
    pub fn sequence_lock(&self, resource: &str, field: &str) -> Result<String> {
        self.sequence_part(resource, field, "lock")
    }

    /// The claim on a unique value. The key holds a hash of the value's canonical JSON, so that any value fits and
    /// none can be read from the key.
    ///
    /// # Errors
    /// `Config` for a bad name.
    pub fn claim(&self, resource: &str, field: &str, value: &Value) -> Result<String> {
        let canonical = serde_json_canonicalizer::to_vec(value).map_err(|e| {
            Error::new(ErrorKind::Validation, "the unique value cannot be written").caused_by(e)
        })?;
        let digest = hex::encode(Sha256::digest(canonical));
        Ok(self.claims(resource, Some(field))? + "sha256=" + &digest).and_then(fits)
    }

    /// List prefix of the claims of a resource, or of one of its fields.
    ///
    /// # Errors
    /// `Config` for a bad name.
    pub fn claims(&self, resource: &str, field: Option<&str>) -> Result<String> {
        check_name("resource", resource)?;
        let all = self.below(&format!("plugin={CLAIM_SLUG}/resource={resource}/"));
        match field {
            None => fits(all),
            Some(field) => {
                check_name("field", field)?;
                fits(format!("{all}field={field}/"))
            }
        }
    }

    /// List prefix of the storage of a plugin, of the whole database or of one resource.
    ///
    /// # Errors
    /// `Config` for a bad name.
    pub fn plugin(&self, slug: &str, resource: Option<&str>) -> Result<String> {
        check_name("plugin", slug)?;
        match resource {
            None => fits(self.below(&format!("plugin={slug}/"))),
            Some(resource) => {
                check_name("resource", resource)?;
                fits(self.below(&format!("resource={resource}/plugin={slug}/")))
            }
        }
    }

    /// What a key names. Keys outside the database, and keys of no known form, are [`ParsedKey::Foreign`].
    pub fn parse<'k>(&self, key: &'k str) -> ParsedKey<'k> {
        key.strip_prefix(&self.root).map_or(ParsedKey::Foreign, parse::parse)
    }

    fn sequence_part(&self, resource: &str, field: &str, part: &str) -> Result<String> {
        check_name("resource", resource)?;
        check_name("field", field)?;
        fits(self.below(&format!("resource={resource}/sequence={field}/{part}")))
    }

    pub(crate) fn below(&self, rest: &str) -> String {
        let mut key = String::with_capacity(self.root.len() + rest.len());
        key.push_str(&self.root);
        key.push_str(rest);
        key
    }
}

pub(crate) fn fits(key: String) -> Result<String> {
    if key.len() <= KEY_BYTES_MAX {
        return Ok(key);
    }
    Err(Error::new(ErrorKind::TooLarge, "the key of the object is too long")
        .with("key_bytes", key.len())
        .with("limit_bytes", KEY_BYTES_MAX)
        .hint("use a shorter id, shorter names, or a `maxlength` rule on the partition field"))
}
