//! `cargo xtask peer`: the real s3db.js, for tests that write with one implementation and read with the other.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::{step, workspace};

/// What tests read to find s3db.js: a folder with `node_modules/.bin/node` and `node_modules/s3db.js`.
const VARIABLE: &str = "S3DB_TEST_PEER";

/// What `cargo xtask peer` is asked to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Install s3db.js and a Node.js that it runs on, from npm, into the target folder.
    Install,
}

/// Runs `cargo xtask peer`.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match args {
        Args::Install => {
            let (name, folder) = variable(&install()?);
            println!("export {name}={folder}");
        }
    }
    Ok(())
}

/// Installs s3db.js unless this very set-up is installed already, and returns its folder.
pub(crate) fn install() -> anyhow::Result<PathBuf> {
    let source = workspace::root().join("tests/peer");
    let folder = workspace::target_dir()?.join("peer");
    let installed = folder.join("installed.txt");
    let wanted = fingerprint(&source)?;
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("remove an older s3db.js")?;
    }
    copy(&source, &folder)?;
    step::run_quietly(Command::new("npm").current_dir(&folder).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
    ]))?;
    let version = step::run_quietly(
        Command::new(folder.join("node_modules/.bin/node")).current_dir(&folder).args(["check.mjs"]),
    )?;
    println!("{}", version.trim());
    // Written last: a broken installation is done again.
    fs::write(installed, wanted).context("note that s3db.js is installed")?;
    Ok(folder)
}

/// The variable that tells tests where s3db.js is.
pub(crate) fn variable(folder: &Path) -> (String, String) {
    (VARIABLE.to_owned(), folder.display().to_string())
}

/// The text of all files of the set-up: when it changes, s3db.js is installed anew.
fn fingerprint(folder: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for path in sorted(folder)? {
        if path.is_dir() {
            text.push_str(&fingerprint(&path)?);
        } else {
            text.push_str(&format!("{}\n", path.display()));
            text.push_str(&fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?);
        }
    }
    Ok(text)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for path in sorted(from)? {
        let Some(name) = path.file_name() else { bail!("{} has no name", path.display()) };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).with_context(|| format!("copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
