//! Filters: `{"age": {"$gte": 18}, "profile.city": "Lisbon", "$or": [...]}`.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::compare::{compare, equal};
use crate::{Document, Error, ErrorKind, Result};

/// Deepest nesting of `$and`, `$or` and `$not`.
const DEPTH_MAX: usize = 32;

/// A compiled filter.
///
/// A plain member asks for equality; a member whose value is an object of operators applies them all. Paths may be
/// dotted and may name `id`. An absent field equals nothing, so `$ne` and `$nin` match it; `{"field": null}` matches
/// null and absent alike.
///
/// | operator | matches |
/// |---|---|
/// | `$eq` `$ne` | equal, not equal; arrays and objects as a whole |
/// | `$gt` `$gte` `$lt` `$lte` | order of numbers, texts (by code point) and booleans; other types never match |
/// | `$in` `$nin` | one of a list, none of a list |
/// | `$exists` | field present (null counts), or not |
/// | `$regex` (`$options`: `i m s`) | text that the pattern finds |
/// | `$startsWith` | text that begins so |
/// | `$and` `$or` | all, any of a list of filters |
/// | `$not` | a filter, or the operators of one field, that must not match |
///
/// ```
/// use s3db_core::query::Filter;
/// use serde_json::json;
///
/// let filter = Filter::parse(&json!({"age": {"$gte": 18, "$lt": 65}, "profile.city": "Lisbon"}))?;
/// let document = json!({"age": 30, "profile": {"city": "Lisbon"}});
/// assert!(filter.matches("u1", document.as_object().unwrap()));
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Filter(Node);

#[derive(Debug, Clone)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Field { path: String, test: Test },
}

#[derive(Debug, Clone)]
enum Test {
    Equal(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    Less(Value),
    LessOrEqual(Value),
    In(Vec<Value>),
    Exists(bool),
    Matches(Regex),
    StartsWith(String),
}

impl Filter {
    /// Matches every document.
    pub fn all() -> Self {
        Self(Node::All(Vec::new()))
    }

    /// Compiles a filter.
    ///
    /// Errors: `Config` for an unknown operator, an operand of the wrong type, a bad pattern, or nesting over 32 levels.
    pub fn parse(filter: &Value) -> Result<Self> {
        match filter {
            Value::Null => Ok(Self::all()),
            Value::Object(members) => Ok(Self(parse_members(members, 0)?)),
            other => {
                Err(wrong("a filter is a JSON object", other).hint("for example {\"age\": {\"$gt\": 25}}"))
            }
        }
    }

    /// Whether it matches every document.
    pub fn is_all(&self) -> bool {
        matches!(&self.0, Node::All(nodes) if nodes.is_empty())
    }

    /// Whether a document matches.
    pub fn matches(&self, id: &str, document: &Document) -> bool {
        self.0.matches(&Subject { id, version: None, document })
    }

    /// Whether a document matches, where `_v` is the version of its definition.
    pub fn matches_version(&self, id: &str, version: &str, document: &Document) -> bool {
        self.0.matches(&Subject { id, version: Some(version), document })
    }

    /// Whether no document matches that has these values, and perhaps others at other paths.
    pub fn excludes(&self, id: &str, known: &Document) -> bool {
        self.0.excluded_by(&Subject { id, version: None, document: known })
    }

    /// The value at a dotted path of a document; a member whose own name holds the dots wins.
    pub fn lookup<'a>(document: &'a Document, path: &str) -> Option<&'a Value> {
        lookup(document, path)
    }

    /// What every match must be, field by field, for choosing an index.
    pub fn constraints(&self) -> Vec<(&str, Constraint<'_>)> {
        let mut constraints = Vec::new();
        self.0.constrain(&mut constraints);
        constraints
    }

    /// Every path that the filter looks at, perhaps more than once.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        self.0.collect_paths(&mut paths);
        paths
    }
}

/// What a field must be in every match of a filter.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Constraint<'f> {
    /// Equal to one value; null stands for absent too.
    Equal(&'f Value),
    /// Equal to one of these.
    In(&'f [Value]),
    /// A value of the same type that is not smaller.
    AtLeast(&'f Value),
    /// A value of the same type that is not larger.
    AtMost(&'f Value),
    /// A text.
    Text,
}

/// What a filter is held against.
struct Subject<'d> {
    id: &'d str,
    version: Option<&'d str>,
    document: &'d Document,
}

impl Node {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(subject)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(subject)),
            Self::Not(node) => !node.matches(subject),
            Self::Field { path, test } => {
                match (lookup(subject.document, path), path.as_str(), subject.version) {
                    (None, "id", _) => test.matches(Some(&Value::String(subject.id.to_owned()))),
                    (None, "_v", Some(version)) => test.matches(Some(&Value::String(version.to_owned()))),
                    (value, _, _) => test.matches(value),
                }
            }
        }
    }

    fn excluded_by(&self, known: &Subject<'_>) -> bool {
        if let Self::All(nodes) = self {
            return nodes.iter().any(|node| node.excluded_by(known));
        }
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        let is_known = |path: &&str| *path == "id" || known.document.contains_key(*path);
        paths.iter().all(is_known) && !self.matches(known)
    }

    fn constrain<'f>(&'f self, into: &mut Vec<(&'f str, Constraint<'f>)>) {
        let (path, test) = match self {
            Self::All(nodes) => return nodes.iter().for_each(|node| node.constrain(into)),
            Self::Any(_) | Self::Not(_) => return,
            Self::Field { path, test } => (path.as_str(), test),
        };
        into.push((
            path,
            match test {
                Test::Equal(value) => Constraint::Equal(value),
                Test::In(values) => Constraint::In(values),
                Test::Greater(value) | Test::GreaterOrEqual(value) => Constraint::AtLeast(value),
                Test::Less(value) | Test::LessOrEqual(value) => Constraint::AtMost(value),
                Test::Matches(_) | Test::StartsWith(_) => Constraint::Text,
                Test::Exists(_) => return,
            },
        ));
    }

    fn collect_paths<'f>(&'f self, into: &mut Vec<&'f str>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.collect_paths(into)),
            Self::Not(node) => node.collect_paths(into),
            Self::Field { path, .. } => into.push(path),
        }
    }
}

impl Test {
    fn matches(&self, value: Option<&Value>) -> bool {
        let order = |operand: &Value| value.and_then(|value| compare(value, operand));
        match self {
            Self::Equal(Value::Null) => value.is_none_or(Value::is_null),
            Self::Equal(operand) => value.is_some_and(|value| equal(value, operand)),
            Self::Greater(operand) => order(operand).is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual(operand) => order(operand).is_some_and(std::cmp::Ordering::is_ge),
            Self::Less(operand) => order(operand).is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual(operand) => order(operand).is_some_and(std::cmp::Ordering::is_le),
            Self::In(list) => list.iter().any(|operand| Self::Equal(operand.clone()).matches(value)),
            Self::Exists(wanted) => value.is_some() == *wanted,
            Self::Matches(regex) => value.and_then(Value::as_str).is_some_and(|text| regex.is_match(text)),
            Self::StartsWith(start) => {
                value.and_then(Value::as_str).is_some_and(|text| text.starts_with(start))
            }
        }
    }
}

/// The value at a dotted path; a member whose own name holds the dots wins. Numeric segments index arrays.
pub(crate) fn lookup<'a>(document: &'a Document, path: &str) -> Option<&'a Value> {
    if let Some(value) = document.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(document.get(first)?, |value, segment| match value {
        Value::Object(members) => members.get(segment),
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

fn parse_members(members: &Map<String, Value>, depth: usize) -> Result<Node> {
    if depth > DEPTH_MAX {
        return Err(
            Error::new(ErrorKind::Config, "the filter is nested too deeply").with("levels_max", DEPTH_MAX)
        );
    }
    let mut nodes = Vec::with_capacity(members.len());
    for (name, operand) in members {
        match name.as_str() {
            "$and" => nodes.push(Node::All(parse_list(name, operand, depth)?)),
            "$or" => nodes.push(Node::Any(parse_list(name, operand, depth)?)),
            "$not" => nodes.push(Node::Not(Box::new(parse_object(name, operand, depth)?))),
            operator if operator.starts_with('$') => return Err(unknown(operator)),
            path => nodes.push(parse_field(path, operand, depth)?),
        }
    }
    Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
}

fn parse_list(name: &str, operand: &Value, depth: usize) -> Result<Vec<Node>> {
    let Value::Array(items) = operand else {
        return Err(wrong("the operand is a list of filters", operand).with("operator", name));
    };
    items.iter().map(|item| parse_object(name, item, depth)).collect()
}

fn parse_object(name: &str, operand: &Value, depth: usize) -> Result<Node> {
    match operand {
        Value::Object(members) => parse_members(members, depth + 1),
        other => Err(wrong("the operand is a filter", other).with("operator", name)),
    }
}

fn parse_field(path: &str, operand: &Value, depth: usize) -> Result<Node> {
    let Value::Object(operators) = operand else {
        return Ok(field(path, Test::Equal(operand.clone())));
    };
    if !operators.keys().any(|name| name.starts_with('$')) {
        return Ok(field(path, Test::Equal(operand.clone())));
    }
    if depth > DEPTH_MAX {
        return Err(
            Error::new(ErrorKind::Config, "the filter is nested too deeply").with("levels_max", DEPTH_MAX)
        );
    }
    let mut nodes = Vec::with_capacity(operators.len());
    for (operator, operand) in operators {
        nodes.push(match operator.as_str() {
            "$eq" => field(path, Test::Equal(operand.clone())),
            "$ne" => Node::Not(Box::new(field(path, Test::Equal(operand.clone())))),
            "$gt" => field(path, Test::Greater(operand.clone())),
            "$gte" => field(path, Test::GreaterOrEqual(operand.clone())),
            "$lt" => field(path, Test::Less(operand.clone())),
            "$lte" => field(path, Test::LessOrEqual(operand.clone())),
            "$in" => field(path, Test::In(list(operator, operand)?)),
            "$nin" => Node::Not(Box::new(field(path, Test::In(list(operator, operand)?)))),
            "$exists" => match operand {
                Value::Bool(wanted) => field(path, Test::Exists(*wanted)),
                other => return Err(wrong("the operand is true or false", other).with("operator", operator)),
            },
            "$regex" => field(path, Test::Matches(pattern(operand, operators.get("$options"))?)),
            "$options" if operators.contains_key("$regex") => continue,
            "$startsWith" => field(path, Test::StartsWith(text(operator, operand)?.to_owned())),
            "$not" => Node::Not(Box::new(parse_field(path, operand, depth + 1)?)),
            other => return Err(unknown(other).with("field", path)),
        });
    }
    Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
}

fn field(path: &str, test: Test) -> Node {
    Node::Field { path: path.to_owned(), test }
}

fn list(operator: &str, operand: &Value) -> Result<Vec<Value>> {
    match operand {
        Value::Array(items) => Ok(items.clone()),
        other => Err(wrong("the operand is a list", other).with("operator", operator)),
    }
}

fn text<'a>(operator: &str, operand: &'a Value) -> Result<&'a str> {
    operand.as_str().ok_or_else(|| wrong("the operand is a text", operand).with("operator", operator))
}

fn pattern(operand: &Value, options: Option<&Value>) -> Result<Regex> {
    let mut builder = RegexBuilder::new(text("$regex", operand)?);
    for option in options.map(|options| text("$options", options)).transpose()?.unwrap_or_default().chars() {
        match option {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            other => {
                let error = Error::new(ErrorKind::Config, "unknown option of $regex").with("option", other);
                return Err(error.hint("the options are i, m and s"));
            }
        };
    }
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Config, "the pattern of $regex is not a regular expression")
            .hint("look-around and back-references are not supported")
            .caused_by(error)
    })
}

fn unknown(operator: &str) -> Error {
    Error::new(ErrorKind::Config, "unknown filter operator")
        .with("operator", operator)
        .hint("the operators are $eq $ne $gt $gte $lt $lte $in $nin $exists $regex $startsWith $and $or $not")
}

fn wrong(message: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Error::new(ErrorKind::Config, message).with("found", found)
}
