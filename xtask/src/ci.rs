//! `cargo xtask ci`: everything that must hold before a change lands, cheapest first.

use std::thread;

use anyhow::Context;

use crate::{
    deny, own_plugin, peer, services, sim,
    step::{self, Steps},
    test::{self, World},
    test_matrix, tidy, tools, workspace,
};

/// For how long simulated worlds are visited.
const SIMULATED_SECONDS: u64 = 60;

/// Runs all checks in order and stops at the first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    step::catch_interrupts()?;
    let mut steps = Steps::default();
    let outcome = all(&mut steps);
    steps.summary();
    outcome
}

fn all(steps: &mut Steps) -> anyhow::Result<()> {
    // Downloads wait for the network and compilers for the processor: they go well together.
    let installed = thread::spawn(install);
    steps.step("format", |_| step::run(workspace::cargo().args(["fmt", "--all", "--check"])))?;
    steps.step("tidy", |_| tidy::run())?;
    steps.step("clippy", |_| clippy())?;
    steps.step("installed servers and tools", |_| match installed.join() {
        Ok(outcome) => outcome,
        Err(_) => Err(anyhow::anyhow!("the installer died")),
    })?;
    let mut world = World::default();
    steps.step("servers", |_| world.prepare())?;
    steps.step("tests", |tally| test::tests(&world, &[], tally))?;
    drop(world);
    steps.step("simulation", |_| sim::run(&sim::Args::for_seconds(SIMULATED_SECONDS)))?;
    steps.step("simulation of leaders", |_| {
        sim::run(&sim::Args::for_seconds(SIMULATED_SECONDS / 4).of_leaders())
    })?;
    steps.step("examples in the documentation", test::doctests)?;
    steps.step("a stranger's plugin", own_plugin::check)?;
    steps.step("documentation", |_| documentation())?;
    steps.step("features, each alone and all", test_matrix::run)?;
    steps.step("licences, bans, sources", |_| deny::run())
}

fn install() -> anyhow::Result<()> {
    if let Err(reason) = tools::NEXTEST.installed_or_fetched() {
        println!("tests run without nextest: {reason:#}");
    }
    tools::DENY.installed_or_built().context("install cargo-deny")?;
    peer::install().context("install s3db.js")?;
    services::install().context("install the servers")
}

fn clippy() -> anyhow::Result<()> {
    step::run(workspace::cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// Builds the documentation: a link that leads nowhere is an error.
fn documentation() -> anyhow::Result<()> {
    let mut command = workspace::cargo();
    command
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "--deny warnings");
    step::run(&mut command)
}
