//! Checks of what no compiler sees. Each rule is a function that lists its complaints, with the place first.

mod code;
mod documents;
mod layers;
mod manifests;
mod sources;
mod words;

use std::{fs, path::PathBuf};

use anyhow::Context;

use crate::workspace;

/// A text file of the repository.
#[derive(Debug)]
struct File {
    /// Relative to the root.
    path: PathBuf,
    text: String,
}

impl File {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn has_extension(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }

    /// Tests may do what users' code must not.
    fn is_test(&self) -> bool {
        let mut parts = self.path.components();
        parts.any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
    }
}

/// Runs every rule, prints all complaints, and fails when there is one.
pub(crate) fn run() -> anyhow::Result<()> {
    let files = files()?;
    let packages = workspace::packages()?;
    let rules = [
        ("manifests", manifests::check(&packages)?),
        ("layers", layers::check(&files)),
        ("sources", sources::check(&files)),
        ("documents", documents::check(&files, &packages)),
        ("words", words::check(&files)),
    ];
    for (rule, complaints) in &rules {
        println!("{rule}: {}", if complaints.is_empty() { "ok" } else { "WRONG" });
        for complaint in complaints {
            println!("  {complaint}");
        }
    }
    match rules.iter().map(|(_, complaints)| complaints.len()).sum() {
        0 => Ok(()),
        1 => anyhow::bail!("tidy found 1 complaint"),
        found => anyhow::bail!("tidy found {found} complaints"),
    }
}

/// All files that git knows and that hold text.
fn files() -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for path in workspace::files()? {
        let bytes =
            fs::read(workspace::root().join(&path)).with_context(|| format!("read {}", path.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path, text });
        }
    }
    Ok(files)
}
