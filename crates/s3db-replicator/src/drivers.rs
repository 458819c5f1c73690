//! Kinds of targets, by the names that configurations have for them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use s3db_core::{Document, Error, ErrorKind, Result};

use crate::s3db::S3dbTarget;
use crate::target::Target;

type Factory = dyn Fn(&Document) -> Result<Arc<dyn Target>> + Send + Sync;

#[derive(Clone)]
enum Driver {
    Here(Arc<Factory>),
    Absent { feature: String },
}

/// Kinds of targets by name. `s3db` is always there.
///
/// ```
/// use s3db_replicator::Drivers;
/// use serde_json::json;
///
/// let mut drivers = Drivers::new();
/// drivers.absent("mysql", "replicator-mysql");
/// let config = json!({"connection": "memory://backup"});
/// assert_eq!(drivers.build("s3db", config.as_object().unwrap())?.driver(), "s3db");
/// assert!(drivers.build("mysql", config.as_object().unwrap()).is_err());
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Drivers(BTreeMap<String, Driver>);

impl Default for Drivers {
    fn default() -> Self {
        Self::new()
    }
}

impl Drivers {
    /// Knows `s3db`.
    pub fn new() -> Self {
        let mut drivers = Self(BTreeMap::new());
        drivers.register("s3db", |config| Ok(Arc::new(S3dbTarget::from_json(config)?)));
        drivers
    }

    /// Teaches it a kind of targets, made of the `config` of a target. A name that is taught again means the later one.
    pub fn register<F>(&mut self, name: impl Into<String>, factory: F)
    where
        F: Fn(&Document) -> Result<Arc<dyn Target>> + Send + Sync + 'static,
    {
        self.0.insert(name.into(), Driver::Here(Arc::new(factory)));
    }

    /// Names a kind of targets that this build does not hold, and the cargo feature that it is in.
    pub fn absent(&mut self, name: impl Into<String>, feature: impl Into<String>) {
        self.0.insert(name.into(), Driver::Absent { feature: feature.into() });
    }

    /// Names of those that can be made, sorted.
    pub fn names(&self) -> Vec<&str> {
        let here = self.0.iter().filter(|(_, driver)| matches!(driver, Driver::Here(_)));
        here.map(|(name, _)| name.as_str()).collect()
    }

    /// Makes a target.
    ///
    /// Errors: `Config` for an unknown name, listing those there are, and for a wrong configuration; `Unsupported` for one that
    /// this build does not hold, naming the cargo feature.
    pub fn build(&self, name: &str, config: &Document) -> Result<Arc<dyn Target>> {
        match self.0.get(name) {
            Some(Driver::Here(factory)) => factory(config).map_err(|error| error.with("driver", name)),
            Some(Driver::Absent { feature }) => {
                Err(Error::new(ErrorKind::Unsupported, "this build does not hold the driver")
                    .with("driver", name)
                    .with("feature", feature)
                    .hint(format!("switch on the cargo feature `{feature}` of s3db")))
            }
            None => Err(Error::new(ErrorKind::Config, "there is no driver of this name")
                .with("driver", name)
                .hint(format!("the drivers are: {}", self.names().join(", ")))),
        }
    }
}

impl fmt::Debug for Drivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
