//! `s3db fsck`.

use std::time::Duration;

use s3db::fsck::{Estimate, Finding, FsckEvent, FsckOptions, Summary};
use s3db::price::{Dollars, FREE, Prices};
use serde_json::json;

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::output::{self, Output, Table};

/// Findings that are shown for people; the rest is counted.
const ROWS_MAX: usize = 1000;

/// Arguments of `fsck`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db fsck
  s3db fsck users --repair
  s3db fsck --json | jq -r 'select(.kind == \"shared_value\") | .id'

Exit code: 0 when nothing is wrong, or nothing is any more; 1 when findings are left.
Other programs may go on writing. Nothing younger than --grace is touched.
Requests: 2 LIST per 1,000 objects + 1 GET a document and claim. They are shown before the check begins.")]
pub(crate) struct Args {
    /// Name of the resource; all when left out
    resource: Option<String>,

    /// Repair what can be repaired
    #[arg(long)]
    repair: bool,

    /// Age below which nothing is touched: 25m, 90s, 2h, or 0
    #[arg(long, value_name = "AGE", default_value = "25m", value_parser = duration)]
    grace: Duration,

    /// Memory for the keys to compare, in MiB; more keys than fit are compared in several passes
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    memory: u32,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let options = FsckOptions {
        resource: args.resource,
        repair: args.repair,
        grace: args.grace,
        memory_bytes: (args.memory as usize) << 20,
    };
    let check = db.fsck(options).await?;
    out.note(&estimate(check.estimate(), db.prices()));
    let bar = output::bar(global, "objects");
    let as_json = out.format_or(Format::Table) != Format::Table;
    let (mut shown, mut written) = (Vec::new(), Ok(()));
    let mut listener = |event| match event {
        FsckEvent::Progress { done, total } => {
            bar.set_length(total);
            bar.set_position(done);
        }
        FsckEvent::Finding(finding) if as_json && written.is_ok() => {
            written = out.line(&json!(finding).to_string());
        }
        FsckEvent::Finding(finding) if !as_json && shown.len() < ROWS_MAX => shown.push(finding),
        _ => {}
    };
    let summary = check.run(&mut listener).await;
    bar.finish_and_clear();
    written?;
    let summary = summary?;
    if !as_json {
        table(&shown, out)?;
    }
    out.flush()?;
    conclude(&summary, shown.len(), as_json, args.repair, out);
    if summary.is_clean() { Ok(()) } else { Err(Failure::Reported(Code::Failed)) }
}

/// One line: what there is, and what the check costs.
fn estimate(estimate: &Estimate, prices: &Prices) -> String {
    let dollars = if *prices == FREE {
        String::new()
    } else {
        format!("; about {} ({prices})", Dollars(estimate.dollars(prices)))
    };
    format!(
        "{} documents, {} references, {} claims; the check sends {}{dollars}",
        estimate.documents, estimate.references, estimate.claims, estimate.requests
    )
}

fn table(findings: &[Finding], out: &mut Output) -> Outcome {
    if findings.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["Finding", "Repair", "Resource", "Id", "Detail", "Key"]);
    for finding in findings {
        let detail = match &finding.other {
            Some(other) => format!("also in {other}: {}", finding.detail),
            None => finding.detail.clone(),
        };
        let id = finding.id.as_deref().unwrap_or_default();
        let cells =
            [finding.kind.as_str(), finding.repair.as_str(), &finding.resource, id, &detail, &finding.key];
        table.row(cells);
    }
    out.table(&table)
}

fn conclude(summary: &Summary, shown: usize, as_json: bool, repair: bool, out: &mut Output) {
    let found: u64 = summary.found.values().sum();
    if !as_json && found > shown as u64 {
        out.note(&format!("{} findings more; see all with --json", found - shown as u64));
    }
    let looked = format!(
        "{} documents, {} references and {} claims with {}",
        summary.documents, summary.references, summary.claims, summary.requests
    );
    if found == 0 {
        out.done(&format!("Clean: {looked}"));
        return;
    }
    if summary.repaired > 0 {
        out.done(&format!("Repaired {} of {found} findings", summary.repaired));
    }
    out.note(&format!("checked {looked}"));
    if summary.pending > 0 {
        out.note(&format!(
            "{} findings are younger than the grace period; check again later",
            summary.pending
        ));
    }
    let left = summary.left();
    if left > 0 {
        let hint = if repair { "" } else { "; --repair repairs what can be repaired" };
        out.warn(&format!("{left} findings are left{hint}"));
    }
}

/// Seconds, or a number with `s`, `m`, `h` or `d`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let seconds = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("write 90s, 15m, 2h or 1d".to_owned()),
    };
    let count: u64 = digits.parse().map_err(|_| "write 90s, 15m, 2h or 1d".to_owned())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}
