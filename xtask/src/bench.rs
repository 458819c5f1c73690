//! `cargo xtask bench`: times s3db, and with `--peer` s3db.js beside it, and prints their ratios.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// Times s3db on documents in memory, or on the store of a connection string.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to write.
    #[arg(long, default_value = "memory://bench/db")]
    connection: String,
    /// Documents of a workload.
    #[arg(short, long, default_value_t = 5000)]
    n: usize,
    /// Calls in flight.
    #[arg(short, long, default_value_t = 64)]
    concurrency: usize,
    /// Also runs s3db.js and prints how many times faster s3db is.
    #[arg(long)]
    peer: bool,
    /// Runs, taken in turn with those of s3db.js; the ratios are of medians, and of the best of each.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Compares CPU time with a bare loop of aws-sdk-s3; needs an `http://` connection.
    #[arg(long)]
    raw: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let root = crate::workspace::root();
    let mut ours = crate::workspace::cargo();
    ours.args(["run", "--release", "--quiet", "--package", "s3db-bench", "--"]);
    ours.args([
        "--connection",
        &args.connection,
        "-n",
        &args.n.to_string(),
        "-c",
        &args.concurrency.to_string(),
    ]);
    if args.raw {
        ours.arg("--raw");
        return lines(&mut ours).map(drop);
    }
    let mut theirs = if args.peer { Some(peer(root, args)?) } else { None };
    let (mut our_runs, mut their_runs) = (Runs::default(), Runs::default());
    for _ in 0..args.runs {
        our_runs.add(lines(&mut ours)?);
        if let Some(theirs) = &mut theirs {
            their_runs.add(lines(theirs)?);
        }
    }
    for (workload, ours) in &mut our_runs.0 {
        let Some((_, theirs)) = their_runs.0.iter_mut().find(|(known, _)| known == workload) else {
            continue;
        };
        let less_is_better = workload == "rss";
        let ratio = |ours: f64, theirs: f64| {
            let ratio = if less_is_better { theirs / ours } else { ours / theirs };
            (ratio * 10.0).round() / 10.0
        };
        let (median, best) = (
            ratio(middle(ours), middle(theirs)),
            ratio(best(ours, less_is_better), best(theirs, less_is_better)),
        );
        println!("{}", json!({"workload": workload, "ratio": median, "best": best, "runs": args.runs}));
    }
    Ok(())
}

/// The benchmark of s3db.js.
fn peer(root: &Path, args: &Args) -> Result<Command> {
    let folder = peer_folder()?;
    // A module is resolved from its own folder, so that the script must lie beside node_modules.
    let script = folder.join("bench.mjs");
    std::fs::copy(root.join("tests/peer/bench.mjs"), &script)
        .context("the benchmark of s3db.js cannot be copied")?;
    let mut command = Command::new(folder.join("node_modules/.bin/node"));
    command
        .arg(&script)
        .args([&args.connection, &args.n.to_string(), &args.concurrency.to_string()])
        .current_dir(&folder);
    Ok(command)
}

/// What the runs of one implementation measured, by workload, in the order of the workloads.
#[derive(Default)]
struct Runs(Vec<(String, Vec<f64>)>);

impl Runs {
    fn add(&mut self, lines: Vec<(String, Value)>) {
        for (workload, line) in lines {
            let Some(measured) = measure(&workload, &line) else { continue };
            match self.0.iter_mut().find(|(known, _)| *known == workload) {
                Some((_, all)) => all.push(measured),
                None => self.0.push((workload, vec![measured])),
            }
        }
    }
}

fn middle(measured: &mut [f64]) -> f64 {
    measured.sort_by(f64::total_cmp);
    let (low, high) = (measured.get((measured.len() - 1) / 2), measured.get(measured.len() / 2));
    (low.unwrap_or(&f64::NAN) + high.unwrap_or(&f64::NAN)) / 2.0
}

fn best(measured: &[f64], less_is_better: bool) -> f64 {
    let all = measured.iter().copied();
    if less_is_better { all.fold(f64::INFINITY, f64::min) } else { all.fold(0.0, f64::max) }
}

/// Runs a benchmark, passes its lines on, and returns them by workload.
fn lines(command: &mut Command) -> Result<Vec<(String, Value)>> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    let text = String::from_utf8(output.stdout)?;
    print!("{text}");
    ensure!(output.status.success(), "the benchmark failed: {}", output.status);
    let mut lines = Vec::new();
    for line in text.lines() {
        let json: Value = serde_json::from_str(line)?;
        let workload = json["workload"].as_str().context("a line names no workload")?.to_owned();
        lines.push((workload, json));
    }
    Ok(lines)
}

fn measure(workload: &str, line: &Value) -> Option<f64> {
    line.get(if workload == "rss" { "bytes" } else { "per_second" })?.as_f64()
}

fn peer_folder() -> Result<PathBuf> {
    let folder = match std::env::var_os("S3DB_TEST_PEER") {
        Some(folder) => PathBuf::from(folder),
        None => crate::workspace::target_dir()?.join("peer"),
    };
    if !folder.join("node_modules/.bin/node").exists() {
        bail!("s3db.js is not there; install it with `cargo xtask peer install`");
    }
    Ok(folder)
}
