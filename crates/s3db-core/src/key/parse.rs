//! What a key names.

use std::borrow::Cow;

use super::CLAIM_SLUG;

/// What a key names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParsedKey<'k> {
    /// `s3db.json`.
    Catalog,
    /// A copy of a damaged catalogue; `time` as it stands in the key.
    CatalogBackup {
        /// ISO time with `-` for `:` and `.`.
        time: &'k str,
    },
    /// A document.
    Document {
        /// Its resource.
        resource: &'k str,
        /// Its id.
        id: &'k str,
    },
    /// A reference: the index entry of a partition.
    Reference {
        /// Its resource.
        resource: &'k str,
        /// Its partition.
        partition: &'k str,
        /// Fields and values, in key order. Owned where s3db.js wrote a value with a `/` in it.
        values: Vec<(&'k str, Cow<'k, str>)>,
        /// Id of the document that it points to.
        id: &'k str,
    },
    /// An id sequence, or its lock.
    Sequence {
        /// Its resource.
        resource: &'k str,
        /// The field that it numbers.
        field: &'k str,
        /// Whether this is the lock.
        lock: bool,
    },
    /// A snapshot of a document, as it was before its schema had a new version.
    Historical {
        /// Its resource.
        resource: &'k str,
        /// Its id.
        id: &'k str,
    },
    /// A claim on a unique value.
    Claim {
        /// Its resource.
        resource: &'k str,
        /// The unique field.
        field: &'k str,
        /// Hash of the value, in hex.
        digest: &'k str,
    },
    /// Plugin storage.
    Plugin {
        /// The resource that it belongs to, when to one.
        resource: Option<&'k str>,
        /// The plugin.
        slug: &'k str,
        /// The rest of the key.
        rest: &'k str,
    },
    /// Something else: leave it alone.
    Foreign,
}

pub(super) fn parse(key: &str) -> ParsedKey<'_> {
    known(key).unwrap_or(ParsedKey::Foreign)
}

fn known(key: &str) -> Option<ParsedKey<'_>> {
    if key == "s3db.json" {
        return Some(ParsedKey::Catalog);
    }
    if let Some(rest) = key.strip_prefix("s3db.json.corrupted.") {
        return Some(ParsedKey::CatalogBackup { time: rest.strip_suffix(".backup")? });
    }
    if let Some(rest) = key.strip_prefix("plugin=") {
        let (slug, rest) = rest.split_once('/')?;
        let claim = (slug == CLAIM_SLUG).then(|| claim(rest)).flatten();
        return Some(claim.unwrap_or(ParsedKey::Plugin { resource: None, slug, rest }));
    }
    let (resource, rest) = key.strip_prefix("resource=")?.split_once('/')?;
    let (kind, rest) = rest.split_once('/')?;
    match kind.split_once('=') {
        None if kind == "data" => Some(ParsedKey::Document { resource, id: id(rest)? }),
        None if kind == "historical" => Some(ParsedKey::Historical { resource, id: id(rest)? }),
        Some(("sequence", field)) if rest == "value" || rest == "lock" => {
            Some(ParsedKey::Sequence { resource, field, lock: rest == "lock" })
        }
        Some(("plugin", slug)) => Some(ParsedKey::Plugin { resource: Some(resource), slug, rest }),
        Some(("partition", partition)) => reference(resource, partition, rest),
        _ => None,
    }
}

fn id(segment: &str) -> Option<&str> {
    segment.strip_prefix("id=").filter(|id| !id.is_empty() && !id.contains('/'))
}

fn claim(rest: &str) -> Option<ParsedKey<'_>> {
    let (resource, rest) = rest.strip_prefix("resource=")?.split_once('/')?;
    let (field, rest) = rest.strip_prefix("field=")?.split_once('/')?;
    let digest = rest.strip_prefix("sha256=")?;
    (!digest.contains('/')).then_some(ParsedKey::Claim { resource, field, digest })
}

fn reference<'k>(resource: &'k str, partition: &'k str, rest: &'k str) -> Option<ParsedKey<'k>> {
    let (segments, last) = rest.rsplit_once('/')?;
    let id = id(last)?;
    let mut values: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for segment in segments.split('/') {
        match segment.split_once('=') {
            Some((field, value)) => values.push((field, Cow::Borrowed(value))),
            // A value with a `/` in it, written by s3db.js: the rest of the value is a segment of its own.
            None => {
                let value = values.last_mut()?.1.to_mut();
                value.push('/');
                value.push_str(segment);
            }
        }
    }
    Some(ParsedKey::Reference { resource, partition, values, id })
}
