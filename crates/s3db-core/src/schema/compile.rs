//! From the tree of a definition to the flat table that documents are checked with.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::messages;
use super::notation::{Node, Raw, join};
use super::problem::{Problems, did_you_mean};
use super::rules::{Rules, Uniqueness};
use super::run::{Field, Kind, Path, Run};
use super::types::choice::EqualRules;
use super::types::number::NumberRules;
use super::types::structure::{ArrayRules, FieldId, ObjectRules, Strict};
use super::types::text::{CLASSES, Pattern, Sanitise, TextRules};
use super::types::web::EmailRules;
use super::words::{Family, TYPES, TypeWord, format_word, type_word};
use super::{FieldInfo, Mode, pattern};

/// The table of a schema while it is made.
#[derive(Debug)]
pub(super) struct Compiler<'p> {
    pub(super) fields: Vec<Field>,
    pub(super) infos: Vec<FieldInfo>,
    /// Paths, and the names of the validators that look at them.
    pub(super) customs: Vec<(String, Arc<str>)>,
    pub(super) problems: &'p mut Problems,
}

impl Compiler<'_> {
    /// Compiles one node. The fields below it are already in the table when it is put there.
    pub(super) fn field(&mut self, name: &str, path: &str, node: &Node) -> Field {
        let (row, argument) = self.type_of(path, &node.word);
        let info = self.infos.len();
        if !path.is_empty() {
            self.infos.push(FieldInfo {
                path: path.to_owned(),
                type_word: node.word.clone(),
                optional: false,
                nullable: false,
                unique: false,
                unique_group: None,
                default: None,
                rules: Map::new(),
            });
        }
        let first = self.fields.len();
        let mut rules = Rules::new(path, node, row.family, self.problems);
        let optional = rules.flag("optional").unwrap_or(false);
        let nullable = rules.flag("nullable").unwrap_or(false);
        let mut field = Field {
            name: name.into(),
            kind: Kind::Any,
            optional,
            nullable,
            default: None,
            label: rules.text("label").map(Into::into),
            messages: rules.messages(),
            sensitive: row.sensitive,
            password: row.word.starts_with("password"),
            custom: rules.custom(),
        };
        if let Some(name) = &field.custom {
            self.customs.push((path.to_owned(), name.clone()));
        }
        let mut rules = Rules::new(path, node, row.family, self.problems);
        if rules.flag("required") == Some(false) {
            rules.problem("required", "`required:false` says nothing", "write `optional`");
        }
        field.kind = self.kind(path, node, row, argument);
        if let Kind::AnyOf(branches) = &field.kind {
            let branches = self.fields.get(branches.clone()).unwrap_or_default();
            field.optional |= branches.iter().all(|branch| branch.optional);
            field.nullable |= branches.iter().all(|branch| branch.nullable);
        }
        // A list of secrets is a secret too, also when it is not a list.
        field.sensitive |= self.fields.iter().skip(first).any(|child| child.sensitive);
        if field.sensitive && matches!(field.kind, Kind::AnyOf(_)) {
            // A secret that fits no type of its list fails with the errors of all of them.
            self.fields.iter_mut().skip(first).for_each(|branch| branch.sensitive = true);
        }
        if matches!(field.kind, Kind::Text(_)) && row.sensitive {
            secret_messages(&mut field, row.word);
        }
        let mut rules = Rules::new(path, node, row.family, self.problems);
        let unique = match row.family {
            // Of a list it says that its items differ.
            Family::Array => Uniqueness::No,
            _ => rules.uniqueness(field.sensitive || field.password),
        };
        field.default = self.default(path, node, row, &field);
        if let Some(info) = self.infos.get_mut(info).filter(|_| !path.is_empty()) {
            info.optional = field.optional;
            info.nullable = field.nullable;
            info.unique = unique != Uniqueness::No;
            info.unique_group = if let Uniqueness::Shared(name) = unique { Some(name) } else { None };
            info.default = field.default.clone().filter(|_| !field.sensitive);
            info.rules =
                node.rules.iter().filter_map(|(name, raw)| Some((name.clone(), raw.to_json()?))).collect();
        }
        field
    }

    fn type_of<'n>(&mut self, path: &str, word: &'n str) -> (&'static TypeWord, Option<&'n str>) {
        if let Some((row, argument)) = type_word(word) {
            if row.family != Family::Unsupported {
                return (row, argument);
            }
            self.problems.add(
                path,
                Some(word),
                format!("the type `{word}` needs code, which a stored schema cannot hold"),
                if word == "custom" {
                    "name a validator of the program beside a type: `any|custom:NAME`"
                } else {
                    "use `any` and check the value before the call"
                },
            );
        } else {
            let known = TYPES.iter().map(|row| row.word).filter(|word| !word.starts_with("geo-"));
            let hint = match word {
                "integer" | "int" => "write `number|integer`".to_owned(),
                "float" | "double" => "write `number`".to_owned(),
                "timestamp" => "write `datetime`".to_owned(),
                "" => "name a type first, such as `string`".to_owned(),
                _ => did_you_mean(word, known, "docs/schema.md lists all types"),
            };
            self.problems.add(path, Some(word), format!("unknown type `{word}`"), hint);
        }
        // Rules of a type that is not known cannot be judged.
        (&TYPES[0], None)
    }

    fn kind(&mut self, path: &str, node: &Node, row: &'static TypeWord, argument: Option<&str>) -> Kind {
        let known = type_word(&node.word).is_some_and(|(row, _)| row.family != Family::Unsupported);
        let mut rules = Rules::new(path, node, row.family, self.problems);
        if known {
            rules.check_words();
        }
        match row.family {
            Family::Any | Family::Json | Family::Unsupported => Kind::Any,
            Family::Text => Kind::Text(Box::new(text(&mut rules, node))),
            Family::Number => Kind::Number(Box::new(number(&mut rules, row.word, argument))),
            Family::Boolean => Kind::Boolean { convert: rules.flag("convert").unwrap_or(true) },
            Family::Email => Kind::Email(Box::new(EmailRules {
                precise: match rules.text("mode").as_deref() {
                    None | Some("quick") => false,
                    Some("precise") => true,
                    Some(other) => {
                        rules.problem("mode", format!("unknown mode `{other}`"), "known: `quick`, `precise`");
                        false
                    }
                },
                normalize: rules.flag("normalize").unwrap_or(false),
                empty: rules.flag("empty").unwrap_or(false),
                min: rules.count("min"),
                max: rules.count("max"),
            })),
            Family::Url => Kind::Url { empty: rules.flag("empty").unwrap_or(false) },
            Family::Uuid => Kind::Uuid {
                version: match rules.count("version") {
                    Some(version @ 1..=8) => u8::try_from(version).ok(),
                    None => None,
                    Some(other) => {
                        rules.problem(
                            "version",
                            format!("there is no UUID version {other}"),
                            "versions are 1 to 8",
                        );
                        None
                    }
                },
            },
            Family::Enum => one_of(&mut rules, argument),
            Family::Equal => equal(&mut rules, node),
            Family::Forbidden => Kind::Forbidden { remove: rules.flag("remove").unwrap_or(false) },
            Family::Format => {
                rules.flag("convert");
                rules.decimals(argument);
                let name = if row.word == "geo-point" { "geo:point" } else { row.word };
                format_word(name).map_or(Kind::Any, Kind::Format)
            }
            Family::Bits => Kind::Bits(rules.argument(argument)),
            Family::Array => self.array(path, node, row, argument),
            Family::Object => self.object(path, node),
            Family::Tuple => {
                let empty = rules.flag("empty");
                Kind::Tuple { items: self.rows(path, node, "items"), empty }
            }
            Family::Record => Kind::Record {
                key: self.rows(path, node, "key").next(),
                value: self.rows(path, node, "value").next(),
            },
            Family::Multi => {
                let branches = self.rows(path, node, "rules");
                if branches.is_empty() {
                    let hint = "write {\"type\":\"multi\",\"rules\":[…]}, or just the list";
                    self.problems.add(path, Some("rules"), "`multi` names no types", hint);
                    return Kind::Any;
                }
                Kind::AnyOf(branches)
            }
        }
    }

    fn array(&mut self, path: &str, node: &Node, row: &TypeWord, argument: Option<&str>) -> Kind {
        let embedding = row.word == "embedding";
        let mut rules = Rules::new(path, node, row.family, self.problems);
        let mut array = ArrayRules {
            convert: rules.flag("convert").unwrap_or(false),
            empty: rules.flag("empty").or(embedding.then_some(false)),
            min: rules.count("min"),
            max: rules.count("max"),
            length: rules.count("length").or_else(|| rules.argument(argument)),
            contains: rules.value("contains"),
            unique: rules.flag("unique").unwrap_or(false),
            one_of: rules.list("enum"),
            items: None,
        };
        let number = Node::number();
        array.items = match node.rule("items") {
            Some(Raw::Nodes(_)) => self.rows(path, node, "items").next(),
            _ if embedding => Some(self.append(vec![number], path, "items")).and_then(|mut rows| rows.next()),
            _ => None,
        };
        Kind::Array(Box::new(array))
    }

    pub(super) fn object(&mut self, path: &str, node: &Node) -> Kind {
        let mut rules = Rules::new(path, node, Family::Object, self.problems);
        let (min, max) = (rules.count("minProps"), rules.count("maxProps"));
        let strict = rules.strict();
        let Some(props) = &node.props else {
            return Kind::Object(Box::new(ObjectRules { children: None, strict: Strict::Keep, min, max }));
        };
        let mut seen: HashSet<Box<str>> = HashSet::new();
        let fields: Vec<Field> = props
            .iter()
            .map(|(name, child)| {
                seen.insert(name.as_str().into());
                self.field(name, &join(path, name), child)
            })
            .collect();
        let start = self.fields.len();
        self.fields.extend(fields);
        Kind::Object(Box::new(ObjectRules {
            children: Some(start..self.fields.len()),
            strict: match strict {
                None => Strict::Keep,
                Some(true) => Strict::Reject(seen),
                Some(false) => Strict::Remove(seen),
            },
            min,
            max,
        }))
    }

    /// Puts the definitions of the rule `name` into the table.
    fn rows(&mut self, path: &str, node: &Node, name: &str) -> std::ops::Range<FieldId> {
        let Some(Raw::Nodes(nodes)) = node.rule(name) else {
            return 0..0;
        };
        let refs: Vec<&Node> = nodes.iter().collect();
        self.append_refs(&refs, path, name)
    }

    fn append(&mut self, nodes: Vec<Node>, path: &str, name: &str) -> std::ops::Range<FieldId> {
        let refs: Vec<&Node> = nodes.iter().collect();
        self.append_refs(&refs, path, name)
    }

    fn append_refs(&mut self, nodes: &[&Node], path: &str, name: &str) -> std::ops::Range<FieldId> {
        let path = if name == "rules" { path.to_owned() } else { format!("{path}[]") };
        let fields: Vec<Field> = nodes
            .iter()
            .map(|node| {
                let before = self.infos.len();
                let field = self.field("", &path, node);
                if name != "items" || nodes.len() > 1 {
                    // The types of a list share one path; the list itself is what a reader asks for.
                    self.infos.truncate(before);
                }
                field
            })
            .collect();
        let start = self.fields.len();
        self.fields.extend(fields);
        start..self.fields.len()
    }

    /// The default as it will be written: converted and sanitised by the field's own rules.
    fn default(&mut self, path: &str, node: &Node, row: &TypeWord, field: &Field) -> Option<Value> {
        let mut value = match node.rule("default")? {
            Raw::Json(Value::Null) => return None,
            Raw::Json(value) => value.clone(),
            Raw::Text(text) => text_default(text, row.family),
            Raw::Flag(_) | Raw::Nodes(_) => {
                self.problems.add(
                    path,
                    Some("default"),
                    "rule `default` needs a value",
                    "write `default:value`",
                );
                return None;
            }
        };
        let mut run =
            Run { fields: &self.fields, mode: Mode::Insert, errors: Vec::new(), pending: Vec::new() };
        run.check(field, &mut value, &Path::ROOT.key(&field.name));
        let Some(error) = run.errors.first() else {
            return Some(value);
        };
        let message = format!("the default breaks the rule `{}`", error.rule);
        self.problems.add(path, Some("default"), message, "give a default that the attribute accepts");
        None
    }
}

/// The default of a pipe text, which has no types of its own.
fn text_default(text: &str, family: Family) -> Value {
    match family {
        Family::Json | Family::Array | Family::Object | Family::Record | Family::Tuple => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        // A date may be given as milliseconds.
        Family::Format => super::types::number::from_text(text)
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()) && text.len() > 4)
            .and_then(super::types::number::to_json)
            .unwrap_or_else(|| text.into()),
        _ => text.into(),
    }
}

fn text(rules: &mut Rules<'_, '_>, node: &Node) -> TextRules {
    let mut sanitise = Vec::new();
    if rules.flag("trim").unwrap_or(true) {
        sanitise.push(Sanitise::Trim);
    }
    if rules.flag("trimLeft").unwrap_or(false) {
        sanitise.push(Sanitise::TrimLeft);
    }
    if rules.flag("trimRight").unwrap_or(false) {
        sanitise.push(Sanitise::TrimRight);
    }
    let fill = rules.text("padChar").filter(|fill| !fill.is_empty()).unwrap_or_else(|| " ".to_owned());
    if let Some(width) = rules.count("padStart") {
        sanitise.push(Sanitise::PadStart(width, fill.clone()));
    }
    if let Some(width) = rules.count("padEnd") {
        sanitise.push(Sanitise::PadEnd(width, fill));
    }
    for (rule, step) in [
        ("lowercase", Sanitise::Lowercase),
        ("uppercase", Sanitise::Uppercase),
        ("localeLowercase", Sanitise::Lowercase),
        ("localeUppercase", Sanitise::Uppercase),
    ] {
        if rules.flag(rule) == Some(true) {
            sanitise.push(step);
        }
    }
    let formats = node
        .rules
        .iter()
        .filter_map(|(name, _)| format_word(name))
        .filter(|format| rules.flag(format.word) == Some(true))
        .collect();
    TextRules {
        convert: rules.flag("convert").unwrap_or(false),
        sanitise,
        empty: rules.flag("empty"),
        min: rules.count("min"),
        max: rules.count("max"),
        length: rules.count("length"),
        pattern: user_pattern(rules),
        contains: rules.text("contains"),
        one_of: rules.list("enum"),
        classes: CLASSES.iter().filter(|class| rules.flag(class.rule) == Some(true)).collect(),
        formats,
    }
}

fn user_pattern(rules: &mut Rules<'_, '_>) -> Option<Pattern> {
    let flags = rules.text("patternFlags").unwrap_or_default();
    let source = rules.text("pattern")?;
    match pattern::compile(&source, &flags) {
        Ok(regex) => Some(Pattern { regex, shown: format!("/{source}/{flags}") }),
        Err(reason) => {
            rules.problem(
                "pattern",
                format!("the pattern `{source}` cannot be used: {reason}"),
                "patterns run in linear time: no look-around, no back-references",
            );
            None
        }
    }
}

fn number(rules: &mut Rules<'_, '_>, word: &str, argument: Option<&str>) -> NumberRules {
    rules.decimals(argument);
    let (low, high) = match word {
        "money" | "crypto" => (Some(0.0), None),
        "geo:lat" | "geo-lat" => (Some(-90.0), Some(90.0)),
        "geo:lon" | "geo-lon" => (Some(-180.0), Some(180.0)),
        _ => (None, None),
    };
    NumberRules {
        convert: rules.flag("convert").unwrap_or(true),
        min: rules.number("min").or(low),
        max: rules.number("max").or(high),
        equal: rules.number("equal"),
        not_equal: rules.number("notEqual"),
        integer: rules.flag("integer").unwrap_or(false),
        positive: rules.flag("positive").unwrap_or(false),
        negative: rules.flag("negative").unwrap_or(false),
    }
}

fn one_of(rules: &mut Rules<'_, '_>, argument: Option<&str>) -> Kind {
    let inline = argument.map(|text| Raw::Text(text.to_owned())).and_then(|raw| raw.list());
    match rules.list("values").or(inline) {
        Some(values) if !values.is_empty() => Kind::Enum(values),
        _ => {
            rules.problem(
                "values",
                "the enum has no values",
                "write `enum:a,b,c` or {\"type\":\"enum\",\"values\":[…]}",
            );
            Kind::Any
        }
    }
}

fn equal(rules: &mut Rules<'_, '_>, node: &Node) -> Kind {
    let field = rules.text("field");
    let value = rules.value("value");
    if field.is_none() && node.rule("value").is_none() {
        rules.problem("equal", "`equal` compares with nothing", "give `value` or `field`");
        return Kind::Any;
    }
    Kind::Equal(Box::new(EqualRules {
        field,
        value: value.unwrap_or_default(),
        strict: rules.flag("strict").unwrap_or(false),
    }))
}

/// The sentences that s3db.js has for a secret that is too short.
fn secret_messages(field: &mut Field, word: &str) {
    let name = if word.starts_with("password") { "password" } else { "secret" };
    if !field.messages.iter().any(|(code, _)| &**code == "stringMin") {
        let text = format!("This {name} '{{field}}' field length must be at least {{expected}} long.");
        field.messages.push(("stringMin".into(), text.into()));
    }
    debug_assert!(messages::is_code("stringMin"));
}
