//! `cargo xtask bench`: times s3db, and with `--peer` s3db.js beside it, and prints their ratios.

use std::collections::BTreeMap;
use std::path::PathBuf;
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
    let ours = lines(&mut ours)?;
    if !args.peer {
        return Ok(());
    }
    let folder = peer_folder()?;
    // A module is resolved from its own folder, so that the script must lie beside node_modules.
    let script = folder.join("bench.mjs");
    std::fs::copy(root.join("tests/peer/bench.mjs"), &script)
        .context("the benchmark of s3db.js cannot be copied")?;
    let mut theirs = Command::new(folder.join("node_modules/.bin/node"));
    theirs
        .arg(&script)
        .args([&args.connection, &args.n.to_string(), &args.concurrency.to_string()])
        .current_dir(&folder);
    let theirs: BTreeMap<String, Value> = lines(&mut theirs)?.into_iter().collect();
    for (workload, line) in &ours {
        let (ours, theirs) =
            (measure(workload, line), theirs.get(workload).and_then(|line| measure(workload, line)));
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let ratio = if workload == "rss" { theirs / ours } else { ours / theirs };
            println!("{}", json!({"workload": workload, "ratio": (ratio * 10.0).round() / 10.0}));
        }
    }
    Ok(())
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
