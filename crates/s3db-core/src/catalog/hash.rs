//! The hash of a definition, by which s3db.js knows whether it has changed.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The hash in a version entry: SHA-256 over the canonical JSON of attributes, behavior and partitions. With
/// `timestamps`, the attributes `createdAt` and `updatedAt` are left out.
///
/// ```
/// use s3db_core::catalog::definition_hash;
/// use serde_json::{Map, json};
///
/// let attributes = json!({ "a": "string" });
/// let hash = definition_hash(attributes.as_object().unwrap(), "user-managed", &Map::new(), false);
/// assert_eq!(hash, "sha256:953f78ff20eec42d5b732dd285809f5a83fc3a2c2caf0654d7d618521bf24af8");
/// ```
pub fn definition_hash(
    attributes: &Map<String, Value>,
    behavior: &str,
    partitions: &Map<String, Value>,
    timestamps: bool,
) -> String {
    let mut attributes = attributes.clone();
    if timestamps {
        attributes.shift_remove("createdAt");
        attributes.shift_remove("updatedAt");
    }
    hash(&json!({ "attributes": attributes, "behavior": behavior, "partitions": partitions }))
}

/// The hash that s3db.js shows on records as `_definitionHash`: without partitions, and always with the timestamps.
pub fn record_definition_hash(attributes: &Map<String, Value>, behavior: &str) -> String {
    hash(&json!({ "attributes": attributes, "behavior": behavior }))
}

fn hash(value: &Value) -> String {
    // RFC 8785 is what `json-stable-stringify` prints: keys by UTF-16 units, JavaScript numbers, no blanks.
    let canonical = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
    format!("sha256:{}", hex::encode(Sha256::digest(canonical)))
}
