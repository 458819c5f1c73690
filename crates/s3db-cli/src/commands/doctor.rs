//! `s3db doctor`.

use std::sync::Arc;

use s3db::connection::{Connection, Scheme};
use s3db::doctor::{self, Access, ExamineOptions, Finding, Report, Verdict};
use s3db::env::{Env, SystemEnv};
use s3db::key::Keys;
use s3db::price::{Dollars, FREE, Prices};
use s3db::store::Requests;
use serde_json::{Map, Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Bare};
use crate::exit::{self, Code, Failure, Outcome};
use crate::output::{GREEN, Output, RED, Table, YELLOW, printable};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db doctor
  s3db doctor -c http://KEY:SECRET@localhost:9000/bucket/prefix
  s3db doctor --json | jq -r '.findings[] | select(.verdict == \"lost\") | .probe'
  s3db doctor --policy -c s3://bucket/prefix > policy.json

It works below PREFIX/plugin=s3db-doctor/ and removes what it wrote, also after Ctrl-C.
Exit code: 0 when every promise of s3db holds on this store; 1 when one is lost.
Requests: about 350. They are shown before the first one is sent.")]
pub(crate) struct Args {
    /// Print the least IAM policy that a database at this connection needs, and connect to nothing
    #[arg(long)]
    policy: bool,

    /// With --policy: for a reader
    #[arg(long, requires = "policy")]
    read_only: bool,

    /// Writers of each race
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(2..=64), conflicts_with = "policy")]
    writers: u8,

    /// Rounds of each race
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100), conflicts_with = "policy")]
    rounds: u8,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let connection = connect::connection(global)?;
    if args.policy {
        return policy(&connection, args.read_only, out);
    }
    let env: Arc<dyn Env> = Arc::new(SystemEnv);
    let bare = connect::bare(&connection, &env).await?;
    let mut options = ExamineOptions::below(Keys::new(&connection.prefix).root());
    (options.writers, options.rounds) = (args.writers.into(), args.rounds.into());
    let prices = Prices::of(&connection);
    let dollars = (prices != FREE).then(|| prices.dollars(options.requests()));
    out.note(&price(options.requests(), dollars, &prices));
    if global.explain {
        return Ok(());
    }
    let report = doctor::examine_until(bare.store.clone(), env, options, exit::asked_to_end()).await?;
    let server = identity(&connection, &bare);
    match out.format_or(Format::Table) {
        Format::Json => out.json(&as_json(&report, &server, dollars))?,
        Format::Ndjson | Format::Csv => {
            let rows = report.findings.iter().map(row).collect();
            out.rows(["Probe", "Tried", "Verdict", "Observed", "Consequence", "Advice"], rows, "")?;
        }
        Format::Table => table(&report, out)?,
    }
    out.flush()?;
    conclude(&report, &server, out)
}

fn policy(connection: &Connection, read_only: bool, out: &mut Output) -> Outcome {
    let access = if read_only { Access::ReadOnly } else { Access::ReadWrite };
    let policy = doctor::policy(connection, access).map_err(|error| Failure::Usage {
        message: error.to_string(),
        hint: error.suggestion().unwrap_or_default().to_owned(),
    })?;
    out.json(&policy)
}

/// One line: what the examination costs.
fn price(requests: Requests, dollars: Option<f64>, prices: &Prices) -> String {
    let dollars =
        dollars.map(|dollars| format!("; about {} ({prices})", Dollars(dollars))).unwrap_or_default();
    format!("the examination sends {requests}{dollars}")
}

/// What was examined, in the words of the server where it has some.
fn identity(connection: &Connection, bare: &Bare) -> String {
    #[cfg(feature = "s3")]
    if let Some(s3) = &bare.s3 {
        return format!("{} at {}", s3.server().unwrap_or("a server without a name"), s3.endpoint());
    }
    let _ = bare;
    match connection.scheme {
        Scheme::Memory => "the memory of this process".to_owned(),
        _ => "a folder".to_owned(),
    }
}

fn as_json(report: &Report, server: &str, dollars: Option<f64>) -> Value {
    let requests = report.requests.named().into_iter().filter(|(_, count)| *count > 0);
    let requests: Map<_, _> = requests.map(|(name, count)| (name.to_lowercase(), json!(count))).collect();
    json!({
        "server": server,
        "safe": report.is_safe(),
        "complete": report.complete,
        "requests": requests,
        "dollars": dollars,
        "left_behind": report.left_behind,
        "findings": report.findings.iter().map(row).collect::<Vec<_>>(),
    })
}

/// A finding with all members, also empty ones.
fn row(finding: &Finding) -> Value {
    json!({
        "probe": finding.probe,
        "tried": finding.probe.title(),
        "verdict": finding.verdict,
        "observed": finding.observed,
        "consequence": finding.consequence,
        "advice": finding.advice,
    })
}

fn table(report: &Report, out: &mut Output) -> Outcome {
    let mut table = Table::new(["Probe", "Result", "What the store does", "Consequence"]);
    for finding in &report.findings {
        let cells =
            [finding.probe.as_str(), finding.verdict.as_str(), &finding.observed, &finding.consequence];
        table.row(cells);
    }
    out.table(&table)?;
    for finding in report.findings.iter().filter(|finding| finding.verdict != Verdict::Holds) {
        let style = if finding.verdict == Verdict::Lost { RED } else { YELLOW };
        out.styled(&format!(
            "\n{style}{} {}{style:#}: {}",
            finding.verdict,
            finding.probe,
            printable(&finding.observed)
        ))?;
        out.styled(&format!("  means: {}", finding.consequence))?;
        if !finding.advice.is_empty() {
            out.styled(&format!("  do: {}", finding.advice))?;
        }
    }
    Ok(())
}

fn conclude(report: &Report, server: &str, out: &mut Output) -> Outcome {
    let examined = format!("{}, with {}", printable(server), report.requests);
    if !report.left_behind.is_empty() {
        out.warn(&format!(
            "{} objects could not be removed: {}",
            report.left_behind.len(),
            report.left_behind.join(" ")
        ));
    }
    if !report.complete {
        out.warn(&format!("broken off, and cleaned up: {examined}"));
        return Err(Failure::Reported(Code::Interrupted));
    }
    let (lost, differs) = (report.with(Verdict::Lost).count(), report.with(Verdict::Differs).count());
    if lost > 0 {
        out.warn(&format!("{lost} promises are lost on this store: {examined}"));
        return Err(Failure::Reported(Code::Failed));
    }
    let but = match differs {
        0 => String::new(),
        1 => " (1 difference from AWS S3, which costs none)".to_owned(),
        more => format!(" ({more} differences from AWS S3, which cost none)"),
    };
    out.done(&format!("{GREEN}Every promise holds{GREEN:#}{but}: {examined}"));
    if report.left_behind.is_empty() { Ok(()) } else { Err(Failure::Reported(Code::Failed)) }
}
