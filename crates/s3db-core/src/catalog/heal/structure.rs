//! Repairs of the structure of a catalogue.

use serde_json::{Map, Value};

use super::super::upsert::{stored_hash, version_number};
use super::super::{Catalog, FORMAT_RELEASE, edit_object};
use super::{Loss, Mended, PRIVATE_MEMBER, corrupt, kind_of};
use crate::Result;

/// What a repair says that loses nothing.
const NULL_HOOKS: &str = " null hooks removed";

/// Mends the structure of a catalogue whose text could be read.
pub(super) fn mend(
    mut root: Map<String, Value>,
    now: &str,
    loss: Loss,
    has_gaps: bool,
    mended: &mut Vec<Mended>,
) -> Result<Catalog> {
    let known = ["version", "s3dbVersion", "resources"].iter().any(|name| root.contains_key(*name));
    if !known && loss == Loss::Refuse {
        return Err(corrupt("the object is JSON, but no catalogue: it has neither a version nor resources"));
    }
    let mended_before = mended.len();
    mend_text(&mut root, "version", "1", mended);
    mend_text(&mut root, "s3dbVersion", FORMAT_RELEASE, mended);
    mend_text(&mut root, "lastUpdated", now, mended);
    let mut aside = Map::new();
    match root.get("resources") {
        Some(Value::Object(_)) => {}
        found => {
            let lost = found.is_some_and(|value| !is_empty(value));
            if lost && loss == Loss::Refuse {
                return Err(corrupt("the resources of the catalogue are not an object"));
            }
            let was = found.map_or("missing", kind_of);
            mended.push(Mended::new(format!("was {was}: an empty object takes its place"), "resources"));
            if let Some(value) = found.filter(|_| lost) {
                aside.insert("resources".into(), value.clone());
            }
            root.insert("resources".into(), Map::new().into());
        }
    }
    edit_object(&mut root, "resources", |resources| {
        let names = resources.keys().cloned().collect::<Vec<_>>();
        for name in names {
            let at = format!("resources.{name}");
            let sound = match resources.get_mut(&name) {
                Some(Value::Object(entry)) => mend_resource(entry, &at, mended),
                _ => false,
            };
            if !sound && let Some(entry) = resources.shift_remove(&name) {
                let what = "has no usable definition: kept aside, its objects stay in the bucket";
                mended.push(Mended::new(what, at));
                aside.insert(name, entry);
            }
        }
    });
    if has_gaps && loss == Loss::Refuse {
        let lost = mended.iter().skip(mended_before).find(|mended| !is_harmless(&root, mended));
        if let Some(at) = aside.keys().next().or(lost.map(|mended| &mended.at)) {
            let message = "the catalogue is damaged, and a part of it is lost";
            return Err(corrupt(message).with("at", at));
        }
        check_whole(&root)?;
    }
    if !aside.is_empty() {
        edit_object(&mut root, PRIVATE_MEMBER, |private| {
            edit_object(private, "aside", |kept| kept.extend(aside));
        });
    }
    if !mended.is_empty() {
        root.insert("lastUpdated".into(), now.into());
    }
    Catalog::from_json(root.into())
}

/// Makes a member a text. A number becomes its text, anything else the default.
fn mend_text(root: &mut Map<String, Value>, name: &str, default: &str, mended: &mut Vec<Mended>) {
    let (what, text) = match root.get(name) {
        Some(Value::String(text)) if !text.is_empty() => return,
        Some(Value::Number(number)) => ("was a number", number.to_string()),
        Some(other) => (if other.is_string() { "was empty" } else { "was no text" }, default.to_owned()),
        None => ("was missing", default.to_owned()),
    };
    mended.push(Mended::new(format!("{what}: now `{text}`"), name));
    root.insert(name.into(), text.into());
}

/// Whether the entry can be used, after repair.
fn mend_resource(entry: &mut Map<String, Value>, at: &str, mended: &mut Vec<Mended>) -> bool {
    let Some(versions) = entry.get("versions").and_then(Value::as_object) else {
        return false;
    };
    let usable =
        |name: &str| versions.get(name).and_then(|data| data.get("attributes")).is_some_and(Value::is_object);
    let current = entry.get("currentVersion").and_then(Value::as_str).filter(|name| usable(name));
    let current = match current {
        Some(current) => current.to_owned(),
        None => {
            let best = versions.keys().filter(|name| usable(name)).max_by_key(|name| version_number(name));
            let Some(best) = best.cloned() else { return false };
            let was =
                entry.get("currentVersion").map_or("missing".to_owned(), |was| format!("{was}, not usable"));
            let what = format!("was {was}: now `{best}`");
            mended.push(Mended::new(what, format!("{at}.currentVersion")));
            entry.insert("currentVersion".into(), best.as_str().into());
            best
        }
    };
    if !entry.get("partitions").is_some_and(Value::is_object) {
        let of_version = entry.get("versions").and_then(|v| v.get(&current)?.get("partitions")).cloned();
        let was = entry.get("partitions").map_or("missing", kind_of);
        mended.push(Mended::new(format!("was {was}: taken from the version"), format!("{at}.partitions")));
        let partitions = of_version.filter(Value::is_object).unwrap_or_else(|| Map::new().into());
        entry.insert("partitions".into(), partitions);
    }
    edit_object(entry, "versions", |versions| {
        if let Some(Value::Object(data)) = versions.get_mut(&current) {
            mend_hooks(data, &format!("{at}.versions.{current}.hooks"), mended);
        }
    });
    true
}

/// Takes null handlers out. Old releases wrote a list of functions per event, later ones a summary with a count.
fn mend_hooks(data: &mut Map<String, Value>, at: &str, mended: &mut Vec<Mended>) {
    let Some(hooks) = data.get_mut("hooks") else {
        return;
    };
    let Value::Object(events) = hooks else {
        mended.push(Mended::new(format!("was {}: now an empty object", kind_of(hooks)), at));
        *hooks = Map::new().into();
        return;
    };
    let useless = |handler: &Value| handler.is_null() || handler.as_str() == Some("");
    let names = events.keys().cloned().collect::<Vec<_>>();
    for name in names {
        let event = events.get_mut(&name);
        let in_summary = matches!(&event, Some(Value::Object(_)));
        let handlers = event.and_then(|event| match event {
            Value::Array(handlers) => Some(handlers),
            Value::Object(summary) => summary.get_mut("handlers").and_then(Value::as_array_mut),
            _ => None,
        });
        let at = format!("{at}.{name}");
        let Some(handlers) = handlers else {
            mended.push(Mended::new("was neither a list nor a summary of hooks: removed", at));
            events.shift_remove(&name);
            continue;
        };
        let before = handlers.len();
        handlers.retain(|handler| !useless(handler));
        let left = handlers.len();
        if left == before {
            continue;
        }
        mended.push(Mended::new(format!("{}{NULL_HOOKS}", before - left), at));
        if let (true, Some(Value::Object(summary))) = (in_summary, events.get_mut(&name)) {
            summary.insert("count".into(), left.into());
        }
    }
}

/// Whether a repair beside gaps in the text is no sign of more that is lost. A `currentVersion` that points nowhere is
/// none when the registry, which comes after the versions, is whole.
fn is_harmless(root: &Map<String, Value>, mended: &Mended) -> bool {
    let resource = mended.at.strip_prefix("resources.").and_then(|at| at.strip_suffix(".currentVersion"));
    let entry = resource.and_then(|name| root.get("resources")?.get(name));
    mended.what.ends_with(NULL_HOOKS) || mended.at == "lastUpdated" || entry.is_some_and(has_whole_registry)
}

/// Whether the registry of a resource has its first and its last member.
fn has_whole_registry(entry: &Value) -> bool {
    let registry = entry.get("schemaRegistry");
    ["mapping", "burned"].iter().all(|part| registry.is_some_and(|registry| registry.get(part).is_some()))
}

/// After gaps in the text, a definition that carries a hash must still have it, and its resource the registry that
/// s3db.js has written beside every hash since 19.2: without it, old documents could be read under wrong names.
fn check_whole(root: &Map<String, Value>) -> Result<()> {
    let has_registries = release(root) >= (19, 2);
    for (name, entry) in root.get("resources").and_then(Value::as_object).into_iter().flatten() {
        let broken = |what: &str, version: &str| {
            Err(corrupt(format!("the catalogue is damaged, and {what}"))
                .with("resource", name)
                .with("version", version))
        };
        for (version, data) in entry.get("versions").and_then(Value::as_object).into_iter().flatten() {
            let Some(written) = data.get("hash") else { continue };
            if data.as_object().and_then(stored_hash).as_deref() != written.as_str() {
                return broken("a definition does not match its hash", version);
            }
            // The last member of a version: without it, an object before it has swallowed the rest.
            if data.get("createdAt").is_none() {
                return broken("a definition has lost its last members", version);
            }
            if has_registries && !has_whole_registry(entry) {
                return broken("a resource has lost its registry of short keys", version);
            }
        }
    }
    Ok(())
}

/// Major and minor number of the release that wrote the catalogue.
fn release(root: &Map<String, Value>) -> (u32, u32) {
    let mut numbers = root.get("s3dbVersion").and_then(Value::as_str).unwrap_or_default().split('.');
    let mut next = || numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
    (next(), next())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
