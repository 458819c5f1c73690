//! How a Rust type is declared in a schema. Pure.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// How a type is declared: its word in the notation of schemas, its rules, and whether it may be absent.
///
/// ```
/// use s3db_core::typed::{Attribute, Shape};
/// use serde_json::json;
///
/// assert_eq!(Option::<u32>::shape().notation(), json!("number|integer|min:0|optional"));
/// assert_eq!(Shape::word("email").rule("unique", true).notation(), json!("email|unique"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    kind: Kind,
    rules: Vec<(Cow<'static, str>, Value)>,
    optional: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Word(Cow<'static, str>),
    Object(Vec<(Cow<'static, str>, Shape)>),
    List(Box<Shape>),
    OneOf(Vec<Cow<'static, str>>),
    /// Anything, null too.
    Any,
}

impl Shape {
    /// A type word, such as `string`, and rules behind it: `money:2`, `number|integer`.
    pub fn word(word: impl Into<Cow<'static, str>>) -> Self {
        let word = word.into();
        let mut tokens = word.split('|');
        let first = tokens.next().unwrap_or_default().trim().to_owned();
        let rest: Vec<String> = tokens.map(|token| token.trim().to_owned()).collect();
        let mut shape = Self::of(Kind::Word(first.into()));
        for token in rest {
            shape = shape.token(&token);
        }
        shape
    }

    /// A text, kept as it is, blanks at its ends too.
    pub fn text() -> Self {
        Self::word("string").rule("trim", false)
    }

    /// Any JSON.
    pub fn json() -> Self {
        Self::word("json")
    }

    /// Any JSON, null too.
    pub fn any() -> Self {
        Self { optional: true, ..Self::of(Kind::Any) }
    }

    /// An object of named fields.
    pub fn object(fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::of(Kind::Object(fields.into_iter().map(|(name, shape)| (Cow::Borrowed(name), shape)).collect()))
    }

    /// A list of items.
    pub fn list(item: Self) -> Self {
        // What is inside a list is not sealed by itself.
        if item.has_secret() {
            return Self::word("secretAny");
        }
        Self::of(Kind::List(Box::new(item)))
    }

    /// Free keys, all values of one type.
    pub fn map(value: &Self) -> Self {
        if value.has_secret() { Self::word("secretAny") } else { Self::json() }
    }

    /// One of some texts.
    pub fn one_of(values: impl IntoIterator<Item = &'static str>) -> Self {
        Self::of(Kind::OneOf(values.into_iter().map(Cow::Borrowed).collect()))
    }

    /// The same, sealed at rest.
    #[must_use]
    pub fn sealed(self) -> Self {
        let word = match &self.kind {
            Kind::Word(word) if word == "string" => "secret",
            Kind::Word(word) if word == "number" => "secretNumber",
            _ => "secretAny",
        };
        let rules = if word == "secretAny" { Vec::new() } else { self.rules };
        Self { kind: Kind::Word(word.into()), rules, optional: self.optional }
    }

    /// The same, but the field may be absent.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// With a rule; it takes the place of one of the same name. `true` switches one on, `false` off.
    #[must_use]
    pub fn rule(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.rules.iter_mut().find(|(known, _)| *known == name) {
            Some(rule) => rule.1 = value,
            None => self.rules.push((name, value)),
        }
        self
    }

    /// With rules as a schema has them: `min:2|lowercase|no-trim`.
    #[must_use]
    pub fn rules(self, text: &str) -> Self {
        text.split('|').map(str::trim).filter(|token| !token.is_empty()).fold(self, Self::token)
    }

    /// With another type word; rules that were given to the field stay.
    #[must_use]
    pub fn retyped(self, word: &'static str) -> Self {
        let mut shape = Self::word(word);
        shape.optional |= self.optional;
        shape
    }

    /// A vector of numbers, stored as scaled digits. One of fixed length has the rule `length`.
    #[must_use]
    pub fn embedding(self) -> Self {
        let length =
            self.rules.iter().find(|(name, _)| name == "length").map(|(_, length)| length.to_string());
        let word = length.map_or_else(|| "embedding".to_owned(), |length| format!("embedding:{length}"));
        Self { kind: Kind::Word(word.into()), rules: Vec::new(), optional: self.optional }
    }

    fn token(self, token: &str) -> Self {
        match token.split_once(':') {
            _ if token == "optional" => self.optional(),
            Some((name, value)) => {
                let value = value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from);
                self.rule(name.to_owned(), value)
            }
            None => match token.strip_prefix("no-") {
                Some(name) => self.rule(name.to_owned(), false),
                None => self.rule(token.to_owned(), true),
            },
        }
    }

    fn of(kind: Kind) -> Self {
        Self { kind, rules: Vec::new(), optional: false }
    }

    /// Whether the field may be absent.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(&self.kind, Kind::Word(word) if word == "number")
    }

    pub(super) fn is_any(&self) -> bool {
        self.kind == Kind::Any
    }

    /// The fields of an object, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        let fields = if let Kind::Object(fields) = &self.kind { fields.as_slice() } else { &[] };
        fields.iter().map(|(name, shape)| (name.as_ref(), shape))
    }

    pub(super) fn has_secret(&self) -> bool {
        match &self.kind {
            Kind::Word(word) => word.starts_with("secret") || word.starts_with("password"),
            Kind::Object(fields) => fields.iter().any(|(_, shape)| shape.has_secret()),
            Kind::List(item) => item.has_secret(),
            Kind::OneOf(_) | Kind::Any => false,
        }
    }

    /// The attributes of a resource whose documents have this shape.
    pub fn attributes(&self) -> Value {
        Value::Object(self.members())
    }

    /// The definition of an attribute of this shape.
    pub fn notation(&self) -> Value {
        match &self.kind {
            Kind::Object(_) => {
                let mut out = Map::new();
                out.insert("$$type".to_owned(), Value::String(self.pipe("object", true)));
                out.extend(self.members());
                Value::Object(out)
            }
            Kind::List(item) => {
                let mut out = self.explicit("array");
                out.insert("items".to_owned(), item.notation());
                Value::Object(out)
            }
            Kind::OneOf(values) => {
                let plain = |value: &Cow<'_, str>| {
                    !value.is_empty() && !value.contains([',', '|', ':']) && value.trim() == value
                };
                if values.iter().all(plain) && self.is_plain() {
                    return Value::String(self.pipe(&format!("enum:{}", values.join(",")), false));
                }
                let mut out = self.explicit("enum");
                out.insert("values".to_owned(), json!(values));
                Value::Object(out)
            }
            Kind::Any => Value::String(self.pipe("json", false)),
            Kind::Word(word) if self.is_plain() => Value::String(self.pipe(word, false)),
            Kind::Word(word) => Value::Object(self.explicit(word)),
        }
    }

    fn members(&self) -> Map<String, Value> {
        let notation = |(name, shape): (&str, &Self)| {
            let mut notation = shape.notation();
            // `{"type": "number"}` would be the explicit form of a number.
            if name == "type"
                && let Value::String(text) = &mut notation
                && !text.contains('|')
            {
                text.push_str("|required");
            }
            (name.to_owned(), notation)
        };
        self.fields().map(notation).collect()
    }

    /// Whether all rules can stand in a pipe text.
    fn is_plain(&self) -> bool {
        self.rules.iter().all(|(_, value)| match value {
            Value::String(text) => !text.contains('|') && text.trim() == text && !text.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
            _ => false,
        })
    }

    fn pipe(&self, word: &str, says_required: bool) -> String {
        let mut out = word.to_owned();
        for (name, value) in &self.rules {
            match value {
                Value::Bool(true) => out.extend(["|", name]),
                Value::Bool(false) => out.extend(["|no-", name]),
                Value::String(text) => out.extend(["|", name, ":", text]),
                other => out.extend(["|", name, ":", &other.to_string()]),
            }
        }
        match self.optional {
            true => out.push_str("|optional"),
            false if says_required => out.push_str("|required"),
            false => {}
        }
        out
    }

    fn explicit(&self, word: &str) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("type".to_owned(), json!(word));
        out.extend(self.rules.iter().map(|(name, value)| (name.clone().into_owned(), value.clone())));
        if self.optional {
            out.insert("optional".to_owned(), json!(true));
        }
        out
    }
}
