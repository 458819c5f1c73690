//! Manifests: lints, descriptions, and which of our crates may depend on which.

use std::fs;

use anyhow::Context;
use serde_json::Value;

use crate::workspace::text;

/// Crates that put others together; every other crate builds on the core alone.
const ASSEMBLIES: &[&str] = &["s3db", "s3db-cli", "s3db-server"];

/// Complains of each manifest that breaks a rule.
pub(super) fn check(packages: &[Value]) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    for package in packages {
        let name = text(package, "name")?;
        let path = text(package, "manifest_path")?;
        let manifest: toml::Table =
            fs::read_to_string(path).context("read a manifest")?.parse().context("parse a manifest")?;
        if manifest.get("lints").and_then(|lints| lints.get("workspace")) != Some(&toml::Value::Boolean(true))
        {
            complaints.push(format!("{name}: has no `lints.workspace = true`"));
        }
        for member in ["description", "license", "repository", "rust_version"] {
            if text(package, member).is_ok_and(|text| !text.is_empty()) {
                continue;
            }
            complaints.push(format!("{name}: its manifest has no {member}"));
        }
        complaints.extend(edges(name, package));
    }
    Ok(complaints)
}

/// Dependencies on our own crates, other than for tests, that this crate may not have.
fn edges(name: &str, package: &Value) -> Vec<String> {
    // Tests, examples and automation are not built upon, so they may use everything.
    let is_published = package.get("publish").is_none_or(Value::is_null);
    if ASSEMBLIES.contains(&name) || !is_published {
        return Vec::new();
    }
    let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    dependencies
        .filter(|dependency| {
            dependency.get("path").is_some() && dependency.get("kind").is_none_or(Value::is_null)
        })
        .filter_map(|dependency| dependency.get("name").and_then(Value::as_str))
        .filter(|dependency| name == "s3db-core" || *dependency != "s3db-core")
        // A driver builds on its plugin, whose name begins its own.
        .filter(|dependency| *dependency == "s3db" || !name.starts_with(&format!("{dependency}-")))
        .map(|dependency| format!("{name}: must not depend on {dependency}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, dependency: &str, expected: &[&str]) {
        let package = serde_json::json!({
            "publish": null,
            "dependencies": [{ "name": dependency, "path": "/src", "kind": null }, { "name": "bytes", "kind": null }],
        });
        assert_eq!(edges(name, &package), expected);
    }

    #[test]
    fn a_crate_builds_on_the_core_alone() {
        check("s3db-cache", "s3db-core", &[]);
        check("s3db-cache", "s3db", &["s3db-cache: must not depend on s3db"]);
    }

    #[test]
    fn a_driver_builds_on_its_plugin() {
        check("s3db-replicator-postgres", "s3db-replicator", &[]);
        check("s3db-replicator", "s3db-cache", &["s3db-replicator: must not depend on s3db-cache"]);
    }

    #[test]
    fn the_core_builds_on_none_of_ours() {
        check("s3db-core", "s3db-testkit", &["s3db-core: must not depend on s3db-testkit"]);
    }

    #[test]
    fn the_facade_builds_on_all() {
        check("s3db", "s3db-cache", &[]);
    }
}
