//! The plugin of a stranger: `examples/own-plugin`, which is no member of this workspace, builds, conforms and runs.

use std::fs;

use anyhow::{Context, bail};

use crate::{step, tally::Tally, workspace};

const MANIFEST: &str = "examples/own-plugin/Cargo.toml";

/// Tests and runs it, with the versions of this workspace and in its target folder, so that little is built twice.
pub(crate) fn check(tally: &mut Tally) -> anyhow::Result<()> {
    let root = workspace::root();
    fs::copy(root.join("Cargo.lock"), root.join("examples/own-plugin/Cargo.lock"))
        .context("copy the lock file to the stranger's plugin")?;
    let target = workspace::target_dir()?;
    let arguments = |verb: &str| {
        let mut command = workspace::cargo();
        command.arg(verb).arg("--manifest-path").arg(root.join(MANIFEST)).arg("--target-dir").arg(&target);
        command
    };
    step::run_counting(&mut arguments("test"), tally)?;
    let printed = step::run_quietly(arguments("run").arg("--quiet"))?;
    for line in ["totals: {\"users\":2}", "uninstalled, 1 object deleted"] {
        if !printed.contains(line) {
            bail!("the stranger's plugin does not print `{line}`:\n{printed}");
        }
    }
    Ok(())
}
