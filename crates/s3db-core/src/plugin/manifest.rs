//! Who a plugin is.

use super::RESOURCE_PREFIX;
use super::storage::{normal_namespace, slug};
use crate::Result;

/// Name, version, namespace and needs of a plugin.
///
/// ```
/// use s3db_core::plugin::{Manifest, Requirement};
///
/// let manifest = Manifest::new("state-machine", "1.2.0")
///     .namespace("Prod EU")
///     .requires(Requirement::plugin("coordinator").feature("coordinator"));
/// assert_eq!(manifest.slug()?, "state-machine--prod-eu");
/// assert_eq!(manifest.resource_name("states"), "plg_prod-eu_states");
/// assert_eq!(manifest.created_by, "StateMachinePlugin");
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// Name, in lower case with hyphens: `cache`, `state-machine`.
    pub name: String,
    /// Version of the plugin, for people.
    pub version: String,
    /// Tells several instances apart; in any form.
    pub namespace: Option<String>,
    /// What the catalogue says of resources that the plugin makes; s3db.js has the name of the class there.
    pub created_by: String,
    /// Plugins that must be installed before.
    pub requires: Vec<Requirement>,
}

/// A plugin that another one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// Its name; any namespace will do.
    pub plugin: String,
    /// The cargo feature of `s3db` that it is in.
    pub feature: Option<String>,
}

impl Requirement {
    /// A plugin by its name.
    pub fn plugin(name: impl Into<String>) -> Self {
        Self { plugin: name.into(), feature: None }
    }

    /// Names the cargo feature of `s3db` that the plugin is in, so that an error can tell.
    #[must_use]
    pub fn feature(mut self, feature: impl Into<String>) -> Self {
        self.feature = Some(feature.into());
        self
    }
}

impl Manifest {
    /// A plugin without namespace and needs. Its resources are made by `NamePlugin`.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let name = name.into();
        let created_by = type_name(&name);
        Self { name, version: version.into(), namespace: None, created_by, requires: Vec::new() }
    }

    /// Tells this instance from others of the same plugin.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Tells this instance from others, if it has a namespace.
    #[must_use]
    pub fn maybe_namespace(mut self, namespace: Option<&str>) -> Self {
        self.namespace = namespace.map(str::to_owned);
        self
    }

    /// Sets what the catalogue says of resources that the plugin makes.
    #[must_use]
    pub fn created_by(mut self, created_by: impl Into<String>) -> Self {
        self.created_by = created_by.into();
        self
    }

    /// Names a plugin that must be installed before.
    #[must_use]
    pub fn requires(mut self, requirement: Requirement) -> Self {
        self.requires.push(requirement);
        self
    }

    /// The name that this instance goes by: `cache`, or `cache--prod-eu` with a namespace.
    ///
    /// Errors: `Config` for a name that no key can hold.
    pub fn slug(&self) -> Result<String> {
        slug(&self.name, self.namespace.as_deref())
    }

    /// The full name of a resource of this instance: `plg_audits`, or `plg_prod-eu_audits` with a namespace. A name that
    /// begins with `plg_` stays as it is, and so does one that begins with the namespace, but for the prefix.
    pub fn resource_name(&self, name: &str) -> String {
        if name.starts_with(RESOURCE_PREFIX) {
            return name.to_owned();
        }
        match self.namespace.as_deref().and_then(normal_namespace) {
            Some(namespace) if !name.starts_with(&namespace) => {
                format!("{RESOURCE_PREFIX}{namespace}_{name}")
            }
            _ => format!("{RESOURCE_PREFIX}{name}"),
        }
    }
}

/// `state-machine` as `StateMachinePlugin`.
fn type_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    words.map(capital).chain(["Plugin".to_owned()]).collect()
}
