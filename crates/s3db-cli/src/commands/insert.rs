//! `s3db insert`.

use s3db::resource::BatchResult;
use s3db::{Record, Resource};
use serde_json::{Value, json};

use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Code, Failure, Outcome};
use crate::input::{Documents, Input, Stream};
use crate::output::{Output, Records};

/// Documents that are inserted at once, so that a file of any length needs little memory.
const BATCH_DOCS: usize = 1000;

/// Arguments of `insert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db insert users -d '{\"id\": \"ann\", \"name\": \"Ann\", \"email\": \"ann@example.com\"}'
  s3db insert users -f users.ndjson
  jq -c '.users[]' export.json | s3db insert users -f -

The input is one JSON object, an array of them, or objects one after the other, such as one a line. Without an id a
document gets a random one. Of many documents each succeeds or fails by itself: every failure is reported with its place
in the input, and the exit code is then 1. Ids are printed, one a line; --output json, ndjson or csv print the records.

Requests: 1 PUT a document, and 1 for each of its partitions.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,
    #[command(flatten)]
    input: Input,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let documents = args.input.documents()?;
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    match documents {
        Documents::One(document) => {
            let record = resource.insert(document).await?;
            out.done(&format!("Inserted with ID: {}", record.id));
            out.record(record)
        }
        Documents::List(documents) => {
            let mut report = Report::new(out);
            for batch in documents.chunks(BATCH_DOCS) {
                report.add(resource.insert_many(batch.to_vec()).await, batch.len(), out)?;
            }
            report.finish(out)
        }
        Documents::Stream(documents) => stream(&resource, documents, out).await,
    }
}

async fn stream(resource: &Resource, mut documents: Stream, out: &mut Output) -> Outcome {
    let mut report = Report::new(out);
    loop {
        let (batch, end) = take(&mut documents);
        if !batch.is_empty() {
            let size = batch.len();
            report.add(resource.insert_many(batch).await, size, out)?;
        }
        match end {
            End::More => {}
            End::Done => return report.finish(out),
            End::Broken(failure) => {
                // Nothing after the broken place can be trusted; what came before it is in.
                report.finish(out)?;
                return Err(failure);
            }
        }
    }
}

enum End {
    More,
    Done,
    Broken(Failure),
}

fn take(documents: &mut Stream) -> (Vec<Value>, End) {
    let mut batch = Vec::new();
    while batch.len() < BATCH_DOCS {
        match documents.next() {
            Some(Ok(document)) => batch.push(document),
            Some(Err(failure)) => return (batch, End::Broken(failure)),
            None => return (batch, End::Done),
        }
    }
    (batch, End::More)
}

/// Tells how a batch went, as it goes.
struct Report {
    /// `None` prints ids.
    records: Option<Records>,
    seen: usize,
    inserted: usize,
}

impl Report {
    fn new(out: &Output) -> Self {
        let records = (out.format_or(Format::Table) != Format::Table).then(|| Records::new(out));
        Self { records, seen: 0, inserted: 0 }
    }

    fn add(&mut self, batch: BatchResult<Record>, size: usize, out: &mut Output) -> Outcome {
        for failed in &batch.failed {
            let mut which = vec![("item", json!(self.seen + failed.index + 1))];
            which.extend(failed.id.as_ref().map(|id| ("id", json!(id))));
            out.item_failed(&which, &failed.error);
        }
        self.seen += size;
        self.inserted += batch.ok.len();
        for record in batch.ok {
            match &mut self.records {
                Some(records) => records.push(record, out)?,
                None => out.line(&record.id)?,
            }
        }
        Ok(())
    }

    fn finish(self, out: &mut Output) -> Outcome {
        if let Some(records) = self.records {
            records.finish(out)?;
        }
        out.flush()?;
        let failed = self.seen - self.inserted;
        if failed == 0 {
            out.done(&format!("Inserted {} documents", self.inserted));
            return Ok(());
        }
        out.warn(&format!("inserted {} of {} documents; {failed} failed", self.inserted, self.seen));
        Err(Failure::Reported(Code::Failed))
    }
}
