//! From a definition in the catalogue to what the verbs run on.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::orphans::orphans;
use super::{Event, Inner, unknown_resource};
use crate::Result;
use crate::behavior::Behavior;
use crate::catalog::{Catalog, ResourceDefinition};
use crate::encoding::past_keys::registry_of;
use crate::encoding::short_keys::KeyedPaths;
use crate::encoding::{Mapper, PluginRegistries, SchemaRegistry};
use crate::id::{IdGenerator, Incremental};
use crate::key::Partition;
use crate::resource::{Older, State};
use crate::schema::{Schema, SchemaOptions, Strictness};
use crate::unique::Unique;

impl Inner {
    /// Compiles the current definition of a resource. What is not understood of it becomes a warning.
    pub(crate) fn compile(&self, name: &str) -> Result<State> {
        let loaded = self.loaded();
        let definition = loaded.catalog.definition(name)?.ok_or_else(|| {
            let names: Vec<&str> = loaded.catalog.resource_names().collect();
            unknown_resource(name, &names)
        })?;
        let mut state = compile(&definition).map_err(|error| error.with("resource", name))?;
        state.older = older(&loaded.catalog, &definition, &mut state.warnings);
        state.complete = complete(&loaded.catalog, &definition, &state);
        for (field, validator) in self.validators.missing(&state.schema) {
            let warning =
                format!("`{field}`: the validator {validator} is not registered, and writes need it");
            state.warnings.push(warning);
        }
        (state.steady, state.always_present) = lasting(&loaded.catalog, name, &state)?;
        for warning in &state.warnings {
            tracing::warn!(resource = name, %warning, "the stored schema is not understood in full");
            self.events.emit(Event::SchemaWarning { resource: name.to_owned(), warning: warning.clone() });
        }
        Ok(state)
    }
}

fn compile(definition: &ResourceDefinition) -> Result<State> {
    let options = SchemaOptions {
        all_nested_objects_optional: definition.all_nested_objects_optional,
        strictness: Strictness::Open,
    };
    let schema = Schema::compile(&definition.attributes, options)?;
    let mut warnings: Vec<String> = schema.warnings().iter().map(ToString::to_string).collect();
    let registry = definition.schema_registry.as_ref().map(SchemaRegistry::from_json).transpose()?;
    let plugins = definition.plugin_schema_registry.as_ref().map(PluginRegistries::from_json).transpose()?;
    let mapper = Mapper::new(&definition.attributes, registry.as_ref(), plugins.as_ref());
    let behavior = definition.behavior.parse()?;
    let mut partitions = Vec::with_capacity(definition.partitions.len());
    for (name, partition) in &definition.partitions {
        // One that cannot be used must not keep the data from being read.
        match Partition::parse(name, partition) {
            Ok(partition) => partitions.push(partition),
            Err(error) => warnings.push(format!("partition {name} is not kept: {error}")),
        }
    }
    for orphan in orphans(definition) {
        warnings.push(format!(
            "partition {} names fields that the resource does not have: {}",
            orphan.name,
            orphan.missing_fields.join(", ")
        ));
    }
    let unique = Unique::all_of(&schema);
    Ok(State {
        version: definition.version.clone(),
        created_by: definition.created_by.clone(),
        behavior,
        timestamps: definition.timestamps,
        paranoid: definition.paranoid,
        auto_decrypt: definition.auto_decrypt,
        ids: id_generator(definition, &mut warnings),
        schema,
        mapper,
        older: HashMap::new(),
        partitions,
        complete: BTreeSet::new(),
        steady: BTreeSet::new(),
        always_present: BTreeSet::new(),
        unique,
        stored_hooks: stored_hooks(definition),
        warnings,
    })
}

/// How documents of older versions are read: with the keys and types that they were written with.
fn older(
    catalog: &Catalog,
    current: &ResourceDefinition,
    warnings: &mut Vec<String>,
) -> HashMap<String, Older> {
    let mut versions: Vec<&str> = catalog.versions(&current.name);
    versions.retain(|version| *version != current.version);
    let definitions: Vec<_> = versions
        .into_iter()
        .filter_map(|version| catalog.definition_at(&current.name, version).ok().flatten())
        .collect();
    let registry = current.schema_registry.as_ref().and_then(|json| SchemaRegistry::from_json(json).ok());
    let plugins =
        current.plugin_schema_registry.as_ref().and_then(|json| PluginRegistries::from_json(json).ok());
    let paths = definitions.iter().chain([current]).map(|d| KeyedPaths::of(&d.attributes).user);
    let paths: Vec<Vec<String>> = paths.collect();
    let mut older = HashMap::new();
    for (at, definition) in definitions.iter().enumerate() {
        let keys = registry.as_ref().and_then(|registry| registry_of(registry, &paths, at));
        let same_keys = match (&registry, &keys) {
            (Some(registry), Some(keys)) => {
                keys.iter().all(|(path, index)| registry.index_of(path) == Some(index))
            }
            (None, _) => true,
            (Some(_), None) => false,
        };
        let same_form =
            definition.attributes == current.attributes && definition.behavior == current.behavior;
        if same_keys && same_form {
            continue;
        }
        match definition.behavior.parse() {
            Ok(behavior) => {
                let mapper = Mapper::new(&definition.attributes, keys.as_ref(), plugins.as_ref());
                older.insert(definition.version.clone(), Older { behavior, mapper });
            }
            Err(error) => warnings
                .push(format!("documents of {} are read as current ones: {error}", definition.version)),
        }
    }
    older
}

/// Points and names of the hooks that s3db.js has noted: `{"beforeInsert": {"count": 1, "handlers": [{"name": "slug"}]}}`.
/// Old releases have a list of code in place of the summary.
fn stored_hooks(definition: &ResourceDefinition) -> Vec<(String, Option<String>)> {
    let mut hooks = Vec::new();
    for (point, noted) in &definition.hooks {
        let handlers = noted.get("handlers").unwrap_or(noted).as_array();
        for handler in handlers.into_iter().flatten() {
            let name = handler.get("name").and_then(Value::as_str);
            // What `bind` puts before the name of a function.
            let name = name.map(|name| name.strip_prefix("bound ").unwrap_or(name).to_owned());
            hooks.push((point.clone(), name.filter(|name| !name.is_empty())));
        }
    }
    hooks
}

/// The generator of the catalogue. A function cannot be in it: until the program gives one, ids are random, as with
/// s3db.js.
fn id_generator(definition: &ResourceDefinition, warnings: &mut Vec<String>) -> IdGenerator {
    let incremental = definition.id_generator.starts_with("incremental");
    let random = IdGenerator::nanoid(definition.id_size.clamp(1, crate::id::ID_SIZE_MAX));
    let read = match (&definition.id_generator_settings, incremental) {
        (Some(settings), _) => IdGenerator::from_json(settings),
        (None, true) => Incremental::parse(&definition.id_generator).map(IdGenerator::Incremental),
        (None, false) => return random,
    };
    read.unwrap_or_else(|error| {
        warnings.push(format!("the id generator is not understood: {error}"));
        if incremental { IdGenerator::Incremental(Incremental::default()) } else { random }
    })
}

/// The partitions that a query may rely on: known to be complete, and not orphaned.
fn complete(catalog: &Catalog, definition: &ResourceDefinition, state: &State) -> BTreeSet<String> {
    let orphaned: Vec<String> = orphans(definition).into_iter().map(|orphan| orphan.name).collect();
    let complete = catalog.complete_partitions(&definition.name);
    let known = |name: &String| state.partitions.iter().any(|partition| partition.name == *name);
    complete.into_iter().filter(|name| known(name) && !orphaned.contains(name)).collect()
}

/// Of the fields of partitions: those that every version gives the same type and keeps whole, and those that no version
/// lets be absent or null.
fn lasting(catalog: &Catalog, name: &str, state: &State) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
    let fields = || state.partitions.iter().flat_map(|partition| &partition.fields);
    let mut steady: BTreeSet<String> = fields().map(|field| field.path.clone()).collect();
    let mut present = steady.clone();
    if steady.is_empty() {
        return Ok((steady, present));
    }
    for version in catalog.versions(name) {
        let Some(definition) = catalog.definition_at(name, version)? else { continue };
        // This behavior cuts or drops fields that do not fit, required or not.
        if definition.behavior == Behavior::TruncateData.to_string() {
            return Ok(Default::default());
        }
        let options = SchemaOptions {
            all_nested_objects_optional: definition.all_nested_objects_optional,
            strictness: Strictness::Open,
        };
        let schema = Schema::compile(&definition.attributes, options)?;
        let type_in = |schema: &Schema, path: &str| schema.field(path).map(|info| info.type_word.clone());
        steady.retain(|path| type_in(&schema, path) == type_in(&state.schema, path));
        let required = |path: &str| schema.field(path).is_some_and(|info| !info.optional && !info.nullable);
        present.retain(|path| {
            let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
            ends.into_iter().all(|end| path.get(..end).is_some_and(required))
        });
    }
    Ok((steady, present))
}
