//! How an audit behaves.

use std::fmt;
use std::sync::Arc;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

use crate::entry::Operation;

/// Tells on whose behalf a change is done that does not say so itself.
#[derive(Clone)]
pub(crate) struct CurrentUser(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl CurrentUser {
    pub(crate) fn ask(&self) -> Option<String> {
        (self.0)()
    }
}

impl fmt::Debug for CurrentUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentUser(…)")
    }
}

/// Settings of an [`Audit`](crate::Audit).
///
/// ```
/// use s3db_audit::{AuditOptions, Operation};
///
/// let options = AuditOptions::default().operation(Operation::Delete).retention_days(365).strict(true);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuditOptions {
    /// Whether rows are written at all; true by default. Rows can be read in any case.
    pub enabled: bool,
    /// Only these operations; all when empty.
    pub operations: Vec<Operation>,
    /// Only these resources, those of plugins too; all of the program when empty.
    pub include: Vec<String>,
    /// Not these, whatever `include` says.
    pub exclude: Vec<String>,
    /// Whether rows hold the document before and after; true by default.
    pub include_data: bool,
    /// Whether rows hold the partitions of the document; true by default.
    pub include_partitions: bool,
    /// About how many bytes of JSON each of the two may have, 10,000 by default. The largest fields are cut first.
    pub data_bytes_max: usize,
    /// Whether a write waits for its row, and fails where that cannot be written; false by default.
    pub strict: bool,
    /// Whether rows that wait together are written as one object, which s3db.js does not read; false by default.
    pub segments: bool,
    /// Rows that are older are deleted, once a day; kept for ever when absent.
    pub retention_days: Option<u32>,
    /// Tells several audits of one database apart.
    pub namespace: Option<String>,
    /// The resource of the rows, in place of `plg_audits`.
    pub resource_name: Option<String>,
    pub(crate) current_user: Option<CurrentUser>,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            operations: Vec::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            include_data: true,
            include_partitions: true,
            data_bytes_max: 10_000,
            strict: false,
            segments: false,
            retention_days: None,
            namespace: None,
            resource_name: None,
            current_user: None,
        }
    }
}

impl AuditOptions {
    /// Sets whether rows are written.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Writes rows of this operation, and of others that are named.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Writes rows of this resource, and of others that are named; it may be one of a plugin.
    #[must_use]
    pub fn include(mut self, resource: impl Into<String>) -> Self {
        self.include.push(resource.into());
        self
    }

    /// Writes no rows of this resource.
    #[must_use]
    pub fn exclude(mut self, resource: impl Into<String>) -> Self {
        self.exclude.push(resource.into());
        self
    }

    /// Sets whether rows hold the document before and after.
    #[must_use]
    pub fn include_data(mut self, include: bool) -> Self {
        self.include_data = include;
        self
    }

    /// Sets whether rows hold the partitions of the document.
    #[must_use]
    pub fn include_partitions(mut self, include: bool) -> Self {
        self.include_partitions = include;
        self
    }

    /// Sets about how many bytes the document before or after may have.
    #[must_use]
    pub fn data_bytes_max(mut self, bytes: usize) -> Self {
        self.data_bytes_max = bytes;
        self
    }

    /// Sets whether a write waits for its row.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets whether rows that wait together are written as one object.
    #[must_use]
    pub fn segments(mut self, segments: bool) -> Self {
        self.segments = segments;
        self
    }

    /// Deletes rows that are older.
    #[must_use]
    pub fn retention_days(mut self, days: u32) -> Self {
        self.retention_days = Some(days);
        self
    }

    /// Tells several audits of one database apart.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Keeps the rows in a resource of this name.
    #[must_use]
    pub fn resource_name(mut self, name: impl Into<String>) -> Self {
        self.resource_name = Some(name.into());
        self
    }

    /// Asks `user` on whose behalf a change is done, where the call was not made with
    /// [`acting_as`](s3db_core::actor::acting_as). It is asked when the row is written, not when the change is made.
    #[must_use]
    pub fn current_user(mut self, user: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.current_user = Some(CurrentUser(Arc::new(user)));
        self
    }

    /// Reads the options of a configuration: `enabled`, `operations`, `include`, `exclude`, `include_data`,
    /// `include_partitions`, `data_bytes_max`, `strict`, `segments`, `retention_days`, `namespace`, `resource_name`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let flag = || value.as_bool().ok_or_else(|| wrong(name, "true or false"));
            let text = || value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, "a text"));
            let names = || names(value).ok_or_else(|| wrong(name, "a list of names"));
            let whole = || value.as_u64().ok_or_else(|| wrong(name, "a whole number"));
            match name.as_str() {
                "enabled" => read.enabled = flag()?,
                "operations" => {
                    read.operations = names()?.iter().map(|name| Operation::parse(name)).collect()
                }
                "include" => read.include = names()?,
                "exclude" => read.exclude = names()?,
                "include_data" => read.include_data = flag()?,
                "include_partitions" => read.include_partitions = flag()?,
                "data_bytes_max" => {
                    read.data_bytes_max =
                        usize::try_from(whole()?).map_err(|_| wrong(name, "fewer bytes"))?;
                }
                "strict" => read.strict = flag()?,
                "segments" => read.segments = flag()?,
                "retention_days" if value.is_null() => read.retention_days = None,
                "retention_days" => {
                    let days = u32::try_from(whole()?).map_err(|_| wrong(name, "fewer days"))?;
                    read.retention_days = Some(days);
                }
                "namespace" => read.namespace = Some(text()?),
                "resource_name" => read.resource_name = Some(text()?),
                _ => {
                    return Err(wrong(
                        name,
                        "enabled, operations, include, exclude, include_data, include_partitions, data_bytes_max, \
                         strict, segments, retention_days, namespace or resource_name",
                    ));
                }
            }
        }
        read.check()?;
        Ok(read)
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let is_other = |operation: &&Operation| matches!(operation, Operation::Other(_));
        if let Some(unknown) = self.operations.iter().find(is_other) {
            let known = Operation::ALL.map(|operation| operation.to_string()).join(", ");
            return Err(wrong("operations", &known).with("unknown", unknown));
        }
        if self.data_bytes_max == 0 {
            return Err(wrong("data_bytes_max", "at least 1; include_data: false leaves documents out"));
        }
        if self.retention_days == Some(0) {
            return Err(wrong("retention_days", "at least 1, or null"));
        }
        Ok(())
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}

fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the audit is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
