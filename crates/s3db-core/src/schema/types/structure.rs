//! Arrays, tuples, records, objects and lists of types.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::{Map, Value};

use super::super::run::{Path, Report, Run};
use super::choice::same;

/// Index of a field in the table of a schema.
pub(crate) type FieldId = usize;

/// What happens to keys that an object does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Strict {
    Keep,
    Remove(HashSet<Box<str>>),
    Reject(HashSet<Box<str>>),
}

/// The rules of an object.
#[derive(Debug)]
pub(crate) struct ObjectRules {
    /// Declared fields; `None` when the object declares none and takes any.
    pub(crate) children: Option<Range<FieldId>>,
    pub(crate) strict: Strict,
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
}

/// The rules of an array.
#[derive(Debug, Default)]
pub(crate) struct ArrayRules {
    pub(crate) convert: bool,
    pub(crate) empty: Option<bool>,
    pub(crate) min: Option<usize>,
    pub(crate) max: Option<usize>,
    pub(crate) length: Option<usize>,
    pub(crate) contains: Option<Value>,
    pub(crate) unique: bool,
    pub(crate) one_of: Option<Vec<Value>>,
    pub(crate) items: Option<FieldId>,
}

impl ObjectRules {
    pub(crate) fn apply(
        &self,
        value: &mut Value,
        path: &Path<'_>,
        run: &mut Run<'_>,
        report: &mut Report<'_>,
    ) {
        match value {
            Value::Object(map) => self.apply_map(map, path, run, report),
            _ => report.fail("object", None, Some(value)),
        }
    }

    pub(crate) fn apply_map(
        &self,
        map: &mut Map<String, Value>,
        path: &Path<'_>,
        run: &mut Run<'_>,
        report: &mut Report<'_>,
    ) {
        if let Some(children) = &self.children {
            // Documents mostly have their fields in the order of the schema: one walk over both finds those without a
            // look-up.
            let mut next = children.start;
            for (key, value) in map.iter_mut() {
                if next < children.end && run.in_order(next, key, value, path) {
                    next += 1;
                }
            }
            for id in next..children.end {
                run.member(id, map, path);
            }
        }
        match &self.strict {
            Strict::Keep => {}
            Strict::Remove(known) => map.retain(|key, _| known.contains(key.as_str()) || is_id(path, key)),
            Strict::Reject(known) => {
                let unknown: Vec<&str> = map
                    .keys()
                    .map(String::as_str)
                    .filter(|key| !known.contains(*key) && !is_id(path, key))
                    .collect();
                if !unknown.is_empty() {
                    let mut names: Vec<&str> = known.iter().map(|name| &**name).collect();
                    names.sort_unstable();
                    report.fail(
                        "objectStrict",
                        Some(names.join(", ").into()),
                        Some(&unknown.join(", ").into()),
                    );
                }
            }
        }
        count(map.len(), self.min, "objectMinProps", self.max, "objectMaxProps", report);
    }
}

/// The id of a document is not an unknown key.
fn is_id(path: &Path<'_>, key: &str) -> bool {
    path.is_root() && key == "id"
}

fn count(
    len: usize,
    min: Option<usize>,
    min_code: &'static str,
    max: Option<usize>,
    max_code: &'static str,
    report: &mut Report<'_>,
) {
    if let Some(min) = min.filter(|min| len < *min) {
        report.fail(min_code, Some(min.into()), Some(&len.into()));
    }
    if let Some(max) = max.filter(|max| len > *max) {
        report.fail(max_code, Some(max.into()), Some(&len.into()));
    }
}

impl ArrayRules {
    pub(crate) fn apply(
        &self,
        value: &mut Value,
        path: &Path<'_>,
        run: &mut Run<'_>,
        report: &mut Report<'_>,
    ) {
        if self.convert && !value.is_array() {
            *value = Value::Array(vec![value.take()]);
        }
        let Value::Array(items) = value else {
            report.fail("array", None, Some(value));
            return;
        };
        if self.empty == Some(false) && items.is_empty() {
            report.fail("arrayEmpty", None, Some(&Value::Array(Vec::new())));
        }
        count(items.len(), self.min, "arrayMin", self.max, "arrayMax", report);
        if let Some(length) = self.length.filter(|length| items.len() != *length) {
            report.fail("arrayLength", Some(length.into()), Some(&items.len().into()));
        }
        self.check_members(items, report);
        if let Some(id) = self.items {
            run.items(id, items, path);
        }
    }

    fn check_members(&self, items: &[Value], report: &mut Report<'_>) {
        if let Some(wanted) = &self.contains
            && !items.iter().any(|item| same(item, wanted))
        {
            report.fail("arrayContains", Some(wanted.clone()), Some(&items.to_vec().into()));
        }
        if self.unique {
            let twice = duplicates(items);
            if !twice.is_empty() {
                report.fail("arrayUnique", Some(twice.into()), Some(&items.to_vec().into()));
            }
        }
        if let Some(allowed) = &self.one_of {
            for item in items {
                if !allowed.iter().any(|one| same(one, item)) {
                    report.fail("arrayEnum", Some(allowed.clone().into()), Some(item));
                }
            }
        }
    }
}

/// Scalars that occur more than once. Lists and objects count as different, as they do in JavaScript.
fn duplicates(items: &[Value]) -> Vec<Value> {
    let mut seen = HashSet::with_capacity(items.len());
    let mut twice: Vec<Value> = Vec::new();
    for item in items.iter().filter(|item| !item.is_array() && !item.is_object()) {
        let key = match item {
            Value::Number(number) => super::number::number_text(number),
            other => other.to_string(),
        };
        if !seen.insert(key) && !twice.iter().any(|one| same(one, item)) {
            twice.push(item.clone());
        }
    }
    twice
}

/// Checks a list of fixed length whose items have a type each.
pub(crate) fn tuple(
    fields: &Range<FieldId>,
    empty: Option<bool>,
    value: &mut Value,
    path: &Path<'_>,
    run: &mut Run<'_>,
    report: &mut Report<'_>,
) {
    let Value::Array(items) = value else {
        report.fail("tuple", None, Some(value));
        return;
    };
    match empty {
        Some(false) if items.is_empty() => {
            report.fail("tupleEmpty", None, Some(&Value::Array(Vec::new())));
            return;
        }
        _ if items.is_empty() || fields.is_empty() => return,
        _ => {}
    }
    if items.len() != fields.len() {
        report.fail("tupleLength", Some(fields.len().into()), Some(&items.len().into()));
        return;
    }
    for (i, (id, item)) in fields.clone().zip(items).enumerate() {
        run.item(id, item, &path.item(i));
    }
}

/// Checks an object whose keys are free and whose values have one type.
pub(crate) fn record(
    key: Option<FieldId>,
    inner: Option<FieldId>,
    value: &mut Value,
    path: &Path<'_>,
    run: &mut Run<'_>,
    report: &mut Report<'_>,
) {
    let Value::Object(map) = value else {
        report.fail("record", None, Some(value));
        return;
    };
    let mut out = Map::with_capacity(map.len());
    for (name, mut member) in std::mem::take(map) {
        let mut text = Value::String(name);
        {
            let shown = text.as_str().unwrap_or_default().to_owned();
            let path = path.key(&shown);
            if let Some(id) = key {
                run.item(id, &mut text, &path);
            }
            if let Some(id) = inner {
                run.item(id, &mut member, &path);
            }
        }
        if let Value::String(name) = text {
            out.insert(name, member);
        }
    }
    *map = out;
}

/// Takes the first type of `branches` that fits; fails with the errors of all when none does.
pub(crate) fn any_of(branches: &Range<FieldId>, value: &mut Value, path: &Path<'_>, run: &mut Run<'_>) {
    let before = run.errors.len();
    let pending = run.pending.len();
    let mut collected = Vec::new();
    for id in branches.clone() {
        let mut attempt = value.clone();
        run.item(id, &mut attempt, path);
        if run.errors.len() == before {
            *value = attempt;
            return;
        }
        collected.extend(run.errors.drain(before..));
        run.pending.truncate(pending);
    }
    run.errors.extend(collected);
}
