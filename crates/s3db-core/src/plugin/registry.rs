//! Plugins by name, so that a configuration can choose them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::Plugin;
use crate::{Document, Error, ErrorKind, Result};

type Factory = dyn Fn(&Document) -> Result<Arc<dyn Plugin>> + Send + Sync;

/// Makes plugins of their names and their options in JSON.
///
/// The facade's `s3db::plugins::registry()` knows all plugins of this project, also those that the build does not hold: these
/// are refused with the name of the cargo feature.
///
/// ```
/// # use async_trait::async_trait;
/// # use s3db_core::plugin::{Installer, Manifest, Plugin};
/// # #[derive(Debug)]
/// # struct Greeter(String);
/// # #[async_trait]
/// # impl Plugin for Greeter {
/// #     fn manifest(&self) -> Manifest { Manifest::new("greeter", "1.0.0") }
/// #     async fn install(&self, _: &mut Installer) -> s3db_core::Result<()> { Ok(()) }
/// # }
/// use std::sync::Arc;
/// use s3db_core::plugin::PluginRegistry;
/// use serde_json::json;
///
/// let mut registry = PluginRegistry::new();
/// registry.register("greeter", |options| {
///     let word = options.get("word").and_then(|word| word.as_str()).unwrap_or("hello");
///     Ok(Arc::new(Greeter(word.to_owned())))
/// });
/// registry.absent("vector", "vector");
///
/// let plugins = registry.build_all(&json!([{"plugin": "greeter", "options": {"word": "hi"}}]))?;
/// assert_eq!(plugins.len(), 1);
/// let refused = registry.build("vector", &json!({})).unwrap_err();
/// assert_eq!(refused.suggestion(), Some("switch on the cargo feature `vector` of s3db"));
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct PluginRegistry {
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone)]
enum Entry {
    Here(Arc<Factory>),
    Absent { feature: String },
}

impl PluginRegistry {
    /// Knows no plugin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Teaches it a plugin. The factory gets the options as an object, and refuses those that it does not know. A name
    /// that is taught again means the later one.
    pub fn register<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&Document) -> Result<Arc<dyn Plugin>> + Send + Sync + 'static,
    {
        self.entries.insert(name.into(), Entry::Here(Arc::new(factory)));
    }

    /// Names a plugin that this build does not hold, and the cargo feature that it is in.
    pub fn absent(&mut self, name: impl Into<String>, feature: impl Into<String>) {
        self.entries.insert(name.into(), Entry::Absent { feature: feature.into() });
    }

    /// Names of the plugins that can be made, sorted.
    pub fn names(&self) -> Vec<&str> {
        let here = self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::Here(_)));
        here.map(|(name, _)| name.as_str()).collect()
    }

    /// Makes a plugin. `options` is an object, or null for none.
    ///
    /// Errors: `Config` for an unknown name, listing those there are, and for wrong options; `Unsupported` for a plugin
    /// that this build does not hold, naming the cargo feature.
    pub fn build(&self, name: &str, options: &Value) -> Result<Arc<dyn Plugin>> {
        let factory = match self.entries.get(name) {
            Some(Entry::Here(factory)) => factory,
            Some(Entry::Absent { feature }) => {
                return Err(Error::new(ErrorKind::Unsupported, "this build does not hold the plugin")
                    .with("plugin", name)
                    .with("feature", feature)
                    .hint(format!("switch on the cargo feature `{feature}` of s3db")));
            }
            None => {
                return Err(Error::new(ErrorKind::Config, "there is no plugin of this name")
                    .with("plugin", name)
                    .hint(format!("the plugins are: {}", self.names().join(", "))));
            }
        };
        let none = Document::new();
        let options = match options {
            Value::Null => &none,
            Value::Object(options) => options,
            _ => {
                let error = Error::new(ErrorKind::Config, "the options of a plugin are a JSON object");
                return Err(error.with("plugin", name));
            }
        };
        factory(options).map_err(|error| error.with("plugin", name))
    }

    /// Makes the plugins of a configuration: a list of names, or of objects `{"plugin": name, "options": {…}}`.
    ///
    /// Errors: as [`build`](Self::build); `Config` for a list of another form.
    pub fn build_all(&self, configuration: &Value) -> Result<Vec<Arc<dyn Plugin>>> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::Config, format!("the configuration of plugins {what}"))
                .hint("for example [\"cache\", {\"plugin\": \"ttl\", \"options\": {\"namespace\": \"eu\"}}]")
        };
        let items = configuration.as_array().ok_or_else(|| wrong("is a list"))?;
        let build = |item: &Value| {
            if let Some(name) = item.as_str() {
                return self.build(name, &Value::Null);
            }
            let members = item.as_object().ok_or_else(|| wrong("lists names or objects"))?;
            if let Some(member) = members.keys().find(|name| !matches!(name.as_str(), "plugin" | "options")) {
                return Err(wrong("has an unknown member").with("member", member));
            }
            let name = members.get("plugin").and_then(Value::as_str);
            let name = name.ok_or_else(|| wrong("lacks the name of a plugin").with("member", "plugin"))?;
            self.build(name, members.get("options").unwrap_or(&Value::Null))
        };
        items.iter().map(build).collect()
    }
}

impl fmt::Debug for PluginRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginRegistry").field("names", &self.entries.keys()).finish()
    }
}
