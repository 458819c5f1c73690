//! From the text and JSON of a definition to a tree, without judging types or rules.

use serde_json::{Map, Value};

use super::problem::Problems;
use super::words::{Family, type_word};

/// Definitions nest at most this deep.
const DEPTH_MAX: usize = 32;

/// One attribute as it was written.
#[derive(Debug)]
pub(super) struct Node {
    /// Type text, such as `string` or `geo:lat:4`.
    pub(super) word: String,
    /// Rules in the order given; the last of a name wins.
    pub(super) rules: Vec<(String, Raw)>,
    /// Definitions of the fields of an object.
    pub(super) props: Option<Vec<(String, Node)>>,
}

/// The value of a rule as it was written.
#[derive(Debug)]
pub(super) enum Raw {
    /// `optional`, `no-trim`.
    Flag(bool),
    /// The text after the first colon of a pipe token.
    Text(String),
    /// A value of the explicit form.
    Json(Value),
    /// Definitions: the items of an array, the rules of a list of types.
    Nodes(Vec<Node>),
}

/// The attributes of a schema, and its `$$strict`.
pub(super) fn parse_root(
    attributes: &Map<String, Value>,
    nested_optional: bool,
    problems: &mut Problems,
) -> Node {
    let parser = Parser { nested_optional };
    parser.nested("", attributes, 0, problems)
}

struct Parser {
    nested_optional: bool,
}

impl Parser {
    fn definition(&self, path: &str, value: &Value, depth: usize, problems: &mut Problems) -> Node {
        if depth > DEPTH_MAX {
            problems.add(
                path,
                None,
                format!("definitions nest deeper than {DEPTH_MAX}"),
                "use the type `json`",
            );
            return Node::any();
        }
        match value {
            Value::String(text) => self.pipe(path, text, depth, problems),
            Value::Array(types) => self.any_of(path, types, depth, problems),
            Value::Object(map) => match map.get("type").and_then(Value::as_str) {
                Some(word) if type_word(word).is_some() => self.explicit(path, word, map, depth, problems),
                _ => self.nested(path, map, depth, problems),
            },
            _ => {
                problems.add(
                    path,
                    None,
                    format!("`{value}` is not a definition"),
                    "write a text such as \"string|optional\", a list of types, or an object",
                );
                Node::any()
            }
        }
    }

    /// `string|min:2|optional`, `string[]`.
    fn pipe(&self, path: &str, text: &str, depth: usize, problems: &mut Problems) -> Node {
        let mut tokens = text.split('|');
        let word = tokens.next().unwrap_or_default().trim();
        let mut node = match word.strip_suffix("[]") {
            None => Node::new(word),
            Some(item) => {
                let mut node = Node::new("array");
                let item = self.pipe(&format!("{path}[]"), item, depth + 1, problems);
                node.rules.push(("items".into(), Raw::Nodes(vec![item])));
                node
            }
        };
        for token in tokens {
            let (name, raw) = match token.split_once(':') {
                Some((name, value)) => (name.trim(), Raw::Text(value.to_owned())),
                None => match token.trim() {
                    name if name.starts_with("no-") => (&name[3..], Raw::Flag(false)),
                    name => (name, Raw::Flag(true)),
                },
            };
            if name.is_empty() {
                problems.add(
                    path,
                    None,
                    "a rule is empty",
                    "take out the extra `|`; a `|` inside a value needs the explicit form {\"type\": …}",
                );
                continue;
            }
            node.push(self, path, name, raw, depth, problems);
        }
        node
    }

    /// `["string", "number"]`.
    fn any_of(&self, path: &str, types: &[Value], depth: usize, problems: &mut Problems) -> Node {
        if types.is_empty() {
            problems.add(path, None, "the list of types is empty", "name at least one type, or write `any`");
            return Node::any();
        }
        let mut node = Node::new("multi");
        let nodes = types.iter().map(|one| self.definition(path, one, depth + 1, problems)).collect();
        node.rules.push(("rules".into(), Raw::Nodes(nodes)));
        node
    }

    /// `{"type": "string", "min": 3}`.
    fn explicit(
        &self,
        path: &str,
        word: &str,
        map: &Map<String, Value>,
        depth: usize,
        problems: &mut Problems,
    ) -> Node {
        let mut node = Node::new(word);
        for (name, value) in map.iter().filter(|(name, _)| *name != "type") {
            match (name.as_str(), value) {
                ("props" | "properties", Value::Object(props)) => {
                    node.props = Some(self.props(path, props, depth, problems));
                }
                _ => node.push(self, path, name, Raw::Json(value.clone()), depth, problems),
            }
        }
        node
    }

    /// `{"street": "string", "zip": "string"}`, with `$$type` and `$$strict`.
    fn nested(&self, path: &str, map: &Map<String, Value>, depth: usize, problems: &mut Problems) -> Node {
        let mut node = match map.get("$$type") {
            None => Node::new("object"),
            Some(Value::String(text)) => self.pipe(path, text, depth, problems),
            Some(other) => {
                problems.add(
                    path,
                    Some("$$type"),
                    format!("`{other}` is not a type"),
                    "write \"object|optional\"",
                );
                Node::new("object")
            }
        };
        let says = |word: &str| node.rules.iter().any(|(name, _)| name == word);
        if depth > 0 && self.nested_optional && !says("required") && !says("optional") {
            node.rules.push(("optional".into(), Raw::Flag(true)));
        }
        if let Some(strict) = map.get("$$strict") {
            node.rules.push(("strict".into(), Raw::Json(strict.clone())));
        } else if !node.rules.iter().any(|(name, _)| name == "strict") {
            node.rules.push(("strict".into(), Raw::Flag(false)));
        }
        for name in map.keys().filter(|name| name.starts_with("$$")) {
            if !matches!(name.as_str(), "$$type" | "$$strict" | "$$async") {
                problems.add(
                    path,
                    Some(name),
                    format!("unknown mark `{name}`"),
                    "known: `$$type`, `$$strict`",
                );
            }
        }
        node.props = Some(self.props(path, map, depth, problems));
        node
    }

    fn props(
        &self,
        path: &str,
        map: &Map<String, Value>,
        depth: usize,
        problems: &mut Problems,
    ) -> Vec<(String, Node)> {
        map.iter()
            .filter(|(name, _)| !name.starts_with("$$"))
            .map(|(name, value)| {
                let path = join(path, name);
                (name.clone(), self.definition(&path, value, depth + 1, problems))
            })
            .collect()
    }
}

impl Node {
    fn new(word: &str) -> Self {
        Self { word: word.to_owned(), rules: Vec::new(), props: None }
    }

    /// The definition that takes everything.
    pub(super) fn any() -> Self {
        Self::new("any")
    }

    /// A number, as the items of an embedding are.
    pub(super) fn number() -> Self {
        Self::new("number")
    }

    /// The last rule of this name.
    pub(super) fn rule(&self, name: &str) -> Option<&Raw> {
        self.rules.iter().rev().find(|(known, _)| known == name).map(|(_, raw)| raw)
    }

    /// Adds a rule; those whose value is a definition are parsed at once.
    fn push(
        &mut self,
        parser: &Parser,
        path: &str,
        name: &str,
        raw: Raw,
        depth: usize,
        problems: &mut Problems,
    ) {
        let family = type_word(&self.word).map(|(row, _)| row.family);
        let definitions = match (family, name, &raw) {
            (Some(Family::Tuple), "items", Raw::Json(Value::Array(items)))
            | (Some(Family::Multi), "rules", Raw::Json(Value::Array(items))) => items.clone(),
            (Some(Family::Array), "items", raw) | (Some(Family::Record), "key" | "value", raw) => match raw {
                Raw::Text(text) => vec![Value::String(text.trim().to_owned())],
                Raw::Json(value) => vec![value.clone()],
                Raw::Flag(_) | Raw::Nodes(_) => {
                    problems.add(
                        path,
                        Some(name),
                        format!("rule `{name}` needs a definition"),
                        "such as `items:string`",
                    );
                    return;
                }
            },
            _ => {
                self.rules.push((name.to_owned(), raw));
                return;
            }
        };
        let item_path = format!("{path}[]");
        let nodes = definitions
            .iter()
            .map(|one| {
                let mut node = parser.definition(&item_path, one, depth + 1, problems);
                if one.as_object().is_some_and(|map| !map.contains_key("$$type")) && node.props.is_some() {
                    // Optional nested objects may be absent or null; an item is there, so it must be an object.
                    node.rules.retain(|(name, raw)| name != "optional" || matches!(raw, Raw::Json(_)));
                }
                node
            })
            .collect();
        self.rules.push((name.to_owned(), Raw::Nodes(nodes)));
    }
}

/// A dotted path with one more step.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
