//! `s3db stats`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use s3db::catalog::Catalog;
use s3db::key::{Keys, ParsedKey};
use s3db::price::Dollars;
use s3db::store::{ListEntry, ListRequest, Store};
use s3db::{Database, Error};
use serde_json::{Value, json};

use super::sample::Sample;
use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::{Failure, Outcome};
use crate::output::{Output, Table, bytes};

/// Heads that are asked for at once.
const HEADS_AT_ONCE: usize = 16;

/// Arguments of `stats`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db stats
  s3db stats users
  s3db stats users --sample 0 --json | jq .versions

Documents, index entries and the bytes of bodies and keys are counted. Listings do not tell the metadata, nor under which
version of the schema a document was written: these are measured on a sample and reckoned for all; --sample 0 measures
every document. The price is that of the stored bytes, for a month.

Requests: 1 LIST per 1,000 objects of the resources, and 1 HEAD for each document of the sample.")]
pub(crate) struct Args {
    /// Name of the resource; all without it
    resource: Option<String>,

    /// Documents of each resource whose metadata is measured; 0 is all
    #[arg(long, value_name = "N", default_value_t = 100)]
    sample: usize,
}

/// What is known of a resource.
#[derive(Debug, Default)]
struct Stats {
    resource: String,
    documents: u64,
    body_bytes: u64,
    key_bytes: u64,
    references: u64,
    /// Claims of unique values, sequences and storage of plugins.
    others: u64,
    partitions: BTreeMap<String, u64>,
    sampled: u64,
    sampled_metadata_bytes: u64,
    versions: BTreeMap<String, u64>,
    /// Versions of the schema that the catalogue knows.
    schemas: Vec<String>,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let catalog = Catalog::from_json(db.catalog())?;
    let names = match &args.resource {
        Some(name) => vec![db.resource(name)?.name().to_owned()],
        None => db.resource_names(),
    };
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let mut stats = count(&db, &name, args.sample).await?;
        stats.schemas = catalog.versions(&name).into_iter().map(str::to_owned).collect();
        stats.schemas.sort_by_key(|version| (version.len(), version.clone()));
        all.push(stats);
    }
    let people = out.format_or(Format::Table) == Format::Table;
    match (args.resource, all.as_slice()) {
        (Some(_), [stats]) if people => one(stats, &db, out),
        (Some(_), [stats]) if out.format_or(Format::Table) != Format::Csv => out.json(&as_json(stats, &db)),
        _ if people => table(&all, &db, out),
        _ => out.rows([], all.iter().map(|stats| as_json(stats, &db)).collect(), ""),
    }
}

/// Counts a resource's objects, and measures the metadata of a sample of its documents.
async fn count(db: &Database, name: &str, sample: usize) -> Outcome<Stats> {
    let keys = Keys::new(db.key_root());
    let mut stats = Stats { resource: name.to_owned(), ..Stats::default() };
    let mut documents = Sample::new(sample);
    for prefix in [keys.resource(name)?, keys.claims(name, None)?] {
        let mut request = ListRequest::prefix(prefix);
        loop {
            let page =
                db.store().list(request.clone()).await.map_err(|error| error.with("resource", name))?;
            for entry in page.entries {
                if stats.add(&keys, &entry) {
                    documents.offer(|| entry.key.clone());
                }
            }
            if page.continuation.is_none() {
                break;
            }
            request.continuation = page.continuation;
        }
    }
    let heads = futures::stream::iter(documents.take())
        .map(|key| head(db.store().clone(), key))
        .buffer_unordered(HEADS_AT_ONCE);
    let heads: Vec<Option<(u64, String)>> =
        heads.try_collect().await.map_err(|error| error.with("resource", name))?;
    for (bytes, version) in heads.into_iter().flatten() {
        stats.sampled += 1;
        stats.sampled_metadata_bytes += bytes;
        *stats.versions.entry(version).or_default() += 1;
    }
    Ok(stats)
}

/// Bytes of the metadata and the version that the document names; `None` when it was deleted since it was listed.
async fn head(store: Arc<dyn Store>, key: Arc<str>) -> Result<Option<(u64, String)>, Error> {
    let head = store.head(&key).await?;
    Ok(head.map(|head| {
        let version = head.metadata.get("_v").unwrap_or("none").to_owned();
        (head.metadata.size_bytes() as u64, version)
    }))
}

impl Stats {
    /// Counts an object, and says whether it is a document.
    fn add(&mut self, keys: &Keys, entry: &ListEntry) -> bool {
        self.key_bytes += entry.key.len() as u64;
        self.body_bytes += entry.content_length;
        match keys.parse(&entry.key) {
            ParsedKey::Document { .. } => {
                self.documents += 1;
                return true;
            }
            ParsedKey::Reference { partition, .. } => {
                self.references += 1;
                *self.partitions.entry(partition.to_owned()).or_default() += 1;
            }
            _ => self.others += 1,
        }
        false
    }

    fn is_estimated(&self) -> bool {
        self.sampled < self.documents
    }

    /// Bytes of the metadata of all documents, reckoned from the sample.
    fn metadata_bytes(&self) -> u64 {
        if self.sampled == 0 {
            return 0;
        }
        let average = self.sampled_metadata_bytes as f64 / self.sampled as f64;
        (average * self.documents as f64).round() as u64
    }

    /// What a provider counts as stored.
    fn bytes(&self) -> u64 {
        self.body_bytes + self.key_bytes + self.metadata_bytes()
    }
}

fn as_json(stats: &Stats, db: &Database) -> Value {
    json!({
        "resource": stats.resource,
        "documents": stats.documents,
        "body_bytes": stats.body_bytes,
        "key_bytes": stats.key_bytes,
        "metadata_bytes": stats.metadata_bytes(),
        "metadata_is_estimated": stats.is_estimated(),
        "references": stats.references,
        "other_objects": stats.others,
        "partitions": stats.partitions,
        "schema_versions": stats.schemas,
        "sampled": stats.sampled,
        "versions": stats.versions,
        "bytes": stats.bytes(),
        "dollars_per_month": db.prices().storage_dollars(stats.bytes()),
        "prices": db.prices().name(),
    })
}

/// `~` stands before what is reckoned.
fn about(is_estimated: bool, text: String) -> String {
    if is_estimated { format!("~{text}") } else { text }
}

fn per_month(bytes: u64, db: &Database) -> String {
    Dollars(db.prices().storage_dollars(bytes)).to_string()
}

fn table(all: &[Stats], db: &Database, out: &mut Output) -> Outcome {
    if all.is_empty() {
        out.note("No resources found");
        return Ok(());
    }
    let mut table = Table::new([
        "Resource",
        "Documents",
        "Stored",
        "Per month",
        "Bodies",
        "Metadata",
        "References",
        "Versions",
    ]);
    for stats in all {
        table.row([
            stats.resource.clone(),
            stats.documents.to_string(),
            about(stats.is_estimated(), bytes(stats.bytes())),
            per_month(stats.bytes(), db),
            bytes(stats.body_bytes),
            about(stats.is_estimated(), bytes(stats.metadata_bytes())),
            stats.references.to_string(),
            stats.schemas.len().to_string(),
        ]);
    }
    out.table(&table)?;
    out.flush()?;
    let total: u64 = all.iter().map(Stats::bytes).sum();
    let documents: u64 = all.iter().map(|stats| stats.documents).sum();
    out.note(&format!(
        "total: {documents} documents, {}, {} a month ({})",
        bytes(total),
        per_month(total, db),
        db.prices()
    ));
    Ok(())
}

fn one(stats: &Stats, db: &Database, out: &mut Output) -> Outcome {
    let estimated = stats.is_estimated();
    let share = |count: u64| match stats.sampled {
        0 => String::new(),
        sampled => format!("{:.0} %", 100.0 * count as f64 / sampled as f64),
    };
    let mut table = Table::new(["Of", "Amount"]);
    let mut row = |name: &str, amount: String| table.row([name.to_owned(), amount]);
    row("documents", stats.documents.to_string());
    row("bodies", bytes(stats.body_bytes));
    row("metadata", about(estimated, bytes(stats.metadata_bytes())));
    row("keys", bytes(stats.key_bytes));
    row("stored", about(estimated, bytes(stats.bytes())));
    row("per month", format!("{} ({})", per_month(stats.bytes(), db), db.prices()));
    row("schema versions", stats.schemas.join(", "));
    for (version, count) in &stats.versions {
        row(&format!("written under {version}"), about(estimated, share(*count)));
    }
    row("index entries", stats.references.to_string());
    for (partition, count) in &stats.partitions {
        row(&format!("in {partition}"), count.to_string());
    }
    if stats.others > 0 {
        row("other objects", stats.others.to_string());
    }
    out.table(&table)?;
    if estimated {
        out.flush()?;
        out.note(&format!("~ reckoned from {} documents; --sample 0 measures all", stats.sampled));
    }
    Ok::<(), Failure>(())
}
