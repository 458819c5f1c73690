//! Where the repository is, and what cargo knows of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde_json::Value;

/// The repository's root folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// The folder that holds everything built; honours `CARGO_TARGET_DIR`.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let dir = text(&metadata()?, "target_directory")?.to_owned();
    Ok(PathBuf::from(dir))
}

/// A command that runs this toolchain's cargo in the root folder.
pub(crate) fn cargo() -> Command {
    clean(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// A command that runs `cargo-NAME`, wherever it is installed. Its first argument is NAME, as cargo would give it.
pub(crate) fn cargo_companion(program: &Path) -> Command {
    clean(Command::new(program))
}

/// `cargo metadata` of the workspace's own packages.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("parse cargo metadata")
}

/// The workspace's own packages, as cargo describes them.
pub(crate) fn packages() -> anyhow::Result<Vec<Value>> {
    match metadata()?.get_mut("packages").map(Value::take) {
        Some(Value::Array(packages)) => Ok(packages),
        _ => bail!("cargo metadata names no packages"),
    }
}

/// Those of the workspace's packages that users can depend on or install.
pub(crate) fn published() -> anyhow::Result<Vec<Value>> {
    let mut packages = packages()?;
    // `publish = false` is told as an empty list of registries.
    packages.retain(|package| package.get("publish").is_none_or(Value::is_null));
    Ok(packages)
}

/// A member of `value` that must be text.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> anyhow::Result<&'a str> {
    value.get(name).and_then(Value::as_str).with_context(|| format!("cargo metadata has no text {name}"))
}

/// Every file that git tracks or would track, relative to the root and sorted.
pub(crate) fn files() -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("run git ls-files")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut files: Vec<PathBuf> = String::from_utf8(output.stdout)
        .context("a file name is not UTF-8")?
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|name| root().join(name).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Runs in the root folder, without what cargo told this program about its own package. Build scripts look at such
/// variables (ring's does), so crates would be built again each time a person changes between cargo and xtask.
fn clean(mut command: Command) -> Command {
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}
