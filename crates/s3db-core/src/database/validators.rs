//! Validators of the program, which the rule `custom` of a schema names.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, RwLock};

use futures::future::{BoxFuture, FutureExt as _};
use serde_json::Value;

use super::Database;
use crate::schema::{Mode, Schema};
use crate::{Document, Error, ErrorKind, FieldError, Result};

type Check = Arc<dyn Fn(Value) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Validators by name.
#[derive(Default)]
pub(crate) struct Validators(RwLock<HashMap<String, Check>>);

impl Database {
    /// Registers a validator under a name, for the fields of all resources whose rule is `custom:name`. One of the same
    /// name takes the place of the one before.
    ///
    /// It gets each value that is there and passes the other rules of its field, converted and sanitised, and says what
    /// is wrong with it. Its errors are listed beside those of the schema, under the rule `custom`. It is called again
    /// for each race that an update loses, must not block, and does not see hashes of passwords, nulls and defaults.
    ///
    /// A definition that names a validator which is not registered cannot be created, nor its documents written; reading
    /// them needs none. Register before [`resource`](Self::resource), which warns of those that are missing.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/validators").await?;
    /// db.validator("slug", |value| match value.as_str() {
    ///     Some(text) if text.chars().all(|c| c.is_ascii_lowercase() || c == '-') => Ok(()),
    ///     _ => Err("use lower-case letters and `-`".to_owned()),
    /// });
    /// let posts = db.create_resource(ResourceConfig::new("posts", json!({"slug": "string|custom:slug"}))).await?;
    /// posts.insert(json!({"slug": "first-post"})).await?;
    /// let error = posts.insert(json!({"slug": "First post"})).await.unwrap_err();
    /// assert_eq!(error.fields()[0].message, "use lower-case letters and `-`");
    /// # Ok(()) }) }
    /// ```
    pub fn validator<F>(&self, name: impl Into<String>, check: F)
    where
        F: Fn(&Value) -> Result<(), String> + Send + Sync + 'static,
    {
        self.inner
            .validators
            .insert(name.into(), Arc::new(move |value| futures::future::ready(check(&value)).boxed()));
    }

    /// The same for a validator that waits for something, such as another resource. Those of one document run at once.
    pub fn validator_async<F, W>(&self, name: impl Into<String>, check: F)
    where
        F: Fn(Value) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.inner.validators.insert(name.into(), Arc::new(move |value| check(value).boxed()));
    }
}

impl Validators {
    fn insert(&self, name: String, check: Check) {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(name, check);
    }

    fn get(&self, name: &str) -> Option<Check> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name).cloned()
    }

    /// What a schema names and nobody has registered: path of the field and name.
    pub(crate) fn missing<'s>(&self, schema: &'s Schema) -> Vec<(&'s str, &'s str)> {
        schema.validators().filter(|(_, name)| self.get(name).is_none()).collect()
    }

    /// # Errors
    /// `Config`, naming every field and validator that is missing.
    pub(crate) fn check_known(&self, schema: &Schema) -> Result<()> {
        let missing = self.missing(schema);
        let Some((field, name)) = missing.first() else { return Ok(()) };
        let all: Vec<String> = missing.iter().map(|(field, name)| format!("{field}: {name}")).collect();
        Err(Error::new(ErrorKind::Config, "the schema names a validator that is not registered")
            .with("field", field)
            .with("validator", name)
            .with("missing", all.join(", "))
            .hint("register it first: db.validator(name, |value| …)"))
    }

    /// Validates a document by its schema and by the validators that the schema names.
    ///
    /// # Errors
    /// `Validation` with every failing field; `Config` when a validator is not registered.
    pub(crate) async fn validate(&self, schema: &Schema, document: Document, mode: Mode) -> Result<Document> {
        if schema.validators().next().is_none() {
            return schema.validate(document, mode);
        }
        self.check_known(schema)?;
        let checked = schema.examine(document, mode);
        let calls = checked.pending.iter().filter_map(|pending| {
            let verdict = self.get(&pending.validator)?(pending.value.clone());
            Some(verdict.map(|verdict| verdict.err().map(|message| pending.refused(message))))
        });
        let refused: Vec<Option<FieldError>> = futures::future::join_all(calls).await;
        let errors: Vec<FieldError> =
            checked.errors.into_iter().chain(refused.into_iter().flatten()).collect();
        if errors.is_empty() { Ok(checked.document) } else { Err(Error::validation(errors)) }
    }
}

impl fmt::Debug for Validators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        f.debug_set().entries(known.keys()).finish()
    }
}
