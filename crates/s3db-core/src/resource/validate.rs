//! Validating a document, with its id where the schema has rules for that.

use serde_json::Value;

use super::{Resource, State};
use crate::schema::Mode;
use crate::{Document, Result};

/// The name under which a schema may have rules for the id. The id itself is in the key and is not stored again.
const ID: &str = "id";

impl Resource {
    /// The document as the schema leaves it, and the id that its rules leave: a generated one is not there yet.
    pub(super) async fn validated(
        &self,
        state: &State,
        id: Option<&str>,
        mut data: Document,
        mode: Mode,
    ) -> Result<(Option<String>, Document)> {
        if state.schema.field(ID).is_none() {
            let data = Box::pin(self.db.validators.validate(&state.schema, data, mode)).await?;
            return Ok((id.map(str::to_owned), data));
        }
        if let Some(id) = id {
            data.insert(ID.to_owned(), id.into());
        }
        let mut data = Box::pin(self.db.validators.validate(&state.schema, data, mode)).await?;
        let id = match data.shift_remove(ID) {
            Some(Value::String(id)) if !id.is_empty() => Some(id),
            // A rule for numbers leaves one.
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => id.map(str::to_owned),
        };
        Ok((id, data))
    }
}
