//! Plugins that break one rule each, to prove that [`plugins::check`](crate::plugins::check) sees it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use s3db_core::op::{Answer, Next, Op, OpLayer, Stage};
use s3db_core::plugin::storage::{PluginStorage, Scope, SetOptions};
use s3db_core::plugin::{Context, Installer, Manifest, Plugin, Purge};
use s3db_core::store::{Condition, ListRequest, PutObject};
use s3db_core::{Database, Error, ErrorKind, Record, ResourceConfig, Result};
use serde_json::json;

/// The rule that a [`WrongPlugin`] breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PluginFault {
    /// Nothing is wrong: the plugin that the others are made of.
    Nothing,
    /// Each instance has another name.
    ChangesItsName,
    /// The namespace is not looked at.
    IgnoresNamespace,
    /// A document that was read once is given for ever.
    AnswersStale,
    /// A layer is added only if the database has resources at the time.
    LooksOnce,
    /// A layer is put in force behind the installer's back.
    AttachesByItself,
    /// Every install adds one layer more.
    Stacks,
    /// A task does not watch its shutdown.
    IsDeaf,
    /// A lock that is taken at the start is never given back.
    LocksForEver,
    /// Objects are written beside the plugin's space.
    WritesElsewhere,
    /// A resource is made behind the installer's back.
    MakesByItself,
    /// A purge deletes all keys that begin like its own.
    PurgesByPrefix,
    /// Storage is deleted when nobody asked for it.
    PurgesAlways,
    /// A read fails when the plugin's storage does.
    ReadsThroughStorage,
    /// A handle of the database is kept.
    KeepsDatabase,
}

impl PluginFault {
    /// Every fault.
    pub const ALL: [Self; 14] = [
        Self::ChangesItsName,
        Self::IgnoresNamespace,
        Self::AnswersStale,
        Self::LooksOnce,
        Self::AttachesByItself,
        Self::Stacks,
        Self::IsDeaf,
        Self::LocksForEver,
        Self::WritesElsewhere,
        Self::MakesByItself,
        Self::PurgesByPrefix,
        Self::PurgesAlways,
        Self::ReadsThroughStorage,
        Self::KeepsDatabase,
    ];
}

/// A plugin that counts reads, keeps a resource and a value, and has one [`PluginFault`].
pub struct WrongPlugin {
    fault: PluginFault,
    namespace: Option<String>,
    /// Tells instances apart where that is the fault.
    number: usize,
    installs: AtomicUsize,
    kept: Mutex<Option<Database>>,
}

impl WrongPlugin {
    /// An instance with a fault.
    pub fn new(fault: PluginFault, namespace: Option<&str>) -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        Self {
            fault,
            namespace: namespace.map(str::to_owned),
            number: LAST.fetch_add(1, Ordering::Relaxed),
            installs: AtomicUsize::new(0),
            kept: Mutex::default(),
        }
    }

    fn is(&self, fault: PluginFault) -> bool {
        self.fault == fault
    }
}

#[async_trait]
impl Plugin for WrongPlugin {
    fn manifest(&self) -> Manifest {
        if self.is(PluginFault::ChangesItsName) {
            return Manifest::new(format!("wrong{}", self.number), "1.0.0");
        }
        let manifest = Manifest::new("wrong", "1.0.0");
        let namespace = self.namespace.as_deref().filter(|_| !self.is(PluginFault::IgnoresNamespace));
        manifest.maybe_namespace(namespace)
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let layer = || -> Arc<dyn OpLayer> {
            Arc::new(Reads {
                fault: self.fault,
                storage: installer.context().storage().clone(),
                seen: Mutex::default(),
            })
        };
        let db = installer.context().database()?;
        let layer_now = layer();
        let installs = self.installs.fetch_add(1, Ordering::Relaxed);
        if self.is(PluginFault::AttachesByItself) {
            db.layer(Stage::Observe, layer_now).keep();
        } else if !self.is(PluginFault::LooksOnce) || !db.resource_names().is_empty() {
            let times = if self.is(PluginFault::Stacks) { installs + 1 } else { 1 };
            (0..times).for_each(|_| installer.layer(Stage::Cache, layer_now.clone()));
        }
        let notes = ResourceConfig::new("notes", json!({"text": "string"}));
        if self.is(PluginFault::MakesByItself) {
            db.create_resource(ResourceConfig::new("plg_wrong_notes", json!({"text": "string"}))).await?;
        }
        installer.resource(notes).await?;
        let is_deaf = self.is(PluginFault::IsDeaf);
        installer.task("waits", move |_, shutdown| async move {
            if is_deaf {
                std::future::pending::<()>().await;
            }
            shutdown.requested().await;
            Ok(())
        });
        Ok(())
    }

    async fn start(&self, context: &Context) -> Result<()> {
        let storage = context.storage();
        storage.set("state", json!({"runs": true}), SetOptions::default()).await?;
        if self.is(PluginFault::LocksForEver)
            && storage.set_if_absent("lock", json!({}), SetOptions::default()).await?.is_none()
        {
            return Err(Error::new(ErrorKind::Conflict, "the lock is taken"));
        }
        if self.is(PluginFault::WritesElsewhere) {
            let db = context.database()?;
            let key = format!("{}elsewhere/{}", db.key_root(), context.slug());
            db.store().put(&key, PutObject::default(), Condition::None).await?;
        }
        if self.is(PluginFault::KeepsDatabase) {
            *lock(&self.kept) = Some(context.database()?);
        }
        Ok(())
    }

    async fn uninstall(&self, context: &Context, purge: Purge) -> Result<()> {
        if self.is(PluginFault::PurgesAlways) {
            context.storage().delete_all(Scope::Everywhere).await?;
        }
        if self.is(PluginFault::PurgesByPrefix) && purge == Purge::Data {
            let db = context.database()?;
            let prefix = format!("{}plugin=wrong", db.key_root());
            let page = db.store().list(ListRequest::prefix(prefix)).await?;
            let keys: Vec<String> = page.entries.iter().map(|entry| entry.key.to_string()).collect();
            db.store().delete_many(&keys).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for WrongPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrongPlugin").field("fault", &self.fault).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Reads {
    fault: PluginFault,
    storage: PluginStorage,
    seen: Mutex<HashMap<String, Record>>,
}

#[async_trait]
impl OpLayer for Reads {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> Result<Answer> {
        let Op::Get { id } = &op else {
            return next.run(op).await;
        };
        match self.fault {
            PluginFault::AnswersStale => {
                let id = id.clone();
                if let Some(record) = lock(&self.seen).get(&id).cloned() {
                    return Ok(Answer::Found(Some(Box::new(record))));
                }
                let answer = next.run(op).await?;
                if let Answer::Found(Some(record)) = &answer {
                    lock(&self.seen).insert(id, (**record).clone());
                }
                Ok(answer)
            }
            PluginFault::ReadsThroughStorage | PluginFault::AttachesByItself => {
                self.storage.get("state").await?;
                next.run(op).await
            }
            _ => next.run(op).await,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
