//! `cargo xtask sim`: visits simulated worlds, and replays one.

use crate::{step, workspace};

/// Seeds when no number is given.
const SEEDS: u64 = 10_000;

/// Seeds among which each missing rule must show itself, when no number is given.
const MUTATION_SEEDS: u64 = 3000;

/// Which worlds to visit.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// How many seeds; with `--seconds` there is no limit but that one.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Stop after this many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Visit the world of this seed alone, and print its events.
    #[arg(long, env = "S3DB_SIM_SEED")]
    seed: Option<u64>,
    /// Take the rules of the protocols out one by one, and say which world shows it.
    #[arg(long)]
    mutations: bool,
    /// With `--mutations`: the only one to take out, such as `NoStamps`.
    #[arg(long, requires = "mutations")]
    mutation: Option<String>,
    /// The worlds of leaders, of the plugin `coordinator`, in place of those of the core.
    #[arg(long)]
    leaders: bool,
}

impl Args {
    /// As many worlds as fit into this many seconds.
    pub(crate) fn for_seconds(seconds: u64) -> Self {
        let seconds = Some(seconds);
        Self { seeds: None, from: 0, seconds, seed: None, mutations: false, mutation: None, leaders: false }
    }

    /// The same of leaders.
    pub(crate) fn of_leaders(self) -> Self {
        Self { leaders: true, ..self }
    }
}

/// Builds the simulation, optimised, and runs it.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut command = workspace::cargo();
    let (package, example) = match args.leaders {
        true => ("s3db-coordinator", "leaders"),
        false => ("s3db-testkit", "sim"),
    };
    command.args(["run", "--quiet", "--package", package, "--example", example]);
    // What is linked with `lto` takes minutes to build, for a few percent.
    command.args(["--profile", "sim", "--"]);
    let Args { seeds, from, seconds, seed, mutations, mutation, .. } = args.clone();
    match seed {
        _ if mutations => {
            command.args(["mutations".to_owned(), seeds.unwrap_or(MUTATION_SEEDS).to_string()]).args(mutation)
        }
        Some(seed) => command.args(["replay".to_owned(), seed.to_string()]),
        None => {
            let seconds = seconds.unwrap_or(0);
            let seeds = seeds.unwrap_or(if seconds > 0 { u64::MAX } else { SEEDS });
            command.args([from.to_string(), seeds.to_string(), seconds.to_string()])
        }
    };
    step::run(&mut command)
}
