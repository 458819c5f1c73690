//! What a document would weigh, without writing it.

use serde_json::Value;

use super::codec::{Target, blocking};
use super::{Resource, document};
use crate::Result;
use crate::behavior::{self, Behavior, Weight};
use crate::encoding::EncodeContext;

impl Resource {
    /// Says how many bytes of the metadata a document takes and which fields take how many, and what becomes of it under
    /// each behavior. The document is not validated and not written, and sends nothing.
    ///
    /// With an `id` it is weighed as an update, which s3db.js reserves some bytes more for than for an insert.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::behavior::Fate;
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/weigh").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string", "bio": "string"}))).await?;
    ///
    /// let weight = users.weigh(json!({"name": "Ann", "bio": "x".repeat(3000)})).await?;
    /// assert_eq!((weight.metadata_bytes, weight.limit_bytes), (3009, 2047));
    /// assert_eq!((weight.fields[0].field.as_str(), weight.fields[0].bytes), ("bio", 3001));
    /// let fates: Vec<_> = weight.outcomes.into_iter().map(|outcome| outcome.fate).collect();
    /// let cut = Fate::Cut(vec!["bio".to_owned()]);
    /// assert_eq!(fates, [Fate::Body, Fate::Refused, cut, Fate::Split, Fate::Body]);
    /// # Ok(()) }) }
    /// ```
    ///
    /// Errors: `Validation` when the value is no object, `Crypto` when it has secrets and the database no passphrase.
    pub async fn weigh(&self, value: Value) -> Result<Weight> {
        let mut data = document(value)?;
        let id = data.shift_remove("id").and_then(|id| id.as_str().map(str::to_owned));
        let keys = self.keyring();
        let state = self.state();
        let this = self.clone();
        let blocks = state.mapper.encode_is_blocking(&data, keys.as_deref());
        let work = move || {
            let random = this.db.env.as_ref();
            let hash = |password: &str, algorithm| this.db.hash_password(password, algorithm);
            let context = EncodeContext { keys: keys.as_deref(), hash_password: Some(&hash), random };
            let flat = state.mapper.encode(&data, &context)?;
            let target = |behavior: Behavior| Target {
                behavior,
                limit_bytes: this.db.metadata_bytes_max(),
                updates: id.clone(),
                stamp: this.db.options.stamps.then(|| crate::id::stamp(random)),
                keeps_empty: this.db.store.capability().keeps_empty_metadata,
            };
            let targets = Behavior::ALL.map(target);
            let contexts = targets.each_ref().map(|target| (target.behavior, target.context(&state)));
            behavior::weigh(&flat, &state.mapper, this.db.metadata_bytes_max(), &contexts)
        };
        if blocks { blocking(work).await } else { work() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::behavior::{Behavior, Fate};
    use crate::{Database, ResourceConfig};

    #[tokio::test]
    async fn a_weight_is_what_the_written_object_has() {
        let db = Database::connect("memory://weigh/objects").await.unwrap();
        for behavior in Behavior::ALL {
            let attributes =
                json!({"name": "string", "age": "number", "place": {"city": "string"}, "bio": "string"});
            let config =
                ResourceConfig::new(behavior.as_str(), attributes).behavior(behavior).timestamps(true);
            let users = db.create_resource(config).await.unwrap();
            for chars in [3, 1500, 1900, 2000, 2047, 4000] {
                let value = json!({"id": "ann", "name": "Änn", "age": 30.5, "place": {"city": "Ōsaka"}, "bio": "y".repeat(chars)});
                let inserted = users.insert(value).await;
                let Ok(record) = inserted else {
                    assert_eq!(behavior, Behavior::EnforceLimits);
                    continue;
                };
                let mut stored = serde_json::Value::Object(record.data.clone());
                let key = users.document_key("ann").unwrap();
                let head = users.store.get(&key).await.unwrap().unwrap().head;
                // An insert reserves no bytes for the id.
                let weight = users.weigh(stored.clone()).await.unwrap();
                let outcome = weight.outcomes.iter().find(|outcome| outcome.behavior == behavior).unwrap();
                let is_cut = matches!(outcome.fate, Fate::Cut(_)) || !record.meta.truncated.is_empty();
                if !is_cut {
                    let stamp = if behavior == Behavior::BodyOnly { 2 + 22 } else { 0 };
                    let is = (head.metadata.size_bytes(), head.content_length as usize);
                    let close = (is.0.abs_diff(outcome.metadata_bytes), is.1.abs_diff(outcome.body_bytes));
                    assert!(close.0 <= stamp && close.1 <= 24, "{behavior} {chars}: {is:?} {outcome:?}");
                }
                stored["id"] = json!("ann");
                let sum: usize = weight.fields.iter().map(|field| field.bytes).sum();
                assert_eq!(sum + weight.system_bytes, weight.metadata_bytes);
                assert_eq!(users.weigh(stored).await.unwrap().metadata_bytes, weight.metadata_bytes);
                users.delete("ann").await.unwrap();
            }
        }
    }
}
