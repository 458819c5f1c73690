//! `s3db get`.

use s3db::encoding::ms_from_iso;
use s3db::env::{Env as _, SystemEnv};
use s3db::{Error, ErrorKind};

use crate::args::Global;
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::Output;

/// Arguments of `get`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db get users ann
  s3db get users ann --output table
  s3db get users ann --as-of 2026-03-01T12:00:00Z        as it was then
  s3db get users ann --as-of 2h                          as it was two hours ago
  s3db get users ann --version-id VERSION                as `s3db history` lists it
  s3db get users ann --snapshot                          before its schema had a new version

Exit code 3 when there is no such document. Old versions are there where the bucket keeps versions of its objects.
Requests: 1 GET, and 1 for the catalogue; --as-of 1 LIST more for each 1,000 versions.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    /// Id of the document
    id: String,
    /// The document as it was at a time: an ISO date or time, UTC unless it says otherwise, or how long ago: 90s, 10m, 2h, 3d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    as_of: Option<Moment>,
    /// An old version of the document
    #[arg(long, value_name = "VERSION", conflicts_with = "as_of")]
    version_id: Option<String>,
    /// What the document was before its schema last had a new version, where the database keeps snapshots
    #[arg(long, conflicts_with_all = ["as_of", "version_id"])]
    snapshot: bool,
}

/// A time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Milliseconds since 1970.
    At(i64),
    /// Milliseconds ago.
    Ago(i64),
}

impl Moment {
    fn ms(self) -> i64 {
        match self {
            Self::At(ms) => ms,
            Self::Ago(ms) => SystemEnv.now_ms().saturating_sub(ms),
        }
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Some(ms) = ms_from_iso(text) {
        return Ok(Moment::At(ms));
    }
    let units = [('s', 1_000), ('m', 60_000), ('h', 3_600_000), ('d', 86_400_000)];
    let ago = units.iter().find_map(|(unit, ms)| {
        let number = text.strip_suffix(*unit)?.parse::<u32>().ok()?;
        i64::from(number).checked_mul(*ms)
    });
    ago.map(Moment::Ago).ok_or_else(|| {
        "write a time such as 2026-03-01, 2026-03-01T12:00:00Z or 2026-03-01T12:00:00+02:00, or how long ago: 90s, 10m, 2h, 3d"
            .to_owned()
    })
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    if args.snapshot {
        let snapshot = resource.snapshot(&args.id).await?;
        return out.record(snapshot.ok_or_else(|| no_snapshot(&args))?);
    }
    let record = match (args.as_of, &args.version_id) {
        (Some(moment), _) => resource.get_as_of(&args.id, moment.ms()).await?,
        (None, Some(version)) => resource.get_version(&args.id, version).await?,
        (None, None) => resource.get(&args.id).await?,
    };
    out.record(record)
}

fn no_snapshot(args: &Args) -> Error {
    Error::new(ErrorKind::NotFound, "there is no snapshot of the document")
        .with("resource", &args.resource)
        .with("id", &args.id)
        .hint("one is kept when a database with the option `versioning` brings a document to a new version of its schema")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago_it_was() {
        for (text, expected) in [
            ("1970-01-02", Some(Moment::At(86_400_000))),
            ("1970-01-01T00:00:01Z", Some(Moment::At(1000))),
            ("1970-01-01T02:00:00+02:00", Some(Moment::At(0))),
            ("90s", Some(Moment::Ago(90_000))),
            ("10m", Some(Moment::Ago(600_000))),
            ("2h", Some(Moment::Ago(7_200_000))),
            ("3d", Some(Moment::Ago(259_200_000))),
            ("yesterday", None),
            ("-2h", None),
            ("h", None),
            ("", None),
        ] {
            assert_eq!(moment(text).ok(), expected, "{text:?}");
        }
    }
}
