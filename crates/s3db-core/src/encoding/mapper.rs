//! From a validated document to the flat entries of its object, and back.

mod decode;
mod encode;
mod flat;

use std::collections::HashMap;

use serde_json::{Map, Value};

pub use decode::{DecodeContext, Decoded, Reading, Warning};
pub use encode::{EncodeContext, HashPassword};
pub use flat::Flat;
pub(crate) use flat::{Entry, Kind, Letter, Mark, Marks, Slot, Stored};

use super::select::{self, Form};
use super::short_keys::{self, KeyedPaths, PluginRegistries, SchemaRegistry};
use crate::Document;

/// What stands in the place of a secret that was taken out.
const REDACTED: &str = "[redacted]";

/// Position of a node in the table of a mapper.
pub(crate) type NodeId = u32;

/// A schema's attributes compiled into a flat table: which path has which short key and codec.
///
/// ```
/// use s3db_core::encoding::{Mapper, EncodeContext, DecodeContext};
/// use s3db_core::env::SystemEnv;
/// use serde_json::json;
///
/// # fn main() -> s3db_core::Result<()> {
/// let attributes = json!({ "name": "string", "profile": { "age": "number" } });
/// let mapper = Mapper::new(attributes.as_object().unwrap(), None, None);
/// let document = json!({ "name": "Ann", "profile": { "age": 30 } });
/// let flat = mapper.encode(document.as_object().unwrap(), &EncodeContext::new(&SystemEnv))?;
/// let read = mapper.decode(&flat, &DecodeContext::default())?;
/// assert_eq!(read.document(), document.as_object());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Mapper {
    nodes: Vec<Node>,
    roots: Vec<NodeId>,
    roots_by_name: HashMap<String, NodeId>,
    by_key: HashMap<String, NodeId>,
    /// Nodes by the index behind their key, for keys of the resource's own registry.
    by_index: Vec<Option<NodeId>>,
    by_path: HashMap<String, NodeId>,
    /// Names under which s3db.js stores the properties of explicit objects.
    flattened: HashMap<String, Flattened>,
    /// Names under which s3db.js stores the members of an object in an `any` attribute begin with these.
    flattened_any: Vec<(String, NodeId)>,
    map_json: String,
    plugin_map_json: Option<String>,
    has_sealed: bool,
}

/// An attribute or a part of one.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    /// The nodes around this one, the top-level attribute first; empty for a top-level attribute.
    ancestors: Vec<NodeId>,
    shape: Shape,
    /// Whether there are secrets or passwords inside.
    sealed: bool,
}

#[derive(Debug, Clone)]
enum Shape {
    Leaf(Form),
    /// A nested object. `whole` says that its members cannot be told apart by path, so that it is written as JSON.
    Nested {
        children: Vec<NodeId>,
        by_name: HashMap<String, NodeId>,
        whole: bool,
    },
    /// An explicit object; its properties matter only for what must be sealed.
    Explicit {
        children: Vec<NodeId>,
        by_name: HashMap<String, NodeId>,
    },
}

#[derive(Debug, Clone)]
struct Flattened {
    root: NodeId,
    path: Vec<String>,
    form: Form,
}

impl Mapper {
    /// Compiles attributes. Without a registry, positions are the indices of the keys, as in buckets that have none.
    ///
    /// A path that the registry does not know yet gets the index that [`SchemaRegistry::evolve`] would give it.
    pub fn new(
        attributes: &Map<String, Value>,
        registry: Option<&SchemaRegistry>,
        plugins: Option<&PluginRegistries>,
    ) -> Self {
        let paths = KeyedPaths::of(attributes);
        let keys = short_keys::assign(&paths, registry, plugins);
        let plugin_paths: Vec<&str> = paths.plugin.iter().map(|(_, path)| path.as_str()).collect();
        let print = |own: bool| -> Map<String, Value> {
            let in_order =
                if own { paths.user.iter().map(String::as_str).collect() } else { plugin_paths.clone() };
            let keys: HashMap<&str, &str> =
                keys.iter().map(|(path, key)| (path.as_str(), key.as_str())).collect();
            in_order
                .into_iter()
                .filter_map(|path| Some((path.to_owned(), (*keys.get(path)?).into())))
                .collect()
        };
        let mut compiler = Compiler { keys: keys.iter().cloned().collect(), mapper: Self::empty() };
        for (name, definition) in short_keys::js_order(attributes) {
            if !name.starts_with("$$") {
                let id = compiler.compile(name, definition, &[], "");
                compiler.mapper.roots.push(id);
                compiler.mapper.roots_by_name.insert(name.clone(), id);
            }
        }
        let mut mapper = compiler.mapper;
        mapper.map_json = super::js::to_json(&print(true).into());
        if !plugin_paths.is_empty() {
            mapper.plugin_map_json = Some(super::js::to_json(&print(false).into()));
        }
        mapper.index_names(attributes);
        mapper
    }

    fn empty() -> Self {
        Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            roots_by_name: HashMap::new(),
            by_key: HashMap::new(),
            by_index: Vec::new(),
            by_path: HashMap::new(),
            flattened: HashMap::new(),
            flattened_any: Vec::new(),
            map_json: String::new(),
            plugin_map_json: None,
            has_sealed: false,
        }
    }

    /// The short key of a path such as `profile.age`.
    pub fn key_of(&self, path: &str) -> Option<&str> {
        self.by_path.get(path).and_then(|id| self.node(*id)).and_then(|node| node.key.as_deref())
    }

    /// Whether documents may hold secrets or passwords.
    pub fn has_sealed(&self) -> bool {
        self.has_sealed
    }

    /// Whether the field at a dotted path is, or holds, a secret or password.
    pub(crate) fn is_sealed(&self, path: &str) -> bool {
        self.node_at(path).and_then(|id| self.node(id)).is_some_and(|node| node.sealed)
    }

    /// Replaces what is sealed by a text that says so.
    pub(crate) fn redact(&self, document: &mut Document) {
        if self.has_sealed {
            self.redact_below("", document);
        }
    }

    fn redact_below(&self, prefix: &str, document: &mut Document) {
        for (name, value) in document.iter_mut() {
            let path = format!("{prefix}{name}");
            if !self.is_sealed(&path) {
                continue;
            }
            match value {
                Value::Null => {}
                Value::Object(members) if self.has_sealed_below(&path, members) => {
                    self.redact_below(&format!("{path}."), members);
                }
                value => *value = Value::String(REDACTED.to_owned()),
            }
        }
    }

    /// Whether the schema knows which members of an object are sealed. Where it does not, all of it is.
    fn has_sealed_below(&self, path: &str, members: &Document) -> bool {
        members.keys().all(|name| self.node_at(&format!("{path}.{name}")).is_some())
    }

    /// JSON of the map from paths to short keys, as body-only records carry it.
    pub(crate) fn map_json(&self) -> &str {
        &self.map_json
    }

    /// JSON of the map from plugin attributes to their keys, when there are any.
    pub(crate) fn plugin_map_json(&self) -> Option<&str> {
        self.plugin_map_json.as_deref()
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// The top-level attribute that holds a node.
    pub(crate) fn root_of(&self, id: NodeId) -> NodeId {
        self.node(id).and_then(|node| node.ancestors.first().copied()).unwrap_or(id)
    }

    /// Whether s3db.js would store a part of a known attribute under this name.
    pub(crate) fn is_flattened(&self, stored_name: &str) -> bool {
        self.flattened.contains_key(stored_name)
            || self.flattened_any.iter().any(|(prefix, _)| stored_name.starts_with(prefix.as_str()))
    }

    pub(crate) fn root_named(&self, name: &str) -> Option<NodeId> {
        self.roots_by_name.get(name).copied()
    }

    pub(crate) fn node_at(&self, path: &str) -> Option<NodeId> {
        self.by_path.get(path).copied()
    }

    /// The node that a short key stands for.
    pub(crate) fn node_of_key(&self, key: &str) -> Option<NodeId> {
        if let Some(slot) = key_index(key).and_then(|index| self.by_index.get(index)) {
            return *slot;
        }
        self.by_key.get(key).copied()
    }

    fn index_names(&mut self, attributes: &Map<String, Value>) {
        for (id, node) in (0..).zip(&self.nodes) {
            let Some(key) = &node.key else { continue };
            self.by_key.insert(key.clone(), id);
            // Sparse registries would waste memory on a table.
            if let Some(index) = key_index(key).filter(|index| *index < 8 * self.nodes.len() + 64) {
                if self.by_index.len() <= index {
                    self.by_index.resize(index + 1, None);
                }
                if let Some(slot) = self.by_index.get_mut(index) {
                    *slot = Some(id);
                }
            }
        }
        // A hole in the table may be a key that only the map knows, such as one of a plugin.
        for (key, id) in &self.by_key {
            if let Some(slot) = key_index(key).and_then(|index| self.by_index.get_mut(index)) {
                *slot = Some(*id);
            }
        }
        for (name, definition) in attributes {
            let Some(root) = self.root_named(name) else { continue };
            if let Value::Object(definition) = definition
                && select::explicit_type(definition) == Some("object")
            {
                self.index_flattened(root, short_keys::header_name(name), &mut Vec::new(), definition);
            }
            if matches!(self.node(root).map(|node| &node.shape), Some(Shape::Leaf(Form::Any))) {
                self.flattened_any.push((format!("{}_", short_keys::header_name(name)), root));
            }
        }
        self.has_sealed = self.nodes.iter().any(|node| node.sealed);
    }

    fn index_flattened(
        &mut self,
        root: NodeId,
        name: String,
        path: &mut Vec<String>,
        definition: &Map<String, Value>,
    ) {
        for (prop, definition) in properties(definition) {
            let name = format!("{name}_{}", short_keys::header_name(prop));
            path.push(prop.clone());
            match definition {
                Value::Object(inner) if properties(inner).next().is_some() => {
                    self.index_flattened(root, name, path, inner);
                }
                _ => {
                    let form = select::plain(definition);
                    self.flattened.entry(name).or_insert(Flattened { root, path: path.clone(), form });
                }
            }
            path.pop();
        }
    }
}

/// The properties of an explicit object.
fn properties(definition: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let properties = definition.get("props").or_else(|| definition.get("properties"));
    properties.and_then(Value::as_object).into_iter().flatten()
}

/// The index behind a key of up to three digits.
fn key_index(key: &str) -> Option<usize> {
    let bytes = key.as_bytes();
    if bytes.len() > 3 || (bytes.len() > 1 && bytes.first() == Some(&b'0')) || bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_usize, |index, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ => return None,
        };
        Some(index * 36 + usize::from(digit))
    })
}

struct Compiler {
    keys: HashMap<String, String>,
    mapper: Mapper,
}

impl Compiler {
    fn compile(&mut self, name: &str, definition: &Value, ancestors: &[NodeId], prefix: &str) -> NodeId {
        let id = self.mapper.nodes.len() as NodeId;
        let path = short_keys::join(prefix, name);
        // Two attributes may have the same path (`a.b`, and `b` in `a`); the second has no key of its own.
        let key = self.keys.remove(&path);
        if key.is_some() {
            self.mapper.by_path.insert(path.clone(), id);
        }
        self.mapper.nodes.push(Node {
            name: name.to_owned(),
            path: path.clone(),
            key,
            ancestors: ancestors.to_vec(),
            shape: Shape::Leaf(Form::Text),
            sealed: false,
        });
        let mut inside = ancestors.to_vec();
        inside.push(id);
        let shape = match definition {
            Value::String(rule) => Shape::Leaf(select::rule(rule)),
            Value::Object(definition) => match select::explicit_type(definition) {
                Some("object") => {
                    let props: Vec<_> = properties(definition).collect();
                    let (children, by_name) = self.compile_children(&props, &inside, &path);
                    Shape::Explicit { children, by_name }
                }
                Some(word) => Shape::Leaf(select::explicit(definition, word)),
                None => {
                    let members: Vec<_> = short_keys::js_order(definition)
                        .into_iter()
                        .filter(|(name, _)| !name.starts_with("$$"))
                        .collect();
                    let (children, by_name) = self.compile_children(&members, &inside, &path);
                    let whole = members.iter().any(|(name, _)| is_unsafe_segment(name));
                    Shape::Nested { children, by_name, whole }
                }
            },
            _ => Shape::Leaf(Form::Any),
        };
        let sealed = match &shape {
            Shape::Leaf(form) => matches!(form, Form::Secret | Form::Password(_)),
            Shape::Nested { children, .. } | Shape::Explicit { children, .. } => {
                children.iter().any(|child| self.mapper.node(*child).is_some_and(|node| node.sealed))
            }
        };
        if let Some(node) = self.mapper.nodes.get_mut(id as usize) {
            node.shape = shape;
            node.sealed = sealed;
        }
        id
    }

    fn compile_children(
        &mut self,
        members: &[(&String, &Value)],
        ancestors: &[NodeId],
        prefix: &str,
    ) -> (Vec<NodeId>, HashMap<String, NodeId>) {
        let children: Vec<NodeId> = members
            .iter()
            .map(|(name, definition)| self.compile(name, definition, ancestors, prefix))
            .collect();
        let by_name = members.iter().map(|(name, _)| (*name).clone()).zip(children.iter().copied()).collect();
        (children, by_name)
    }
}

/// Names that s3db.js does not put back where they were: a number makes an array, a dot another level.
fn is_unsafe_segment(name: &str) -> bool {
    name.contains('.') || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}
