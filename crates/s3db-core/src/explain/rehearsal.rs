//! The layer that lets calls run without writing anything.

use std::sync::{Arc, Mutex, MutexGuard};

use super::Explanation;
use super::overlay::Overlay;
use super::script::{Begun, Script};
use super::store::Rehearsed;
use crate::env::Env;
use crate::key::Keys;
use crate::price::Prices;
use crate::store::{Condition, Requests, Store, StoreLayer, Verb};

/// Writes down the requests that reach the stores it wraps, and sends none that would change anything. Reads are sent,
/// and see what was written in the rehearsal. Clones share the script.
///
/// [`Resource::explain`](crate::Resource::explain) makes one for a call. Around the store of a database it rehearses all
/// that a program does, its opening included:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use s3db_core::env::SystemEnv;
/// use s3db_core::explain::Rehearsal;
/// use s3db_core::price::AWS_S3_STANDARD;
/// use s3db_core::{Database, ResourceConfig};
/// use serde_json::json;
///
/// let rehearsal = Rehearsal::new(Arc::new(SystemEnv), AWS_S3_STANDARD, "");
/// let db = Database::builder("memory://shop-rehearsal")?.layer(rehearsal.clone()).connect().await?;
/// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
/// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
///
/// assert_eq!(rehearsal.explanation().requests.to_string(), "2 GET + 2 PUT");
/// let db = Database::connect("memory://shop-rehearsal").await?;
/// assert!(db.resource_names().is_empty(), "nothing was written");
/// # Ok::<(), s3db_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Rehearsal(pub(super) Arc<Stage>);

/// Where the play is rehearsed.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) env: Arc<dyn Env>,
    prices: Prices,
    keys: Keys,
    scene: Mutex<Scene>,
}

#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) overlay: Overlay,
    script: Script,
    /// Requests that were sent.
    pub(super) sent: Requests,
    /// Whether documents are not read: only their number matters.
    pub(super) skips_documents: bool,
}

impl Rehearsal {
    /// A rehearsal of a database whose keys begin with `prefix`.
    pub fn new(env: Arc<dyn Env>, prices: Prices, prefix: &str) -> Self {
        Self::with_keys(env, prices, Keys::new(prefix))
    }

    pub(crate) fn with_keys(env: Arc<dyn Env>, prices: Prices, keys: Keys) -> Self {
        Self(Arc::new(Stage { env, prices, keys, scene: Mutex::default() }))
    }

    /// From now on documents are not read: each is taken for an empty one. For calls of which only the number of
    /// documents matters, such as a query.
    pub fn skip_documents(&self) {
        self.0.scene().skips_documents = true;
    }

    /// What comes now is done after the call has returned, or is done before again.
    pub(crate) fn set_background(&self, in_background: bool) {
        self.0.scene().script.set_background(in_background);
    }

    /// What was written down since the explanation before, or since the beginning.
    pub fn explanation(&self) -> Explanation {
        let mut scene = self.0.scene();
        let script = std::mem::take(&mut scene.script);
        let sent = std::mem::take(&mut scene.sent);
        drop(scene);
        Explanation {
            requests: script.requests(),
            in_background: script.background(),
            omitted: script.omitted(),
            stages: script.into_stages(),
            at_most: false,
            query: None,
            refused: Vec::new(),
            looked: sent,
            prices: self.0.prices,
        }
    }
}

impl StoreLayer for Rehearsal {
    fn wrap(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Rehearsed { inner, stage: self.0.clone() })
    }
}

impl Stage {
    pub(super) fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Writes a request down, and lets others of the same stage begin.
    pub(super) async fn begin(&self, verb: Verb, key: &str, condition: &Condition, bytes: usize) -> Begun {
        let begun = self.scene().script.begin(&self.keys, verb, key, condition, bytes);
        tokio::task::yield_now().await;
        begun
    }

    pub(super) fn end(&self, begun: Begun) {
        self.scene().script.end(begun);
    }

    /// Whether reading a key is left out.
    pub(super) fn skips(&self, key: &str) -> bool {
        use crate::key::ParsedKey::{Catalog, CatalogBackup};
        self.scene().skips_documents && !matches!(self.keys.parse(key), Catalog | CatalogBackup { .. })
    }
}
