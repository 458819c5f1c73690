//! Which references of a partition hold what is looked for: ranges of keys, and what of a key must be checked.

use super::{Keys, Partition, fits, normalize_prefix, partition};
use crate::{Document, Result};

/// Most ranges of keys that one lookup lists; values beyond are checked key by key.
const RANGES_MAX: usize = 16;

/// What a field of a partition must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// One of these texts, as they stand in keys.
    OneOf(Vec<String>),
    /// A text from the first to the last, both included, in the order of UTF-8 bytes.
    Between(String, String),
}

/// A run of keys: those that start with a prefix, are after one key and before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// What each key starts with.
    pub prefix: String,
    /// Keys come after this one.
    pub after: Option<String>,
    /// Keys come before this one.
    pub before: Option<String>,
}

/// The references of one partition that are looked for.
///
/// The first fields of the key, as far as they are given, become list prefixes; the others are checked in each listed
/// key, so that any set of fields finds what it should.
///
/// ```
/// use s3db_core::key::{Keys, Lookup, Partition};
/// use serde_json::json;
///
/// let keys = Keys::new("");
/// let by_place = Partition::parse("byPlace", &json!({ "fields": { "country": "string", "city": "string" } }))?;
/// let values = json!({ "city": "Lisbon" });
/// let lookup = Lookup::of_values(&by_place, &keys, "users", values.as_object().unwrap())?;
/// assert_eq!(lookup.ranges()[0].prefix, "resource=users/partition=byPlace/city=Lisbon/");
/// assert!(lookup.matches("resource=users/partition=byPlace/city=Lisbon/country=PT/id=u1"));
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    head: String,
    /// What stands before each value of a key, then before the id: `city=`, `/country=`, `/id=`.
    marks: Vec<String>,
    wanted: Vec<Option<Wanted>>,
    ranges: Vec<KeyRange>,
    whole: bool,
}

impl Lookup {
    /// The references that have these values, which pass through the rules of their fields first. None at all finds
    /// the whole partition.
    ///
    /// # Errors
    /// `Validation` for a field that the partition lacks, naming those it has, and for a value that would leave the
    /// partition. Values with a `/` inside find what s3db.js wrote for them.
    pub fn of_values(partition: &Partition, keys: &Keys, resource: &str, values: &Document) -> Result<Self> {
        let unknown = values.keys().find(|path| !partition.fields.iter().any(|field| field.path == **path));
        if let Some(unknown) = unknown {
            return Err(partition.bad_lookup("the partition has no such field").with("field", unknown));
        }
        let wanted = partition.fields.iter().map(|field| {
            let value = values.get(&field.path).filter(|value| !value.is_null())?;
            Some(Wanted::OneOf(vec![field.text_in_key(value)]))
        });
        let found = Self::new(partition, keys, resource, wanted.collect())?;
        found.ok_or_else(|| partition.bad_lookup("a value would leave the partition"))
    }

    /// The references that have what is wanted of each field, in key order; `None` when a value would leave the
    /// partition.
    ///
    /// # Errors
    /// `TooLarge` when a prefix passes the limit of keys.
    pub fn new(
        partition: &Partition,
        keys: &Keys,
        resource: &str,
        wanted: Vec<Option<Wanted>>,
    ) -> Result<Option<Self>> {
        let head = keys.partitions(resource, Some(&partition.name))?;
        let mut marks: Vec<String> =
            partition.fields.iter().map(|field| format!("/{}=", field.path)).collect();
        if let Some(first) = marks.first_mut() {
            first.remove(0);
        }
        marks.push("/id=".to_owned());

        let mut tails = vec![String::new()];
        let mut bound = 0;
        let mut between = None;
        for (field, wanted) in partition.fields.iter().zip(&wanted) {
            match wanted {
                Some(Wanted::OneOf(texts)) if tails.len() * texts.len() <= RANGES_MAX => {
                    let longer = |tail: &String| {
                        let segment = |text: &String| format!("{tail}{}={text}/", field.path);
                        texts.iter().map(segment).collect::<Vec<_>>()
                    };
                    tails = tails.iter().flat_map(longer).collect();
                    bound += 1;
                    continue;
                }
                Some(Wanted::Between(low, high)) => {
                    between = Some((format!("{}={low}", field.path), format!("{}={high}", field.path)));
                }
                _ => {}
            }
            break;
        }
        let whole = bound == partition.fields.len();
        let mut ranges = Vec::with_capacity(tails.len());
        for tail in tails {
            let Some(prefix) = partition.contained(keys, resource, &tail) else {
                return Ok(None);
            };
            let prefix = fits(prefix + if whole { "/id=" } else { "/" })?;
            // `0` is the character after `/`, with which a value ends.
            let bounds =
                between.as_ref().map(|(low, high)| (format!("{prefix}{low}"), format!("{prefix}{high}0")));
            let (after, before) = bounds.unzip();
            ranges.push(KeyRange { prefix, after, before });
        }
        ranges.sort_by(|a, b| a.prefix.cmp(&b.prefix));
        ranges.dedup();
        let wanted = wanted.into_iter().zip(&partition.fields).map(|(wanted, field)| match wanted {
            Some(Wanted::OneOf(texts)) => {
                Some(Wanted::OneOf(texts.iter().map(|text| as_stored(&field.path, text)).collect()))
            }
            other => other,
        });
        Ok(Some(Self { head, marks, wanted: wanted.collect(), ranges, whole }))
    }

    /// The runs of keys to list, in order and apart from each other.
    pub fn ranges(&self) -> &[KeyRange] {
        &self.ranges
    }

    /// Whether every field is given, so that each run holds its references in the order of their ids.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// The id and the values of a reference, the values in key order; `None` for a key of another form, such as those
    /// that s3db.js makes of values with `..` in them.
    pub fn parse<'k>(&self, key: &'k str) -> Option<(&'k str, Vec<&'k str>)> {
        let (rest, id) = key.strip_prefix(&self.head)?.rsplit_once("/id=")?;
        if id.is_empty() || id.contains('/') {
            return None;
        }
        let mut values = Vec::with_capacity(self.wanted.len());
        let mut marks = self.marks.iter();
        let mut rest = rest.strip_prefix(marks.next()?.as_str())?;
        for mark in marks.take(self.wanted.len().saturating_sub(1)) {
            let (value, behind) = rest.split_once(mark.as_str())?;
            values.push(value);
            rest = behind;
        }
        values.push(rest);
        Some((id, values))
    }

    /// The id at the end of any key of the partition.
    pub fn id_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let id = key.strip_prefix(&self.head)?.rsplit('/').next()?.strip_prefix("id=")?;
        (!id.is_empty()).then_some(id)
    }

    /// Whether a reference is one of those that are looked for.
    pub fn matches(&self, key: &str) -> bool {
        match self.parse(key) {
            Some((_, values)) => self.wants(&values),
            None => self.ranges.iter().any(|range| range.holds(key)),
        }
    }

    /// Whether values, in key order, are what is wanted.
    pub fn wants(&self, values: &[&str]) -> bool {
        self.wanted.iter().zip(values).all(|(wanted, value)| match wanted {
            None => true,
            Some(Wanted::OneOf(texts)) => texts.iter().any(|text| text == value),
            Some(Wanted::Between(low, high)) => (low.as_str()..=high.as_str()).contains(value),
        })
    }

    /// What is wanted of each field, in key order.
    pub fn wanted(&self) -> &[Option<Wanted>] {
        &self.wanted
    }
}

impl KeyRange {
    fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
            && self.after.as_deref().is_none_or(|after| key > after)
            && self.before.as_deref().is_none_or(|before| key < before)
    }
}

impl partition::PartitionField {
    /// The text of a value in a key, after the rule.
    pub fn text_in_key(&self, value: &serde_json::Value) -> String {
        partition::js_text(&self.ruled(value)).into_owned()
    }
}

/// A text as a POSIX path join leaves it inside its segment, which is how s3db.js stores it.
fn as_stored(path: &str, text: &str) -> String {
    if !text.contains('/') {
        return text.to_owned();
    }
    let joined = normalize_prefix(&format!("{path}={text}"));
    joined.strip_prefix(path).and_then(|rest| rest.strip_prefix('=')).map_or(text, |text| text).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn lookup(values: Value) -> Result<Lookup> {
        let partition = Partition::parse(
            "p",
            &json!({"fields": {"a": "string", "b": "string|maxlength:2", "c": "number"}}),
        )?;
        Lookup::of_values(&partition, &Keys::new("db"), "r", values.as_object().unwrap())
    }

    fn check(values: Value, prefix: &str, keys: &[&str]) {
        let lookup = lookup(values.clone()).unwrap();
        let [range] = lookup.ranges() else { panic!("{lookup:?}") };
        assert_eq!(range.prefix, format!("db/resource=r/partition=p/{prefix}"), "{values}");
        for key in ["a=US/b=xy/c=1/id=1", "a=USA/b=xy/c=1/id=2", "a=US/x/b=xy/c=1/id=3", "a=US/b=zz/c=1/id=4"]
        {
            let whole = format!("db/resource=r/partition=p/{key}");
            assert_eq!(lookup.matches(&whole), keys.contains(&&key[key.len() - 1..]), "{values}: {key}");
        }
    }

    #[test]
    fn any_set_of_fields_finds_its_references_and_no_value_finds_a_longer_one() {
        check(json!({}), "", &["1", "2", "3", "4"]);
        check(json!({"a": "US"}), "a=US/", &["1", "4"]);
        check(json!({"a": "US/x"}), "a=US/x/", &["3"]);
        check(json!({"a": "US", "b": "xyz"}), "a=US/b=xy/", &["1"]);
        check(json!({"a": "US", "b": "xyz", "c": 1.0}), "a=US/b=xy/c=1/id=", &["1"]);
        check(json!({"b": "xy"}), "", &["1", "2", "3"]);
        check(json!({"a": "US", "c": 1}), "a=US/", &["1", "4"]);
        check(json!({"a": null, "c": 2}), "", &[]);
    }

    #[test]
    fn a_wrong_lookup_says_which_fields_there_are() {
        let error = lookup(json!({"d": 1})).unwrap_err();
        assert_eq!(error.to_string(), "the partition has no such field partition=p field=d");
        assert_eq!(error.suggestion(), Some("the fields of the partition are, in key order: a, b, c"));
        let error = lookup(json!({"a": "x/../../../data"})).unwrap_err();
        assert_eq!(error.message(), "a value would leave the partition");
    }
}
