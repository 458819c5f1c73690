//! Which resources go to a target, and in what form.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

use crate::change::Operation;

/// Makes of a document what a target gets; `None` keeps it from the target.
type Transform = Arc<dyn Fn(Document) -> Option<Document> + Send + Sync>;

/// Where documents of one resource go, and in what form. Without settings all operations reach the same name, with all fields
/// but secrets and passwords.
///
/// ```
/// use s3db_replicator::{Operation, Route};
/// use serde_json::json;
///
/// let route = Route::to("people")
///     .operations([Operation::Insert, Operation::Update])
///     .without("notes")
///     .transform(|mut document| {
///         document.insert("source".to_owned(), json!("shop"));
///         Some(document)
///     });
/// ```
#[derive(Clone, Default)]
pub struct Route {
    pub(crate) to: Option<String>,
    pub(crate) operations: Option<Vec<Operation>>,
    pub(crate) only: Vec<String>,
    pub(crate) without: Vec<String>,
    pub(crate) sends_secrets: bool,
    transform: Option<Transform>,
}

impl Route {
    /// To the resource or table of the same name.
    pub fn new() -> Self {
        Self::default()
    }

    /// To the resource or table of this name.
    pub fn to(name: impl Into<String>) -> Self {
        Self { to: Some(name.into()), ..Self::default() }
    }

    /// Only what these operations do: without `Delete` documents stay in the target, without `Update` they stay as they first
    /// came, without `Insert` only those that are there already are changed. Also which changes a target is told of.
    #[must_use]
    pub fn operations(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.operations = Some(operations.into_iter().collect());
        self
    }

    /// Only this field of the top level, beside the id; calls add up.
    #[must_use]
    pub fn only(mut self, field: impl Into<String>) -> Self {
        self.only.push(field.into());
        self
    }

    /// Not this field of the top level; calls add up.
    #[must_use]
    pub fn without(mut self, field: impl Into<String>) -> Self {
        self.without.push(field.into());
        self
    }

    /// Sends secrets in the clear, and passwords as their hashes. Without this they are left out.
    ///
    /// They never stand in the outbox, nor in what is told of a change: only the state of a document has them.
    #[must_use]
    pub fn send_secrets(mut self) -> Self {
        self.sends_secrets = true;
        self
    }

    /// Makes of each document what the target gets, after fields were left out; `None` keeps it from the target, as it is
    /// there. The id stays what it is. Called again when a change is delivered again.
    #[must_use]
    pub fn transform(
        mut self,
        transform: impl Fn(Document) -> Option<Document> + Send + Sync + 'static,
    ) -> Self {
        self.transform = Some(Arc::new(transform));
        self
    }

    pub(crate) fn allows(&self, operation: Operation) -> bool {
        self.operations.as_ref().is_none_or(|operations| operations.contains(&operation))
    }

    /// A document as it goes out; `None` where the transform keeps it.
    pub(crate) fn shape(&self, id: &str, mut document: Document) -> Option<Document> {
        if !self.only.is_empty() {
            document.retain(|name, _| self.only.contains(name));
        }
        document.retain(|name, _| !self.without.contains(name));
        document.insert("id".to_owned(), Value::from(id));
        let mut document = match &self.transform {
            Some(transform) => transform(document)?,
            None => document,
        };
        document.insert("id".to_owned(), Value::from(id));
        Some(document)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("to", &self.to)
            .field("operations", &self.operations)
            .field("only", &self.only)
            .field("without", &self.without)
            .field("sends_secrets", &self.sends_secrets)
            .field("transforms", &self.transform.is_some())
            .finish()
    }
}

/// The resources that go to a target: all of the program, or those that are named.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    named: BTreeMap<String, Route>,
    excluded: Vec<String>,
}

impl Routes {
    /// All resources but those of plugins, each to its own name.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only these, each to its own name.
    pub fn only<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        names.into_iter().fold(Self::default(), |routes, name| routes.resource(name, Route::new()))
    }

    /// Adds a resource. Once one is named, those that are not go nowhere.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>, route: Route) -> Self {
        self.named.insert(name.into(), route);
        self
    }

    /// Keeps a resource from the target.
    #[must_use]
    pub fn except(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    /// The resources that are named; `None` for all.
    pub(crate) fn names(&self) -> Option<Vec<&str>> {
        (!self.named.is_empty()).then(|| self.named.keys().map(String::as_str).collect())
    }

    /// The route of a resource; `None` where it does not go to the target.
    pub(crate) fn of(&self, resource: &str, is_internal: impl FnOnce() -> bool) -> Option<Route> {
        if self.excluded.iter().any(|name| name == resource) {
            return None;
        }
        if self.named.is_empty() {
            return (!is_internal()).then(Route::new);
        }
        self.named.get(resource).cloned()
    }

    /// Reads `["users"]`, `{"users": "people"}` or `{"users": {"to", "operations", "only", "without", "send_secrets"}}`.
    ///
    /// Errors: `Config` naming what is wrong.
    pub fn from_json(value: &Value) -> Result<Self> {
        let wrong = |what: &str, wanted: &str| {
            Error::new(ErrorKind::Config, "the resources of a target are wrong")
                .with("at", what)
                .with("wanted", wanted)
        };
        let forms = "names, or an object of names with the name in the target or with to, operations, only, without and send_secrets";
        let mut routes = Self::all();
        match value {
            Value::Null => {}
            Value::String(name) => routes = Self::only([name]),
            Value::Array(names) => {
                for name in names {
                    let name = name.as_str().ok_or_else(|| wrong("resources", forms))?;
                    routes = routes.resource(name, Route::new());
                }
            }
            Value::Object(resources) => {
                for (name, form) in resources {
                    routes = routes.resource(name, Route::from_json(name, form)?);
                }
            }
            _ => return Err(wrong("resources", forms)),
        }
        if routes.named.is_empty() && !value.is_null() {
            return Err(wrong("resources", "at least one resource, or no `resources` for all"));
        }
        Ok(routes)
    }
}

impl Route {
    fn from_json(resource: &str, form: &Value) -> Result<Self> {
        let wrong = |option: &str, wanted: &str| {
            Error::new(ErrorKind::Config, "the route of a resource is wrong")
                .with("resource", resource)
                .with("option", option)
                .with("wanted", wanted)
        };
        let options = match form {
            Value::String(to) => return Ok(Self::to(to)),
            Value::Object(options) => options,
            _ => return Err(wrong("", "a name, or an object")),
        };
        let mut route = Self::new();
        for (name, value) in options {
            let names = || -> Option<Vec<String>> {
                value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
            };
            match name.as_str() {
                // As s3db.js calls it.
                "to" | "resource" | "table" => {
                    route.to = Some(value.as_str().ok_or_else(|| wrong(name, "a name"))?.to_owned());
                }
                "operations" | "actions" => {
                    let names = names().ok_or_else(|| wrong(name, "a list of insert, update and delete"))?;
                    let parse = |name: &String| {
                        Operation::parse(name).ok_or_else(|| wrong(name, "insert, update or delete"))
                    };
                    route.operations = Some(names.iter().map(parse).collect::<Result<_>>()?);
                }
                "only" => route.only = names().ok_or_else(|| wrong(name, "a list of fields"))?,
                "without" => route.without = names().ok_or_else(|| wrong(name, "a list of fields"))?,
                "send_secrets" => {
                    route.sends_secrets = value.as_bool().ok_or_else(|| wrong(name, "true or false"))?;
                }
                _ => return Err(wrong(name, "to, operations, only, without or send_secrets")),
            }
        }
        Ok(route)
    }
}
