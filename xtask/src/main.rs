//! Automation of this repository. `cargo xtask --help` lists what it can do.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod services;
mod tidy;
mod workspace;

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
    /// Check what no compiler sees: layers, docs, manifests, links.
    Tidy,
    /// Install, start and stop the servers that the tests talk to.
    Services(services::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Tidy => tidy::run(),
        Command::Services(args) => services::run(args),
    }
}
