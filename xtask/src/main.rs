//! Automation of this repository. `cargo xtask --help` lists what it can do.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod absences;
mod bench;
mod ci;
mod deny;
mod own_plugin;
mod peer;
mod services;
mod sim;
mod step;
mod tally;
mod test;
mod test_matrix;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, tests and servers of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything that must hold before a change lands, and stop at the first failure.
    Ci,
    /// Run all tests, with the servers up.
    Test(test::Args),
    /// Build each crate with none, the default, each and all of its features; look for unwanted dependencies.
    TestMatrix,
    /// Time s3db, and s3db.js beside it.
    Bench(bench::Args),
    /// Visit simulated worlds with faults and crashes; `S3DB_SIM_SEED` replays one.
    Sim(sim::Args),
    /// Check what no compiler sees: layers, docs, manifests, links.
    Tidy,
    /// Check licences, banned crates and sources of dependencies.
    Deny,
    /// Install, start and stop the servers that the tests talk to.
    Services(services::Args),
    /// Install the real s3db.js for tests that need both implementations.
    #[command(subcommand)]
    Peer(peer::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Ci => ci::run(),
        Command::Test(args) => test::run(args),
        Command::TestMatrix => step::alone("features, each alone and all", test_matrix::run),
        Command::Bench(args) => bench::run(&args),
        Command::Sim(args) => sim::run(&args),
        Command::Tidy => tidy::run(),
        Command::Deny => deny::run(),
        Command::Services(args) => services::run(args),
        Command::Peer(args) => peer::run(&args),
    }
}
