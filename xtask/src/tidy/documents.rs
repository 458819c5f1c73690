//! Documents: links that lead somewhere, a changelog that is kept, features and examples that are named.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::File;

/// Complains of each document that breaks a rule.
pub(super) fn check(files: &[File], packages: &[Value]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md")) {
        complaints.extend(dead_links(file, files));
    }
    let changelog = text(files, "CHANGELOG.md");
    if !changelog.lines().any(|line| line == "## [Unreleased]") {
        complaints.push("CHANGELOG.md: has no section `## [Unreleased]`".to_owned());
    }
    let readme = text(files, "README.md");
    for feature in features(packages, "s3db") {
        if !readme.contains(&format!("| `{feature}` |")) {
            complaints.push(format!("README.md: the table of features has no row for `{feature}`"));
        }
    }
    let examples = examples(packages);
    for file in files.iter().filter(|file| {
        file.path.parent() == Some(Path::new("examples")) && file.has_extension("rs") && !file.is_test()
    }) {
        let name = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if !examples.contains(&name) {
            complaints.push(format!("{}: has no entry in examples/Cargo.toml", file.name()));
        }
        if !readme.contains(&file.name()) {
            complaints.push(format!("README.md: does not name {}", file.name()));
        }
    }
    complaints
}

fn text<'a>(files: &'a [File], path: &str) -> &'a str {
    files.iter().find(|file| file.path == Path::new(path)).map_or("", |file| &file.text)
}

fn features(packages: &[Value], name: &str) -> Vec<String> {
    let package = packages.iter().find(|package| package.get("name").and_then(Value::as_str) == Some(name));
    let features = package.and_then(|package| package.get("features")).and_then(Value::as_object);
    features
        .into_iter()
        .flat_map(|features| features.keys())
        .filter(|name| *name != "default")
        .cloned()
        .collect()
}

fn examples(packages: &[Value]) -> Vec<String> {
    let targets =
        packages.iter().filter_map(|package| package.get("targets").and_then(Value::as_array)).flatten();
    targets
        .filter(|target| {
            target
                .get("kind")
                .and_then(Value::as_array)
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "example"))
        })
        .filter_map(|target| target.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

/// Links to files that are not there, and to headings that the file does not have.
fn dead_links(file: &File, files: &[File]) -> Vec<String> {
    let folder = file.path.parent().unwrap_or(Path::new(""));
    let mut complaints = Vec::new();
    for (line, link) in links(&file.text) {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (path, heading) = link.split_once('#').unwrap_or((link, ""));
        let path = if path.is_empty() { file.path.clone() } else { joined(folder, path) };
        let found = files.iter().find(|file| file.path == path);
        let is_folder = files.iter().any(|file| file.path.starts_with(&path));
        if !is_folder
            || !heading.is_empty()
                && !found.is_some_and(|file| headings(&file.text).contains(&heading.to_owned()))
        {
            complaints.push(format!("{}:{line}: the link {link} leads nowhere", file.name()));
        }
    }
    complaints
}

/// The targets of `[text](target)`, outside code, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut is_code = false;
    for (at, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Every second part, between two backticks, is code.
        for part in line.split('`').step_by(2) {
            let targets = part.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            links.extend(targets.map(|(target, _)| (at + 1, target)));
        }
    }
    links
}

/// Headings as a link names them: lower case, blanks as hyphens, without other signs.
fn headings(text: &str) -> Vec<String> {
    let titles = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| line.trim_start_matches('#').trim());
    titles
        .map(|title| {
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().to_lowercase().replace(' ', "-")
        })
        .collect()
}

fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut joined = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::ParentDir => {
                joined.pop();
            }
            Component::CurDir => {}
            part => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let files = [
            File { path: "docs/a.md".into(), text: text.to_owned() },
            File { path: "README.md".into(), text: "# Title\n\n## What it is, in short\n".to_owned() },
        ];
        let complaints: Vec<String> = dead_links(&files[0], &files);
        assert_eq!(complaints, expected);
    }

    #[test]
    fn links_to_files_folders_and_headings_are_followed() {
        check(
            "[a](../README.md) [b](../docs) [c](../README.md#what-it-is-in-short) [d](https://example.com/x)",
            &[],
        );
        check("[`code`](../README.md)", &[]);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        check("one\n[a](b.md)", &["docs/a.md:2: the link b.md leads nowhere"]);
        check("[a](../README.md#gone)", &["docs/a.md:1: the link ../README.md#gone leads nowhere"]);
        check("[`code`](b.md)", &["docs/a.md:1: the link b.md leads nowhere"]);
    }

    #[test]
    fn code_holds_no_links() {
        check("`[a](b.md)`\n```\n[a](b.md)\n```", &[]);
    }
}
