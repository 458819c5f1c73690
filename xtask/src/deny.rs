//! `cargo xtask deny`: which licences, crates and sources we depend on.

use std::process::Command;

use crate::{step, tools, workspace};

/// Checks licences, bans and sources against `deny.toml`, and advisories where their database can be had.
pub(crate) fn run() -> anyhow::Result<()> {
    let deny = tools::DENY.installed_or_built()?;
    let check = || -> Command {
        let mut command = workspace::cargo_companion(&deny);
        command.args(["deny", "--workspace", "--all-features"]);
        command
    };
    step::run(check().args(["check", "licenses", "bans", "sources"]))?;
    // A database that cannot be fetched is not a finding; the difference must be seen, not guessed.
    match step::run_quietly(check().args(["fetch", "db"])) {
        Ok(_) => step::run(check().args(["--offline", "check", "advisories"])),
        Err(_) => {
            println!("advisories: not checked, because their database cannot be had from here");
            Ok(())
        }
    }
}
