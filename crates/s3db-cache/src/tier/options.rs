//! Which tiers a cache has.

use std::path::PathBuf;
use std::sync::Arc;

use s3db_core::{Document, Error, Result};
use serde_json::Value;

use super::CacheTier;
use crate::options::wrong;

/// A place below memory where answers are kept. The first of a cache is asked first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Tier {
    /// Files of this machine: answers outlive the process, and more of them fit than in memory.
    Files(FileTier),
    /// Objects beside the documents, for all processes of the database. It keeps lists, counts and queries: reading one
    /// document from it would send what reading the document sends.
    Bucket,
    /// What the cache of s3db.js has kept in the bucket, which is read but not added to. Writes clear it, so that
    /// processes of s3db.js read no old answer either.
    S3dbJs {
        /// The `keyPrefix` of its configuration; `cache` where it gives none.
        key_prefix: String,
    },
    /// A store of the program's own.
    Custom(Arc<dyn CacheTier>),
}

impl PartialEq for Tier {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Files(one), Self::Files(other)) => one == other,
            (Self::Bucket, Self::Bucket) => true,
            (Self::S3dbJs { key_prefix: one }, Self::S3dbJs { key_prefix: other }) => one == other,
            (Self::Custom(one), Self::Custom(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// A tier of files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileTier {
    /// The folder, of the cache alone; made where it is missing. Several databases need one each.
    pub directory: PathBuf,
    /// Bytes that the files may take together, 1 GiB by default. Above it the oldest go.
    pub bytes_max: u64,
}

impl FileTier {
    /// A tier in a folder.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), bytes_max: 1 << 30 }
    }

    /// Sets the limit of bytes.
    #[must_use]
    pub fn bytes_max(mut self, bytes: u64) -> Self {
        self.bytes_max = bytes;
        self
    }
}

impl Tier {
    /// Reads the option `tiers`: a list of objects, each with a `driver` and what that driver takes.
    pub(crate) fn list_from_json(value: &Value) -> Result<Vec<Self>> {
        let list = value.as_array().ok_or_else(|| wrong("tiers", "a list of objects"))?;
        list.iter().map(Self::from_json).collect()
    }

    fn from_json(value: &Value) -> Result<Self> {
        let wanted = "objects like {\"driver\": \"files\", \"directory\": \"/var/cache/shop\"}";
        let tier = value.as_object().ok_or_else(|| wrong("tiers", wanted))?;
        let knows = |names: &[&str]| -> Result<()> {
            match tier.keys().find(|name| *name != "driver" && !names.contains(&name.as_str())) {
                None => Ok(()),
                Some(name) => Err(wrong("tiers", "options that the driver knows").with("unknown", name)),
            }
        };
        match tier.get("driver").and_then(Value::as_str) {
            Some("files") => {
                knows(&["directory", "bytes_max"])?;
                let directory = text(tier, "directory")?.ok_or_else(|| wrong("directory", "a folder"))?;
                let mut files = FileTier::new(directory);
                if let Some(bytes) = tier.get("bytes_max") {
                    files.bytes_max = bytes.as_u64().ok_or_else(|| wrong("bytes_max", "a whole number"))?;
                }
                Ok(Self::Files(files))
            }
            Some("bucket") => {
                knows(&[])?;
                Ok(Self::Bucket)
            }
            Some("s3db.js") => {
                knows(&["key_prefix"])?;
                let key_prefix = text(tier, "key_prefix")?.unwrap_or_else(|| "cache".to_owned());
                Ok(Self::S3dbJs { key_prefix })
            }
            _ => Err(wrong("tiers", "a `driver` of files, bucket or s3db.js each")),
        }
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Files(files) if files.directory.as_os_str().is_empty() => {
                Err(wrong("directory", "a folder"))
            }
            Self::Files(files) if files.bytes_max == 0 => Err(wrong("bytes_max", "at least 1")),
            Self::S3dbJs { key_prefix } if key_prefix.is_empty() || key_prefix.contains("..") => {
                Err(wrong("key_prefix", "the keyPrefix of s3db.js"))
            }
            _ => Ok(()),
        }
    }
}

fn text(tier: &Document, name: &'static str) -> Result<Option<String>> {
    let text = |value: &Value| -> Result<String, Error> {
        value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a text"))
    };
    tier.get(name).map(text).transpose()
}
