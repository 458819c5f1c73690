//! A claim, and the bytes that it is stored as.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::PutObject;

/// A unique value of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Key of the claim.
    pub key: String,
    /// The field, or the name of the composite constraint.
    pub field: String,
    /// The value; a list for a composite constraint.
    pub value: Value,
    /// Id of the document.
    pub owner: String,
}

/// What a claim holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimBody {
    /// Stamp of the write that took it, which gives every claim an ETag of its own.
    #[serde(rename = "_w")]
    pub stamp: String,
    /// Id of the document that holds the value.
    pub owner: String,
}

impl Claim {
    /// The claim as an object, taken by the write of `stamp`.
    pub fn object(&self, stamp: &str) -> PutObject {
        let body = ClaimBody { stamp: stamp.to_owned(), owner: self.owner.clone() };
        // Two texts always serialise.
        let body = serde_json::to_vec(&body).map_or_else(|_| Bytes::new(), Bytes::from);
        PutObject { body, content_type: Some("application/json".into()), ..PutObject::default() }
    }
}

impl ClaimBody {
    /// Reads a stored claim; `None` when it is not one.
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}
