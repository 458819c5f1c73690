//! One object of a dump.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use s3db::store::{Metadata, Object};
use s3db::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use serde_json::Value;

/// One object of a dump.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ObjectRecord {
    /// The whole key when it is in a file; without the dump's prefix after reading.
    pub(super) key: String,
    /// Texts by name, in the order of the store.
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(default)]
    body_base64: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
}

impl ObjectRecord {
    pub(super) fn of(key: &str, object: &Object) -> Self {
        let metadata = object.head.metadata.iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
        Self {
            key: key.to_owned(),
            metadata: metadata.collect(),
            body_base64: STANDARD.encode(&object.body),
            content_type: object.head.content_type.as_deref().map(str::to_owned),
        }
    }

    pub(super) fn body(&self) -> s3db::Result<Bytes> {
        let body = STANDARD.decode(&self.body_base64);
        body.map(Bytes::from).map_err(|error| {
            Error::new(ErrorKind::Corrupt, "the body of an object in the dump is not base64").caused_by(error)
        })
    }

    pub(super) fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::new();
        for (name, value) in &self.metadata {
            match value {
                Value::String(text) => metadata.insert(name.as_str(), text.as_str()),
                other => metadata.insert(name.as_str(), other.to_string()),
            }
        }
        metadata
    }
}
