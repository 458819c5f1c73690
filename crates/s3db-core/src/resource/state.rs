//! A resource's current definition, compiled.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use super::migration::Migrations;
use crate::behavior::Behavior;
use crate::encoding::Mapper;
use crate::id::IdGenerator;
use crate::key::Partition;
use crate::op::{Hooks, Layers};
use crate::schema::Schema;
use crate::sequence::Sequences;
use crate::store::Object;
use crate::unique::Unique;

/// What the handles of one resource share: its name, and the definition of the moment.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: String,
    current: RwLock<Arc<State>>,
    /// A function that makes ids, which only the program can give and no catalogue holds.
    custom_ids: RwLock<Option<IdGenerator>>,
    pub(crate) sequences: Sequences,
    pub(crate) layers: Arc<Layers>,
    pub(crate) hooks: Arc<Hooks>,
    pub(crate) migrations: Arc<Migrations>,
    /// Number of the last change that was told of.
    pub(crate) last_change: AtomicU64,
}

impl State {
    /// How an object is read: as the version that it names says. What names no version, or one that is not known, is
    /// read as the current one.
    pub(crate) fn form_of(&self, object: &Object) -> Form<'_> {
        let older = object.head.metadata.get("_v").and_then(|version| self.older.get(version));
        older.map_or(Form { behavior: self.behavior, mapper: &self.mapper }, |older| Form {
            behavior: older.behavior,
            mapper: &older.mapper,
        })
    }

    /// Whether a write must know what was stored before: for its index entries, or for its unique values.
    pub(crate) fn is_indexed(&self) -> bool {
        !self.partitions.is_empty() || !self.unique.is_empty()
    }
}

impl Shared {
    pub(crate) fn new(name: &str, state: State) -> Self {
        Self {
            name: name.to_owned(),
            current: RwLock::new(Arc::new(state)),
            custom_ids: RwLock::default(),
            sequences: Sequences::default(),
            layers: Arc::default(),
            hooks: Arc::default(),
            migrations: Arc::default(),
            last_change: AtomicU64::new(0),
        }
    }

    pub(crate) fn current(&self) -> Arc<State> {
        self.current.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub(crate) fn custom_ids(&self) -> Option<IdGenerator> {
        self.custom_ids.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub(crate) fn set_custom_ids(&self, generator: Option<IdGenerator>) {
        *self.custom_ids.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = generator;
    }

    /// A copy that shares nothing with this one.
    pub(crate) fn snapshot(&self) -> Self {
        Self {
            name: self.name.clone(),
            current: RwLock::new(self.current()),
            custom_ids: RwLock::new(self.custom_ids()),
            sequences: self.sequences.snapshot(),
            layers: Arc::clone(&self.layers),
            hooks: Arc::clone(&self.hooks),
            migrations: Arc::clone(&self.migrations),
            last_change: self.last_change.load(Ordering::SeqCst).into(),
        }
    }

    pub(crate) fn replace(&self, state: State) {
        *self.current.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(state);
    }
}

/// One definition, compiled once and shared by all calls.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) version: String,
    /// `user`, or the name of the plugin that made the resource.
    pub(crate) created_by: String,
    pub(crate) behavior: Behavior,
    pub(crate) timestamps: bool,
    pub(crate) paranoid: bool,
    pub(crate) auto_decrypt: bool,
    pub(crate) ids: IdGenerator,
    pub(crate) schema: Schema,
    pub(crate) mapper: Mapper,
    /// How documents of older versions are read, where that differs.
    pub(crate) older: HashMap<String, Older>,
    pub(crate) partitions: Vec<Partition>,
    /// Partitions that hold a reference of every document that has their fields.
    pub(crate) complete: BTreeSet<String>,
    /// Paths, of those in partitions, that had the same type in every version and keep their values whole.
    pub(crate) steady: BTreeSet<String>,
    /// Paths, of those in partitions, at which every document has a value.
    pub(crate) always_present: BTreeSet<String>,
    pub(crate) unique: Vec<Unique>,
    /// Hooks that the catalogue names, by point.
    pub(crate) stored_hooks: Vec<(String, Option<String>)>,
    pub(crate) warnings: Vec<String>,
}

/// How the documents of an older version are read.
#[derive(Debug)]
pub(crate) struct Older {
    pub(crate) behavior: Behavior,
    pub(crate) mapper: Mapper,
}

/// How one object is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form<'s> {
    pub(crate) behavior: Behavior,
    pub(crate) mapper: &'s Mapper,
}
