//! Cursors: where a page ended, as opaque text that a client can keep.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::sort::Position;
use crate::{Error, ErrorKind, Result};

/// Where a page ended. It is bound to what was asked, so that it cannot continue another query by mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    scope: String,
    position: Position,
}

impl Cursor {
    pub(crate) fn new(scope: String, position: Position) -> Self {
        Self { scope, position }
    }

    /// The opaque text: base64url of JSON.
    pub fn encode(&self) -> String {
        let values: Vec<Value> =
            self.position.values.iter().map(|value| json!(value.iter().collect::<Vec<_>>())).collect();
        let text = json!({"v": 1, "scope": self.scope, "id": self.position.id, "values": values}).to_string();
        URL_SAFE_NO_PAD.encode(text)
    }

    /// Reads a cursor that must have come from a page of `scope`.
    ///
    /// Errors: `Config` when the text is no cursor, or one of another query.
    pub(crate) fn decode(text: &str, scope: &str) -> Result<Position> {
        let bad = || {
            Error::new(ErrorKind::Config, "the cursor is not valid")
                .hint("pass next_cursor of the page before, unchanged")
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
        let found = json.get("scope").and_then(Value::as_str).ok_or_else(bad)?;
        if found != scope {
            return Err(Error::new(ErrorKind::Config, "the cursor belongs to another query")
                .hint("keep filter, sort and resource the same from page to page"));
        }
        let id = json.get("id").and_then(Value::as_str).ok_or_else(bad)?.to_owned();
        let values = json.get("values").and_then(Value::as_array).ok_or_else(bad)?;
        let values = values.iter().map(|value| value.get(0).cloned()).collect();
        Ok(Position { values, id })
    }
}
