//! `s3db analyze`.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _};
use s3db::behavior::{Behavior, Fate, Weight};
use s3db::{ErrorKind, Record, Resource};
use serde_json::{Value, json};

use super::sample::Sample;
use crate::args::{Format, Global};
use crate::connect::{self, Wanted};
use crate::exit::Outcome;
use crate::output::{BOLD, Output, Table};

mod advice;

/// Documents that are read at once.
const READS_AT_ONCE: usize = 16;

/// Arguments of `analyze`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  s3db analyze users
  s3db analyze users --sample 1000
  s3db analyze users --json | jq '.fields[:3]'

S3 takes 2,047 bytes of metadata. Says how near documents come to that, which fields weigh how much, what each behavior
would make of the documents, and which one suits them. Bytes are those of the metadata that the whole document would need.

Requests: 1 LIST per 1,000 documents, and 1 GET for each document of the sample.")]
pub(crate) struct Args {
    /// Name of the resource
    resource: String,

    /// Documents that are weighed, from all over the resource; 0 is all
    #[arg(long, value_name = "N", default_value_t = 100)]
    sample: usize,
}

/// What is known of the documents of a resource.
#[derive(Debug, Default)]
struct Analysis {
    resource: String,
    behavior: String,
    documents: usize,
    unreadable: usize,
    limit_bytes: usize,
    /// Bytes of each document, in order once all are there.
    sizes: Vec<usize>,
    over_limit: usize,
    fields: HashMap<String, Field>,
    outcomes: Vec<(Behavior, Fates)>,
}

#[derive(Debug, Default)]
struct Field {
    documents: usize,
    bytes: usize,
    max_bytes: usize,
}

/// What a behavior makes of the documents.
#[derive(Debug, Default, Clone, Copy)]
struct Fates {
    metadata: usize,
    split: usize,
    body: usize,
    cut: usize,
    refused: usize,
    body_bytes: usize,
}

pub(crate) async fn run(args: Args, global: &Global, out: &mut Output) -> Outcome {
    let db = connect::open(global, Wanted::Existing, out).await?;
    let resource = connect::resource(&db, &args.resource, global, out)?;
    let mut sample = Sample::new(args.sample);
    let mut ids = std::pin::pin!(resource.ids_stream());
    while let Some(id) = ids.try_next().await? {
        sample.offer(|| id);
    }
    let definition = super::schema::definition(&db, &args.resource)?;
    let mut analysis = Analysis {
        resource: args.resource,
        behavior: definition.map(|definition| definition.behavior).unwrap_or_default(),
        documents: sample.seen(),
        ..Analysis::default()
    };
    let mut weights =
        futures::stream::iter(sample.take()).map(|id| weigh(&resource, id)).buffered(READS_AT_ONCE);
    while let Some((id, weighed)) = weights.next().await {
        match weighed {
            Ok(weight) => analysis.add(weight),
            // Deleted since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) if error.is_retryable() || error.kind() == ErrorKind::Denied => {
                return Err(error.into());
            }
            Err(error) => {
                analysis.unreadable += 1;
                out.item_failed(&[("id", json!(id))], &error);
            }
        }
    }
    analysis.sizes.sort_unstable();
    if global.explain {
        return Ok(());
    }
    match out.format_or(Format::Table) {
        Format::Table => people(&analysis, out),
        Format::Csv => out.rows([], analysis.fields_json(), ""),
        Format::Json | Format::Ndjson => out.json(&analysis.as_json()),
    }
}

async fn weigh(resource: &Resource, id: String) -> (String, s3db::Result<Weight>) {
    let weighed = async {
        let Record { data, .. } = resource.get(&id).await?;
        let mut value = Value::Object(data);
        value["id"] = json!(id);
        resource.weigh(value).await
    };
    let weighed = weighed.await;
    (id, weighed)
}

impl Analysis {
    fn add(&mut self, weight: Weight) {
        self.limit_bytes = weight.limit_bytes;
        self.sizes.push(weight.metadata_bytes);
        for weighed in weight.fields {
            let field = self.fields.entry(weighed.field).or_default();
            field.documents += 1;
            field.bytes += weighed.bytes;
            field.max_bytes = field.max_bytes.max(weighed.bytes);
        }
        let is_over =
            weight.outcomes.iter().any(|o| o.behavior == Behavior::EnforceLimits && o.fate == Fate::Refused);
        self.over_limit += usize::from(is_over);
        for outcome in weight.outcomes {
            let at = self.outcomes.iter().position(|(behavior, _)| *behavior == outcome.behavior);
            let at = at.unwrap_or_else(|| {
                self.outcomes.push((outcome.behavior, Fates::default()));
                self.outcomes.len() - 1
            });
            let Some((_, fates)) = self.outcomes.get_mut(at) else { continue };
            fates.body_bytes += outcome.body_bytes;
            match outcome.fate {
                Fate::Metadata => fates.metadata += 1,
                Fate::Split => fates.split += 1,
                Fate::Body => fates.body += 1,
                Fate::Cut(_) => fates.cut += 1,
                _ => fates.refused += 1,
            }
        }
    }

    fn weighed(&self) -> usize {
        self.sizes.len()
    }

    /// The size that so many percent of the documents do not pass.
    fn percentile(&self, percent: usize) -> usize {
        let at = (self.weighed() * percent).div_ceil(100).saturating_sub(1);
        self.sizes.get(at).copied().unwrap_or(0)
    }

    fn average(&self) -> usize {
        self.sizes.iter().sum::<usize>().checked_div(self.weighed()).unwrap_or(0)
    }

    fn fates(&self, behavior: Behavior) -> Fates {
        self.outcomes.iter().find(|(is, _)| *is == behavior).map(|(_, fates)| *fates).unwrap_or_default()
    }

    /// Fields, the heaviest first.
    fn heaviest(&self) -> Vec<(&String, &Field)> {
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by(|a, b| b.1.bytes.cmp(&a.1.bytes).then_with(|| a.0.cmp(b.0)));
        fields
    }

    fn percent(&self, count: usize) -> usize {
        (100 * count + self.weighed() / 2).checked_div(self.weighed()).unwrap_or(0)
    }

    /// Part of all bytes, in percent.
    fn share(&self, bytes: usize) -> usize {
        (100 * bytes).checked_div(self.sizes.iter().sum()).unwrap_or(0)
    }

    fn fields_json(&self) -> Vec<Value> {
        let field = |(name, field): (&String, &Field)| {
            json!({
                "field": name,
                "filled_percent": self.percent(field.documents),
                "share_percent": self.share(field.bytes),
                "average_bytes": field.bytes.checked_div(field.documents).unwrap_or(0),
                "max_bytes": field.max_bytes,
            })
        };
        self.heaviest().into_iter().map(field).collect()
    }

    fn as_json(&self) -> Value {
        let outcomes = self.outcomes.iter().map(|(behavior, fates)| {
            json!({
                "behavior": behavior.as_str(),
                "in_metadata": fates.metadata,
                "split": fates.split,
                "in_body": fates.body,
                "cut": fates.cut,
                "refused": fates.refused,
                "average_body_bytes": fates.body_bytes.checked_div(self.weighed()).unwrap_or(0),
            })
        });
        json!({
            "resource": self.resource,
            "behavior": self.behavior,
            "documents": self.documents,
            "weighed": self.weighed(),
            "unreadable": self.unreadable,
            "limit_bytes": self.limit_bytes,
            "bytes": {
                "min": self.percentile(0),
                "average": self.average(),
                "p50": self.percentile(50),
                "p95": self.percentile(95),
                "max": self.percentile(100),
            },
            "over_limit": self.over_limit,
            "fields": self.fields_json(),
            "behaviors": outcomes.collect::<Vec<_>>(),
            "suits": advice::suits(self).as_str(),
            "advice": advice::of(self),
        })
    }
}

fn people(analysis: &Analysis, out: &mut Output) -> Outcome {
    if analysis.weighed() == 0 {
        out.note("no documents to weigh");
        return Ok(());
    }
    out.line(&format!(
        "{}: {} documents, {} weighed, behavior {}",
        analysis.resource,
        analysis.documents,
        analysis.weighed(),
        analysis.behavior
    ))?;
    out.line(&format!(
        "bytes of {}: smallest {}, average {}, half up to {}, 95 % up to {}, largest {}; over the limit: {}",
        analysis.limit_bytes,
        analysis.percentile(0),
        analysis.average(),
        analysis.percentile(50),
        analysis.percentile(95),
        analysis.percentile(100),
        analysis.over_limit
    ))?;
    out.line("")?;
    let mut fields = Table::new(["Field", "Filled", "Share", "Average", "Largest"]);
    for field in analysis.fields_json() {
        let number = |name: &str| field[name].to_string();
        fields.row([
            crate::output::text(&field["field"]),
            number("filled_percent") + " %",
            number("share_percent") + " %",
            number("average_bytes") + " B",
            number("max_bytes") + " B",
        ]);
    }
    out.table(&fields)?;
    out.line("")?;
    let mut behaviors = Table::new(["Behavior", "In metadata", "Split", "In body", "Cut", "Refused"]);
    for (behavior, fates) in &analysis.outcomes {
        let counts = [fates.metadata, fates.split, fates.body, fates.cut, fates.refused];
        behaviors.row([behavior.to_string()].into_iter().chain(counts.map(|count| count.to_string())));
    }
    out.table(&behaviors)?;
    out.line("")?;
    out.styled(&format!("{BOLD}Suits{BOLD:#} {}", advice::suits(analysis)))?;
    advice::of(analysis)
        .iter()
        .try_for_each(|line| out.line(&format!("- {}", crate::output::printable(line))))
}
