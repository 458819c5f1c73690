//! `cargo xtask test`: every test of the workspace, with the servers up.

use std::process::Command;

use crate::{
    peer, services,
    step::{self, Steps},
    tally::Tally,
    tools, workspace,
};

/// What `cargo xtask test` is asked to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Start no servers; the tests that need one skip themselves.
    #[arg(long)]
    no_services: bool,
    /// Run the tests whose names contain one of these; all when none is given. Leaves the doctests out.
    filters: Vec<String>,
}

/// Runs the tests, and stops the servers afterwards, also after a failure or Ctrl-C.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    step::catch_interrupts()?;
    let mut steps = Steps::default();
    let outcome = all(&mut steps, &args);
    steps.summary();
    outcome
}

fn all(steps: &mut Steps, args: &Args) -> anyhow::Result<()> {
    let mut world = World::default();
    if !args.no_services {
        steps.step("servers", |_| world.prepare())?;
    }
    steps.step("tests", |tally| tests(&world, &args.filters, tally))?;
    if args.filters.is_empty() {
        steps.step("examples in the documentation", doctests)?;
    }
    Ok(())
}

/// What the tests find outside their own process: servers, and s3db.js.
#[derive(Debug, Default)]
pub(crate) struct World {
    services: Option<services::Running>,
    peer: Option<(String, String)>,
}

impl World {
    /// Installs what is missing and starts it. Outside CI, what cannot be had is named and left out.
    pub(crate) fn prepare(&mut self) -> anyhow::Result<()> {
        self.services = or_left_out("the servers", services::install().and_then(|()| services::start()))?;
        self.peer = or_left_out("s3db.js", peer::install())?.map(|folder| peer::variable(&folder));
        Ok(())
    }

    fn tell(&self, command: &mut Command) {
        command.envs(self.services.iter().flat_map(|running| running.env().to_vec()));
        command.envs(self.peer.clone());
    }
}

/// Runs the tests of all crates with all features, by nextest where it can be had.
pub(crate) fn tests(world: &World, filters: &[String], tally: &mut Tally) -> anyhow::Result<()> {
    let mut command = runner();
    command.args(["--workspace", "--all-features", "--no-fail-fast"]).args(filters);
    world.tell(&mut command);
    step::run_counting(&mut command, tally)
        .inspect_err(|_| world.services.iter().for_each(services::Running::print_last_words))
}

/// Runs the examples in doc comments, which nextest cannot.
pub(crate) fn doctests(tally: &mut Tally) -> anyhow::Result<()> {
    step::run_counting(workspace::cargo().args(["test", "--doc", "--workspace", "--all-features"]), tally)
}

/// `cargo nextest run`, or `cargo test` without doctests.
pub(crate) fn runner() -> Command {
    let mut command = workspace::cargo();
    match tools::NEXTEST.installed_or_fetched() {
        Ok(nextest) => {
            command = workspace::cargo_companion(&nextest);
            command.args(["nextest", "run"]);
            if step::is_ci() {
                command.args(["--profile", "ci"]);
            }
        }
        Err(reason) => {
            println!("tests run without nextest: {reason:#}");
            command.args(["test", "--lib", "--bins", "--tests", "--examples"]);
        }
    }
    command
}

/// In CI everything must be there; elsewhere its absence is said, and the tests that need it skip themselves.
fn or_left_out<T>(what: &str, found: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if step::is_ci() => Err(error.context(format!("CI needs {what}"))),
        Err(error) => {
            println!("skipped: tests that need {what}, which cannot be had here: {error:#}");
            Ok(None)
        }
    }
}
